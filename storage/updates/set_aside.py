"""The updates that were set aside: listed, made pending again, or dropped."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.set_aside import SetAside
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import replace_once

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a pending update has; whatever else a failure has left is not kept.
_MARK: Final = ("_id", "update_id", "received_at")


class SetAsideUpdates:
    """The inbox's updates that are set aside."""

    def __init__(self, database: Database, chat_of: Callable[[dict[str, Any]], str]) -> None:
        """chat_of: returns the key of the chat in which an update waits for its turn."""
        self._inbox: Collection = database["inbox"]
        self._chat_of = chat_of

    async def count(self) -> int:
        with translated():
            return int(await self._inbox.count_documents({"set_aside_at": {"$gte": _EVER}}))

    async def all(self, *, until: datetime | None = None) -> list[str]:
        """Return the keys of those that were set aside until then, in the order of their ids."""
        between = {"$gte": _EVER} | ({"$lte": until} if until else {})
        with translated():
            found = await self._inbox.find(
                {"set_aside_at": between}, {"update_id": 1, "set_aside_at": 1}
            ).to_list(None)
        return [one["_id"] for one in sorted(found, key=lambda one: int(one["update_id"]))]

    async def some(self, keys: list[str]) -> list[SetAside]:
        """Return those of the keys that are set aside, in the order of the keys."""
        with translated():
            found = await self._inbox.find({"_id": {"$in": keys}}).to_list(None)
        by_key = {one["_id"]: _read(one) for one in found if "set_aside_at" in one}
        return [by_key[key] for key in keys if key in by_key]

    async def repeat(self, key: str) -> str | None:
        """Make the update pending again, as if it had never failed; return its chat's key.

        Returns None when it is not set aside any more, or has no content that could be handled.
        """
        stored = await self._found(key)
        if stored is None or not stored.get("payload"):
            return None
        payload = stored["payload"]
        chat = self._chat_of(payload)
        waiting = {"pending": chat, "payload": payload, "attempts": 0}
        return chat if await self._replace(stored, waiting) else None

    async def drop(self, key: str, *, at: datetime) -> bool:
        """Return True if the update's content was deleted now; a mark of it stays, as if it were
        done."""
        stored = await self._found(key)
        return stored is not None and await self._replace(stored, {"done_at": at, "attempts": 0})

    async def _found(self, key: str) -> Document | None:
        with translated():
            stored: Document | None = await self._inbox.find_one({"_id": key})
        return stored if stored and "set_aside_at" in stored else None

    async def _replace(self, stored: Document, values: Document) -> bool:
        mark = {name: stored[name] for name in _MARK if name in stored}
        with translated():
            seen = {"_id": stored["_id"], "set_aside_at": stored["set_aside_at"]}
            return await replace_once(self._inbox, seen, mark | values)


def _read(stored: Document) -> SetAside:
    payload = stored.get("payload") or {}
    return SetAside(
        key=stored["_id"],
        received_at=stored.get("received_at"),
        set_aside_at=stored["set_aside_at"],
        error=stored.get("error", ""),
        who=_who(payload),
        can_be_repeated=bool(payload),
    )


def _who(payload: Document) -> str:
    """Return the name of the group, or of the person who wrote it; empty when there is none."""
    for content in payload.values():
        if not isinstance(content, dict):
            continue
        message = content.get("message")
        chat = content.get("chat") or (message.get("chat") if isinstance(message, dict) else None)
        sender = content.get("from") or content.get("user") or chat
        for named in (chat, sender):
            if isinstance(named, dict) and isinstance(named.get("title"), str):
                return str(named["title"])
        if isinstance(sender, dict):
            names = (sender.get("first_name"), sender.get("last_name"))
            return " ".join(name for name in names if isinstance(name, str))
    return ""
