"""Fencing: writes under a lease that a newer holder of the lease has not yet fenced off.

A holder that was stopped for longer than its lease does not know that it has lost it. So every
write carries the lease's number and is done only if the document has no higher one. A holder marks
with its number what it writes, and what waits when it takes over. The check is part of the write's
own filter and costs no further round trip. `docs/decisions/fencing.md`
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from pymongo import UpdateOne

from bot.domain.errors import AppError, LostError
from bot.domain.lease import held_number
from storage.engine.batching import Batched, each_write
from storage.engine.connection import Collection, Document, translated

FENCE: Final = "fence"
_Change = tuple[str, Document, int | None]
"""The `_id`, the update, the number of the lease."""


def not_fenced_off(number: int | None) -> Document:
    """Return the condition that no newer holder has marked the document."""
    # The negation also holds where the field is missing.
    return {} if number is None else {FENCE: {"$not": {"$gt": number}}}


class FencedUpdate:
    """Updates of documents by `_id`, under the lease that is held.

    Each raises LostError if a newer holder of the lease has marked the document, and does nothing
    if there is no document.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._update: Batched[_Change, None] = Batched(collection, self._updated)

    async def __call__(self, keys: Sequence[str], update: Document) -> None:
        # Read here: a batch is sent by a task of its own.
        number = held_number.get()
        await asyncio.gather(*(self._update((key, update, number)) for key in keys))

    async def _updated(self, changes: Sequence[_Change]) -> Sequence[AppError | None]:
        matched = 0
        operations = [
            UpdateOne({"_id": key, **not_fenced_off(number)}, _marking(update, number))
            for key, update, number in changes
        ]

        async def write() -> None:
            nonlocal matched
            result = await self._collection.bulk_write(operations, ordered=False)
            matched = result.matched_count

        failed = await each_write(write)
        answers: list[AppError | None] = [failed.get(n) for n in range(len(changes))]
        if failed or matched < len(changes):
            fences = await self._fences([key for key, _, _ in changes])
            for n, (key, _, number) in enumerate(changes):
                newer = fences.get(key, 0)
                if answers[n] is None and number is not None and newer > number:
                    answers[n] = LostError("a newer holder of the lease is here", newer=newer)
        return answers

    async def _fences(self, keys: Sequence[str]) -> dict[str, int]:
        with translated():
            found = await self._collection.find({"_id": {"$in": list(keys)}}, {FENCE: 1}).to_list(
                None
            )
        return {one["_id"]: one.get(FENCE, 0) for one in found}


def _marking(update: Document, number: int | None) -> Document:
    if number is None:
        return update
    return update | {"$set": {**update.get("$set", {}), FENCE: number}}


async def take_over(collection: Collection, waiting: Document, number: int) -> None:
    """Fence off the last holder of a lease from the documents that wait under it."""
    with translated():
        await collection.update_many(waiting, {"$max": {FENCE: number}})
