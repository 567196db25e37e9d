"""Messages to a group and a customer about the queue, sent without being asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.domain.card import Card
from bot.domain.conversation import Conversation, Department, Transfer
from bot.domain.transcript import Said
from bot.wording.words import span
from handlers.attendant import texts, transcripts
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


@dataclass(frozen=True, slots=True)
class TransferNews:
    """Notifies customer and attendant of a transfer, besides the cards.

    Each message is sent once, however often it is queued.
    """

    sending: Sending
    timezone: ZoneInfo

    async def bring_words(self, conversation: Conversation, said: Sequence[Said]) -> None:
        if not said or not self.sending.keeps_words:
            return
        text, is_cut = transcripts.brought(said, conversation.shown_name, self.timezone)
        await self.sending.say(
            conversation, text, id=_name("words", conversation), has_more=is_cut
        )

    async def notify_customer(self, conversation: Conversation, department: Department) -> None:
        await self.sending.say(
            conversation,
            customer_texts.transferred(department.name),
            id=_name("moved", conversation),
            to_customer=True,
        )

    async def notify_attendant(self, conversation: Conversation, transfer: Transfer) -> None:
        if conversation.claimed_by:
            await self.sending.say(
                conversation,
                texts.transferred_to_you(conversation.claimed_by, transfer, conversation.protocol),
                id=_name("given", conversation),
                below=conversation.card_message_id or 0,
            )


@dataclass(frozen=True, slots=True)
class Reminders:
    sending: Sending

    async def remind(self, card: Card, *, waited: timedelta) -> None:
        conversation = card.conversation
        await self.sending.say(
            conversation,
            texts.reminder(card.name, span(waited), conversation.protocol),
            id=f"reminder:{conversation.id}:{conversation.reminders}:"
            f"{conversation.in_queue_since.timestamp()}",
            below=conversation.card_message_id or 0,
        )


def _name(what: str, conversation: Conversation) -> str:
    at = conversation.transfer.at.timestamp() if conversation.transfer else 0
    return f"{what}:{conversation.id}:{at}"
