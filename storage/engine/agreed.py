"""Values and marks that all processes on the database agree on, by the database's own time."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from pydantic import BaseModel
from pymongo.errors import DuplicateKeyError

from bot.domain.errors import TryLaterError
from storage.engine.connection import Collection, Database, Document, translated

Value = TypeVar("Value", bound=BaseModel)

_TRIES: Final = 30
_PAUSE_S: Final = 0.02


class Agreed(Generic[Value]):
    """One small value, in a document of its own, which is replaced if nobody has changed it
    since it was read."""

    def __init__(self, database: Database, name: str, first: Value) -> None:
        """first: the value until it is changed."""
        self._limits: Collection = database["limits"]
        self._name = name
        self._first = first

    async def change(self, change: Callable[[Value, datetime], Value]) -> Value:
        """Return the value after `change`, which gets the present one and the database's time.

        Raises TryLaterError when the database is away, or others are always quicker.
        """
        for _ in range(_TRIES):
            found = await self._read()
            before = type(self._first).model_validate(found["value"])
            value = change(before, found["now"])
            if value == before or await self._replace(found, value):
                return value
            # Without a pause those who were late together would be late together again.
            await asyncio.sleep(random.uniform(0.0, _PAUSE_S))  # noqa: S311 - no secret
        raise TryLaterError(f"others change {self._name} all the time")

    async def _read(self) -> Document:
        # A pipeline, because nothing else tells the server's time together with a document.
        wanted = [{"$match": {"_id": self._name}}, {"$addFields": {"now": "$$NOW"}}]
        with translated():
            while not (found := await self._limits.aggregate(wanted).to_list(1)):
                first = {"_id": self._name, "version": 0, "value": self._first.model_dump()}
                # Another process may be quicker.
                with suppress(DuplicateKeyError):
                    await self._limits.insert_one(first)
        document: Document = found[0]
        return document

    async def _replace(self, found: Document, value: Value) -> bool:
        version, used_at = found["version"], found["now"]
        document = {"version": version + 1, "value": value.model_dump(), "used_at": used_at}
        with translated():
            result = await self._limits.replace_one(
                {"_id": self._name, "version": version}, document
            )
        return bool(result.matched_count)


class Marks:
    """Marks with an end, one small document each."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """clock: all processes have the same."""
        self._marks: Collection = database["marks"]
        self._clock = clock

    async def put(self, key: str, lasts: timedelta) -> bool:
        """Return True if the mark was not there; of several concurrent callers one gets True."""
        now = self._clock()
        with translated():
            try:
                await self._marks.insert_one({"_id": key, "until": now + lasts})
            except DuplicateKeyError:
                over = {"_id": key, "until": {"$lte": now}}
                result = await self._marks.update_one(over, {"$set": {"until": now + lasts}})
                return bool(result.matched_count)
        return True

    async def has(self, key: str) -> bool:
        """Return True if the mark was put and has not ended."""
        with translated():
            found = await self._marks.find_one({"_id": key}, {"until": 1})
        return bool(found) and found["until"] > self._clock()

    async def remove(self, key: str) -> None:
        """End the mark now, if it is there."""
        with translated():
            await self._marks.delete_one({"_id": key})
