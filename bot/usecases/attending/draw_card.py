"""Use case: post and edit a conversation's card in the attendants' group, directly."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
    _unstored: dict[str, Conversation] = field(default_factory=dict)
    """By id, conversations whose place in the group Telegram has confirmed and the database has
    not stored: it is not made a second time."""

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
        if conversation.card_message_id is None:
            conversation = await self._stored(conversation)
        if conversation.card_message_id is not None:
            return conversation
        return await self._post(conversation, departments)

    async def refresh(self, conversation: Conversation) -> None:
        """Edit the card to the current data."""
        if conversation.card_message_id:
            card = await self.read_card(conversation)
            shown = await self.group.refresh(card)
            if shown != card.conversation:
                await self.conversations.set_card(shown)

    async def retire(self, conversation: Conversation) -> None:
        """Edit the card that the last transfer left in the old group, and close its topic."""
        transfer = conversation.transfer
        if transfer is None or not transfer.from_card:
            return
        left = replace(
            conversation,
            group_id=transfer.from_group,
            card_message_id=transfer.from_card,
            buttons_at=transfer.from_buttons,
            topic_id=transfer.from_topic,
            topic_shown=transfer.from_topic_shown,
        )
        await self.group.refresh(await self.read_card(left, moved=True))

    async def give_up(self, conversation: Conversation) -> None:
        """Go on without a card, which Telegram does not take: messages are posted without it."""
        if conversation.card_message_id is None:
            await self.conversations.set_card(replace(conversation, card_message_id=0))

    async def post_again(self, conversation: Conversation) -> Conversation:
        """Post the card again, after it, or its topic, was deleted in Telegram."""
        lost = conversation.without_card()
        self._unstored.pop(conversation.id, None)
        await self.conversations.set_card(lost)
        return await self._post(lost, await self.departments.all())

    async def topic_is_closed(self, conversation: Conversation) -> Conversation:
        """Open the topic again, or another one with a card where the bot may not."""
        opened = await self.group.reopen_topic(conversation)
        if opened is None:
            return await self.post_again(conversation)
        # Stored, so that the next `refresh` closes the topic of a closed conversation.
        await self.conversations.set_card(opened)
        return opened

    async def _post(
        self, conversation: Conversation, departments: Sequence[Department]
    ) -> Conversation:
        card = await self.read_card(conversation, departments=departments)
        opened = await self.group.open_topic(card)
        if opened != card.conversation:
            # Before the card, so that a crash between the two does not lose the topic.
            await self._store(opened)
        shown = await self.group.show(replace(card, conversation=opened))
        await self._store(shown)
        return shown

    async def _stored(self, conversation: Conversation) -> Conversation:
        """Return the conversation with what could not be stored when its card was posted."""
        placed = self._unstored.get(conversation.id)
        if placed is None:
            return conversation
        if placed.group_id != conversation.group_id:
            del self._unstored[conversation.id]
            return conversation
        await self._store(placed)
        return replace(
            conversation,
            card_message_id=placed.card_message_id,
            topic_id=placed.topic_id,
            topic_shown=placed.topic_shown,
        )

    async def _store(self, placed: Conversation) -> None:
        self._unstored[placed.id] = placed
        if placed.card_message_id is not None:
            # First: without its link, a reply to the card would reach nobody.
            link = Link(
                group_id=placed.group_id,
                message_id=placed.card_message_id,
                conversation_id=placed.id,
            )
            await self.links.add([link])
        await self.conversations.set_card(placed)
        del self._unstored[placed.id]
