"""Calls that were broken off, and are made again where nobody has been told anything yet.

An election, a lost connection or a missing majority leaves it open whether a write was done. The
driver repeats it once, but not a missing majority, not for longer than it looks for a primary, and
not on the embedded server. The caller repeats all of it much later, perhaps at another time and
with other ids, so that it meets its own earlier write and takes it for somebody else's: "the name
is taken", "changed meanwhile". So a write that has such an answer is repeated here, unchanged, and
when the repetition finds its place taken, what is stored there tells whose it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import bson
from pymongo.errors import DuplicateKeyError, PyMongoError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from storage.engine.connection import Collection, Document
from storage.engine.refusals import is_broken_off

_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.5
# From the first failure. Each attempt also looks for a primary, for as long as the client may.
_PATIENCE_S: Final = 10.0

Answer = TypeVar("Answer")


class Patience:
    """The time in which something is made again, and the growing pauses between."""

    def __init__(self) -> None:
        self._pause_s = _FIRST_PAUSE_S
        self._until: float | None = None

    async def pause(self, error: PyMongoError) -> None:
        """Wait before the next attempt; raise the error when the time is over."""
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + _PATIENCE_S
        if now >= self._until or isinstance(error, ServerSelectionTimeoutError):
            raise error
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)


async def do_again(act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return what `act` returns; if it is broken off in the middle, it begins anew.

    act: reads a list, of which the driver repeats only the first part, or does what can be
        repeated. Raises the driver's errors, untranslated.
    """
    patience = Patience()
    while True:
        try:
            return await act()
        except PyMongoError as error:
            if not is_broken_off(error):
                raise
            await patience.pause(error)


async def insert_once(collection: Collection, document: Document) -> bool:
    """Return True if the document was inserted; False if a unique index has one of its keys.

    Raises the driver's other errors, untranslated.
    """

    async def insert() -> bool:
        try:
            await collection.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    return await _once(insert, collection, document["_id"], _equal(collection, document))


async def replace_once(collection: Collection, seen: Document, document: Document) -> bool:
    """Return True if the document that matches `seen` was replaced.

    seen: the `_id` and what else must be as it was read. Raises the driver's errors, untranslated.
    """

    async def replace() -> bool:
        return bool((await collection.replace_one(seen, document)).matched_count)

    return await _once(replace, collection, seen["_id"], _equal(collection, document))


async def update_once(collection: Collection, seen: Document, change: Document) -> bool:
    """Return True if the document that matches `seen` was changed.

    change: of `$set`, `$unset` and `$push`. Raises the driver's errors, untranslated.
    """

    async def update() -> bool:
        return bool((await collection.update_one(seen, change)).matched_count)

    def is_done(found: Document | None) -> bool:
        written = _as_read(collection, change)
        return (
            found is not None
            and all(_at(found, path) == value for path, value in written.get("$set", {}).items())
            and all(_at(found, path) is None for path in written.get("$unset", ()))
            and all(
                value in found.get(path, ()) for path, value in written.get("$push", {}).items()
            )
        )

    return await _once(update, collection, seen["_id"], is_done)


async def delete_once(collection: Collection, seen: Document) -> bool:
    """Return True if the document that matches `seen` was deleted.

    Raises the driver's errors, untranslated.
    """

    async def delete() -> bool:
        return bool((await collection.delete_one(seen)).deleted_count)

    return await _once(delete, collection, seen["_id"], lambda found: found is None)


async def _once(
    write: Callable[[], Awaitable[bool]],
    collection: Collection,
    key: Any,
    is_done: Callable[[Document | None], bool],
) -> bool:
    patience, broken_off = Patience(), None
    while True:
        try:
            if await write():
                return True
            break
        except PyMongoError as error:
            if not is_broken_off(error):
                raise
            broken_off = error
            await patience.pause(error)
    if broken_off is None:
        return False
    return is_done(await _confirmed(collection, key))


async def is_stored(collection: Collection, document: Document) -> bool:
    """Return True if exactly this document is stored."""
    return _equal(collection, document)(await _confirmed(collection, document["_id"]))


async def _confirmed(collection: Collection, key: Any) -> Document | None:
    # What no majority has may be taken back, and the driver does not say that of a duplicate key.
    of_majority = collection.with_options(read_concern=ReadConcern("majority"))
    found: Document | None = await do_again(lambda: of_majority.find_one({"_id": key}))
    return found


def _equal(collection: Collection, document: Document) -> Callable[[Document | None], bool]:
    return lambda found: found == _as_read(collection, document)


def _as_read(collection: Collection, document: Document) -> Document:
    """Return the document as it is read: times have milliseconds, and tuples are lists."""
    read: Document = bson.decode(bson.encode(document), collection.codec_options)
    return read


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
