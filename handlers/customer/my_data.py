"""/meusdados: sends the customer a file of the stored data, and takes a request to correct it."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.filters import CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from bot.domain.conversation import Conversation, Department
from bot.usecases.customer.my_data import ReadMyData
from bot.usecases.ports import Conversations, Tags
from bot.wording.data_file import file_for_person
from bot.wording.values import Names, when
from handlers.access import IsWords
from handlers.answers import answer_press
from handlers.buttons import button, in_rows
from handlers.customer import my_data_texts as texts
from handlers.customer.states import Customer
from handlers.customer.texts import IDENTIFY_FIRST
from handlers.customer.turn import Turn
from handlers.relay.correction_menu import menu_text


class MyDataButton(CallbackData, prefix="mydata"):
    action: str
    """`fix`, `dep` (with the department's id) or `back`."""
    id: str = ""


_BACK: Final = button(texts.BACK, MyDataButton(action="back"))


async def send(
    message: Message, turn: Turn, my_data: ReadMyData, tags: Tags, timezone: ZoneInfo
) -> None:
    found = await my_data(turn.chat)
    if found is None:
        await turn.say(texts.not_verified(can_verify=turn.reception.confirm_identity))
        return
    # The names of attendants and admins are their own personal data, so the file has none.
    names = Names(
        tags={tag.id: tag.shown for tag in await tags.all()},
        departments={one.id: one.name for one in await turn.reception.departments.all()},
        timezone=timezone,
    )
    content = file_for_person(found.traces, names, chat=found.chat, made=when(found.at, names))
    await message.answer_document(
        BufferedInputFile(
            content, filename=f"meus-dados-{found.at.astimezone(timezone):%Y%m%d}.txt"
        ),
        caption=texts.CAPTION,
        reply_markup=in_rows([button(texts.FIX, MyDataButton(action="fix"))]),
    )


async def fix(callback: CallbackQuery, turn: Turn, conversations: Conversations) -> None:
    if not await _may_ask(callback, turn):
        return
    await answer_press(callback)
    if await conversations.open_in(turn.chat.id):
        await _await_text(turn, department=None)
        return
    offered = await turn.reception.departments.offered()
    if len(offered) == 1:
        await _await_text(turn, department=offered[0].id)
    else:
        await _ask_department(turn, offered, texts.WHICH_DEPARTMENT)


async def choose_department(
    callback: CallbackQuery, callback_data: MyDataButton, turn: Turn
) -> None:
    """Await the text of the request. The department is checked only when the text comes."""
    if await _may_ask(callback, turn):
        await answer_press(callback)
        await _await_text(turn, department=callback_data.id)


async def receive(message: Message, turn: Turn, text: str, conversations: Conversations) -> None:
    registration = await turn.chat.verified()
    if registration is None:
        await _leave(turn, conversations)
        await turn.say(texts.not_verified(can_verify=turn.reception.confirm_identity))
        return
    if texts.is_too_long(text):
        await turn.say(texts.TOO_LONG, in_rows([_BACK]))
        return
    conversation = await _conversation(turn, conversations)
    if conversation is None:
        offered = await turn.reception.departments.offered()
        await _ask_department(turn, offered, texts.GONE)
        return
    await turn.pass_on(_marked(message, text), conversation)
    # An attendant may have switched the conversation to another document.
    if conversation.customer.registration_id == registration.id:
        await turn.reception.sending.say(
            conversation,
            menu_text(registration),
            id=f"correct:{message.chat.id}:{message.message_id}",
            corrects=True,
        )
    await turn.say(texts.sent(conversation.protocol))
    await turn.go_to(Customer.talking)


async def receive_other(_: Message, turn: Turn) -> None:
    await turn.say(texts.AS_TEXT, in_rows([_BACK]))


async def leave(_: Message, turn: Turn, conversations: Conversations) -> None:
    await _leave(turn, conversations)
    await turn.say(texts.LEFT)


async def back(callback: CallbackQuery, turn: Turn, conversations: Conversations) -> None:
    await answer_press(callback)
    if await turn.state.get_state() == Customer.correcting:
        await _leave(turn, conversations)
    await turn.say(texts.LEFT)


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
    router.message.register(receive, Customer.correcting, IsWords(), F.text.as_("text"))
    router.message.register(receive_other, Customer.correcting, ~F.text)
    return router


async def _is_verified(turn: Turn) -> bool:
    return await turn.chat.verified() is not None


async def _may_ask(callback: CallbackQuery, turn: Turn) -> bool:
    """Return True if a request may begin now; otherwise answer with the reason."""
    if not await _is_verified(turn):
        await answer_press(callback, texts.NOT_VERIFIED_NOW, alert=True)
        return False
    step = await turn.state.get_state()
    if step in (Customer.asking, Customer.confirming, Customer.naming, Customer.choosing):
        await answer_press(callback, IDENTIFY_FIRST, alert=True)
        return False
    return True


async def _await_text(turn: Turn, *, department: str | None) -> None:
    """Await the text of the request. department: None if it joins the open conversation."""
    await turn.say(texts.WRITE, in_rows([_BACK]))
    await turn.state.set_state(Customer.correcting)
    await turn.state.set_data({"department": department})


async def _ask_department(turn: Turn, offered: Sequence[Department], sentence: str) -> None:
    choices = [button(one.shown, MyDataButton(action="dep", id=one.id)) for one in offered]
    await turn.say(sentence, in_rows(choices, _BACK))


async def _conversation(turn: Turn, conversations: Conversations) -> Conversation | None:
    """Return the open conversation, or a new one in the chosen department.

    Returns None if that department is gone.
    """
    if conversation := await conversations.open_in(turn.chat.id):
        return conversation
    chosen = (await turn.state.get_data()).get("department")
    offered = await turn.reception.departments.offered()
    department = next((one for one in offered if one.id == chosen), None)
    if department is None and len(offered) == 1:
        department = offered[0]
    return (await turn.open_conversation(department))[0] if department else None


async def _leave(turn: Turn, conversations: Conversations) -> None:
    is_open = await conversations.open_in(turn.chat.id) is not None
    await turn.go_to(Customer.talking if is_open else None)


def _marked(message: Message, text: str) -> Message:
    """Return the message as the attendants receive it, with the mark of a correction."""
    mark = f"{texts.CORRECTION}\n"
    # Telegram counts offsets in UTF-16 code units.
    shift = len(mark.encode("utf-16-le")) // 2
    entities = [
        one.model_copy(update={"offset": one.offset + shift}) for one in message.entities or ()
    ]
    return message.model_copy(update={"text": mark + text, "entities": entities or None})
