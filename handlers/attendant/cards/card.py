"""The customer card, as text. All its content is data and is escaped."""

from zoneinfo import ZoneInfo

from aiogram import html

from bot.domain.card import Card
from bot.domain.conversation import Conversation, Identity, Transfer, VerifiedBy
from bot.domain.phone import show_phone
from bot.domain.registration import Kind, Registration, Status
from bot.wording.values import erp_ref
from bot.wording.words import KINDS, STATUSES

# The fixed note alone may have 2,000 characters; a message has 4,096.
_LIST_LENGTH = 600
# Telegram allows 128, and counts some characters twice.
_TITLE_LENGTH = 100
_OTHERS = 3
_SUPERGROUPS = -1_000_000_000_000

_TO_REPLY = "Responda a esta mensagem ou às do cliente para falar com ele."
_TO_TOPIC = (
    "O que você escrever neste tópico vai para o cliente. Comece com // para falar só entre "
    "os atendentes."
)

_NOT_PROVEN = "⚠️ "
_PROOF_ENDED = ": a confirmação venceu, ou o cadastro mudou"
_IDENTITIES = {
    Identity.UNVERIFIED: "⚠️ não confirmado",
    Identity.NOT_IDENTIFIED: "❔ não identificado",
}


def card_text(card: Card, *, timezone: ZoneInfo, in_group: bool = True) -> str:
    """Return the facts needed for the first answer: priority, customer, warnings.

    in_group: True if a reply to the card reaches the customer; the card says so then.
    """
    conversation, registration = card.conversation, card.registration
    lines = []
    # All on the first line: a quote of the card shows it below the customer's messages.
    lines.append(_headline(card))
    lines.append(_who(card, timezone))
    if registration:
        lines.append(_kinds_and_status(registration))
        if registration.alert_traits and registration.traits:
            lines.append(f"❗ <b>Atenção:</b> {_listed(registration.traits)}")
        if registration.fixed_note:
            lines.append(f"📌 <b>Observação fixa:</b> {html.quote(registration.fixed_note)}")
        if card.tags:
            lines.append(f"🏷 {_listed(_tags(card))}")
    if phones := _phones(conversation, registration):
        lines.append(f"📞 {phones}")
    if card.has_erp or (registration and (registration.erp_refs or registration.lost_refs)):
        lines.append(_erp_line(card))
    lines += [_elsewhere(card, other) for other in card.elsewhere[:_OTHERS]]
    lines += [
        f"🕘 {_time(other, timezone)} · {html.quote(other.protocol)}" for other in card.recent
    ]
    lines += ["", *_footer(card, timezone, in_group=in_group)]
    return "\n".join(lines)


def short_text(card: Card) -> str:
    """Return customer and protocol only, for use when Telegram refuses the whole card."""
    return (
        f"{_headline(card)}\nProtocolo <b>{card.conversation.protocol}</b>\n"
        "<i>A ficha não coube aqui: toque em Ficha completa.</i>"
    )


def topic_title(card: Card) -> str:
    """Return priority, customer and protocol as plain text, within Telegram's 128 characters.

    A customer whose identity is not proven is marked: the name may only be one that was typed.
    """
    conversation = card.conversation
    mark = "🔴 " if conversation.priority else ""
    tail = f" · {conversation.protocol}"
    return f"{mark}{_not_proven(card)}{card.name}"[: _TITLE_LENGTH - len(tail)] + tail


