"""Use case: post and edit a conversation's card in the attendants' group, directly."""

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.card import Card
from bot.domain.conversation import Conversation, Link
from bot.usecases.ports import (
    AttendantsGroup,
    Conversations,
    Departments,
    Links,
    OpenConversations,
    Registrations,
    Tags,
)

_RECENT: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCard:
    """Posts the card of a conversation and edits it, directly; `ShowCard` queues the same work."""

    conversations: Conversations
    registrations: Registrations
    links: Links
    group: AttendantsGroup
    tags: Tags
    departments: Departments
    queue: OpenConversations
    has_erp: bool = False

    async def card_of(self, conversation: Conversation) -> Card:
        """Return the card with the current registration and earlier conversations."""
        departments = {one.id: one for one in await self.departments.all()}
        card = Card(
            conversation=conversation,
            registration=None,
            departments=departments,
            has_erp=self.has_erp,
        )
        if not conversation.registration_id:
            return card
        registration = await self.registrations.by_id(conversation.registration_id)
        latest = await self.conversations.latest_of(
            conversation.registration_id, count=_RECENT + 1
        )
        known = replace(
            card,
            recent=tuple(one for one in latest if one.id != conversation.id)[:_RECENT],
            elsewhere=tuple(
                one
                for one in await self.queue.open_of(conversation.registration_id)
                if one.id != conversation.id
            ),
        )
        if registration is None:
            return known
        return replace(
            known,
            registration=registration,
            tags=tuple(t for t in await self.tags.all() if t.id in registration.tags),
            priority_departments=tuple(
                d for d in departments.values() if d.id in registration.priority_departments
            ),
        )

    async def post(self, conversation: Conversation) -> Conversation:
        """Post the card unless it is posted; return the conversation with its place.

        The card goes to the current group of the department, which may have changed since the
        conversation began. A reply to the card answers the customer.
        """
        conversation = await self.in_its_group(conversation)
        if conversation.card_message_id is not None:
            return conversation
        card = await self.card_of(conversation)
        opened = await self.group.open_topic(card)
        if opened != conversation:
            # Before the card, so that a crash between the two does not lose the topic.
            await self.conversations.set_card(opened)
        shown = await self.group.show(replace(card, conversation=opened))
        await self.conversations.set_card(shown)
        await self.links.add(
            [
                Link(
                    group_id=shown.group_id,
                    message_id=shown.card_message_id or 0,
                    conversation_id=shown.id,
                )
            ]
        )
        return shown

    async def in_its_group(self, conversation: Conversation) -> Conversation:
        """Move the conversation if its department has another group now; return it.

        In a new group it has no card yet.
        """
        group_id = next(
            (
                d.group_id
                for d in await self.departments.all()
                if d.id == conversation.department_id
            ),
            None,
        )
        if group_id is None or group_id == conversation.group_id:
            return conversation
        await self.conversations.move(conversation.id, group_id)
        return conversation.model_copy(
            update={
                "group_id": group_id,
                "card_message_id": None,
                "topic_id": None,
                "topic_shown": "",
            }
        )

    async def refresh(self, conversation_id: str) -> None:
        """Edit the card to the current data."""
        conversation = await self.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            shown = await self.group.refresh(await self.card_of(conversation))
            if shown != conversation:
                await self.conversations.set_card(shown)

    async def retire(self, conversation: Conversation) -> None:
        """Edit the card that the last transfer left in the old group, and close its topic."""
        transfer = conversation.transfer
        if transfer is None or transfer.from_card is None:
            return
        left = conversation.model_copy(
            update={
                "group_id": transfer.from_group,
                "card_message_id": transfer.from_card,
                "topic_id": transfer.from_topic,
                "topic_shown": transfer.from_topic_shown,
            }
        )
        await self.group.refresh(replace(await self.card_of(left), moved=True))

    async def topic_is_gone(self, conversation: Conversation) -> Conversation:
        """Create topic and card again, after the topic was deleted in Telegram with its card."""
        lost = conversation.model_copy(
            update={"card_message_id": None, "topic_id": None, "topic_shown": ""}
        )
        await self.conversations.set_card(lost)
        return await self.post(lost)
