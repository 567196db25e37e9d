"""The tokens that an ERP renews, shared by all processes. No backup contains them.

Each ERP has one document. It is also the lease of the process that renews the tokens now.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from pymongo.errors import DuplicateKeyError

from bot.domain.errors import AppError, TryLaterError
from storage.engine.connection import Collection, Database, translated

# Longer than one renewal of the tokens and its writes may take, so nothing has to extend the
# lease.
_LEASE: Final = timedelta(seconds=60)
_PATIENCE_S: Final = 20.0
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.25
_FREE: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ErpTokens:
    """The tokens of one ERP, found by its name."""

    def __init__(
        self,
        database: Database,
        system: str,
        clock: Callable[[], datetime],
        *,
        lease: timedelta = _LEASE,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._tokens: Collection = database["erp_tokens"]
        self._system = system
        self._clock = clock
        self._lease = lease
        self._patience_s = patience_s

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
        owner = uuid.uuid4().hex
        try:
            await self._acquire(owner)
            yield
        finally:
            # Releases the lease also for a caller that was cancelled while it acquired it. If the
            # database is not reachable now, the lease expires by itself.
            with suppress(AppError), translated():
                await self._tokens.update_one(
                    {"_id": self._system, "owner": owner}, {"$set": {"until": _FREE}}
                )

    async def _acquire(self, owner: str) -> None:
        await self._there()
        wait_s = _FIRST_WAIT_S
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._patience_s
        while not await self._is_ours(owner):
            if loop.time() >= latest:
                raise TryLaterError(f"ERP {self._system}: another process renews the token")
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _is_ours(self, owner: str) -> bool:
        now = self._clock()
        with translated():
            result = await self._tokens.update_one(
                {"_id": self._system, "until": {"$lt": now}},
                {"$set": {"owner": owner, "until": now + self._lease}},
            )
        return bool(result.matched_count)

    async def _there(self) -> None:
        """Insert the document that the updates need, unless it exists."""
        with translated(), suppress(DuplicateKeyError):
            await self._tokens.insert_one({"_id": self._system, "values": {}, "until": _FREE})
