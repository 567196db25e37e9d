"""An attendant corrects the customer's registration, or adds to its fixed note.

The bot asks, the attendant replies to the question, sees what will be stored and confirms it.
"""

from aiogram import Bot, F, Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.domain.access import Role
from bot.domain.fields import CORRECTED
from bot.domain.question import Question, Subject
from bot.domain.registration import read_line
from bot.usecases.attending.correct_registration import (
    CanBeCorrected,
    CorrectRegistration,
    ProposalPast,
    SameAsBefore,
    Saved,
    ToConfirm,
    TooLong,
    proposed_value,
    value_to_correct,
)
from bot.usecases.ports import Links, Questions
from bot.wording.reading import Wrong, read_field
from handlers.answers import bot_of
from handlers.attendant import correcting_texts as texts
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.group import IsPress, Press, edit, link
from handlers.attendant.questions import ask, asked_of, withdraw
from handlers.attendant.refusals import refused
from handlers.attendant.texts import ANSWERED_BEFORE
from handlers.buttons import button, in_rows
from handlers.relay.correction_menu import CorrectButton, menu_keyboard, menu_text


class NoteButton(CallbackData, prefix="note"):
    """Answer to "Guardar?". It names the question, by its message, and one of its proposals."""

    save: bool
    question: int
    proposal: int


class CorrectionButton(CallbackData, prefix="corrected"):
    """Button below the menu while a value is awaited: leave the field empty, or go back."""

    question: int
    back: bool


async def begin_note(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    correct: CorrectRegistration,
    questions: Questions,
) -> None:
    found = await correct.begin(callback_data.conversation, group_id=press.group_id)
    if not isinstance(found, CanBeCorrected):
        await press.refuse(found)
        return
    await press.answer()
    text = texts.ask_note(found.registration.name)
    question = await _asked(press, found, Subject.NOTE, text, texts.NOTE_HINT, correct)
    await questions.put(question)


async def offer(
    _: CallbackQuery, press: Press, callback_data: CardButton, correct: CorrectRegistration
) -> None:
    """Show the fields that can be corrected, below the card."""
    found = await correct.begin(callback_data.conversation, group_id=press.group_id)
    if not isinstance(found, CanBeCorrected):
        await press.refuse(found)
        return
    await press.answer()
    await press.below(menu_text(found.registration), menu_keyboard(found.conversation.id))


async def choose(
    _: CallbackQuery,
    press: Press,
    callback_data: CorrectButton,
    correct: CorrectRegistration,
    questions: Questions,
) -> None:
    """Ask for the right value of the field. Nothing changes yet."""
    path = callback_data.path
    found = await correct.begin(callback_data.conversation, group_id=press.group_id)
    if not isinstance(found, CanBeCorrected):
        await press.refuse(found)
        return
    await press.answer()
    name = found.registration.name
    text = texts.ask_correction(path, name)
    question = await _asked(
        press, found, Subject.CORRECTION, text, texts.CORRECTION_HINT, correct, path=path
    )
    await questions.put(question)
    value = value_to_correct(found.registration, path)
    choices = [(texts.LEAVE_EMPTY, False)] if value else []
    buttons = [
        button(text, CorrectionButton(question=question.message_id, back=back))
        for text, back in (*choices, (texts.BACK, True))
    ]
    await press.edit(texts.is_asked(path, name, value), in_rows(buttons, in_a_row=2))


async def empty_or_back(
    _: CallbackQuery,
    press: Press,
    callback_data: CorrectionButton,
    correct: CorrectRegistration,
    questions: Questions,
) -> None:
    question = await asked_of(press, questions, callback_data.question, unanswered=True)
    if question is None:
        return
    if callback_data.back:
        await correct.drop(question)
        await press.answer()
        await withdraw(press, question)
        await _show_menu(press.bot, question, correct)
        return
    outcome = await correct.propose(question, "")
    if isinstance(outcome, ToConfirm | TooLong | SameAsBefore):
        await press.answer()
        await withdraw(press, question)
        await press.below(*_proposal(outcome), about=_about(outcome, question))
    else:
        await press.refuse(outcome)


