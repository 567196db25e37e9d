"""The Nota button: an attendant adds to the fixed note of the customer's registration."""

from aiogram import F, Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.domain.access import Role
from bot.domain.question import Question, Subject
from bot.usecases.attending.add_note import (
    AddNote,
    CanBeNoted,
    NotePast,
    NothingToAdd,
    Saved,
    ToConfirm,
    TooLong,
)
from bot.usecases.ports import Questions
from handlers.attendant import texts
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.group import IsPress, Press
from handlers.attendant.questions import ask, asked_of
from handlers.attendant.refusals import refused
from handlers.buttons import button, in_rows


class NoteButton(CallbackData, prefix="note"):
    """Answer to "Guardar?". It names the question, by its message, and one of its proposals."""

    save: bool
    question: int
    proposal: int


async def begin(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    add_note: AddNote,
    questions: Questions,
) -> None:
    found = await add_note.begin(callback_data.conversation, group_id=press.group_id)
    if not isinstance(found, CanBeNoted):
        await press.refuse(found)
        return
    await press.answer()
    asked_at = add_note.edit.clock()
    text = texts.ask_note(found.registration.name)
    await questions.put(
        Question(
            group_id=press.group_id,
            message_id=await ask(press, text, hint=texts.NOTE_HINT),
            about=Subject.NOTE,
            conversation_id=found.conversation.id,
            asked=press.attendant,
            asked_at=asked_at,
        )
    )


async def receive(message: Message, question: Question, add_note: AddNote) -> None:
    """Show the proposed note; it is stored only after the attendant confirms."""
    outcome = await add_note.propose(question, message.text or message.caption or "")
    match outcome:
        case ToConfirm() | TooLong():
            text, markup = _proposal(outcome)
            await message.reply(text, reply_markup=markup)
        case NothingToAdd():
            await message.reply(texts.NOTE_AS_TEXT)
        case _:
            await message.reply(refused(outcome))


async def confirm(
    _: CallbackQuery,
    press: Press,
    callback_data: NoteButton,
    role: Role,
    add_note: AddNote,
    questions: Questions,
) -> None:
    """Store or drop the proposal: the attendant pressed "Sim" or "Não"."""
    question = await asked_of(press, questions, callback_data.question)
    if question is None:
        return

    async def show(text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        await press.answer()
        # With buttons it is a question still.
        await press.edit(text, markup, about="" if markup else question.conversation_id)

    if not callback_data.save:
        dropped = await add_note.drop(question)
        await show(texts.NOTE_DROPPED if dropped else texts.ANSWERED_BEFORE)
        return
    kind = "admin" if role is Role.ADMIN else "user"
    outcome = await add_note.save(
        question, proposal=callback_data.proposal, by=f"{kind}:{press.attendant.id}"
    )
    match outcome:
        case Saved(registration):
            await show(texts.note_saved(registration.name))
        case NotePast(proposal):
            text, markup = _proposal(proposal)
            await show(f"{texts.NOTE_CHANGED_MEANWHILE}\n\n{text}", markup)
        case _:
            await press.refuse(outcome)


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="note")
    router.callback_query.register(begin, CardButton.filter(F.action == Action.NOTE), IsPress())
    router.callback_query.register(confirm, NoteButton.filter(), IsPress())
    return router


def _proposal(outcome: ToConfirm | TooLong) -> tuple[str, InlineKeyboardMarkup | None]:
    if isinstance(outcome, TooLong):
        return texts.note_too_long(outcome.length), None
    question = outcome.question
    choices = [
        button(
            text, NoteButton(save=save, question=question.message_id, proposal=question.proposal)
        )
        for text, save in ((texts.YES, True), (texts.NO, False))
    ]
    text = texts.confirm_note(outcome.registration.name, outcome.before, outcome.added)
    return text, in_rows(choices, in_a_row=2)
