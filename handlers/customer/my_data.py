"""/meusdados: sends the customer a file of the stored data, and takes a request to correct it."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.filters import CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    User,
)

from bot.domain.conversation import Conversation, Department
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.my_data import NotVerified, ReadMyData
from bot.usecases.ports import Conversations, Tags
from bot.wording.data_file import file_for_person
from bot.wording.values import Names, when
from handlers.answers import answer_press, bot_of
from handlers.customer import my_data_texts as texts
from handlers.customer.reception import Reception
from handlers.customer.states import Customer, go_to
from handlers.customer.texts import IDENTIFY_FIRST


class MyDataButton(CallbackData, prefix="mydata"):
    action: str
    """`fix`, `dep` (with the department's id) or `back`."""
    id: str = ""


async def send(
    message: Message,
    chat: CurrentChat,
    reception: Reception,
    my_data: ReadMyData,
    tags: Tags,
    timezone: ZoneInfo,
) -> None:
    found = await my_data(chat)
    if isinstance(found, NotVerified):
        await message.answer(texts.not_verified(can_verify=reception.confirm_identity))
        return
    # The names of attendants and admins are their own personal data, so the file has none.
    names = Names(
        tags={tag.id: tag.shown for tag in await tags.all()},
        departments={one.id: one.name for one in await reception.departments.all()},
        timezone=timezone,
    )
    content = file_for_person(found.traces, names, chat=found.chat, made=when(found.at, names))
    await message.answer_document(
        BufferedInputFile(
            content, filename=f"meus-dados-{found.at.astimezone(timezone):%Y%m%d}.txt"
        ),
        caption=texts.CAPTION,
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[_button(texts.FIX, "fix")]]),
    )


async def fix(
    callback: CallbackQuery,
    state: FSMContext,
    chat: CurrentChat,
    reception: Reception,
    conversations: Conversations,
    bot: Bot,
) -> None:
    if not await _may_ask(callback, state, chat):
        return
    await answer_press(callback)
    if await conversations.open_in(chat.id):
        await _await_text(bot, chat.id, state, department=None)
        return
    offered = await reception.departments.offered()
    if len(offered) == 1:
        await _await_text(bot, chat.id, state, department=offered[0].id)
    else:
        await _ask_department(bot, chat.id, offered, texts.WHICH_DEPARTMENT)


async def choose_department(
    callback: CallbackQuery,
    callback_data: MyDataButton,
    state: FSMContext,
    chat: CurrentChat,
    bot: Bot,
) -> None:
    """Await the text of the request. The department is checked only when the text comes."""
    if await _may_ask(callback, state, chat):
        await answer_press(callback)
        await _await_text(bot, chat.id, state, department=callback_data.id)


async def receive(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    text: str,
    reception: Reception,
    conversations: Conversations,
) -> None:
    if (await chat.get()).customer.verified_as is None:
        await _leave(chat.id, state, conversations)
        await message.answer(texts.not_verified(can_verify=reception.confirm_identity))
        return
    if texts.is_too_long(text):
        await message.answer(texts.TOO_LONG, reply_markup=_back())
        return
    conversation = await _conversation(chat, state, event_from_user, reception, conversations)
    if conversation is None:
        offered = await reception.departments.offered()
        await _ask_department(bot_of(message), chat.id, offered, texts.GONE)
        return
    await reception.relay(_marked(message, text), conversation, event_from_user)
    await message.answer(texts.sent(conversation.protocol))
    await go_to(Customer.talking, state)


async def receive_other(message: Message) -> None:
    await message.answer(texts.AS_TEXT, reply_markup=_back())


async def leave(message: Message, state: FSMContext, conversations: Conversations) -> None:
    await _leave(message.chat.id, state, conversations)
    await message.answer(texts.LEFT)


async def back(
    callback: CallbackQuery, state: FSMContext, conversations: Conversations, bot: Bot
) -> None:
    await answer_press(callback)
    if await state.get_state() == Customer.correcting:
        await _leave(callback.from_user.id, state, conversations)
    await bot.send_message(callback.from_user.id, texts.LEFT)


def router() -> Router:
    """Return the router of the buttons; the including router handles the command with `send`.

    The including router must also filter for private chats.
    """
    router = Router(name="my_data")
    press = router.callback_query.register
    press(fix, MyDataButton.filter(F.action == "fix"))
    press(choose_department, MyDataButton.filter(F.action == "dep"))
    press(back, MyDataButton.filter(F.action == "back"))
    router.message.register(leave, CommandStart(), Customer.correcting)
    words = ~F.text.startswith("/")
    router.message.register(receive, Customer.correcting, words, F.text.as_("text"))
    router.message.register(receive_other, Customer.correcting, ~F.text)
    return router


async def _may_ask(callback: CallbackQuery, state: FSMContext, chat: CurrentChat) -> bool:
    """Return True if a request may begin now; otherwise answer with the reason."""
    if (await chat.get()).customer.verified_as is None:
        await answer_press(callback, texts.NOT_VERIFIED_NOW, alert=True)
        return False
    step = await state.get_state()
    if step in (Customer.asking, Customer.confirming, Customer.naming, Customer.choosing):
        await answer_press(callback, IDENTIFY_FIRST, alert=True)
        return False
    return True


async def _await_text(
    bot: Bot, chat_id: int, state: FSMContext, *, department: str | None
) -> None:
    """Await the text of the request. department: None if it joins the open conversation."""
    await bot.send_message(chat_id, texts.WRITE, reply_markup=_back())
    await state.set_state(Customer.correcting)
    await state.set_data({"department": department})


async def _ask_department(
    bot: Bot, chat_id: int, offered: Sequence[Department], sentence: str
) -> None:
    rows = [[_button(one.shown, "dep", one.id)] for one in offered]
    rows.append([_button(texts.BACK, "back")])
    await bot.send_message(
        chat_id, sentence, reply_markup=InlineKeyboardMarkup(inline_keyboard=rows)
    )


async def _conversation(
    chat: CurrentChat,
    state: FSMContext,
    user: User,
    reception: Reception,
    conversations: Conversations,
) -> Conversation | None:
    """Return the open conversation, or a new one in the chosen department.

    Returns None if that department is gone.
    """
    if conversation := await conversations.open_in(chat.id):
        return conversation
    chosen = (await state.get_data()).get("department")
    offered = await reception.departments.offered()
    department = next((one for one in offered if one.id == chosen), None)
    if department is None and len(offered) == 1:
        department = offered[0]
    if department is None:
        return None
    return await reception.open_conversation(chat, department, profile_name=user.full_name)


async def _leave(chat_id: int, state: FSMContext, conversations: Conversations) -> None:
    is_open = await conversations.open_in(chat_id) is not None
    await state.set_state(Customer.talking if is_open else None)
    await state.set_data({})


def _marked(message: Message, text: str) -> Message:
    """Return the message as the attendants receive it, with the mark of a correction."""
    mark = f"{texts.CORRECTION}\n"
    # Telegram counts offsets in UTF-16 code units.
    shift = len(mark.encode("utf-16-le")) // 2
    entities = [
        one.model_copy(update={"offset": one.offset + shift}) for one in message.entities or ()
    ]
    return message.model_copy(update={"text": mark + text, "entities": entities or None})


def _back() -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[_button(texts.BACK, "back")]])


def _button(text: str, action: str, department_id: str = "") -> InlineKeyboardButton:
    data = MyDataButton(action=action, id=department_id).pack()
    return InlineKeyboardButton(text=text, callback_data=data)