async def receive(
    message: Message, question: Question, correct: CorrectRegistration, links: Links
) -> None:
    """Show what will be stored; it is stored only after the attendant confirms."""
    text = message.text or message.caption or ""
    if not read_line(text):
        is_note = question.about is Subject.NOTE
        await message.reply(texts.NOTE_AS_TEXT if is_note else texts.AS_TEXT)
        return
    found = await correct.begin(question.conversation_id, group_id=question.group_id)
    if not isinstance(found, CanBeCorrected):
        await message.reply(html.quote(refused(found)))
        return
    value = read_field(question.path, text, country=found.registration.country)
    if isinstance(value, Wrong):
        await message.reply(texts.wrong(value.sentence))
        return
    outcome = await correct.propose(question, str(value))
    if isinstance(outcome, ToConfirm | TooLong | SameAsBefore):
        text, markup = _proposal(outcome)
        posted = await message.reply(text, reply_markup=markup)
        about = _about(outcome, question)
        await link(links, question.group_id, posted.message_id, about)
        if isinstance(outcome, SameAsBefore):
            await _show_menu(bot_of(message), question, correct)
    else:
        await message.reply(html.quote(refused(outcome)))


async def confirm(
    _: CallbackQuery,
    press: Press,
    callback_data: NoteButton,
    role: Role,
    correct: CorrectRegistration,
    questions: Questions,
) -> None:
    """Store or drop the proposal."""
    question = await asked_of(press, questions, callback_data.question)
    if question is None:
        return
    if not callback_data.save:
        dropped = await correct.drop(question)
        await press.answer()
        text = texts.DROPPED if dropped else ANSWERED_BEFORE
        await press.edit(text, about=question.conversation_id)
        await _show_menu(press.bot, question, correct)
        return
    kind = "admin" if role is Role.ADMIN else "user"
    outcome = await correct.save(
        question, proposal=callback_data.proposal, by=f"{kind}:{press.attendant.id}"
    )
    match outcome:
        case Saved():
            await press.answer()
            await press.edit(_saved(question, outcome), about=question.conversation_id)
            await _show_menu(press.bot, question, correct)
        case ProposalPast(proposal):
            await press.answer()
            text, markup = _proposal(proposal)
            about = _about(proposal, question)
            await press.edit(f"{texts.CHANGED_MEANWHILE}\n\n{text}", markup, about=about)
        case _:
            await press.refuse(outcome)


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="correcting")
    press = router.callback_query.register
    press(begin_note, CardButton.filter(F.action == Action.NOTE), IsPress())
    press(offer, CardButton.filter(F.action == Action.CORRECT), IsPress())
    press(choose, CorrectButton.filter(F.path.in_(CORRECTED)), IsPress())
    press(empty_or_back, CorrectionButton.filter(), IsPress())
    press(confirm, NoteButton.filter(), IsPress())
    return router


async def _asked(
    press: Press,
    found: CanBeCorrected,
    about: Subject,
    text: str,
    hint: str,
    correct: CorrectRegistration,
    *,
    path: str = "fixed_note",
) -> Question:
    """Ask the attendant who pressed; return the question."""
    asked_at = correct.edit.clock()
    return Question(
        group_id=press.group_id,
        message_id=await ask(press, text, hint=hint),
        about=about,
        conversation_id=found.conversation.id,
        asked=press.attendant,
        asked_at=asked_at,
        menu_id=press.message.message_id if about is Subject.CORRECTION else None,
        path=path,
    )


async def _show_menu(bot: Bot, question: Question, correct: CorrectRegistration) -> None:
    """Show the fields again where the question came from, for the next correction."""
    found = await correct.begin(question.conversation_id, group_id=question.group_id)
    if question.menu_id and isinstance(found, CanBeCorrected):
        text, keyboard = menu_text(found.registration), menu_keyboard(found.conversation.id)
        await edit(bot, question.group_id, question.menu_id, text, keyboard)


def _saved(question: Question, saved: Saved) -> str:
    name = saved.registration.name
    if question.about is Subject.NOTE:
        return texts.note_saved(name)
    before, after = question.note_before or "", proposed_value(question)
    return texts.correction_saved(question.path, name, before, after, is_proof=saved.is_proof)


def _about(outcome: ToConfirm | TooLong | SameAsBefore, question: Question) -> str:
    """Return the conversation whose customer a reply goes to: of what asks for nothing more."""
    return question.conversation_id if isinstance(outcome, SameAsBefore) else ""


def _proposal(
    outcome: ToConfirm | TooLong | SameAsBefore,
) -> tuple[str, InlineKeyboardMarkup | None]:
    if isinstance(outcome, SameAsBefore):
        return texts.SAME, None
    if isinstance(outcome, TooLong):
        return texts.note_too_long(outcome.length), None
    question, name = outcome.question, outcome.registration.name
    choices = [
        button(
            text, NoteButton(save=save, question=question.message_id, proposal=question.proposal)
        )
        for text, save in ((texts.YES, True), (texts.NO, False))
    ]
    before = question.note_before or ""
    text = (
        texts.confirm_note(name, before, question.added or "")
        if question.about is Subject.NOTE
        else texts.confirm_correction(question.path, name, before, proposed_value(question))
    )
    return text, in_rows(choices, in_a_row=2)
