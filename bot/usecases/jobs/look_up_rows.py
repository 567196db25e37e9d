"""Looks up the rows of a file in the register, some batches ahead of the writing."""

import asyncio
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.candidate import Candidate, Several
from bot.domain.errors import RefusedError
from bot.domain.phone import phone_key
from bot.domain.registration import Phones
from bot.domain.row import Row, RowReader
from bot.domain.row_plan import ExistingRegistration
from bot.usecases.ports import BulkLookup

# Number of batches that are looked up while the one before them is written.
_AHEAD: Final = 2

Existing = ExistingRegistration | Several | None
"""The registration that a row belongs to, if any; `Several` if it fits more than one."""
Rows = Callable[[], AsyncGenerator[list[tuple[int, list[str]]], None]]
"""Yields all rows of the file from the first on, in chunks of (line number, cells)."""


@dataclass(frozen=True, slots=True)
class RowBatch:
    """A batch of rows and their registrations."""

    before: Sequence[Row]
    """Rows of the chunk that an earlier run has written."""
    rows: Sequence[Row]
    place: int
    """The number of rows of the file before `rows`."""
    existing: Sequence[Existing] = ()

    def part_of(self, plan: "array[int]") -> Sequence[int]:
        """Return the part of the plan that covers `rows`."""
        return plan[self.place : self.place + len(self.rows)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpRows:
    register: BulkLookup
    requires_tax_id: bool

    async def batches(
        self, reader: RowReader, rows: Rows, after_line: int = 0
    ) -> AsyncGenerator["RowBatch", None]:
        """Yield all rows of the file in batches; rows up to `after_line` are not looked up.

        Raises FileRefused where the file breaks off, after all rows before that point.
        """
        coming: deque[tuple[RowBatch, asyncio.Task[list[Existing]]]] = deque()
        place = 0
        broken: RefusedError | None = None
        try:
            try:
                async with aclosing(rows()) as all_rows:
                    async for some in all_rows:
                        read = [reader(*row) for row in some]
                        done = sum(line <= after_line for line, _ in some) if after_line else 0
                        batch = RowBatch(read[:done], read[done:], place + done)
                        place += len(read)
                        looking_up = self.existing([row.candidate for row in batch.rows])
                        coming.append((batch, asyncio.create_task(looking_up)))
                        if len(coming) > _AHEAD:
                            yield await _next(coming)
            except RefusedError as error:
                # The rows before the point where the file breaks off are good.
                broken = error
            while coming:
                yield await _next(coming)
            if broken is not None:
                raise broken
        finally:
            for _, task in coming:
                task.cancel()
            await asyncio.gather(*(task for _, task in coming), return_exceptions=True)

    async def existing(self, candidates: Sequence[Candidate]) -> list[Existing]:
        """Return the registration of each candidate, in order."""
        keys = [candidate.tax_id.key for candidate in candidates if candidate.tax_id]
        by_key = await self.register.by_tax_keys(keys) if keys else {}
        return [
            by_key.get(candidate.tax_id.key)
            if candidate.tax_id
            else await self._by_name(candidate)
            for candidate in candidates
        ]

    async def _by_name(self, candidate: Candidate) -> Existing:
        """Return the registration that has exactly this name, and one of these telephones or this
        e-mail; for a name alone, the one that has nothing else either."""
        if self.requires_tax_id or not candidate.name:
            return None
        keys = _contacts(candidate.phones, candidate.email)
        found = []
        for known in await self.register.named(candidate.name):
            one = known.registration
            theirs = _contacts(one.phones, one.email)
            if keys & theirs or not (keys or theirs or one.tax_id):
                found.append(known)
        if len(found) > 1:
            return Several.OF_THEM
        return found[0] if found else None


def _contacts(phones: Phones, email: str | None) -> set[str]:
    return {*map(phone_key, phones.all()), *([email] if email else [])}


async def _next(coming: "deque[tuple[RowBatch, asyncio.Task[list[Existing]]]]") -> RowBatch:
    batch, task = coming.popleft()
    return replace(batch, existing=await task)
