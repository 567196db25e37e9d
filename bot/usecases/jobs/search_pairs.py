"""Use case: look through the register for double entries, and store what is found."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.job import Counts
from bot.domain.pairs import MOST, Outline, Pair, PairSearch, likeness
from bot.usecases.ports import BulkRegister, Outlines, Pairs

_NAMES_AT_ONCE: Final = 500
# As many registrations as the embedded server finds quickly by their ids, two for each pair.
_PAIRS_AT_ONCE: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPairs:
    register: BulkRegister
    outlines: Outlines
    pairs: Pairs
    clock: Callable[[], datetime]

    async def __call__(self, *, report: Callable[[Counts], Awaitable[bool]]) -> bool:
        """Search, and replace what the last search has found; return False if cancelled.

        Nothing is stored before the end: a search that was killed begins again.
        report: is called with the counts so far; False cancels.
        """
        search, rows = PairSearch(), 0
        async for some in self.outlines.outlines():
            for one in some:
                search.add(one)
            rows += len(some)
            if not await report(Counts(rows=rows)):
                return False
        found: dict[str, Pair] = {}
        candidates = search.candidates()
        for start in range(0, len(candidates), _PAIRS_AT_ONCE):
            await self._check(candidates[start : start + _PAIRS_AT_ONCE], found)
            if not await report(Counts(rows=rows, pairs=len(found))):
                return False
        for alike in search.spelled_alike(at_once=_NAMES_AT_ONCE):
            # The other tasks of this process have a turn.
            await asyncio.sleep(0)
            for start in range(0, len(alike), _PAIRS_AT_ONCE):
                await self._check(alike[start : start + _PAIRS_AT_ONCE], found)
            if not await report(Counts(rows=rows, pairs=len(found))):
                return False
            if len(found) > 2 * MOST:
                break
        likeliest = sorted(found.values(), key=lambda pair: (pair.rank, pair.id))[:MOST]
        stored = await self.pairs.replace(likeliest, at=self.clock())
        return await report(Counts(rows=rows, pairs=stored))

    async def _check(self, candidates: Sequence[tuple[str, str]], found: dict[str, Pair]) -> None:
        """Add the candidates that are alike by what is stored now."""
        ids = list(dict.fromkeys(one for pair in candidates for one in pair))
        known = await self.register.by_ids(ids)
        for first, second in candidates:
            if first in known and second in known:
                one, other = (Outline.of(known[each].registration) for each in (first, second))
                if reasons := likeness(one, other):
                    pair = Pair(first, second, reasons)
                    found[pair.id] = pair
