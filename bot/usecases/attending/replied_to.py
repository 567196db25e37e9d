"""The message in a group that an attendant replies to."""

from bot.domain.conversation import Link
from bot.usecases.ports import Links, Outbox


class RepliedTo:
    """The link of one replied-to message, read at most once within an update."""

    def __init__(self, group_id: int, message_id: int, *, links: Links, outbox: Outbox) -> None:
        """message_id: 0 if the message replies to none."""
        self.group_id = group_id
        self.message_id = message_id
        self._links = links
        self._outbox = outbox
        self._is_read = message_id == 0
        self._link: Link | None = None

    async def link(self) -> Link | None:
        """Return the link, or None if the message belongs to no conversation."""
        if not self._is_read:
            self._link = await self._links.of_group(self.group_id, self.message_id)
            self._is_read = True
        return self._link

    async def conversation_id(self) -> str | None:
        """Return the conversation of the message, also of an answer that has not arrived (yet)."""
        if link := await self.link():
            return link.conversation_id
        if not self.message_id:
            return None
        item_id = f"{self.group_id}:{self.message_id}"
        waiting = await self._outbox.waiting(item_id)
        items = [waiting] if waiting else await self._outbox.failed(item_id)
        return items[0].conversation_id if items else None
