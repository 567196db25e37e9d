"""Use cases: an attendant claims, answers and closes a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.card import Card
from bot.domain.conversation import Attendant, Conversation
from bot.usecases.attending.read_card import ReadCard
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Conversations


@dataclass(frozen=True, slots=True)
class Done:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class TakenBy:
    """Another attendant has claimed the conversation."""

    attendant: Attendant


@dataclass(frozen=True, slots=True)
class AlreadyClosed:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Gone:
    """This group has no such conversation: it belongs to another group, or was deleted."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The conversation was moved to another group."""

    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend:
    """The actions of a card's buttons; each reads the conversation again first."""

    conversations: Conversations
    show_card: ShowCard
    read_card: ReadCard
    register_prospect: RegisterProspect
    clock: Callable[[], datetime]

    async def claim(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | TakenBy | AlreadyClosed | Gone:
        """Claim the conversation for the attendant; only one of concurrent calls succeeds."""
        won = await self.conversations.claim(
            conversation_id, attendant, at=self.clock(), in_group=group_id
        )
        conversation = await self._in_group(conversation_id, group_id)
        if conversation is None:
            return Gone()
        if not won and not conversation.is_open:
            return AlreadyClosed(conversation)
        holder = conversation.claimed_by
        if not won and holder and holder.id != attendant.id:
            return TakenBy(holder)
        # Also if the attendant had it before: a crash may have prevented this, or the card's edit.
        conversation = await self.register_prospect(conversation)
        await self.show_card.refresh(conversation)
        return Done(conversation)

    async def register(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | TakenBy | AlreadyClosed | Gone:
        """Register the customer of a conversation that has an attendant; claim one without."""
        conversation = await self._in_group(conversation_id, group_id)
        if conversation is None or conversation.claimed_by is None:
            return await self.claim(conversation_id, attendant, group_id=group_id)
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        conversation = await self.register_prospect(conversation)
        await self.show_card.refresh(conversation)
        return Done(conversation)

    async def close(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | AlreadyClosed | Gone:
        """Close the conversation; every member of the group may, and only the first press does.

        Returns Done until the customer is recorded as notified, because a press that a crash cut
        short is handled again.
        """
        closed_now = await self.conversations.close(
            conversation_id, attendant, at=self.clock(), in_group=group_id
        )
        conversation = await self._in_group(conversation_id, group_id)
        if conversation is None:
            return Gone()
        if not closed_now and (conversation.customer_told or conversation.closed_by is None):
            return AlreadyClosed(conversation)
        await self.show_card.refresh(conversation)
        return Done(conversation)

    async def open_in(
        self, conversation_id: str, *, group_id: int
    ) -> Conversation | AlreadyClosed | Gone:
        """Return the conversation as it is now, if this group may answer it."""
        conversation = await self._in_group(conversation_id, group_id)
        if conversation is None:
            return Gone()
        return conversation if conversation.is_open else AlreadyClosed(conversation)

    async def full_card(self, conversation_id: str, *, group_id: int) -> Card | Gone:
        """Return the card with all current data."""
        conversation = await self._in_group(conversation_id, group_id)
        return await self.read_card(conversation) if conversation else Gone()

    async def answer(
        self, replied_to: RepliedTo, attendant: Attendant, *, topic_id: int | None = None
    ) -> Done | AlreadyClosed | Moved | Gone:
        """Return the conversation that a message answers, after `take_up`.

        It is the conversation of the message replied to, or else that of the topic.
        """
        conversation = await self.conversation_of(replied_to, topic_id=topic_id)
        if conversation is None:
            return Gone()
        group_id = replied_to.group_id
        if conversation.group_id != group_id:
            return Moved(conversation)
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        await self.take_up(conversation, attendant)
        return Done(conversation)

    async def take_up(self, conversation: Conversation, attendant: Attendant) -> None:
        """Claim an open conversation that is answered now, if nobody has it.

        Its customer does not wait for an answer any more.
        """
        if conversation.claimed_by is None:
            await self.claim(conversation.id, attendant, group_id=conversation.group_id)
        if conversation.asked_at is not None:
            await self.conversations.answered(conversation)

    async def close_topic(
        self, group_id: int, topic_id: int, attendant: Attendant
    ) -> Done | AlreadyClosed | Gone:
        """Close the conversation of a topic, as `close` does."""
        conversation = await self.conversations.in_topic(group_id, topic_id)
        if conversation is None:
            return Gone()
        return await self.close(conversation.id, attendant, group_id=group_id)

    async def has_topic(self, group_id: int, topic_id: int) -> bool:
        """Return True if the topic is that of a conversation."""
        return await self.conversations.in_topic(group_id, topic_id) is not None

    async def conversation_of(
        self, replied_to: RepliedTo, *, topic_id: int | None = None
    ) -> Conversation | None:
        """Return the conversation of the message replied to, or else of the topic, or None.

        They differ below the old card from which a customer was called.
        """
        if topic_id and not await replied_to.link():
            found = await self.conversations.in_topic(replied_to.group_id, topic_id)
            if found:
                return found
        conversation_id = await replied_to.conversation_id()
        return await self.conversations.get(conversation_id) if conversation_id else None

    async def _in_group(self, conversation_id: str, group_id: int) -> Conversation | None:
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return None
        return conversation
