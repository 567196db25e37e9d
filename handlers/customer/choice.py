"""Choice of the department. Asked after the identification, if there are several departments."""

from collections.abc import Sequence
from typing import Final, assert_never

from aiogram import Bot, F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove, User

from bot.domain.conversation import Department
from bot.domain.label import label_key
from bot.domain.outgoing import Content
from bot.usecases.customer.arrive import (
    ConversationIsOpen,
    FirstContact,
    NotLinked,
    Reopened,
    Returning,
)
from bot.usecases.customer.current_chat import CurrentChat
from handlers.answers import answer_press, bot_of
from handlers.customer import keyboards, texts
from handlers.customer.keyboards import ChooseDepartment
from handlers.customer.reception import Reception
from handlers.customer.states import Customer, go_to
from handlers.relay.content import customer_content

# Older messages are dropped, but not silently: the answer says that a department must be chosen.
_KEPT: Final = 50
STEPS_BEFORE: Final = (
    *(Customer.asking, Customer.confirming, Customer.username, Customer.password),
    Customer.naming,
)


async def wait(state: FSMContext, *, keep: Content | None = None) -> None:
    """Await the choice of a department. `keep` is the content of a message for the attendants."""
    await state.set_state(Customer.choosing)
    await _store_kept(state, [keep] if keep else [])


async def ask_again(message: Message, reception: Reception) -> None:
    await _ask(bot_of(message), message.chat.id, reception, texts.CHOOSE_DEPARTMENT)


async def choose_by_word(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
) -> None:
    """Choose the department that the message names; keep any other message until one is chosen."""
    offered = await reception.departments.offered()
    if (named := _named(offered, message.text)) or len(offered) == 1:
        department = named or offered[0]
        if named is None:
            await _keep(state, message, event_from_user)
        await _open(bot_of(message), event_from_user, state, chat, reception, department)
        return
    kept = await _keep(state, message, event_from_user)
    # Ask once for an album, and not below each of its messages.
    if kept == 1 or not message.media_group_id:
        await _ask(bot_of(message), message.chat.id, reception, texts.KEPT_UNTIL_CHOSEN)


async def edit_kept(message: Message, state: FSMContext, event_from_user: User) -> None:
    """Update a kept message, so that its edited text is sent."""
    kept = await _kept(state)
    if all(content.source_message_id != message.message_id for content in kept):
        raise SkipHandler  # belongs to an earlier conversation
    changed = [
        customer_content(message, event_from_user)
        if content.source_message_id == message.message_id
        else content
        for content in kept
    ]
    await _store_kept(state, changed)


async def choose(
    callback: CallbackQuery,
    callback_data: ChooseDepartment,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
    bot: Bot,
) -> None:
    """Open a conversation in the chosen department, unless one is open.

    The button may be below an old message.
    """
    step = await state.get_state()
    if step in STEPS_BEFORE:
        await answer_press(callback, texts.IDENTIFY_FIRST, alert=True)
        return
    if step != Customer.choosing:
        outcome = await reception.arrive(chat, may_reopen=False)
        match outcome:
            case ConversationIsOpen(conversation) | Reopened(conversation):
                await answer_press(callback, texts.already_open(conversation.protocol), alert=True)
                await state.set_state(Customer.talking)
                return
            case FirstContact() | NotLinked():
                await answer_press(callback)
                await bot.send_message(
                    chat.id, texts.ASK_TAX_ID, reply_markup=ReplyKeyboardRemove()
                )
                await go_to(Customer.asking, state)
                return
            case Returning():
                await _store_kept(state, [])
            case _:
                assert_never(outcome)
    department = await reception.departments.get(callback_data.id)
    if department is None or department.archived or department.group_id is None:
        await answer_press(callback, texts.DEPARTMENT_GONE, alert=True)
        await _ask(bot, chat.id, reception, texts.CHOOSE_DEPARTMENT)
        await state.set_state(Customer.choosing)
        return
    await answer_press(callback)
    await _open(bot, event_from_user, state, chat, reception, department)


def router() -> Router:
    """Return the router; the including router must filter for private chats."""
    router = Router(name="choice")
    router.callback_query.register(choose, ChooseDepartment.filter())
    router.edited_message.register(edit_kept, Customer.choosing)
    router.message.register(ask_again, CommandStart(), Customer.choosing)
    router.message.register(choose_by_word, Customer.choosing, ~F.text.startswith("/"))
    return router


async def _ask(bot: Bot, chat_id: int, reception: Reception, sentence: str) -> None:
    offered = await reception.departments.offered()
    await bot.send_message(chat_id, sentence, reply_markup=keyboards.departments(offered))


async def _open(
    bot: Bot,
    user: User,
    state: FSMContext,
    chat: CurrentChat,
    reception: Reception,
    department: Department,
) -> None:
    conversation = await reception.open_conversation(chat, department, profile_name=user.full_name)
    kept = await _kept(state)
    for content in kept:
        await reception.relay.content(content, conversation)
    await bot.send_message(
        user.id,
        texts.opened(conversation.protocol, department=department.name, sent=bool(kept)),
    )
    await go_to(Customer.talking, state)


async def _keep(state: FSMContext, message: Message, user: User) -> int:
    """Keep the message and return how many messages wait now."""
    kept = [*await _kept(state), customer_content(message, user)][-_KEPT:]
    await _store_kept(state, kept)
    return len(kept)


async def _kept(state: FSMContext) -> list[Content]:
    """Return the messages that wait for the choice, oldest first."""
    return [Content.model_validate(one) for one in (await state.get_data()).get("kept", [])]


async def _store_kept(state: FSMContext, kept: Sequence[Content]) -> None:
    stored = [one.model_dump(mode="json", exclude_defaults=True) for one in kept]
    await state.set_data({"kept": stored})


def _named(offered: Sequence[Department], text: str | None) -> Department | None:
    key = label_key(text or "")
    return next((one for one in offered if one.key == key), None)
