"""/fila: shows the customers who wait in a department; a button claims one of them."""

from typing import Final

from aiogram import F, Router, html
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, ReplyParameters

from bot.domain.card import QueueEntry
from bot.domain.conversation import Conversation, Identity
from bot.usecases.attending.attend import Attend, Done
from bot.usecases.attending.queue import DepartmentQueue, ShowQueue
from bot.wording.words import number, short, span
from handlers.attendant import texts
from handlers.attendant.group import IsPress, Press, link
from handlers.buttons import button, in_rows

_SHOWN: Final = 20
_BUTTONS: Final = 8
# Forty lines have to fit into one message.
_NAME: Final = 28
_IN_A_ROW: Final = 4
_SUPERGROUPS: Final = -1_000_000_000_000

_MARKS: Final = {Identity.VERIFIED: "", Identity.UNVERIFIED: " ⚠️", Identity.NOT_IDENTIFIED: " ❔"}


class QueueButton(CallbackData, prefix="queue"):
    """Claims a conversation; without an id, it shows the current queue."""

    conversation: str = ""


async def show(message: Message, show_queue: ShowQueue) -> None:
    queue = await show_queue.of_group(message.chat.id, first=_SHOWN)
    if queue is None:
        await message.reply(texts.NO_DEPARTMENT)
        return
    await message.answer(queue_text(queue), reply_markup=_keyboard(queue))


async def refresh(_: CallbackQuery, press: Press, show_queue: ShowQueue) -> None:
    await press.answer()
    await _show_again(press, show_queue)


async def claim(
    _: CallbackQuery,
    press: Press,
    callback_data: QueueButton,
    attend: Attend,
    show_queue: ShowQueue,
) -> None:
    outcome = await attend.claim(
        callback_data.conversation, press.attendant, group_id=press.group_id
    )
    if isinstance(outcome, Done):
        await press.answer(texts.CLAIMED)
        entry = await show_queue.entry(outcome.conversation)
        await _lead_to(press, entry)
    else:
        await press.refuse(outcome)
    await _show_again(press, show_queue)


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="queue")
    in_group = F.message.chat.type.in_({"group", "supergroup"})
    router.message.register(show, Command("fila"))
    press = router.callback_query.register
    press(refresh, QueueButton.filter(F.conversation == ""), in_group, IsPress())
    press(claim, QueueButton.filter(), in_group, IsPress())
    return router


def queue_text(queue: DepartmentQueue) -> str:
    """Return the waiting customers in order of service, and below them the ones being served."""
    lines = [f"🧾 <b>Fila · {html.quote(queue.department.shown)}</b>"]
    if queue.longest_since is None:
        lines.append("Ninguém aguardando. 🎉")
    else:
        longest = span(queue.at - queue.longest_since)
        lines += [f"{number(queue.total)} aguardando · maior espera: {longest}", ""]
    for position, place in enumerate(queue.waiting, 1):
        one = place.conversation
        mark = "🔴 " if one.priority else ""
        waited = span(queue.at - one.customer_waits_since)
        lines.append(
            f"{position}. {mark}<b>{name_of(place)}</b> · há {waited} · {protocol_link(one)}"
        )
    lines += _more(queue.total - len(queue.waiting))
    if queue.total_served:
        lines += ["", f"🟢 <b>Em atendimento</b> ({number(queue.total_served)})"]
    for place in queue.served:
        one = place.conversation
        holder = html.quote(one.claimed_by.name[:_NAME]) if one.claimed_by else ""
        since = span(queue.at - (one.claimed_at or one.opened_at))
        lines.append(f"• {name_of(place)} · com {holder} há {since} · {protocol_link(one)}")
    return "\n".join([*lines, *_more(queue.total_served - len(queue.served))])


def _more(count: int) -> list[str]:
    return [f"… e mais {number(count)}"] if count > 0 else []


def name_of(place: QueueEntry) -> str:
    """Return the name as on the card, with the mark of its identity. Cut, as the list is long."""
    return html.quote(short(place.name, _NAME)) + _MARKS[place.conversation.customer.identity]


def protocol_link(conversation: Conversation) -> str:
    """Return the protocol, as a link to the card if the group has links to messages."""
    protocol, card = html.quote(conversation.protocol), conversation.card_message_id
    if not card or conversation.group_id > _SUPERGROUPS:
        return protocol
    return html.link(protocol, f"https://t.me/c/{_SUPERGROUPS - conversation.group_id}/{card}")


def _keyboard(queue: DepartmentQueue) -> InlineKeyboardMarkup:
    claims = [
        button(f"✋ {position}", QueueButton(conversation=place.conversation.id))
        for position, place in enumerate(queue.waiting[:_BUTTONS], 1)
    ]
    return in_rows(claims, button(texts.REFRESH, QueueButton()), in_a_row=_IN_A_ROW)


async def _show_again(press: Press, show_queue: ShowQueue) -> None:
    queue = await show_queue.of_group(press.group_id, first=_SHOWN)
    if queue:
        await press.edit(queue_text(queue), _keyboard(queue))


async def _lead_to(press: Press, entry: QueueEntry) -> None:
    """Reply to the card, which may be far above; a reply to this message reaches the customer."""
    conversation = entry.conversation
    if not conversation.card_message_id or conversation.claimed_by is None:
        return
    posted = await press.bot.send_message(
        conversation.group_id,
        message_thread_id=conversation.topic_id,
        text=texts.claimed_from_queue(
            conversation.claimed_by.name, name_of(entry), in_topic=bool(conversation.topic_id)
        ),
        reply_parameters=ReplyParameters(
            message_id=conversation.card_message_id, allow_sending_without_reply=True
        ),
    )
    await link(press.links, conversation.group_id, posted.message_id, conversation.id)
