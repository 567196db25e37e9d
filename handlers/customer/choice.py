"""Choice of the department. Asked after the identification, if there are several departments."""

from collections.abc import Sequence
from typing import Final, assert_never

from aiogram import Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import CommandStart, StateFilter
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove

from bot.domain.conversation import Department
from bot.domain.label import label_key
from bot.domain.outgoing import Content
from bot.usecases.customer.arrive import (
    ConversationIsOpen,
    FirstContact,
    NotLinked,
    Reopened,
    Returning,
    Thanked,
)
from bot.usecases.ports import Conversations
from handlers.access import IsWords
from handlers.answers import answer_press
from handlers.customer import keyboards, texts
from handlers.customer.keyboards import ChooseDepartment
from handlers.customer.states import Customer
from handlers.customer.turn import Turn

STEPS_BEFORE: Final = (
    *(Customer.asking, Customer.confirming, Customer.username, Customer.password),
    Customer.naming,
)


async def wait(turn: Turn) -> None:
    """Await the choice of a department."""
    await turn.go_to(Customer.choosing)


async def open_or_ask(turn: Turn) -> None:
    """Open a conversation, or ask for the department if there are several."""
    offered = await turn.reception.departments.offered()
    if len(offered) > 1:
        await turn.say(texts.CHOOSE_DEPARTMENT, keyboards.departments(offered))
        await wait(turn)
        return
    conversation, sent = await turn.open_conversation(offered[0])
    closed = turn.closed(conversation, offered[0])
    said = texts.opened(conversation.protocol, sent=sent, closed=closed)
    await turn.say(said, ReplyKeyboardRemove())
    await turn.go_to(Customer.talking)


async def ask_again(_: Message, turn: Turn) -> None:
    await _ask(turn, texts.CHOOSE_DEPARTMENT)


async def choose_by_word(message: Message, turn: Turn, conversations: Conversations) -> None:
    """Choose the department that the message names; keep any other message until one is chosen."""
    if there := await conversations.open_in(turn.chat.id):
        # The company called meanwhile.
        await turn.pass_on_kept(there)
        await turn.pass_on(message, there)
        await turn.go_to(Customer.talking)
        return
    offered = await turn.reception.departments.offered()
    if named := _named(offered, message.text):
        await _open(turn, named)
        return
    await turn.keep(message)
    if len(offered) == 1:
        await _open(turn, offered[0])
        return
    data = await turn.state.get_data()
    # Ask once for an album, and not below each of its messages.
    if not message.media_group_id or data.get("album") != message.media_group_id:
        await _ask(turn, texts.KEPT_UNTIL_CHOSEN)
    await turn.state.update_data(album=message.media_group_id)


async def edit_kept(message: Message, turn: Turn) -> None:
    """Update a kept message, so that its edited text is sent."""
    if not await turn.keep_edit(message):
        raise SkipHandler  # belongs to an earlier conversation


async def choose(callback: CallbackQuery, callback_data: ChooseDepartment, turn: Turn) -> None:
    """Open a conversation in the chosen department, unless one is open.

    The button may be below an old message.
    """
    step = await turn.state.get_state()
    if step in STEPS_BEFORE:
        await answer_press(callback, texts.IDENTIFY_FIRST, alert=True)
        return
    if step != Customer.choosing:
        outcome = await turn.reception.arrive(turn.chat, may_reopen=False)
        match outcome:
            case ConversationIsOpen(conversation) | Reopened(conversation):
                await answer_press(callback, texts.already_open(conversation.protocol), alert=True)
                await turn.state.set_state(Customer.talking)
                return
            case FirstContact() | NotLinked():
                await answer_press(callback)
                await turn.say(texts.ASK_TAX_ID, ReplyKeyboardRemove())
                await turn.go_to(Customer.asking)
                return
            case Returning() | Thanked():
                await turn.state.set_data({})
            case _:
                assert_never(outcome)
    department = await turn.reception.departments.get(callback_data.id)
    if department is None or department.archived or department.group_id is None:
        await answer_press(callback, texts.DEPARTMENT_GONE, alert=True)
        await _ask(turn, texts.CHOOSE_DEPARTMENT)
        await turn.state.set_state(Customer.choosing)
        return
    await answer_press(callback)
    await _open(turn, department)


def router() -> Router:
    """Return the router; the including router must filter for private chats."""
    router = Router(name="choice")
    router.callback_query.register(choose, ChooseDepartment.filter())
    router.edited_message.register(edit_kept, StateFilter(*STEPS_BEFORE, Customer.choosing))
    router.message.register(ask_again, CommandStart(), Customer.choosing)
    router.message.register(choose_by_word, Customer.choosing, IsWords())
    return router


async def _ask(turn: Turn, sentence: str) -> None:
    offered = await turn.reception.departments.offered()
    await turn.say(sentence, keyboards.departments(offered))


async def _open(turn: Turn, department: Department) -> None:
    conversation, sent = await turn.open_conversation(department)
    for content in await _kept_before(turn):
        await turn.reception.sending.pass_on_kept(content, conversation)
        sent = True
    if conversation.department_id == department.id:
        said = texts.opened(
            conversation.protocol,
            department=department.name,
            sent=sent,
            closed=turn.closed(conversation, department),
        )
    else:
        # The company called meanwhile, by another department.
        said = texts.still_open(conversation.protocol)
    # Who was not confirmed may still have the button of the portal login.
    await turn.say(said, ReplyKeyboardRemove())
    await turn.go_to(Customer.talking)


async def _kept_before(turn: Turn) -> list[Content]:
    """Return what an earlier version kept in the dialog's own memory."""
    data = await turn.state.get_data()
    return [Content.model_validate(one) for one in data.get("kept", [])]


def _named(offered: Sequence[Department], text: str | None) -> Department | None:
    key = label_key(text or "")
    return next((one for one in offered if one.key == key), None)
