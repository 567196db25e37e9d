"""Use case: an address that opens the table at a search made in chat."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.console import SHOWN_SEARCH_LASTS
from bot.domain.search import Query
from bot.usecases.ports import ShownSearches


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowInTable:
    searches: ShownSearches
    public_url: str
    clock: Callable[[], datetime]

    async def __call__(self, query: Query, *, user_id: int, key: str) -> str:
        """Return the address; it holds the key instead of the search, as proxies log addresses.

        key: of the chat's screen; a later search on the same screen replaces the one before.
        """
        if query == Query():
            return f"{self.public_url}/"
        ends_at = self.clock() + SHOWN_SEARCH_LASTS
        await self.searches.put(key, query, user_id=user_id, ends_at=ends_at)
        return f"{self.public_url}/?search={key}"
