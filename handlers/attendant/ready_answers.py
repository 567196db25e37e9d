"""Ready answers: sent to a customer by `!word`, or chosen from buttons below the card."""

from collections.abc import Sequence
from typing import Final, assert_never

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Filter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, User

from bot.domain.conversation import Conversation
from bot.domain.ready_answer import ReadyAnswer, asked_word, find, nearest
from bot.usecases.attending.attend import AlreadyClosed, Attend, Done, Gone, Moved
from bot.usecases.attending.ready_answers import UseReadyAnswers
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.company.departments import Departments
from bot.usecases.ports import Outbox
from handlers.answers import say_below
from handlers.attendant import ready_answer_texts as texts
from handlers.attendant import texts as attendant_texts
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.group import IsPress, Press, writer_of
from handlers.attendant.replies import say_unsent, say_whose, say_why, why_not
from handlers.buttons import button, in_rows
from handlers.relay.content import answered, speaker_of, speaking
from handlers.relay.refusals import is_not_modified
from handlers.relay.sending import Sending

_ON_A_PAGE: Final = 8
_CLOSE: Final = "x"


class ReadyButton(CallbackData, prefix="ready"):
    """Sends an answer to a conversation's customer.

    Without an answer it shows the page, and "x" closes the list. Without a conversation the list
    is only to be read.
    """

    conversation: str = ""
    answer: str = ""
    page: int = 0


class AsksForAnswer(Filter):
    """Filter for messages that are only a sign and a short word; it passes the word on."""

    async def __call__(self, message: Message) -> bool | dict[str, object]:
        word = asked_word(message.text or "")
        return False if word is None else {"word": word}


async def send_by_word(
    message: Message,
    word: str,
    event_from_user: User,
    attend: Attend,
    replied_to: RepliedTo,
    ready_answers: UseReadyAnswers,
    sending: Sending,
    state: FSMContext,
    departments: Departments,
) -> None:
    """Send the answer with this word to the customer, as if the attendant had written it."""
    topic_id, _ = answered(message)
    if word and (why := await why_not(message, replied_to)):
        await say_why(message, why, state, attend, departments)
        return
    conversation = await attend.conversation_of(replied_to, topic_id=topic_id)
    if conversation is None or not word:
        await _without_sending(message, word, conversation, ready_answers)
        return
    answers = await ready_answers.of_conversation(conversation)
    answer = find(answers, word)
    if answer is None:
        await message.reply(texts.unknown(word, nearest(answers, word)))
        return
    writer = writer_of(message, event_from_user)
    outcome = await attend.answer(replied_to, writer, topic_id=topic_id)
    match outcome:
        case Done(conversation):
            text = await ready_answers.filled(answer, conversation)
            shown = await message.reply(texts.sent(writer.name, answer, text))
            await sending.ready(
                text,
                conversation,
                id=f"{message.chat.id}:{message.message_id}",
                shown_at=shown.message_id,
                by=writer.name,
                at=message.date,
                speaker=speaker_of(message),
                below=await replied_to.link(),
            )
            await say_whose(message, conversation, writer, replied_to, sending)
        case AlreadyClosed() | Moved():
            await say_unsent(message, state, outcome)
        case Gone():
            await say_below(message, state, texts.needs_customer(word))
        case _:
            assert_never(outcome)


async def without_customer(message: Message, word: str, ready_answers: UseReadyAnswers) -> None:
    """Say that nothing is sent outside a conversation; a sign alone shows the list."""
    await _without_sending(message, word, None, ready_answers)


async def show(
    message: Message, attend: Attend, replied_to: RepliedTo, ready_answers: UseReadyAnswers
) -> None:
    """Handle /respostas: show the answers, with buttons if it is in a conversation."""
    topic_id, _ = answered(message)
    conversation = await attend.conversation_of(replied_to, topic_id=topic_id)
    await _without_sending(message, "", conversation, ready_answers)


async def offer(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    attend: Attend,
    ready_answers: UseReadyAnswers,
) -> None:
    """Show the answers below the card."""
    conversation = await attend.open_in(callback_data.conversation, group_id=press.group_id)
    if not isinstance(conversation, Conversation):
        await press.refuse(conversation)
        return
    answers = await ready_answers.of_conversation(conversation)
    if not answers:
        await press.answer(texts.NONE_YET, alert=True)
        return
    await press.answer()
    await press.below(*_list(answers, conversation))


async def turn(
    _: CallbackQuery,
    press: Press,
    callback_data: ReadyButton,
    attend: Attend,
    ready_answers: UseReadyAnswers,
    outbox: Outbox,
) -> None:
    """Show another page of the list, with the answers there are now."""
    if await _is_used(press, outbox):
        return
    conversation = None
    if callback_data.conversation:
        found = await attend.open_in(callback_data.conversation, group_id=press.group_id)
        if not isinstance(found, Conversation):
            await press.refuse(found)
            return
        conversation, answers = found, await ready_answers.of_conversation(found)
    else:
        answers = await ready_answers.of_group(press.group_id) or ()
    await press.answer()
    await press.edit(*_list(answers, conversation, page=callback_data.page))


