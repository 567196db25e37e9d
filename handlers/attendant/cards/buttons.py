"""Actions of the card's buttons, apart from transfers and notes."""

from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot.usecases.attending.attend import Attend, Done, Gone
from bot.usecases.attending.read_transcript import ReadTranscript
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.ports import Conversations
from handlers.attendant import switching, texts, transcripts, verifying
from handlers.attendant.cards.card import full_card_text
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.closing import tell_closed
from handlers.attendant.group import IsPress, Press
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


async def claim(_: CallbackQuery, press: Press, callback_data: CardButton, attend: Attend) -> None:
    outcome = await attend.claim(
        callback_data.conversation, press.attendant, group_id=press.group_id
    )
    if isinstance(outcome, Done):
        await press.answer(texts.CLAIMED)
    else:
        await press.refuse(outcome)


async def close(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    attend: Attend,
    conversations: Conversations,
    sending: Sending,
) -> None:
    outcome = await attend.close(
        callback_data.conversation, press.attendant, group_id=press.group_id
    )
    if isinstance(outcome, Done):
        await press.answer(texts.CLOSED_NOW)
        await tell_closed(outcome.conversation, conversations, sending)
    else:
        await press.refuse(outcome)


async def full_card(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    attend: Attend,
    read_transcript: ReadTranscript,
    timezone: ZoneInfo,
) -> None:
    card = await attend.full_card(callback_data.conversation, group_id=press.group_id)
    if isinstance(card, Gone):
        await press.refuse(card)
        return
    await press.answer()
    offered = verifying.offer(card)
    rows = offered.inline_keyboard if offered else []
    if read_transcript.kept_days:
        rows = [*rows, *transcripts.openers(card, timezone)]
    keyboard = InlineKeyboardMarkup(inline_keyboard=rows) if rows else None
    text = full_card_text(card, timezone=timezone)
    await press.below(text, keyboard, about=card.conversation.id)


async def reopen(
    _: CallbackQuery,
    press: Press,
    callback_data: CardButton,
    reopen_conversation: ReopenConversation,
    sending: Sending,
) -> None:
    outcome = await reopen_conversation.by_attendant(
        callback_data.conversation, press.attendant, group_id=press.group_id
    )
    if not isinstance(outcome, Done):
        await press.refuse(outcome)
        return
    conversation = outcome.conversation
    await press.answer(texts.REOPENED)
    await sending.say(
        conversation,
        customer_texts.reopened_by_attendant(conversation.protocol),
        id=f"reopened:{conversation.id}:{conversation.in_queue_since.timestamp()}",
        to_customer=True,
    )


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="card")
    for action, handler in (
        (Action.CLAIM, claim),
        (Action.CLOSE, close),
        (Action.FULL_CARD, full_card),
        (Action.REOPEN, reopen),
    ):
        router.callback_query.register(handler, CardButton.filter(F.action == action), IsPress())
    router.include_routers(verifying.router(), switching.router())
    return router