def full_card_text(card: Card, *, timezone: ZoneInfo) -> str:
    """Return everything on record."""
    registration = card.registration
    if registration is None:
        name = html.quote(card.conversation.shown_name)
        return f"📋 <b>{name}</b>\nAinda não há cadastro para este atendimento.\n{_erp_line(card)}"
    rows = [
        ("Nome", registration.name),
        ("Fantasia", registration.trade_name),
        *(
            [(registration.tax_id.label, registration.tax_id.masked)]
            if registration.tax_id
            else []
        ),
        ("Tipo", ", ".join(KINDS[kind] for kind in sorted(registration.kinds))),
        ("Status", STATUSES[registration.status]),
        ("Celular", registration.phones.mobile and show_phone(registration.phones.mobile)),
        ("Residencial", registration.phones.home and show_phone(registration.phones.home)),
        (
            "Comercial",
            registration.phones.commercial and show_phone(registration.phones.commercial),
        ),
        ("E-mail", registration.email),
        ("Características", ", ".join(registration.traits)[:_LIST_LENGTH]),
        ("Etiquetas", ", ".join(_tags(card))[:_LIST_LENGTH]),
        ("Prioridade", ", ".join(d.shown for d in card.priority_departments)[:_LIST_LENGTH]),
        ("Observação fixa", registration.fixed_note),
        ("Cadastrado em", f"{registration.created.at.astimezone(timezone):%d/%m/%Y %H:%M}"),
        ("Atualizado em", f"{registration.updated.at.astimezone(timezone):%d/%m/%Y %H:%M}"),
    ]
    lines = [f"<b>{label}:</b> {html.quote(value)}" for label, value in rows if value]
    lines.append(_erp_line(card))
    return "\n".join(["📋 <b>Ficha completa</b>", *lines])


def protocol_link(conversation: Conversation) -> str:
    """Return the protocol, as a link to the card if the group has links to messages."""
    protocol, card = html.quote(conversation.protocol), conversation.card_message_id
    if not card or conversation.group_id > _SUPERGROUPS:
        return protocol
    return html.link(protocol, f"https://t.me/c/{_SUPERGROUPS - conversation.group_id}/{card}")


def _headline(card: Card) -> str:
    mark = "🔴🔴 <b>PRIORIDADE</b> · " if card.conversation.priority else ""
    proven = _not_proven(card)
    person = "" if mark or proven else "👤 "
    return f"{mark}{proven}{person}<b>{html.quote(card.name)}</b>"


def _not_proven(card: Card) -> str:
    is_verified = card.conversation.customer.identity is Identity.VERIFIED
    return "" if is_verified else _NOT_PROVEN


def _who(card: Card, timezone: ZoneInfo) -> str:
    conversation, registration, line = card.conversation, card.registration, ""
    if registration and registration.trade_name:
        line += f"{html.quote(registration.trade_name)}\n"
    tax_id = conversation.customer.tax_id
    document = f"{tax_id.label} <code>{html.quote(tax_id.masked)}</code> · " if tax_id else ""
    line += f"{document}{_identity(conversation, timezone)}"
    if card.proof_ended:
        line += _PROOF_ENDED
    if registration and conversation.customer.identity is not Identity.VERIFIED:
        # Someone typed this customer's tax id; the identity is not proven yet.
        line += f"\nDiz chamar-se: {html.quote(conversation.shown_name)}"
    return line


def _identity(conversation: Conversation, timezone: ZoneInfo) -> str:
    customer = conversation.customer
    if customer.identity is not Identity.VERIFIED:
        return _IDENTITIES[customer.identity]
    match customer.verified_by:
        case VerifiedBy.PORTAL:
            how = "pelo portal"
        case VerifiedBy.ATTENDANT if customer.verifier:
            how = f"por {html.quote(customer.verifier.name)}"
        case _:
            how = "por telefone"
    at = customer.verified_at
    when = f" em {at.astimezone(timezone):%d/%m/%Y}" if at else ""
    return f"✅ confirmado {how}{when}"


def _kinds_and_status(registration: Registration) -> str:
    kinds = ", ".join(KINDS[kind] for kind in sorted(registration.kinds))
    status = "Ativo" if registration.status is Status.ACTIVE else "🚫 <b>Inativo</b>"
    return f"{kinds} · {status}"


def _phones(conversation: Conversation, registration: Registration | None) -> str:
    known = registration.phones.all() if registration else ()
    shown = [show_phone(phone) for phone in known]
    shared = conversation.customer.phone
    if shared and shared not in known:
        shown.append(f"{show_phone(shared)} (deste Telegram)")
    return html.quote(" · ".join(shown))


