"""The stored data about a person, as a text file that every program can open."""

from collections.abc import Iterable, Iterator
from typing import Final

from bot.domain.audit import AuditEntry, Event
from bot.domain.conversation import Chat, Identity
from bot.domain.data_subject import StoredUpdate, Traces
from bot.domain.fields import PASSWORD_HASH
from bot.domain.phone import show_phone
from bot.domain.registration import Registration
from bot.wording.transcript import CUSTOMER, said_lines
from bot.wording.values import LABELS, WAYS, Names, show_value, when, who
from bot.wording.words import EVENTS, counted

_IDENTITIES: Final = {
    Identity.VERIFIED: "identidade confirmada",
    Identity.UNVERIFIED: "documento informado, identidade não confirmada",
    Identity.NOT_IDENTIFIED: "não identificado",
}


def file_for_person(traces: Traces, names: Names, *, chat: Chat, made: str) -> bytes:
    """Return the file for the person; it does not reveal other people or their chats.

    made: time of creation, as text.
    """
    lines = [
        "DADOS GUARDADOS SOBRE VOCÊ",
        f"Feito em {made}",
        *_registration(traces.registration, names, "CADASTRO"),
        *_section("ESTE CHAT", _chat(chat, names)),
        *_section("ATENDIMENTOS", _conversations(traces, names, of_chat=chat)),
        *_section("QUEM MUDOU O QUÊ NO CADASTRO", _entries(traces, names, for_person=True)),
    ]
    return _bytes(lines)


def file_for_admin(traces: Traces, names: Names, *, made: str) -> bytes:
    """Return the full file; the admin checks it before giving it to the person."""
    title = traces.tax_id.masked if traces.tax_id else ""
    lines = ["DADOS GUARDADOS SOBRE O TITULAR", title, f"Feito em {made}"]
    lines += _registration(traces.registration, names, "CADASTRO")
    there = traces.registration.id if traces.registration else None
    for copy in traces.deleted:
        if copy.id != there:
            lines += _registration(copy, names, "CADASTRO EXCLUÍDO (cópia que a auditoria guarda)")
    for chat in traces.chats:
        lines += _section(f"CHAT DO TELEGRAM {chat.id}", _chat(chat, names))
    lines += _section("ATENDIMENTOS", _conversations(traces, names))
    lines += _section("QUEM MUDOU O QUÊ", _entries(traces, names, for_person=False))
    lines += _section("MENSAGENS NA CAIXA DE ENTRADA", _updates(traces.updates, names))
    return _bytes(lines)


def _bytes(lines: Iterable[str]) -> bytes:
    return "\r\n".join([*lines, ""]).encode("utf-8-sig")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return ["", title, *(list(lines) or ["Nada."])]


def _registration(of: Registration | None, names: Names, title: str) -> list[str]:
    if of is None:
        return _section(title, ["Nenhum cadastro."])
    lines = []
    for path, label in LABELS.items():
        shown = show_value(path, of.value(path), names)
        if path == PASSWORD_HASH and of.portal.password_hash:
            shown += " (só a forma cifrada, que ninguém lê)"
        # A note can have several lines.
        lines.append(f"{label}: {shown}".replace("\n", "\r\n    "))
    lines.append(f"Criado em: {when(of.created.at, names)} ({WAYS[of.created.way]})")
    lines.append(f"Alterado em: {when(of.updated.at, names)} ({WAYS[of.updated.way]})")
    return _section(title, lines)


def _chat(chat: Chat, names: Names) -> Iterator[str]:
    customer = chat.customer
    linked = customer.registration_id or customer.tax_id
    yield f"Ligado ao cadastro: {'sim' if linked else 'não'} ({_IDENTITIES[customer.identity]})"
    if customer.tax_id:
        yield f"{customer.tax_id.label} informado: {customer.tax_id.masked}"
    if customer.phone:
        yield f"Telefone compartilhado: {show_phone(customer.phone)}"
    if customer.name:
        yield f"Nome informado: {customer.name}"
    if chat.privacy_notice_at:
        version = chat.privacy_notice_version or "anterior às versões"
        yield f"Aviso de privacidade: {when(chat.privacy_notice_at, names)}, versão {version}"
    if chat.attempts:
        yield f"Documentos diferentes informados em {chat.attempts_on}: {len(chat.attempts)}"


def _conversations(traces: Traces, names: Names, *, of_chat: Chat | None = None) -> Iterator[str]:
    """Yield the conversations, with what was said in them.

    of_chat: the chat of the person who gets the file, without names of the company's people. The
    words of other chats are left out: whoever typed this document there may be somebody else.
    """
    for one in traces.conversations:
        department = names.departments.get(one.department_id, one.department_id)
        ended = f"encerrado em {when(one.closed_at, names)}" if one.closed_at else "aberto"
        yield (
            f"Protocolo {one.protocol}: {department}, aberto em {when(one.opened_at, names)}, "
            f"{ended} ({_IDENTITIES[one.customer.identity]})"
        )
        said = traces.said.get(one.id, ())
        if of_chat is None:
            shared = one.customer.phone
            phone = f", telefone {show_phone(shared)}" if shared else ""
            yield f"    chat {one.chat_id}, como “{one.shown_name}”{phone}"
            lines = said_lines(said, one.shown_name or CUSTOMER, names.timezone)
        elif one.chat_id == of_chat.id:
            lines = said_lines(said, "Você", names.timezone, attendants="Atendente")
        else:
            continue
        for line in lines:
            yield f"    {line}"


def _entries(traces: Traces, names: Names, *, for_person: bool) -> Iterator[str]:
    for entry in traces.entries:
        by = _role(entry) if for_person else who(entry.provenance.by, names)
        yield (
            f"{when(entry.provenance.at, names)}: {EVENTS[entry.event]}, por {by} "
            f"({WAYS[entry.provenance.way]})"
        )
        for change in entry.changes:
            before, after = (
                show_value(change.path, value, names) for value in (change.before, change.after)
            )
            yield f"    {LABELS.get(change.path, change.path)}: de {before} para {after}"
    there = traces.registration
    if there and all(entry.event is not Event.CREATED for entry in traces.entries):
        # A creation by a job has no audit entry.
        yield f"{when(there.created.at, names)}: Criação ({WAYS[there.created.way]})"


def _role(entry: AuditEntry) -> str:
    """Return the author's role: the names of the company's people are their own data."""
    kind = entry.provenance.by.partition(":")[0]
    return {"admin": "um administrador", "chat": "um chat", "erp": "o sistema da empresa"}.get(
        kind, "a empresa"
    )


def _updates(updates: Iterable[StoredUpdate], names: Names) -> list[str]:
    lines = [
        f"{when(one.received_at, names)}: "
        f"{'falhou e foi posta de lado' if one.is_set_aside else 'espera a vez'}"
        for one in updates
    ]
    return [counted(len(lines), "mensagem", "mensagens"), *lines] if lines else []
