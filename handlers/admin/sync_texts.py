"""Sentences about syncs, for admins."""

from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.job import Job, JobState
from bot.usecases.jobs.begin_sync import LastSync
from bot.wording.jobs import summary

NO_ERP: Final = (
    "Nenhum ERP está configurado. Com BALCAO_ERP_KIND e os dados de acesso, o cadastro vem dele."
)
NO_LIST: Final = (
    "A API deste ERP não oferece uma lista de clientes, por isso não há o que sincronizar. Cada "
    "cliente vem do ERP quando envia o CPF ou CNPJ no atendimento."
)
BEGINNING: Final = "Sincronizando com o ERP…"


def menu(last: LastSync, *, lists_changes: bool, timezone: ZoneInfo) -> str:
    """Return the text above the buttons: what each one does, and the state of the last sync."""
    lines = [
        "🔄 <b>Sincronizar com o ERP</b>",
        "",
        "<b>Rápida</b>: atualiza quem já está no cadastro.",
        "<b>Completa</b>: também inclui quem é novo.",
    ]
    if lists_changes:
        lines.append("<b>Desde o começo</b>: lê tudo outra vez, não só o que mudou.")
    lines += [
        "",
        "Os dados do ERP valem sobre os daqui: nome, telefones, e-mail e status. Etiquetas, "
        "prioridades e observações ficam como estão.",
        "",
        last_line(last, timezone=timezone),
    ]
    return "\n".join(lines)


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