def _erp(registration: Registration) -> str:
    return html.quote(", ".join(sorted(map(erp_ref, registration.erp_refs)))[:_LIST_LENGTH])


def _erp_line(card: Card) -> str:
    """Return the state of the ERP look-up and its result."""
    registration = card.registration
    if card.conversation.lookup:
        return "⏳ <b>ERP não consultado</b>: sem resposta, tentando de novo"
    if registration and registration.erp_refs:
        return f"🗂 {_erp(registration)}"
    if registration and registration.lost_refs:
        return "🗂 ERP: 👋 <b>não está mais no ERP</b>"
    if not card.has_erp:
        return "🗂 ERP: nenhum configurado"
    if registration and registration.kinds != {Kind.PROSPECT}:
        return "🗂 ERP: não vinculado"
    return (
        "🗂 ERP: não encontrado lá"
        if card.conversation.customer.tax_id
        else "🗂 ERP: não consultado"
    )


def _elsewhere(card: Card, other: Conversation) -> str:
    department = card.departments.get(other.department_id)
    where = html.quote(department.shown) if department else "outro departamento"
    who = f"com {html.quote(other.claimed_by.name)}" if other.claimed_by else "na fila"
    return f"🔁 <b>Também aberto</b> em {where}, {who} · {html.quote(other.protocol)}"


def _tags(card: Card) -> list[str]:
    """Return the tags with their colours, including archived ones that the record still has."""
    return [tag.shown for tag in card.tags]


def _listed(values: list[str] | tuple[str, ...]) -> str:
    text = ", ".join(values)
    return html.quote(text if len(text) <= _LIST_LENGTH else text[: _LIST_LENGTH - 1] + "…")


def _time(conversation: Conversation, timezone: ZoneInfo) -> str:
    return f"{conversation.opened_at.astimezone(timezone):%d/%m/%Y %H:%M}"


def _footer(card: Card, timezone: ZoneInfo, *, in_group: bool) -> list[str]:
    conversation = card.conversation
    opened = (
        f"Protocolo <b>{html.quote(conversation.protocol)}</b> · {_time(conversation, timezone)}"
    )
    if card.moved:
        return [opened, _moved_to(card)]
    lines = [opened]
    if came := _came_from(card):
        lines.append(came)
    if not conversation.is_open:
        by = (
            f"por {html.quote(conversation.closed_by)}"
            if conversation.closed_by
            else "pelo cliente"
        )
        return [*lines, f"⚪ Encerrado {by}"]
    if conversation.claimed_by:
        lines.append(f"🟢 Em atendimento por {html.quote(conversation.claimed_by.name)}")
    else:
        lines.append("🟡 Aguardando atendente")
    if in_group:
        lines.append(f"<i>{_TO_TOPIC if conversation.topic_id else _TO_REPLY}</i>")
    return lines


def _came_from(card: Card) -> str:
    """Return how the conversation was transferred here; empty if it was never transferred."""
    transfer = card.conversation.transfer
    if transfer is None:
        return ""
    by, reason = html.quote(transfer.by.name), _reason(transfer)
    if transfer.from_department is not None:
        department = card.departments.get(transfer.from_department)
        where = html.quote(department.shown) if department else "outro departamento"
        return f"↪️ Transferido de {where} por {by}{reason}"
    if transfer.to:
        return f"↪️ Passado a {html.quote(transfer.to)} por {by}{reason}"
    return f"↪️ Devolvido à fila por {by}{reason}"


def _moved_to(card: Card) -> str:
    """Return the department that received the conversation, and who transferred it."""
    department = card.departments.get(card.conversation.department_id)
    where = html.quote(department.shown) if department else "outro departamento"
    transfer = card.conversation.transfer
    by = f" por {html.quote(transfer.by.name)}{_reason(transfer)}" if transfer else ""
    return f"↪️ Transferido para <b>{where}</b>{by}"


def _reason(transfer: Transfer) -> str:
    return f": {html.quote(transfer.reason)}" if transfer.reason else ""
