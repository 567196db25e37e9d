"""The Transferir button: transfers to a department, a colleague or the queue, with a reason."""

from collections.abc import Sequence
from typing import assert_never

import structlog
from aiogram import Bot, F, Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.domain.question import Question, Subject
from bot.domain.registration import read_line
from bot.usecases.attending.attend import AlreadyClosed, Gone
from bot.usecases.attending.transfer import (
    REASON_LENGTH,
    SHORT_ID,
    ChangedMeanwhile,
    NoTarget,
    Targets,
    TransferConversation,
    Transferred,
)
from bot.usecases.ports import Questions
from handlers.answers import answer_press, bot_of
from handlers.attendant import texts
from handlers.attendant.cards.card import Action, CardButton
from handlers.attendant.group import attendant_of, below, edit
from handlers.attendant.questions import ask

_IN_A_ROW = 2
# Telegram takes a hundred buttons; nobody reads so many.
_MOST = 40

logger = structlog.get_logger()


class TransferButton(CallbackData, prefix="move"):
    """Target of a transfer. An empty target shows the list, and "x" cancels."""

    conversation: str
    to: str = ""


class NoReasonButton(CallbackData, prefix="moved"):
    """Button below a question, named by its message: transfer without a reason, or cancel."""

    question: int
    back: bool


async def offer(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    transfer: TransferConversation,
    bot: Bot,
) -> None:
    """Show the list of targets below the card."""
    targets = await transfer.targets(callback_data.conversation, group_id=message.chat.id)
    if not isinstance(targets, Targets):
        await _refuse(callback, targets)
        return
    await answer_press(callback)
    text, markup = _list(targets)
    await below(bot, message, text, keyboard=markup)


async def choose(
    callback: CallbackQuery,
    callback_data: TransferButton,
    message: MaybeInaccessibleMessageUnion,
    transfer: TransferConversation,
    questions: Questions,
    bot: Bot,
) -> None:
    """Ask for the reason of a transfer to the chosen target. Nothing changes yet."""
    if callback_data.to == "x":
        await answer_press(callback)
        await edit(bot, message.chat.id, message.message_id, texts.NOT_TRANSFERRED)
        return
    targets = await transfer.targets(callback_data.conversation, group_id=message.chat.id)
    if not isinstance(targets, Targets):
        await _refuse(callback, targets)
        return
    conversation = targets.conversation
    target = await transfer.target(callback_data.to, conversation)
    if isinstance(target, NoTarget):
        await answer_press(callback, texts.NO_TARGET, alert=True)
        return
    await answer_press(callback)
    asked_at = transfer.clock()
    where = texts.where(target)
    message_id = await ask(
        bot, message, callback.from_user, texts.ask_reason(where), hint=texts.REASON_HINT
    )
    await questions.put(
        Question(
            group_id=message.chat.id,
            message_id=message_id,
            about=Subject.REASON,
            conversation_id=conversation.id,
            asked=attendant_of(callback.from_user),
            asked_at=asked_at,
            target=callback_data.to,
            holder_id=conversation.claimed_by.id if conversation.claimed_by else None,
            menu_id=message.message_id,
        )
    )
    buttons = [
        InlineKeyboardButton(
            text=text, callback_data=NoReasonButton(question=message_id, back=back).pack()
        )
        for text, back in ((texts.WITHOUT_REASON, False), (texts.BACK, True))
    ]
    await edit(
        bot,
        message.chat.id,
        message.message_id,
        texts.reason_is_asked(conversation.protocol, where),
        InlineKeyboardMarkup(inline_keyboard=[buttons]),
    )


async def receive(
    message: Message,
    question: Question,
    transfer: TransferConversation,
    questions: Questions,
) -> None:
    """Transfer the conversation with the reason that the message gives."""
    reason = read_line(message.text or message.caption or "")
    if not reason:
        await message.reply(texts.REASON_AS_TEXT)
    elif len(reason) > REASON_LENGTH:
        await message.reply(texts.reason_too_long(len(reason)))
    else:
        text = await _transfer(bot_of(message), question, reason, transfer, questions)
        await message.reply(text)


async def without_reason(
    callback: CallbackQuery,
    callback_data: NoReasonButton,
    message: MaybeInaccessibleMessageUnion,
    transfer: TransferConversation,
    questions: Questions,
    bot: Bot,
) -> None:
    question = await questions.get(message.chat.id, callback_data.question)
    if question is None or question.done:
        await answer_press(callback, texts.ANSWERED_BEFORE, alert=True)
        return
    if question.asked.id != callback.from_user.id:
        await answer_press(callback, texts.only_asked(question.asked.name), alert=True)
        return
    if not callback_data.back:
        await answer_press(callback)
        await _transfer(bot, question, "", transfer, questions)
        return
    await questions.finish(question.group_id, question.message_id)
    targets = await transfer.targets(question.conversation_id, group_id=message.chat.id)
    if not isinstance(targets, Targets):
        await _refuse(callback, targets)
        return
    await answer_press(callback)
    await edit(bot, message.chat.id, message.message_id, *_list(targets))


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="transfer")
    message = F.message.as_("message")
    router.callback_query.register(offer, CardButton.filter(F.action == Action.TRANSFER), message)
    router.callback_query.register(choose, TransferButton.filter(), message)
    router.callback_query.register(without_reason, NoReasonButton.filter(), message)
    return router


async def _transfer(
    bot: Bot,
    question: Question,
    reason: str,
    transfer: TransferConversation,
    questions: Questions,
) -> str:
    """Transfer, show the outcome in the list of targets, and return it as a sentence."""
    outcome = await transfer(question, reason)
    match outcome:
        case Transferred(conversation, target):
            text = texts.transferred(conversation.protocol, texts.where(target))
        case ChangedMeanwhile(conversation):
            text = texts.changed_meanwhile(conversation.protocol)
        case AlreadyClosed(conversation):
            text = html.quote(texts.already_closed(conversation.closed_by))
        case NoTarget():
            text = texts.NO_TARGET
        case Gone():
            text = texts.GONE
        case _:
            assert_never(outcome)
    await questions.finish(question.group_id, question.message_id)
    if question.menu_id:
        await edit(bot, question.group_id, question.menu_id, text)
    return text


def _list(targets: Targets) -> tuple[str, InlineKeyboardMarkup]:
    conversation = targets.conversation

    def button(text: str, to: str) -> InlineKeyboardButton:
        data = TransferButton(conversation=conversation.id, to=to).pack()
        return InlineKeyboardButton(text=text, callback_data=data)

    buttons = [
        button(f"➡️ {one.shown}", f"d.{one.id[:SHORT_ID]}") for one in targets.departments[:_MOST]
    ]
    buttons += [button(f"👤 {one.name[:30]}", f"a.{one.id}") for one in targets.attendants[:_MOST]]
    if conversation.claimed_by:
        buttons.append(button(texts.TO_QUEUE, "q."))
    rows: list[Sequence[InlineKeyboardButton]] = [
        buttons[start : start + _IN_A_ROW] for start in range(0, len(buttons), _IN_A_ROW)
    ]
    rows.append([button(texts.BACK, "x")])
    text = texts.choose_target(conversation.protocol, found=bool(buttons))
    return text, InlineKeyboardMarkup(inline_keyboard=[list(row) for row in rows])


async def _refuse(callback: CallbackQuery, outcome: AlreadyClosed | Gone) -> None:
    if isinstance(outcome, AlreadyClosed):
        text = texts.already_closed(outcome.conversation.closed_by)
    else:
        text = texts.GONE
    await answer_press(callback, text, alert=True)
