"""Words for syncs with the ERP."""

from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.job import Job, JobState
from bot.usecases.jobs.begin_sync import LastSync
from bot.wording.jobs import summary

BEGINNING: Final = "Sincronizando com o ERP…"
EFFECTS: Final = (
    "Os dados do ERP valem sobre os daqui: nome, telefones, e-mail e status. Etiquetas, "
    "prioridades e observações ficam como estão."
)


def last_line(last: LastSync, *, timezone: ZoneInfo) -> str:
    """Return how the last sync ended and when the next one is due."""
    parts = [_how(last.job, timezone)]
    if last.next_at is None:
        parts.append("sem horário automático")
    elif last.job is None or not last.job.is_active:
        parts.append(f"próxima às {last.next_at.astimezone(timezone):%H:%M de %d/%m}")
    return ", ".join(parts)


def runs_already(job: Job) -> str:
    return f"⏳ A sincronização da tarefa {job.id} ainda está andando. Espere que termine."


def _how(job: Job | None, timezone: ZoneInfo) -> str:
    if job is None:
        return "▫️ Sincronização: nenhuma ainda"
    at = (job.ended_at or job.began_at or job.created_at).astimezone(timezone)
    match job.state:
        case JobState.DONE:
            return f"✅ Sincronização: concluída às {at:%H:%M de %d/%m}, {summary(job)}"
        case JobState.FAILED:
            return f"❌ Sincronização: falhou às {at:%H:%M de %d/%m} (tarefa {job.id})"
        case JobState.CHECKED:
            return f"❓ Sincronização: espera sua resposta (tarefa {job.id}, em /tarefas)"
        case JobState.CANCELLED:
            return f"▫️ Sincronização: cancelada às {at:%H:%M de %d/%m}"
        case _:
            return f"⏳ Sincronização: andando desde {at:%H:%M} (tarefa {job.id})"
