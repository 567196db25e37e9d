"""The tokens that an ERP renews, shared by all processes. No backup contains them.

Each ERP has one document. It is also the lease of the process that renews the tokens now.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from pymongo.errors import DuplicateKeyError

from storage.engine.connection import Collection, Database, translated
from storage.engine.leases import Leases

_FREE: Final = datetime(1970, 1, 1, tzinfo=UTC)


def token_leases(database: Database) -> Leases[str]:
    """Return the leases on the tokens of each ERP, by its name."""
    return Leases(database["erp_tokens"], freed=_FREE)


class ErpTokens:
    """The tokens of one ERP, found by its name."""

    def __init__(
        self,
        database: Database,
        system: str,
        holding: Callable[[str], AbstractAsyncContextManager[object]],
    ) -> None:
        """holding: keeps one of `token_leases` inside its block."""
        self._tokens: Collection = database["erp_tokens"]
        self._system = system
        self._holding = holding

    async def load(self) -> Mapping[str, str]:
        """Return the tokens that were stored last; empty when there are none."""
        with translated():
            found = await self._tokens.find_one({"_id": self._system}) or {}
        values: Mapping[str, str] = found.get("values", {})
        return values

    async def store(self, values: Mapping[str, str]) -> None:
        """Replace all stored tokens; return when the new ones are on disk."""
        await self._there()
        with translated():
            await self._tokens.update_one(
                {"_id": self._system}, {"$set": {"values": dict(values)}}
            )

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold the lease, so that no other process is inside until the lease ends.

        A process that was killed inside blocks the others for the rest of its lease. Raises
        TryLaterError when the caller has waited too long.
        """
        await self._there()
        async with self._holding(self._system):
            yield

    async def _there(self) -> None:
        """Insert the document that the updates need, unless it exists."""
        with translated(), suppress(DuplicateKeyError):
            await self._tokens.insert_one({"_id": self._system, "values": {}, "until": _FREE})
