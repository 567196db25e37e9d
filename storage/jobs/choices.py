"""The last options that each user chose for imports and exports."""

from typing import Final

from bot.domain.export import ExportOptions
from bot.domain.job import ImportOptions
from storage.engine.connection import Collection, Database, Document, translated

# Not stored: the columns belong to one file.
_OF_A_FILE: Final = frozenset(("columns",))


class Choices:
    """The stored options, by `Provenance.by`."""

    def __init__(self, database: Database) -> None:
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
        await self._set(by, "export", options.model_dump(mode="json"))

    async def _found(self, by: str) -> Document:
        with translated():
            return await self._choices.find_one({"_id": by}) or {}

    async def _set(self, by: str, name: str, value: Document) -> None:
        with translated():
            await self._choices.update_one({"_id": by}, {"$set": {name: value}}, upsert=True)
