"""Batching: calls that are made at the same time share one round trip to the server.

A round trip costs the server and the driver several times as much as one more document in it.
While a batch is under way, the next one collects, so no call waits for a timer: a call that comes
alone is sent at once, alone. Every caller still waits for its own answer.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from pymongo.errors import BulkWriteError

from bot.domain.errors import AppError, TryLaterError, UnknownRefusalError
from bot.domain.trace import here
from storage.engine import refusals
from storage.engine.connection import Collection, Document, batch_slots, translated

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# On the embedded server, the time of `$in` grows with the square of its keys; a hundred are quick.
_AT_MOST = 100
_Waiting = tuple[Item, "asyncio.Future[Answer]", object | None]
"""An item, its answer to come, and the place of its caller in a trace."""


class Batched(Generic[Item, Answer]):
    """Calls for one item each, sent to the server as one call for many items."""

    def __init__(
        self,
        collection: Collection,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | AppError]]],
    ) -> None:
        """run: returns the answer to each item, in order; an error for one that was not done."""
        self._run = run
        self._slots = batch_slots(collection)
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """Return the answer for this item."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer, here.get()))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch: list[_Waiting[Item, Answer]] = []
                try:
                    async with self._slots.slot():
                        batch = self._take()
                        await self._answer(batch)
                except TryLaterError as error:
                    # The server is gone, also for the callers that joined meanwhile.
                    for _, waiting, _ in [*batch, *self._take()]:
                        _fail(waiting, error)
        finally:
            self._task = None

    def _take(self) -> "list[_Waiting[Item, Answer]]":
        batch = self._waiting[:_AT_MOST]
        del self._waiting[:_AT_MOST]
        # One call for many belongs to the first of them that is traced.
        here.set(next((place for _, _, place in batch if place), None))
        return batch

    async def _answer(self, batch: "list[_Waiting[Item, Answer]]") -> None:
        try:
            answers = await self._run([item for item, _, _ in batch])
        except Exception as error:
            if isinstance(error, TryLaterError) and not isinstance(error, UnknownRefusalError):
                raise
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            # An item that is refused must not fail the others.
            for one in batch:
                await self._answer([one])
            return
        for (_, waiting, _), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                _fail(waiting, answer)
            elif not waiting.done():
                waiting.set_result(answer)


def _fail(waiting: "asyncio.Future[Answer]", error: Exception) -> None:
    if not waiting.done():
        # Each caller gets a copy: one exception raised in many tasks would mix their tracebacks.
        told = copy.copy(error)
        told.__cause__ = error.__cause__
        waiting.set_exception(told)


class FindOne(Batched[Hashable, Document | None]):
    """Look-ups by a unique field: each returns the document that has the key, or None.

    The field may be a list of keys.
    """

    def __init__(self, collection: Collection, field: str = "_id") -> None:
        self._collection = collection
        self._field = field
        super().__init__(collection, self._find)

    async def _find(self, keys: Sequence[Hashable]) -> Sequence[Document | None]:
        wanted = list(dict.fromkeys(keys))
        # Equality for a single key: the embedded server has a quicker path for it.
        condition: object = wanted[0] if len(wanted) == 1 else {"$in": wanted}
        with translated():
            documents = await self._collection.find({self._field: condition}).to_list(None)
        by_key: dict[Hashable, Document] = {}
        for document in documents:
            stored = document[self._field]
            by_key |= dict.fromkeys(stored if isinstance(stored, list) else [stored], document)
        return [by_key.get(key) for key in keys]


class InsertOne(Batched[Document, bool]):
    """Inserts: each returns True for a new document, False if a unique index has its key."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        super().__init__(collection, self._insert)

    async def _insert(self, documents: Sequence[Document]) -> Sequence[bool | AppError]:
        failed = await each_write(self._collection.insert_many(documents, ordered=False))
        answers: list[bool | AppError] = [True] * len(documents)
        for n, error in failed.items():
            answers[n] = error if not isinstance(error, refusals.DuplicateError) else False
        return answers


class Write(Batched[object, None]):
    """Writes: each is one pymongo operation, such as ReplaceOne.

    No other caller may write the same document at the same time.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        super().__init__(collection, self._write)

    async def _write(self, operations: Sequence[object]) -> Sequence[AppError | None]:
        writing = self._collection.bulk_write(list(operations), ordered=False)
        failed = await each_write(writing)
        return [failed.get(n) for n in range(len(operations))]


async def each_write(writing: Awaitable[object]) -> dict[int, AppError]:
    """Return the error of each write of an unordered bulk that failed, by its place.

    Raises our error when it is not known which of them were done.
    """
    with translated():
        try:
            await writing
        except BulkWriteError as error:
            failed = refusals.of_writes(error)
            if failed is None:
                raise
            return failed
    return {}
