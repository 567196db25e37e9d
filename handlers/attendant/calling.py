"""The call of a customer: from the full card in a group, or by an admin from the record."""

from typing import assert_never

from aiogram import Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

from bot.domain.card import Card
from bot.domain.conversation import Chat, Conversation, Department, Identity
from bot.domain.phone import show_phone
from bot.usecases.attending.attend import Gone
from bot.usecases.customer.call_customer import (
    AlreadyOpen,
    Blocked,
    CallCustomer,
    Called,
    CanBeCalled,
    NobodyVerified,
)
from handlers.attendant import calling_texts as texts
from handlers.attendant.cards.card import protocol_link
from handlers.attendant.group import IsPress, Press
from handlers.buttons import button, in_rows
from handlers.customer.texts import called
from handlers.relay.sending import Sending

_MARK = 8
_MOST = 20


class CallButton(CallbackData, prefix="call"):
    """Calls the customer of a conversation of the group, or in private of a registration."""

    of: str
    chat: int = 0
    """0 until it is chosen, and so long the button is not below a question of its own."""
    department: str = ""
    """First characters of its id; empty in a group, and until it is chosen."""


def offer(card: Card) -> InlineKeyboardButton | None:
    """Return the button, unless there is nobody to call or the customer is here already."""
    conversation = card.conversation
    is_here = conversation.is_open and conversation.customer.identity is Identity.VERIFIED
    if card.registration is None or is_here:
        return None
    return button(texts.CALL, CallButton(of=conversation.id))


async def press(
    _: CallbackQuery,
    press: Press,
    callback_data: CallButton,
    call_customer: CallCustomer,
    sending: Sending,
) -> None:
    await call(press, callback_data, call_customer, sending)


async def call(
    press: Press, data: CallButton, call_customer: CallCustomer, sending: Sending
) -> None:
    """Call the customer, after asking for the chat and the department if there are several."""
    found = await _whom(press, data, call_customer)
    if isinstance(found, Gone):
        await press.answer(texts.GONE, alert=True)
        return
    if isinstance(found, NobodyVerified):
        await press.answer(texts.NOBODY_VERIFIED, alert=True)
        return
    chats = [one for one in found.chats if data.chat in (0, one.id)]
    if not chats:
        await press.answer(texts.NOBODY_VERIFIED, alert=True)
        return
    if len(chats) > 1:
        await _show(press, data, *_which_chat(data, chats))
        return
    chat = chats[0]
    if there := await call_customer.conversations.open_in(chat.id):
        await _show_there(press, data, there, call_customer)
        return
    offered = await _departments(press, call_customer)
    chosen = [one for one in offered if not data.department or _mark(one) == data.department]
    if not chosen:
        await press.answer(texts.NO_DEPARTMENT, alert=True)
        return
    if len(chosen) > 1:
        await _show(press, data, *_which_department(data, chat, chosen))
        return
    outcome = await call_customer(chat.id, found.registration.id, chosen[0], press.attendant)
    match outcome:
        case Called(conversation):
            await _tell_customer(conversation, chosen[0], press, call_customer, sending)
            name = found.registration.name
            text = texts.called(name, conversation.protocol, chosen[0])
            await _show(press, data, text, about=conversation.id)
        case AlreadyOpen(conversation):
            await _show_there(press, data, conversation, call_customer)
        case NobodyVerified():
            await press.answer(texts.NOBODY_VERIFIED, alert=True)
        case Blocked():
            await press.answer(texts.BLOCKED, alert=True)
        case _:
            assert_never(outcome)


def router() -> Router:
    """Return the router of the button, in groups and in private."""
    router = Router(name="calling")
    router.callback_query.register(press, CallButton.filter(), IsPress())
    return router


async def _whom(
    press: Press, data: CallButton, call_customer: CallCustomer
) -> CanBeCalled | NobodyVerified | Gone:
    caller_id = press.attendant.id
    if press.group_id < 0:
        return await call_customer.of_conversation(
            data.of, group_id=press.group_id, caller_id=caller_id
        )
    return await call_customer.whom(data.of, caller_id=caller_id)


async def _departments(press: Press, call_customer: CallCustomer) -> list[Department]:
    """Return the department of the group, or in private those of the admin's groups."""
    if press.group_id < 0:
        department = await call_customer.departments.of_group(press.group_id)
        return [department] if department and not department.archived else []
    return list(await call_customer.departments_of(press.attendant.id))


async def _show(
    press: Press,
    data: CallButton,
    text: str,
    keyboard: InlineKeyboardMarkup | None = None,
    *,
    about: str = "",
) -> None:
    """Show it below the card or record, or in place of the question that was answered."""
    await press.answer()
    if data.chat:
        await press.edit(text, keyboard, about=about)
    else:
        await press.below(text, keyboard, about=about)


async def _tell_customer(
    conversation: Conversation,
    department: Department,
    press: Press,
    call_customer: CallCustomer,
    sending: Sending,
) -> None:
    """Tell the customer who calls; the department too, if the company has several."""
    company = (await press.bot.me()).full_name
    several = len(await call_customer.departments.all()) > 1
    name = department.name if several else None
    await sending.say(
        conversation,
        called(company, conversation.protocol, department=name),
        id=f"called:{conversation.id}",
        to_customer=True,
    )


def _which_chat(data: CallButton, chats: list[Chat]) -> tuple[str, InlineKeyboardMarkup]:
    shown = [button(_named(chat), CallButton(of=data.of, chat=chat.id)) for chat in chats[:_MOST]]
    return texts.WHICH_CHAT, in_rows(shown)


def _which_department(
    data: CallButton, chat: Chat, offered: list[Department]
) -> tuple[str, InlineKeyboardMarkup]:
    shown = [
        button(one.shown, CallButton(of=data.of, chat=chat.id, department=_mark(one)))
        for one in offered[:_MOST]
    ]
    return texts.WHICH_DEPARTMENT, in_rows(shown)


def _mark(department: Department) -> str:
    return department.id[:_MARK]


def _named(chat: Chat) -> str:
    """Return what tells the chats of one registration apart."""
    customer = chat.customer
    phone = show_phone(customer.phone) if customer.phone else ""
    since = f"confirmado em {customer.verified_at:%d/%m/%Y}" if customer.verified_at else ""
    return " · ".join(filter(None, (customer.name, phone, since))) or f"Telegram {chat.id}"


async def _show_there(
    press: Press, data: CallButton, there: Conversation, call_customer: CallCustomer
) -> None:
    department = await call_customer.departments.get(there.department_id)
    where = html.quote(department.shown) if department else "outro departamento"
    holder = there.claimed_by.name if there.claimed_by else None
    # From another group nobody answers its customer.
    about = there.id if there.group_id == press.group_id else ""
    await _show(press, data, texts.already_open(protocol_link(there), where, holder), about=about)
