"""The counts of the panel, read in steps: neither the bot nor the server holds much at a time.

The embedded server collects every match of a query first, so conversations are read one day at a
time: by their protocol, which begins with the local date and has an index already.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.conversation import Identity
from bot.domain.panel import KindCount, Opened, Period, RegisterCount
from bot.domain.protocol import protocols_of
from bot.domain.registration import Kind
from storage.engine.connection import Collection as Stored
from storage.engine.connection import Database, Document, translated
from storage.engine.ordered import HIGHEST, LEVELS, STEP, Ordered
from storage.register.search_fields import END, INACTIVE, KIND

_AT_ONCE: Final = 500
# On the embedded server, the time per key of `$in` grows with the number of keys.
_KEYS: Final = 100
# Up to this number is counted, which takes the embedded server 0.2 s; more is estimated from a
# sample.
_EXACT: Final = 5_000
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

    def __init__(self, database: Database, *, exact: int = _EXACT) -> None:
        self._registrations: Stored = database["registrations"]
        self._by_name = Ordered(self._registrations, "sort_name")
        self._by_word = Ordered(self._registrations, "words", of="w", is_list=True)
        self._exact = exact

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
        """Return the counts; small ones are exact, others are estimated from registrations with
        marks."""
        everybody, about = await self._count(self._by_name, "", HIGHEST)
        inactive, kinds_of_inactive, about_inactive = await self._inactive()
        counted = []
        for kind in Kind:
            label = f"{KIND}{kind}{END}"
            total, is_about = await self._count(self._by_word, label, label + HIGHEST)
            of_it = min(total, kinds_of_inactive[kind])
            counted.append(
                KindCount(
                    kind=kind,
                    active=total - of_it,
                    inactive=of_it,
                    about=is_about or (about_inactive and of_it > 0),
                )
            )
        inactive = min(everybody, inactive)
        return RegisterCount(
            active=everybody - inactive,
            inactive=inactive,
            kinds=tuple(counted),
            about=about or about_inactive,
        )

    async def _count(self, ordered: Ordered, low: str, high: str) -> tuple[int, bool]:
        """Return the number of documents, and True if it is an estimate."""
        about = (await ordered.about(low, high)).count
        level = self._level(about)
        return await ordered.count_marked(level, low, high) * STEP**level, level > 0

    async def _inactive(self) -> tuple[int, Counter[str], bool]:
        """Return the number of inactive ones, their kinds, and True if these are estimates."""
        low = f"{INACTIVE}{END}"
        level = self._level((await self._by_word.about(low, low + HIGHEST)).count)
        documents = await self._by_word.marked(level, low, low + HIGHEST, fields=["kinds"])
        kinds = Counter(dict.fromkeys(Kind, 0))
        for document in documents:
            kinds.update(document["kinds"])
        scale = STEP**level
        return (
            len(documents) * scale,
            Counter({kind: count * scale for kind, count in kinds.items()}),
            level > 0,
        )

    def _level(self, about: int) -> int:
        """Return the lowest level that leaves few enough documents to count."""
        return next(n for n in range(LEVELS + 1) if n == LEVELS or about <= self._exact * STEP**n)


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
