"""The Transferir button: transfers to a department, a colleague or the queue, with a reason."""

from aiogram import Bot, F, Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.domain.question import Question, Subject
from bot.domain.registration import read_line
from bot.usecases.attending.transfer import (
    REASON_LENGTH,
    SHORT_ID,
    ChangedMeanwhile,
    NoTarget,
    Targets,
    TransferConversation,
    Transferred,
)
from bot.usecases.ports import Links, Questions
from handlers.answers import bot_of
from handlers.attendant import texts
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.group import IsPress, Press, edit, link
from handlers.attendant.questions import ask, asked_of, withdraw
from handlers.attendant.refusals import refused
from handlers.buttons import button, in_rows

_IN_A_ROW = 2
# Telegram takes a hundred buttons; nobody reads so many.
_MOST = 40


class TransferButton(CallbackData, prefix="move"):
    """Target of a transfer. An empty target shows the list, and "x" cancels."""

    conversation: str
    to: str = ""


class NoReasonButton(CallbackData, prefix="moved"):
    """Button below a question, named by its message: transfer without a reason, or cancel."""

    question: int
    back: bool


async def offer(
    _: CallbackQuery, press: Press, callback_data: CardButton, transfer: TransferConversation
) -> None:
    """Show the list of targets below the card."""
    targets = await transfer.targets(callback_data.conversation, group_id=press.group_id)
    if not isinstance(targets, Targets):
        await press.refuse(targets)
        return
    await press.answer()
    await press.below(*list_of(targets))


async def choose(
    _: CallbackQuery,
    press: Press,
    callback_data: TransferButton,
    transfer: TransferConversation,
    questions: Questions,
) -> None:
    """Ask for the reason of a transfer to the chosen target. Nothing changes yet."""
    if callback_data.to == "x":
        await press.answer()
        await press.edit(texts.NOT_TRANSFERRED, about=callback_data.conversation)
        return
    targets = await transfer.targets(callback_data.conversation, group_id=press.group_id)
    if not isinstance(targets, Targets):
        await press.refuse(targets)
        return
    conversation = targets.conversation
    target = await transfer.target(callback_data.to, conversation)
    if isinstance(target, NoTarget):
        await press.refuse(target)
        return
    await press.answer()
    asked_at, where = transfer.clock(), texts.where(target)
    message_id = await ask(press, texts.ask_reason(where), hint=texts.REASON_HINT)
    await questions.put(
        Question(
            group_id=press.group_id,
            message_id=message_id,
            about=Subject.REASON,
            conversation_id=conversation.id,
            asked=press.attendant,
            asked_at=asked_at,
            target=callback_data.to,
            holder_id=conversation.claimed_by.id if conversation.claimed_by else None,
            menu_id=press.message.message_id,
        )
    )
    buttons = [
        button(text, NoReasonButton(question=message_id, back=back))
        for text, back in ((texts.WITHOUT_REASON, False), (texts.BACK, True))
    ]
    text = texts.reason_is_asked(conversation.protocol, where)
    await press.edit(text, in_rows(buttons, in_a_row=2))


async def receive(
    message: Message,
    question: Question,
    transfer: TransferConversation,
    questions: Questions,
    links: Links,
) -> None:
    """Transfer the conversation with the reason that the message gives."""
    reason = read_line(message.text or message.caption or "")
    if not reason:
        await message.reply(texts.REASON_AS_TEXT)
    elif len(reason) > REASON_LENGTH:
        await message.reply(texts.reason_too_long(len(reason)))
    else:
        bot = bot_of(message)
        text, about = await _transfer(bot, question, reason, transfer, questions, links)
        said = await message.reply(text)
        await link(links, message.chat.id, said.message_id, about)


async def without_reason(
    _: CallbackQuery,
    press: Press,
    callback_data: NoReasonButton,
    transfer: TransferConversation,
    questions: Questions,
) -> None:
    question = await asked_of(press, questions, callback_data.question, unanswered=True)
    if question is None:
        return
    if not callback_data.back:
        await press.answer()
        await _transfer(press.bot, question, "", transfer, questions, press.links)
        await withdraw(press, question)
        return
    await questions.finish(question.group_id, question.message_id)
    await withdraw(press, question)
    targets = await transfer.targets(question.conversation_id, group_id=press.group_id)
    if not isinstance(targets, Targets):
        await press.refuse(targets)
        return
    await press.answer()
    await press.edit(*list_of(targets))


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="transfer")
    router.callback_query.register(
        offer, CardButton.filter(F.action == Action.TRANSFER), IsPress()
    )
    router.callback_query.register(choose, TransferButton.filter(), IsPress())
    router.callback_query.register(without_reason, NoReasonButton.filter(), IsPress())
    return router


def list_of(targets: Targets) -> tuple[str, InlineKeyboardMarkup]:
    """Return the question where to transfer to, with a button for each target."""
    conversation = targets.conversation
    shown = [
        *((f"➡️ {one.shown}", f"d.{one.id[:SHORT_ID]}") for one in targets.departments[:_MOST]),
        *((f"👤 {one.name[:30]}", f"a.{one.id}") for one in targets.attendants[:_MOST]),
        *([(texts.TO_QUEUE, "q.")] if conversation.claimed_by else []),
    ]
    *buttons, back = (
        button(text, TransferButton(conversation=conversation.id, to=to))
        for text, to in (*shown, (texts.BACK, "x"))
    )
    text = texts.choose_target(conversation.protocol, found=bool(buttons))
    return text, in_rows(buttons, back, in_a_row=_IN_A_ROW)


async def _transfer(
    bot: Bot,
    question: Question,
    reason: str,
    transfer: TransferConversation,
    questions: Questions,
    links: Links,
) -> tuple[str, str]:
    """Transfer, show the outcome in the list of targets, and return it as a sentence.

    Returns with it the conversation to whose customer replies to it go: none for a warning.
    """
    outcome = await transfer(question, reason)
    about = ""
    match outcome:
        case Transferred(conversation, target):
            text = texts.transferred(conversation.protocol, texts.where(target))
            about = conversation.id
        case ChangedMeanwhile(conversation):
            text = texts.changed_meanwhile(conversation.protocol)
        case _:
            text = html.quote(refused(outcome))
    await questions.finish(question.group_id, question.message_id)
    if question.menu_id:
        await edit(bot, question.group_id, question.menu_id, text)
        await link(links, question.group_id, question.menu_id, about)
    return text, about
