"""Links between messages in a group and their counterparts in a customer's chat."""

import asyncio
from collections.abc import Sequence
from typing import Final

from bot.domain.conversation import Link
from storage.engine.batching import FindOne, InsertOne
from storage.engine.connection import Collection, Database, Document, translated

# A link takes about a kilobyte of memory.
_CACHED: Final = 2_000


class Links:
    """Pairs of messages, which can be found from either side.

    The latest ones are cached, since a link never changes.
    """

    def __init__(self, database: Database) -> None:
        self._links: Collection = database["relayed"]
        self._find = FindOne(self._links)
        self._insert = InsertOne(self._links)
        self._cached: dict[str, Link] = {}

    async def add(self, links: Sequence[Link]) -> None:
        """Store the links; idempotent."""
        new = await asyncio.gather(*(self._insert(_written(link)) for link in links))
        for link, is_new in zip(links, new, strict=True):
            if is_new:
                self._cache(link)

    async def sent(self, item_ids: Sequence[str]) -> set[str]:
        """Return those ids of outbox items whose messages have a link.

        The id of a message from a person is its key in the chat where it was written.
        """
        wanted, found = list(item_ids), set[str]()
        for field in ("_id", "customer", "item"):
            with translated():
                documents = await self._links.find({field: {"$in": wanted}}).to_list(None)
            for document in documents:
                found.update((document["_id"], document.get("item", "")))
                found.update(document.get("customer", ()))
        return found.intersection(wanted)

    async def of_group(self, group_id: int, message_id: int) -> Link | None:
        """Return the link of this message in the group, or None."""
        key = _key(group_id, message_id)
        if cached := self._cached.get(key):
            return cached
        document = await self._find(key)
        if document is None:
            return None
        link = _read(document)
        self._cache(link)
        return link

    def _cache(self, link: Link) -> None:
        self._cached[_key(link.group_id, link.message_id)] = link
        if len(self._cached) > _CACHED:
            del self._cached[next(iter(self._cached))]

    async def of_customer(self, chat_id: int, message_id: int) -> Link | None:
        """Return the link of this message in the customer's chat, or None.

        A message that was forwarded twice has two links: the latest is returned.
        """
        with translated():
            documents = await self._links.find({"customer": _key(chat_id, message_id)}).to_list(
                None
            )
        links = [_read(document) for document in documents]
        return max(links, key=lambda link: link.message_id, default=None)


def _key(chat_id: int, message_id: int) -> str:
    return f"{chat_id}:{message_id}"


def _written(link: Link) -> Document:
    document: Document = {
        "_id": _key(link.group_id, link.message_id),
        "conversation_id": link.conversation_id,
    }
    if link.customer_message_ids:
        # Absent otherwise: cards and sentences of the bot have no message of a customer.
        document["customer"] = [
            _key(link.customer_chat_id, one) for one in link.customer_message_ids
        ]
        document["by_customer"] = link.by_customer
    if link.item:
        document["item"] = link.item
    return document


def _read(document: Document) -> Link:
    group_id, _, message_id = document["_id"].partition(":")
    customer = [key.partition(":") for key in document.get("customer", ())]
    return Link(
        group_id=int(group_id),
        message_id=int(message_id),
        conversation_id=document["conversation_id"],
        customer_chat_id=int(customer[0][0]) if customer else 0,
        customer_message_ids=tuple(int(message) for _, _, message in customer),
        by_customer=document.get("by_customer", False),
        item=document.get("item", ""),
    )