async def close(
    _: CallbackQuery, press: Press, callback_data: ReadyButton, outbox: Outbox
) -> None:
    if await _is_used(press, outbox):
        return
    await press.answer()
    await press.edit(texts.NOTHING_SENT, about=callback_data.conversation)


async def choose(
    _: CallbackQuery,
    press: Press,
    callback_data: ReadyButton,
    attend: Attend,
    ready_answers: UseReadyAnswers,
    sending: Sending,
    outbox: Outbox,
) -> None:
    """Send the chosen answer to the customer; the list becomes what was sent."""
    group_id = press.group_id
    if await _is_used(press, outbox):
        return
    conversation = await attend.open_in(callback_data.conversation, group_id=group_id)
    if not isinstance(conversation, Conversation):
        await press.refuse(conversation)
        return
    answers = await ready_answers.of_conversation(conversation)
    answer = next((one for one in answers if one.id == callback_data.answer), None)
    if answer is None:
        await press.answer(texts.DELETED, alert=True)
        return
    await attend.take_up(conversation, press.attendant)
    text = await ready_answers.filled(answer, conversation)
    shown_at = await _show_sent(press, texts.sent(press.attendant.name, answer, text))
    await sending.ready(
        text,
        conversation,
        id=f"{group_id}:{press.message.message_id}",
        shown_at=shown_at,
        by=press.attendant.name,
        at=sending.clock(),
        speaker=speaking(press.callback.from_user),
    )
    await press.answer(texts.SENT)


def router() -> Router:
    """Return the router of the buttons; the including router must filter for groups."""
    router = Router(name="ready answers")
    press = router.callback_query.register
    press(offer, CardButton.filter(F.action == Action.READY), IsPress())
    press(turn, ReadyButton.filter(F.answer == ""), IsPress())
    press(close, ReadyButton.filter(F.answer == _CLOSE), IsPress())
    press(choose, ReadyButton.filter(), IsPress())
    return router


async def _without_sending(
    message: Message,
    word: str,
    conversation: Conversation | None,
    ready_answers: UseReadyAnswers,
) -> None:
    """Answer a message that sends nothing: with the list, or what to do."""
    if word:
        await message.reply(texts.needs_customer(word))
        return
    is_here = conversation is not None and conversation.group_id == message.chat.id
    if conversation is None or not is_here or not conversation.is_open:
        conversation, answers = None, await ready_answers.of_group(message.chat.id)
    else:
        answers = await ready_answers.of_conversation(conversation)
    if answers is None:
        await message.reply(attendant_texts.NO_DEPARTMENT)
    elif not answers:
        await message.reply(texts.NONE_YET)
    else:
        text, keyboard = _list(answers, conversation)
        await message.reply(text, reply_markup=keyboard)


def _list(
    answers: Sequence[ReadyAnswer], conversation: Conversation | None, *, page: int = 0
) -> tuple[str, InlineKeyboardMarkup]:
    """Return one page of the list; a conversation's list has a button for each answer."""
    pages = max(1, -(-len(answers) // _ON_A_PAGE))
    page = min(page, pages - 1)
    shown = answers[page * _ON_A_PAGE :][:_ON_A_PAGE]
    of = conversation.id if conversation else ""
    buttons = [
        button(one.shown, ReadyButton(conversation=of, answer=one.id, page=page))
        for one in (shown if conversation else ())
    ]
    keyboard = in_rows(buttons, in_a_row=2).inline_keyboard
    turns = [
        button(text, ReadyButton(conversation=of, page=to))
        for text, to in ((texts.BEFORE, page - 1), (texts.AFTER, page + 1))
        if 0 <= to < pages
    ]
    end = button(texts.CLOSE, ReadyButton(conversation=of, answer=_CLOSE))
    rows = [*keyboard, *([turns] if turns else []), [end]]
    text = texts.listed(
        shown,
        protocol=conversation.protocol if conversation else "",
        pages=f"{page + 1} de {pages}" if pages > 1 else "",
    )
    return text, InlineKeyboardMarkup(inline_keyboard=rows)


async def _is_used(press: Press, outbox: Outbox) -> bool:
    """Return True, and say so, if a button was pressed before, and the list was not gone yet."""
    group_id, message_id = press.group_id, press.message.message_id
    used = RepliedTo(group_id, message_id, links=press.links, outbox=outbox)
    if await used.conversation_id() is None:
        return False
    await press.answer(texts.USED, alert=True)
    return True


async def _show_sent(press: Press, text: str) -> int:
    """Replace the list by the text; return the id of the message that has it."""
    message_id = press.message.message_id
    try:
        await press.bot.edit_message_text(text, chat_id=press.group_id, message_id=message_id)
    except TelegramBadRequest as error:
        # The list was deleted; or this update is handled a second time.
        return message_id if is_not_modified(error) else (await press.below(text)).message_id
    return message_id
