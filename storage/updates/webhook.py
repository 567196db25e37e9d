"""The secret that Telegram sends with each update, and what was set at Telegram last.

All processes of a bot share one small document. No backup contains it.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from storage.engine.connection import Collection, Database, Document, translated


class WebhookSettings:
    """The document of one bot."""

    def __init__(self, database: Database, bot_id: int) -> None:
        self._meta: Collection = database["meta"]
        self._key = {"_id": f"webhook:{bot_id}"}

    async def secret(self) -> str:
        """Return the generated secret, the same in every process; the first call makes it."""
        if not (secret := (await self._find()).get("secret")):
            missing = self._key | {"secret": {"$exists": False}}
            change = {"$set": {"secret": secrets.token_urlsafe(32)}}
            # Suppressed: another process has made one at this moment.
            with translated(), suppress(DuplicateKeyError):
                await self._meta.update_one(missing, change, upsert=True)
            secret = (await self._find())["secret"]
        return str(secret)

    async def last_set(self) -> tuple[str, Sequence[str]]:
        """Return the mark of what was set last, and the kinds of updates; empty at first."""
        found = await self._find()
        return found.get("mark", ""), found.get("allowed", ())

    async def note_set(self, mark: str, allowed: Sequence[str]) -> None:
        """Store what was set."""
        change = {"$set": {"mark": mark, "allowed": list(allowed)}}
        with translated():
            await self._meta.update_one(self._key, change, upsert=True)

    async def _find(self) -> Document:
        with translated():
            return await self._meta.find_one(self._key) or {}
