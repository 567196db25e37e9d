"""The search fields of registrations that another version of them has stored."""

from collections.abc import AsyncIterator
from typing import Final

from pymongo import UpdateOne

from storage.engine.connection import Collection, Database, translated
from storage.engine.scan import scan
from storage.register.documents import read_registration
from storage.register.search_fields import search_fields

# A busy embedded server takes 10 ms for each, and a call may take 20 s.
_AT_ONCE: Final = 100
_EARLIER: Final = ("marks",)
"""Search fields of earlier versions that are none any more."""


async def renew_search_fields(database: Database) -> AsyncIterator[int]:
    """Write the search fields that are not as this program writes them; yield how many
    registrations each step has read."""
    registrations: Collection = database["registrations"]
    async for documents in scan(database, "registrations"):
        writes = []
        for document in documents:
            stored = dict(document)
            fields = search_fields(read_registration(stored))
            earlier = [name for name in _EARLIER if name in stored]
            if earlier or any(stored.get(name) != value for name, value in fields.items()):
                # A process that writes another version meanwhile writes its search fields, too.
                writes.append(
                    UpdateOne(
                        {"_id": stored["_id"], "version": stored["version"]},
                        {"$set": fields, "$unset": dict.fromkeys(_EARLIER, "")},
                    )
                )
        for start in range(0, len(writes), _AT_ONCE):
            with translated():
                await registrations.bulk_write(writes[start : start + _AT_ONCE], ordered=False)
        yield len(documents)
