"""The last options that each user chose for imports, exports and the table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bot.domain.console import TableOptions
from bot.domain.export import ExportOptions
from bot.domain.job import ImportOptions
from storage.engine.connection import Collection, Database, Document, translated

# Not stored: they belong to one file.
_OF_A_FILE: Final = frozenset(("columns", "mended"))

_utc_now: Final = partial(datetime.now, UTC)


class Choices:
    """The stored options, by `Provenance.by`; an index ends those that are not used any more."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock
        self._choices: Collection = database["choices"]

    async def of_import(self, by: str) -> ImportOptions | None:
        found = await self._found(by)
        return ImportOptions.model_validate(found["import"]) if "import" in found else None

    async def of_export(self, by: str) -> ExportOptions | None:
        found = await self._found(by)
        return ExportOptions.model_validate(found["export"]) if "export" in found else None

    async def remember_import(self, by: str, options: ImportOptions) -> None:
        await self._set(by, "import", options.model_dump(mode="json", exclude=set(_OF_A_FILE)))

    async def remember_export(self, by: str, options: ExportOptions) -> None:
        # What was searched for names a person, and is of no later day.
        query = replace(options.query, text="")
        kept = options.model_copy(update={"query": query})
        await self._set(by, "export", kept.model_dump(mode="json"))

    async def of_table(self, by: str) -> TableOptions | None:
        found = await self._found(by)
        return TableOptions.model_validate(found["table"]) if "table" in found else None

    async def remember_table(self, by: str, options: TableOptions) -> None:
        await self._set(by, "table", options.model_dump(mode="json"))

    async def _found(self, by: str) -> Document:
        with translated():
            return await self._choices.find_one({"_id": by}) or {}

    async def _set(self, by: str, name: str, value: Document) -> None:
        with translated():
            await self._choices.update_one(
                {"_id": by}, {"$set": {name: value, "used_at": self._clock()}}, upsert=True
            )
