"""Scans of a whole collection, in the only query shape that is cheap on the embedded server.

That server collects every match before it answers, and a range over `_id` is a full scan: with
200,000 registrations one window cost 6.8 s and 1.15 GB, a count cost as much, and neither `limit`,
a time limit nor a snapshot session helped. A closed range on an index that begins with the field
costs 27 to 47 ms for 734 documents. So `chats`, `conversations` and `registrations` have an index
that begins with `_id`; the others have one on the id of the document that they belong to. Building
such an index later would stop the server (24 s for 200,000), so they exist from the start, at the
usual price of an index.

The number of documents in a window is not known beforehand, so the width of each window is set by
the count of the one before. That works because keys are evenly spread: they are random
hexadecimal, with at most a hundred neighbours in a row (`storage.register.ids`), or Telegram's
numbers. Any other key is between two bounds, too: it is not missed, but its range is not divided.

A collection that fits into one window is read as one: dividing a nearly empty one would take
hundreds of queries.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne

from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import do_again

Answer = TypeVar("Answer")
_WANTED: Final = 500


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of a field: `bound(0)` to `bound(end)` is divided into windows, the rest is not."""

    lowest: str | int
    highest: str | int
    end: int
    bound: Callable[[int], str | int]
    first_span: int
    widest: Callable[[int], int]
    """The widest window at a position. Keys are not equally dense everywhere: a window that grew
    where there are few must not reach far into a range with many."""


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
    # These have no such index: they are so small that a full scan is as quick.
    "tags": ("_id", _RANDOM),
    "people": ("_id", _RANDOM),
    "departments": ("_id", _RANDOM),
    "ready_answers": ("_id", _RANDOM),
}


def raw(collection: Collection) -> Collection:
    """Return the same collection, set to give its documents as raw BSON."""
    options: CodecOptions[RawBSONDocument] = CodecOptions(
        document_class=RawBSONDocument, tz_aware=True
    )
    return collection.with_options(codec_options=options)


def scan(database: Database, name: str) -> AsyncIterator[list[RawBSONDocument]]:
    """Yield every document of the collection as raw BSON, some hundreds at a time, roughly by key.

    Documents that are added or changed meanwhile may be missing or old. A document that exists all
    the time comes exactly once.
    """
    collection = raw(database[name])

    async def read(query: Document) -> tuple[int, list[RawBSONDocument]]:
        documents = await collection.find(query).to_list(None)
        return len(documents), documents

    return _each_window(database, name, read)


def scan_with_audit(
    database: Database,
) -> AsyncIterator[tuple[list[RawBSONDocument], list[RawBSONDocument]]]:
    """Yield all registrations as raw BSON with their audit entries, in the same steps as `scan`.

    The entries of deleted registrations come, too.
    """
    registrations, audit = raw(database["registrations"]), raw(database["audit"])

    async def read(
        query: Document,
    ) -> tuple[int, tuple[list[RawBSONDocument], list[RawBSONDocument]]]:
        documents = await registrations.find(query).to_list(None)
        entries = await audit.find({"registration_id": query["_id"]}).to_list(None)
        return len(documents) + len(entries), (documents, entries)

    return _each_window(database, "registrations", read, beside="audit")


def delete_all(database: Database, name: str) -> AsyncIterator[int]:
    """Empty the collection; yield how many documents each step deleted.

    Dropping 200,000 documents takes longer than the 20 s that a call may take.
    """
    collection: Collection = database[name]

    async def delete(query: Document) -> tuple[int, int]:
        result = await collection.delete_many(query)
        return result.deleted_count, result.deleted_count

    return _each_window(database, name, delete)


def unset_all(database: Database, name: str, field: str) -> AsyncIterator[int]:
    """Remove a field from all documents; yield how many documents each step has read."""
    collection: Collection = database[name]

    async def unset(query: Document) -> tuple[int, int]:
        documents = await collection.find(query, {field: 1}).to_list(None)
        writes = [
            UpdateOne({"_id": document["_id"]}, {"$unset": {field: ""}})
            for document in documents
            if field in document
        ]
        if writes:
            await collection.bulk_write(writes, ordered=False)
        return len(documents), len(documents)

    return _each_window(database, name, unset)


async def _each_window(
    database: Database,
    name: str,
    act: Callable[[Document], Awaitable[tuple[int, Answer]]],
    *,
    beside: str | None = None,
) -> AsyncIterator[Answer]:
    """Yield the answers of `act` for adjoining windows; `act` also returns its document count.

    act: can be repeated. beside: another collection that `act` reads in the same windows.
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
        # Lower bound included, upper bound excluded: the form that gives right results on a
        # compound index.
        window: Document = {field: {"$gte": low, "$lt": high}}
        with translated():
            count, answer = await do_again(partial(act, window))
        if count:
            yield answer
        if position > keys.end:
            return
        if count > _WANTED:
            span = max(1, span * _WANTED // count)
        elif count < _WANTED // 2:
            # Grow slowly after a window that found some: a few between two runs of a hundred
            # neighbours do not show how many come next.
            span += span // 4 if count else span
        span = min(span, max(1, keys.widest(position)))
        low = high
        position = position + span if position == keys.end else min(position + span, keys.end)
