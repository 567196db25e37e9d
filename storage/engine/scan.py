"""A whole collection in small steps, in the only shape that is small on the embedded server.

It gathers every match before it answers, and a range over `_id` is a full scan: with 200,000
registrations one window cost 6.8 s and 1.15 GB, a count as much, and neither `limit`, a time limit
nor a snapshot session helped. A closed range on an index that begins with the field costs 27 to
47 ms for 734 documents. So `chats`, `conversations` and `registrations` have an index that begins
with `_id`, the others one on whose they are. Building one later would stop the server (24 s for
200,000), so they are there from the start, at the price of every index.

Nothing tells beforehand how many documents a window holds, so the next one is as wide as the last
one was worth. That is sound because keys spread evenly: random hexadecimal, of which at most a
hundred lie side by side (`storage.register.ids`), or Telegram's numbers.
Whatever other keys there are lie between two bounds, too: they are not missed, only not divided.

What fits into one window is read as one: dividing nothing much takes hundreds of questions.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from storage.engine.connection import Collection, Database, Document, translated

Answer = TypeVar("Answer")
_WANTED: Final = 500


@dataclass(frozen=True, slots=True)
class _Keys:
    """How the keys of a field lie: `bound(0)` to `bound(end)` is divided, the rest is not."""

    lowest: str | int
    highest: str | int
    end: int
    bound: Callable[[int], str | int]
    first_span: int
    widest: Callable[[int], int]
    """The widest window at a position. Not all keys are equally dense: after a desert a window
    must not swallow a city."""


_RANDOM: Final = _Keys(
    lowest="",
    highest="\U0010ffff",
    end=16**8 - 1,
    bound=lambda position: f"{position:08x}",
    first_span=16**4,
    widest=lambda _: 16**7,
)
_TELEGRAM: Final = _Keys(
    lowest=-(2**63),
    highest=2**63 - 1,
    end=2**40,
    bound=lambda position: position,
    first_span=1_000,
    widest=lambda position: max(1_000, position // 32),
)
_FIELDS: Final = {
    "relayed": ("conversation_id", _RANDOM),
    "conversations": ("_id", _RANDOM),
    "chats": ("_id", _TELEGRAM),
    "audit": ("registration_id", _RANDOM),
    "registrations": ("_id", _RANDOM),
    # Without an index for it: so few that a scan is as quick.
    "tags": ("_id", _RANDOM),
    "people": ("_id", _RANDOM),
    "departments": ("_id", _RANDOM),
}


def raw(collection: Collection) -> Collection:
    """The same collection, which gives its documents as their bytes."""
    options: CodecOptions[RawBSONDocument] = CodecOptions(
        document_class=RawBSONDocument, tz_aware=True
    )
    return collection.with_options(codec_options=options)


def scan(database: Database, name: str) -> AsyncIterator[list[RawBSONDocument]]:
    """Every document of the collection as its bytes, some hundreds at a time, roughly by key.

    What is added or changed meanwhile may be missing or old; what was there all the time is there
    once.
    """
    collection = raw(database[name])

    async def read(query: Document) -> tuple[int, list[RawBSONDocument]]:
        with translated():
            documents = await collection.find(query).to_list(None)
        return len(documents), documents

    return _each_window(database, name, read)


def scan_with_audit(
    database: Database,
) -> AsyncIterator[tuple[list[RawBSONDocument], list[RawBSONDocument]]]:
    """Every registration as its bytes, and beside it its audit entries, in the same steps; those
    of deleted ones, too."""
    registrations, audit = raw(database["registrations"]), raw(database["audit"])

    async def read(
        query: Document,
    ) -> tuple[int, tuple[list[RawBSONDocument], list[RawBSONDocument]]]:
        with translated():
            documents = await registrations.find(query).to_list(None)
            entries = await audit.find({"registration_id": query["_id"]}).to_list(None)
        return len(documents) + len(entries), (documents, entries)

    return _each_window(database, "registrations", read, beside="audit")


def delete_all(database: Database, name: str) -> AsyncIterator[int]:
    """Empty the collection; yields how many went with each step.

    Dropping 200,000 documents takes longer than the 20 s that a call may.
    """
    collection: Collection = database[name]

    async def delete(query: Document) -> tuple[int, int]:
        with translated():
            result = await collection.delete_many(query)
        return result.deleted_count, result.deleted_count

    return _each_window(database, name, delete)


async def _each_window(
    database: Database,
    name: str,
    act: Callable[[Document], Awaitable[tuple[int, Answer]]],
    *,
    beside: str | None = None,
) -> AsyncIterator[Answer]:
    """The answers of `act`, which also tells how many documents it met, for adjoining windows.

    beside: another collection that `act` reads in them.
    """
    field, keys = _FIELDS[name]
    with translated():
        counts = [
            await database[each].estimated_document_count() for each in (name, beside) if each
        ]
    is_small = sum(counts) <= _WANTED
    low, position, span = keys.lowest, keys.end + 1 if is_small else 0, keys.first_span
    while True:
        high = keys.bound(position) if position <= keys.end else keys.highest
        # From the lower to below the upper bound: the form that is right on a compound index.
        count, answer = await act({field: {"$gte": low, "$lt": high}})
        if count:
            yield answer
        if position > keys.end:
            return
        if count > _WANTED:
            span = max(1, span * _WANTED // count)
        elif count < _WANTED // 2:
            # By little where there are some: few between two stretches of a hundred neighbours say
            # nothing of how many come next.
            span += span // 4 if count else span
        span = min(span, max(1, keys.widest(position)))
        low = high
        position = position + span if position == keys.end else min(position + span, keys.end)
