"""Gives an end to documents of an earlier version, which lack the field that ends them."""

from datetime import UTC, datetime
from typing import Final

from bot.domain.retention import SET_ASIDE_KEPT
from storage.engine.connection import Database, translated

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_USED: Final = ("states", "choices")


async def date_the_undated(database: Database, now: datetime) -> int:
    """Return how many documents were given their date; they end as if they were used now."""
    with translated():
        aside = await database["inbox"].update_many(
            {"set_aside_at": {"$gte": _EVER}, "ends_at": None},
            {"$set": {"ends_at": now + SET_ASIDE_KEPT}},
        )
        dated = int(aside.modified_count)
        for name in _USED:
            used = await database[name].update_many({"used_at": None}, {"$set": {"used_at": now}})
            dated += used.modified_count
    return dated
