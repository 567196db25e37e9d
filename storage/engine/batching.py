"""Calls that are made at the same time travel to the server together.

A round trip costs the server and the driver several times what one more document in it does. While
a batch is on its way the next one gathers, so nobody waits for a timer: a call that comes alone
leaves at once, alone. Every caller still waits for its own answer.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from pymongo.errors import BulkWriteError

from bot.domain.errors import RefusedError, TryLaterError
from storage.engine.connection import Collection, Document, batch_slots, translated

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# The embedded server's `$in` grows with the square of its keys; a hundred is quick.
_AT_MOST = 100
_DUPLICATE_KEY = 11000


class Batched(Generic[Item, Answer]):
    """A call for one item, made of a call for many."""

    def __init__(
        self,
        collection: Collection,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | RefusedError]]],
    ) -> None:
        """run: answers each of the items, in order, with the error for one that is refused."""
        self._run = run
        self._slots = batch_slots(collection)
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """The answer for this item."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch: list[tuple[Item, asyncio.Future[Answer]]] = []
                try:
                    async with self._slots.slot():
                        batch = self._take()
                        await self._answer(batch)
                except TryLaterError as error:
                    # The server is gone: so it is for those who joined in vain.
                    for _, waiting in [*batch, *self._take()]:
                        _fail(waiting, error)
        finally:
            self._task = None

    def _take(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        batch = self._waiting[:_AT_MOST]
        del self._waiting[:_AT_MOST]
        return batch

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._run([item for item, _ in batch])
        except TryLaterError:
            raise
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            # One item that cannot be stored is nobody else's fault.
            for one in batch:
                await self._answer([one])
            return
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                _fail(waiting, answer)
            elif not waiting.done():
                waiting.set_result(answer)


def _fail(waiting: "asyncio.Future[Any]", error: Exception) -> None:
    if not waiting.done():
        # A copy each: one exception raised in many tasks would mix their tracebacks.
        told = copy.copy(error)
        told.__cause__ = error.__cause__
        waiting.set_exception(told)


class FindOne(Batched[Hashable, Document | None]):
    """The document whose unique `field` is the one asked for, or None."""

    def __init__(self, collection: Collection, field: str = "_id") -> None:
        self._collection = collection
        self._field = field
        super().__init__(collection, self._find)

    async def _find(self, keys: Sequence[Hashable]) -> Sequence[Document | None]:
        wanted = list(dict.fromkeys(keys))
        # One key by equality: the embedded server has a quicker path for it.
        condition: Any = wanted[0] if len(wanted) == 1 else {"$in": wanted}
        with translated():
            documents = await self._collection.find({self._field: condition}).to_list(None)
        by_key = {document[self._field]: document for document in documents}
        return [by_key.get(key) for key in keys]


class InsertOne(Batched[Document, bool]):
    """Whether the document was new: False when a unique index has its key already."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        super().__init__(collection, self._insert)

    async def _insert(self, documents: Sequence[Document]) -> Sequence[bool | RefusedError]:
        answers: list[bool | RefusedError] = [True] * len(documents)
        with translated():
            try:
                await self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if error.details["writeConcernErrors"]:
                    raise
                for failure in error.details["writeErrors"]:
                    code = failure["code"]
                    answers[failure["index"]] = code != _DUPLICATE_KEY and RefusedError(
                        f"MongoDB refused a document (code {code})"
                    )
        return answers


class Write(Batched[Any, None]):
    """One of pymongo's operations, such as ReplaceOne, which nobody else makes on its document."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        super().__init__(collection, self._write)

    async def _write(self, operations: Sequence[Any]) -> Sequence[None]:
        with translated():
            await self._collection.bulk_write(list(operations), ordered=False)
        return [None] * len(operations)
