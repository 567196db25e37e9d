"""The Nota button: an attendant adds to the fixed note of the customer's registration."""

from typing import assert_never

from aiogram import Bot, F, Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.domain.access import Role
from bot.domain.question import Question, Subject
from bot.usecases.attending.add_note import (
    AddNote,
    AnsweredBefore,
    CanBeNoted,
    NoRegistration,
    NotePast,
    NothingToAdd,
    Saved,
    ToConfirm,
    TooLong,
)
from bot.usecases.attending.attend import Gone
from bot.usecases.ports import Questions
from handlers.answers import answer_press
from handlers.attendant import texts
from handlers.attendant.cards.card import Action, CardButton
from handlers.attendant.group import attendant_of, edit
from handlers.attendant.questions import ask


class NoteButton(CallbackData, prefix="note"):
    """Answer to "Guardar?". It names the question, by its message, and one of its proposals."""

    save: bool
    question: int
    proposal: int


async def begin(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    add_note: AddNote,
    questions: Questions,
    bot: Bot,
) -> None:
    found = await add_note.begin(callback_data.conversation, group_id=message.chat.id)
    match found:
        case CanBeNoted(conversation, registration):
            await answer_press(callback)
            asked_at = add_note.edit.clock()
            message_id = await ask(
                bot,
                message,
                callback.from_user,
                texts.ask_note(registration.name),
                hint=texts.NOTE_HINT,
            )
            await questions.put(
                Question(
                    group_id=message.chat.id,
                    message_id=message_id,
                    about=Subject.NOTE,
                    conversation_id=conversation.id,
                    asked=attendant_of(callback.from_user),
                    asked_at=asked_at,
                )
            )
        case NoRegistration():
            await answer_press(callback, texts.NO_REGISTRATION, alert=True)
        case Gone():
            await answer_press(callback, texts.GONE, alert=True)
        case _:
            assert_never(found)


async def receive(message: Message, question: Question, add_note: AddNote) -> None:
    """Show the proposed note; it is stored only after the attendant confirms."""
    outcome = await add_note.propose(question, message.text or message.caption or "")
    match outcome:
        case ToConfirm() | TooLong():
            text, markup = _proposal(outcome)
            await message.reply(text, reply_markup=markup)
        case NothingToAdd():
            await message.reply(texts.NOTE_AS_TEXT)
        case NoRegistration():
            await message.reply(texts.NO_REGISTRATION)
        case Gone():
            await message.reply(texts.GONE)
        case _:
            assert_never(outcome)


async def confirm(
    callback: CallbackQuery,
    callback_data: NoteButton,
    message: MaybeInaccessibleMessageUnion,
    role: Role,
    add_note: AddNote,
    questions: Questions,
    bot: Bot,
) -> None:
    """Store or drop the proposal: the attendant pressed "Sim" or "Não"."""
    question = await questions.get(message.chat.id, callback_data.question)
    if question is None:
        await answer_press(callback, texts.ANSWERED_BEFORE, alert=True)
        return
    if question.asked.id != callback.from_user.id:
        await answer_press(callback, texts.only_asked(question.asked.name), alert=True)
        return

    async def show(text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        await answer_press(callback)
        await edit(bot, message.chat.id, message.message_id, text, markup)

    if not callback_data.save:
        dropped = await add_note.drop(question)
        await show(texts.NOTE_DROPPED if dropped else texts.ANSWERED_BEFORE)
        return
    kind = "admin" if role is Role.ADMIN else "user"
    outcome = await add_note.save(
        question, proposal=callback_data.proposal, by=f"{kind}:{callback.from_user.id}"
    )
    match outcome:
        case Saved(registration):
            await show(texts.note_saved(registration.name))
        case NotePast(proposal):
            text, markup = _proposal(proposal)
            await show(f"{texts.NOTE_CHANGED_MEANWHILE}\n\n{text}", markup)
        case AnsweredBefore():
            await answer_press(callback, texts.ANSWERED_BEFORE, alert=True)
        case NoRegistration():
            await answer_press(callback, texts.NO_REGISTRATION, alert=True)
        case Gone():
            await answer_press(callback, texts.GONE, alert=True)
        case _:
            assert_never(outcome)


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="note")
    message = F.message.as_("message")
    router.callback_query.register(begin, CardButton.filter(F.action == Action.NOTE), message)
    router.callback_query.register(confirm, NoteButton.filter(), message)
    return router


def _proposal(outcome: ToConfirm | TooLong) -> tuple[str, InlineKeyboardMarkup | None]:
    if isinstance(outcome, TooLong):
        return texts.note_too_long(outcome.length), None
    question = outcome.question

    def button(text: str, *, save: bool) -> InlineKeyboardButton:
        data = NoteButton(save=save, question=question.message_id, proposal=question.proposal)
        return InlineKeyboardButton(text=text, callback_data=data.pack())

    text = texts.confirm_note(outcome.registration.name, outcome.before, outcome.added)
    row = [button(texts.YES, save=True), button(texts.NO, save=False)]
    return text, InlineKeyboardMarkup(inline_keyboard=[row])
