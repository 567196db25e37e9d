"""Messages to groups, customers and admins about the queue, sent without being asked."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.card import QueueEntry
from bot.domain.conversation import Conversation, Department, Transfer
from bot.domain.transcript import Said
from bot.usecases.attending.office_hours import OfficeHours
from bot.usecases.ports import Conversations
from handlers.attendant import reminder_texts as texts
from handlers.attendant import transcripts
from handlers.attendant.texts import transferred_to_you
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferNews:
    """Notifies customer and attendant of a transfer, besides the cards.

    Each message is sent once, however often it is queued.
    """

    sending: Sending
    conversations: Conversations
    office_hours: OfficeHours
    timezone: ZoneInfo

    async def bring_words(self, conversation: Conversation, said: Sequence[Said]) -> None:
        if not said or not self.sending.keeps_words:
            return
        text, is_cut = transcripts.brought(said, conversation.shown_name, self.timezone)
        await self.sending.say(
            conversation, text, id=_name("words", conversation), has_more=is_cut
        )

    async def notify_customer(self, conversation: Conversation, department: Department) -> None:
        closed = self.office_hours.closed(department)
        await self.sending.say(
            conversation,
            customer_texts.transferred(department.name, closed),
            id=_name("moved", conversation),
            to_customer=True,
        )
        if closed:
            await self.conversations.set_hours_told(conversation.id)

    async def notify_attendant(self, conversation: Conversation, transfer: Transfer) -> None:
        if conversation.claimed_by:
            await self.sending.say(
                conversation,
                transferred_to_you(conversation.claimed_by, transfer, conversation.protocol),
                id=_name("given", conversation),
                below=conversation.card_message_id or 0,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Messages to groups and admins about customers who wait."""

    sending: Sending
    admin_ids: Callable[[], Awaitable[Collection[int]]]

    async def remind_group(
        self,
        group_id: int,
        waiting: Sequence[QueueEntry],
        *,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        if len(waiting) > 1:
            await self.sending.say_in(group_id, texts.reminders(waiting, at=at), id=id)
            return
        [entry] = waiting
        conversation = entry.conversation
        await self.sending.say(
            conversation,
            texts.reminder(entry, at=at),
            id=id,
            below=conversation.card_message_id or 0,
        )

    async def remind_admins(
        self,
        waiting: Sequence[QueueEntry],
        departments: Sequence[Department],
        *,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        text = texts.reminders_of_departments(waiting, departments, at=at)
        for admin_id in await self.admin_ids():
            await self.sending.say_in(admin_id, text, id=f"{id}:{admin_id}")

    async def announce_opening(
        self,
        group_id: int,
        first: Sequence[QueueEntry],
        *,
        total: int,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        await self.sending.say_in(group_id, texts.opened(first, total=total, at=at), id=id)


def _name(what: str, conversation: Conversation) -> str:
    at = conversation.transfer.at.timestamp() if conversation.transfer else 0
    return f"{what}:{conversation.id}:{at}"
