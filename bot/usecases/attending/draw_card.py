"""Use case: post and edit a conversation's card in the attendants' group, directly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.conversation import Conversation, Department, Link
from bot.domain.outgoing import MovedError
from bot.usecases.attending.read_card import ReadCard
from bot.usecases.ports import AttendantsGroup, Conversations, Departments, Links


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCard:
    """Posts the card of a conversation and edits it, directly; `ShowCard` queues the same work."""

    conversations: Conversations
    departments: Departments
    links: Links
    group: AttendantsGroup
    read_card: ReadCard

    async def post(self, conversation: Conversation, *, in_group: int) -> Conversation:
        """Post the card unless it is posted; return the conversation with its place.

        A reply to the card answers the customer.
        Raises MovedError when the department has another group than `in_group` by now. The
        conversation is there then, without a card yet.
        """
        departments = await self.departments.all()
        group_id = next(
            (one.group_id for one in departments if one.id == conversation.department_id), None
        )
        if group_id is not None and group_id != conversation.group_id:
            await self.conversations.move(conversation.id, group_id)
            conversation = replace(conversation.without_card(), group_id=group_id)
        if conversation.group_id != in_group:
            # It is posted there in that chat's order, and so only once.
            raise MovedError(conversation.group_id)
        if conversation.card_message_id is not None:
            return conversation
        return await self._post(conversation, departments)

    async def refresh(self, conversation: Conversation) -> None:
        """Edit the card to the current data."""
        if conversation.card_message_id is not None:
            card = await self.read_card(conversation)
            shown = await self.group.refresh(card)
            if shown != card.conversation:
                await self.conversations.set_card(shown)

    async def retire(self, conversation: Conversation) -> None:
        """Edit the card that the last transfer left in the old group, and close its topic."""
        transfer = conversation.transfer
        if transfer is None or transfer.from_card is None:
            return
        left = replace(
            conversation,
            group_id=transfer.from_group,
            card_message_id=transfer.from_card,
            topic_id=transfer.from_topic,
            topic_shown=transfer.from_topic_shown,
        )
        await self.group.refresh(await self.read_card(left, moved=True))

    async def topic_is_gone(self, conversation: Conversation) -> Conversation:
        """Create topic and card again, after the topic was deleted in Telegram with its card."""
        lost = conversation.without_card()
        await self.conversations.set_card(lost)
        return await self._post(lost, await self.departments.all())

    async def _post(
        self, conversation: Conversation, departments: Sequence[Department]
    ) -> Conversation:
        card = await self.read_card(conversation, departments=departments)
        opened = await self.group.open_topic(card)
        if opened != card.conversation:
            # Before the card, so that a crash between the two does not lose the topic.
            await self.conversations.set_card(opened)
        shown = await self.group.show(replace(card, conversation=opened))
        await self.conversations.set_card(shown)
        link = Link(
            group_id=shown.group_id,
            message_id=shown.card_message_id or 0,
            conversation_id=shown.id,
        )
        await self.links.add([link])
        return shown
