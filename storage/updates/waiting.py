"""How many updates wait, and since when."""

from datetime import UTC, datetime
from typing import Final

from storage.engine.connection import Database, translated

# More are not counted: it is too many, however many it is.
_AT_MOST: Final = 10_000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def waiting_updates(database: Database) -> tuple[int, datetime | None, int]:
    """Return how many updates are pending, when the oldest came, and how many are set aside.

    Of ten thousand or more, ten thousand are looked at.
    """
    inbox = database["inbox"]
    with translated():
        pending = (
            await inbox.find({"pending": {"$gt": ""}}, {"received_at": 1})
            .limit(_AT_MOST)
            .to_list(None)
        )
        aside = await inbox.count_documents({"set_aside_at": {"$gte": _EVER}})
    return len(pending), min((one["received_at"] for one in pending), default=None), aside
