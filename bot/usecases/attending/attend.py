"""Use cases: an attendant claims, answers and closes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.card import Card
from bot.domain.conversation import Attendant, Conversation
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Conversations, Links


@dataclass(frozen=True, slots=True)
class Done:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class TakenBy:
    """Somebody already has it."""

    attendant: Attendant


@dataclass(frozen=True, slots=True)
class AlreadyClosed:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Gone:
    """No such conversation in this group: the button is from elsewhere, or its record is gone."""


@dataclass(frozen=True, slots=True)
class Moved:
    """It is answered in another group by now."""

    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend:
    """What the buttons of a card do; each reads the conversation again first."""

    conversations: Conversations
    links: Links
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def claim(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | TakenBy | AlreadyClosed | Gone:
        """One attendant gets it; the others are told who."""
        if await self._in_group(conversation_id, group_id) is None:
            return Gone()
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
        # Also when it was the attendant's before: the card may not have been edited that time.
        await self.show_card.refresh(conversation_id)
        return Done(conversation)

    async def close(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | AlreadyClosed | Gone:
        """Whoever is in the group may close; only the first press does.

        The outcome is Done until the customer is known to have been told: a press that was cut
        short by a crash comes again.
        """
        if await self._in_group(conversation_id, group_id) is None:
            return Gone()
        closed_now = await self.conversations.close(
            conversation_id, attendant, at=self.clock(), in_group=group_id
        )
        conversation = await self._in_group(conversation_id, group_id)
        if conversation is None:
            return Gone()
        if not closed_now and (conversation.customer_told or conversation.closed_by is None):
            return AlreadyClosed(conversation)
        await self.show_card.refresh(conversation_id)
        return Done(conversation)

    async def customer_told(self, conversation: Conversation) -> None:
        """Remember that the customer knows of the end of the conversation."""
        await self.conversations.set_customer_notified(conversation.id)

    async def full_card(self, conversation_id: str, *, group_id: int) -> Card | Gone:
        """Everything on record, as it is now."""
        conversation = await self._in_group(conversation_id, group_id)
        return await self.show_card.card_of(conversation) if conversation else Gone()

    async def answer(
        self, group_id: int, message_id: int, attendant: Attendant, *, topic_id: int | None = None
    ) -> Done | AlreadyClosed | Moved | Gone:
        """The conversation that a message answers; answering claims a free one.

        It is that of the topic in which it is written, or else that of `message_id`, to which it
        replies.
        """
        conversation = await self.conversation_of(group_id, message_id, topic_id=topic_id)
        if conversation is None:
            return Gone()
        if conversation.group_id != group_id:
            return Moved(conversation)
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        if conversation.claimed_by is None:
            await self.claim(conversation.id, attendant, group_id=group_id)
        return Done(conversation)

    async def close_topic(
        self, group_id: int, topic_id: int, attendant: Attendant
    ) -> Done | AlreadyClosed | Gone:
        """`close` for the conversation of a topic."""
        conversation = await self.conversations.in_topic(group_id, topic_id)
        if conversation is None:
            return Gone()
        return await self.close(conversation.id, attendant, group_id=group_id)

    async def conversation_of(
        self, group_id: int, message_id: int, *, topic_id: int | None = None
    ) -> Conversation | None:
        """The conversation that what is written there is about."""
        if topic_id and (found := await self.conversations.in_topic(group_id, topic_id)):
            return found
        link = await self.links.of_group(group_id, message_id) if message_id else None
        return await self.conversations.get(link.conversation_id) if link else None

    async def _in_group(self, conversation_id: str, group_id: int) -> Conversation | None:
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return None
        return conversation
