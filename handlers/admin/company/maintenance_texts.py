"""Sentences of /status and /backup."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import html

from bot.domain.backup import Backups
from bot.domain.errors import Problem
from bot.domain.group import Right
from bot.domain.job import COMMAND_LINE, Counts, Job, JobState, JobTrouble
from bot.domain.retention import SET_ASIDE_KEPT, UNDELIVERED_KEPT
from bot.usecases.company.status import Failed, GroupStatus, Status, Waiting
from bot.wording.reasons import describe_trouble
from bot.wording.sync import last_line
from bot.wording.words import COLLECTIONS, counted, number, plural, span

# Telegram allows 20 messages a minute in a group: in any busy hour that means a minute of delay.
_LATE: Final = timedelta(minutes=1)

CHECKING = "Verificando…"
AGAIN = "🔄 Atualizar"
SET_ASIDE = "⚠️ Postas de lado: ver, repetir ou descartar"

BACK_UP_NOW = "💾 Fazer backup agora"
CANCEL = "Cancelar"
CANCELLED = "Nenhum backup foi feito."
ALREADY_DONE = "Este pedido já foi atendido. Para outro backup, envie /backup."
BEGAN = "💾 <b>Fazendo o backup…</b>\nVocê pode continuar usando o bot."
SENT = "✅ <b>Backup pronto.</b> O arquivo está logo abaixo."
CANCELLING = "💾 Cancelando o backup…"
STOPPED = "⚠️ Este backup parou antes do fim."

EXPLANATION = (
    "💾 <b>Backup do cadastro</b>\n\n"
    "Envio aqui um arquivo com tudo o que não pode se perder: cadastros, auditoria, chats, "
    "atendimentos, etiquetas e departamentos.\n\n"
    "⚠️ <b>São dados pessoais, e o arquivo não é criptografado.</b> Guarde-o onde só pessoas "
    "autorizadas o leiam, e apague-o desta conversa depois.\n\n"
    "Para restaurar é preciso usar a linha de comando do servidor, com o bot parado: "
    "<code>balcao restore ARQUIVO</code>"
)

_COMMAND = "No servidor, use a linha de comando: <code>balcao backup ARQUIVO</code>"
_SHORT_TROUBLES = {
    JobTrouble.DISK_FULL: "disco cheio",
    JobTrouble.NOT_WRITABLE: "pasta de dados sem permissão",
    JobTrouble.DATABASE: "o banco de dados não respondeu",
    JobTrouble.DISTURBED: "o cadastro mudou demais",
    JobTrouble.TOO_LARGE: "grande demais para o Telegram",
    JobTrouble.BLOCKED: "quem pediu bloqueou o bot",
    JobTrouble.NO_RIGHT: "quem pediu não é mais administrador",
    JobTrouble.TELEGRAM: "o Telegram não aceitou o arquivo",
    JobTrouble.INTERRUPTED: "interrompido",
    JobTrouble.UNKNOWN: "erro inesperado",
}
_RIGHTS = {
    Right.ADMINISTRATOR: "ser administrador",
    Right.DELETE: "apagar mensagens",
    Right.PIN: "fixar mensagens",
    Right.TOPICS: "gerenciar tópicos",
}
_PROBLEMS = {
    Problem.DATABASE_GONE: "não responde",
    Problem.DATABASE_BROKEN: "parou de ler e gravar: confira o disco e reinicie",
    Problem.DISK_FULL: "disco cheio",
    Problem.GROUP: "não alcanço o grupo: confira se o bot está nele",
}


def progress(job: Job, done: Counts) -> str:
    """Return the progress of a backup, by collection."""
    expected = job.preview.fields if job.preview else {}
    lines = []
    for key, words in COLLECTIONS.items():
        if count := done.fields.get(key):
            total = expected.get(key, 0)
            of = f" de {number(total)}" if total >= count else ""
            lines.append(f"{number(count)}{of} {plural(max(count, total), *words)}")
    return "\n".join([CANCELLING if job.is_cancelled else BEGAN, "", *lines])


def caption(counts: Mapping[str, int], *, size_bytes: int, sha256: str) -> str:
    return (
        f"{_listed(counts)}\n\n{_size(size_bytes)}\nsha256: <code>{sha256}</code>\n\n"
        "⚠️ Dados pessoais, sem criptografia. Para restaurar, na linha de comando: "
        "<code>balcao restore ARQUIVO</code>"
    )


def already_running(job: Job, *, timezone: ZoneInfo) -> str:
    """Return a text short enough for an alert window."""
    since = _moment(job.created_at, timezone)
    return f"Já há um backup em andamento, desde {since}. Espere ele terminar."


def ended(job: Job) -> str:
    """Return what becomes of the message that showed the progress."""
    return {JobState.DONE: SENT, JobState.CANCELLED: CANCELLED}.get(job.state, STOPPED)


def trouble(job: Job) -> str:
    """Return why the backup of a failed job was not delivered."""
    if job.trouble is JobTrouble.TOO_LARGE:
        return (
            f"⚠️ <b>O backup não foi enviado.</b> Ele tem {_size(_size_bytes(job))}, e o Telegram "
            f"aceita de um bot até 50 MB. {_COMMAND}"
        )
    return f"⚠️ <b>O backup não foi feito.</b> {describe_trouble(job)}"


def status(now: Status, *, timezone: ZoneInfo) -> str:
    """Return the whole answer to /status, with a line for each part."""
    kind = "embutido" if now.is_embedded else "MongoDB"
    well = "✅" if now.database is None else "❌"
    lines = [
        f"<b>Balcão {html.quote(now.version)}</b>, "
        f"no ar desde {_moment(now.running_since, timezone)}",
        "",
        f"{well} Banco de dados ({kind}): {_why(now.database) if now.database else 'responde'}",
        _counted("Cadastros", now.registrations, about=True),
        _counted("Atendimentos abertos", now.open_conversations),
        *_waiting(now),
        *_broker(now, timezone),
        _erp(now),
        *_sync(now, timezone),
        *_retained(now, timezone),
        "",
        *_groups(now),
        "",
        *_backups(now.backups, timezone),
        "",
        f"Verificado às {now.checked_at.astimezone(timezone):%H:%M:%S}",
    ]
    return "\n".join(lines)


def _counted(what: str, count: int | Failed, *, about: bool = False) -> str:
    if isinstance(count, Failed):
        return f"❌ {what}: {_why(count)}"
    return f"▫️ {what}: {'cerca de ' if about and count else ''}{number(count)}"


def _waiting(now: Status) -> list[str]:
    if isinstance(now.waiting, Failed):
        return [f"❌ Mensagens na fila: {_why(now.waiting)}"]
    # The message that asks for the status is itself one of the pending updates.
    lines = [f"▫️ Mensagens na fila: {number(max(0, now.waiting.pending - 1))}"]
    lines.append(_unsent(now.waiting, now.checked_at))
    if aside := now.waiting.set_aside:
        lines.append(
            f"⚠️ Postas de lado por erro: {number(aside)}. Veja no botão abaixo; "
            f"cada uma some em {SET_ASIDE_KEPT.days} dias."
        )
    if undelivered := now.waiting.undelivered:
        lines.append(
            f"⚠️ Não entregues: {number(undelivered)}. O aviso de cada uma tem o botão de enviar "
            f"de novo; o texto some em {UNDELIVERED_KEPT.days} dias."
        )
    return lines


def _unsent(waiting: Waiting, now: datetime) -> str:
    line = f"Envios esperando: {number(waiting.unsent)}"
    since = waiting.unsent_since
    if since is None or now - since < _LATE:
        return f"▫️ {line}"
    return f"⚠️ {line}, o primeiro há {span(now - since)}"


def _broker(now: Status, timezone: ZoneInfo) -> list[str]:
    """Return how the broker of jobs does, where one is set."""
    if not now.has_broker:
        return []
    away = now.broker_away
    if away is None:
        return ["✅ Servidor de tarefas (NATS): responde"]
    why = "recusa a ligação" if away.is_refused else "não responde"
    line = (
        f"⚠️ Servidor de tarefas (NATS): {why}, desde {_moment(away.since, timezone)}. As tarefas "
        "andam mesmo assim: cada processo as busca no banco de dados."
    )
    if away.is_refused:
        line += " Confira BALCAO_BROKER_URL no servidor."
    return [line]


def _erp(now: Status) -> str:
    if not now.erp:
        return "▫️ ERP: nenhum"
    if now.erp_answer is None:
        return f"✅ ERP ({html.quote(now.erp)}): responde"
    why = "não respondeu a tempo" if now.erp_answer.is_slow else "não responde"
    return f"❌ ERP ({html.quote(now.erp)}): {why}. Os clientes continuam sendo atendidos."


def _sync(now: Status, timezone: ZoneInfo) -> list[str]:
    if now.last_sync is None:
        return []
    if isinstance(now.last_sync, Failed):
        return [f"❌ Sincronização: {_why(now.last_sync)}"]
    return [last_line(now.last_sync, timezone=timezone)]


def _retained(now: Status, timezone: ZoneInfo) -> list[str]:
    run = now.retained
    if run is None:
        return []
    if isinstance(run, Failed):
        return [f"❌ Atendimentos antigos: {_why(run)}"]
    if run.ended_at is None:
        return [f"🗑 Atendimentos antigos: apagando desde {_moment(run.began_at, timezone)}"]
    return [
        f"🗑 Atendimentos antigos apagados em {_moment(run.ended_at, timezone)}: "
        f"{number(run.conversations)}"
    ]


def _groups(now: Status) -> list[str]:
    if isinstance(now.groups, Failed):
        return [f"❌ Departamentos: {_why(now.groups)}"]
    lines = [line for group in now.groups.asked for line in _group(group)]
    if now.groups.more:
        lines.append(f"… e mais {number(now.groups.more)}: veja em /departamentos")
    return lines


def _group(group: GroupStatus) -> list[str]:
    name = html.quote(group.department.name)
    if group.access is None:
        return [f"⚠️ <b>{name}</b>: sem grupo. Envie /departamentos no grupo dele."]
    if isinstance(group.access, Failed):
        return [f"❌ <b>{name}</b>: {_why(group.access)}"]
    place = f"<b>{name}</b>: grupo {html.quote(group.access.title)}"
    if not group.access.missing:
        return [f"✅ {place}"]
    missing = ", ".join(_RIGHTS[right] for right in group.access.missing)
    return [f"⚠️ {place}", f"Falta ao bot: {missing}. Veja como em /departamentos"]


def _backups(backups: Backups | Failed, timezone: ZoneInfo) -> list[str]:
    if isinstance(backups, Failed):
        return [f"❌ Último backup: {_why(backups)}"]
    lines = []
    if running := backups.running:
        since = _moment(running.created_at, timezone)
        lines.append(f"💾 Backup em andamento desde {since}, pedido por {_by(running.by)}")
    made, failed = backups.made, backups.failed
    if made is not None:
        lines.append(
            f"💾 Último backup: {_ended(made, timezone)}, por {_by(made.by)}, "
            f"{_size(_size_bytes(made))}"
        )
    else:
        lines.append("⚠️ Último backup: nenhum até agora. Faça um com /backup")
    if failed and (made is None or failed.id > made.id):
        why = _SHORT_TROUBLES.get(failed.trouble or JobTrouble.UNKNOWN, "erro inesperado")
        lines.append(
            f"⚠️ Última tentativa: {_ended(failed, timezone)}, por {_by(failed.by)}: {why}"
        )
    return lines


def _ended(job: Job, timezone: ZoneInfo) -> str:
    return _moment(job.ended_at or job.created_at, timezone)


def _size_bytes(job: Job) -> int:
    return sum(file.size_bytes for file in job.results)


def _by(by: str) -> str:
    if by == COMMAND_LINE:
        return "linha de comando"
    admin_id = by.partition(":")[2]
    return f'<a href="tg://user?id={admin_id}">administrador {admin_id}</a>'


def _why(failed: Failed) -> str:
    if failed.is_slow:
        return "não respondeu a tempo"
    return _PROBLEMS.get(failed.problem, "não respondeu") if failed.problem else "não respondeu"


def _listed(counts: Mapping[str, int]) -> str:
    return "\n".join(
        counted(counts[key], *words) for key, words in COLLECTIONS.items() if key in counts
    )


def _moment(at: datetime, timezone: ZoneInfo) -> str:
    return f"{at.astimezone(timezone):%d/%m/%Y às %H:%M}"


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} KB"
    return f"{size_bytes / 1e6:.1f} MB".replace(".", ",")
