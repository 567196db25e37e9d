"""The counts of the panel, read in steps: neither the bot nor the server holds much at a time.

The embedded server collects every match of a query first, so conversations are read one day at a
time: by their protocol, which begins with the local date and has an index already.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.conversation import Identity
from bot.domain.panel import KindCount, Opened, Period, RegisterCount
from bot.domain.protocol import protocols_of
from bot.domain.registration import Kind, Status
from bot.domain.search import Query
from storage.engine.connection import Collection as Stored
from storage.engine.connection import Database, Document, translated
from storage.register.search import Search

_AT_ONCE: Final = 500
# On the embedded server, the time per key of `$in` grows with the number of keys.
_KEYS: Final = 100
_FIELDS: Final = {
    "department_id": 1,
    "opened_at": 1,
    "claimed_at": 1,
    "closed_at": 1,
    "priority": 1,
    "identity": 1,
    "registration_id": 1,
    "lookup": 1,
}


class OpenedConversations:
    """Conversations, as the panel counts them."""

    def __init__(self, database: Database) -> None:
        self._conversations: Stored = database["conversations"]

    async def opened_in(self, period: Period) -> AsyncIterator[list[Opened]]:
        """Yield each conversation that was opened in the period, by day, some hundreds at a time.

        Yields also the day before and the day after: the date in a protocol uses the time zone
        that was set when the protocol was given.
        """
        day = period.first - timedelta(days=1)
        while day <= period.last + timedelta(days=1):
            low, high = protocols_of(day)
            cursor = self._conversations.find(
                {"protocol": {"$gte": low, "$lt": high}}, _FIELDS
            ).batch_size(_AT_ONCE)
            while True:
                with translated():
                    documents = await cursor.to_list(_AT_ONCE)
                if not documents:
                    break
                yield [_opened(document) for document in documents]
            day += timedelta(days=1)


class RegisterCounts:
    """The register, as the panel counts it."""

    def __init__(self, database: Database) -> None:
        self._registrations: Stored = database["registrations"]
        self._count = Search(database).count

    async def from_chats(self, registration_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return the creation times of those registrations that a chat created, by id."""
        ids, made = list(registration_ids), {}
        for start in range(0, len(ids), _KEYS):
            query = {"_id": {"$in": ids[start : start + _KEYS]}}
            with translated():
                documents = await self._registrations.find(query, {"created": 1}).to_list(None)
            for document in documents:
                if document["created"]["by"].startswith("chat:"):
                    made[document["_id"]] = document["created"]["at"]
        return made

    async def counts(self) -> RegisterCount:
        """Return the numbers of all registrations, and of each kind."""
        kinds = []
        for kind in Kind:
            active, inactive = await self._counts(Query(kinds=frozenset([kind])))
            kinds.append(KindCount(kind=kind, active=active, inactive=inactive))
        active, inactive = await self._counts(Query())
        return RegisterCount(active=active, inactive=inactive, kinds=tuple(kinds))

    async def _counts(self, of: Query) -> tuple[int, int]:
        """Return the numbers of active and of inactive results."""
        inactive = await self._count(replace(of, statuses=frozenset([Status.INACTIVE])))
        return max(0, await self._count(of) - inactive), inactive


def _opened(document: Document) -> Opened:
    return Opened(
        department_id=document["department_id"],
        opened_at=document["opened_at"],
        claimed_at=document["claimed_at"],
        closed_at=document["closed_at"],
        priority=document["priority"],
        identity=Identity(document["identity"]),
        registration_id=document["registration_id"],
        owes_lookup="lookup" in document,
    )
