"""Tags and departments: few, so they are read whole."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from pymongo.errors import DuplicateKeyError

from bot.domain.conversation import Department
from bot.domain.label import Label, Tag, Written
from bot.domain.opening_hours import OpeningHours
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import insert_once, replace_once

L = TypeVar("L", bound=Label)
# Changes by another replica show after this time; changes by this one show at once.
_KNOWN_FOR: Final = timedelta(seconds=5)
_ALWAYS: Final = OpeningHours().model_dump(mode="json")


class Labels(Generic[L]):
    """One collection of labels; names are unique among those that are not archived."""

    def __init__(self, collection: Collection, model: type[L], clock: Callable[[], datetime]):
        self._labels = collection
        self._model = model
        self._clock = clock
        self._known: tuple[L, ...] = ()
        self._until: datetime | None = None

    async def all(self) -> tuple[L, ...]:
        """Return all labels by name, archived ones too, from a cache that is some seconds old at
        most."""
        now = self._clock()
        if self._until is None or self._until <= now:
            await self.latest()
        return self._known

    async def latest(self) -> tuple[L, ...]:
        """Return the same list as `all`, read from the database now."""
        # Taken before the read, so that a change during the read shows after the usual time.
        until = self._clock() + _KNOWN_FOR
        with translated():
            documents = await self._labels.find({}).to_list(None)
        labels = (self._model.model_validate(_read(document)) for document in documents)
        self._known = tuple(sorted(labels, key=lambda label: (label.key, label.id)))
        self._until = until
        return self._known

    async def add(self, label: L) -> bool:
        """Return True if the label was stored; False if its name, its group or its id exists
        already."""
        self._until = None
        with translated():
            return await insert_once(self._labels, _written(label))

    async def change(self, before: L, after: L) -> Written:
        """Replace `before`, as it was read, by `after`, which has the next version.

        Idempotent: returns DONE if `after` is stored already.
        """
        self._until = None
        with translated():
            try:
                seen: Document = {"_id": before.id, "version": before.version}
                if await replace_once(self._labels, seen, _written(after)):
                    return Written.DONE
            except DuplicateKeyError:
                return Written.TAKEN
            stored = await self._labels.find_one({"_id": before.id})
        return Written.DONE if stored == _written(after) else Written.STALE


class Tags(Labels[Tag]):
    def __init__(self, database: Database, clock: Callable[[], datetime]):
        super().__init__(database["tags"], Tag, clock)


class Departments(Labels[Department]):
    """Departments; a group belongs to one department at most."""

    def __init__(self, database: Database, clock: Callable[[], datetime]):
        super().__init__(database["departments"], Department, clock)


def _written(label: Label) -> Document:
    # As JSON, because what is read again has lists and no tuples.
    document = label.model_dump(mode="json", exclude={"id"})
    document["_id"] = label.id
    if not label.archived:
        # Absent on archived labels: so the sparse unique index allows the name again.
        document["name_key"] = label.key
    if document.get("group_id", "") is None:
        del document["group_id"]
    if document.get("hours") == _ALWAYS:
        del document["hours"]
    return document


def _read(document: Document) -> Document:
    values = dict(document)
    values["id"] = values.pop("_id")
    values.pop("name_key", None)
    return values
