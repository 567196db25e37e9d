"""A negative cache for an ERP: a tax id typed again in a moment causes no second search.

All processes have the same one.
"""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.agreed import Marks
from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.tax_id import TaxId
from erp.adapter import Erp
from erp.shared import mark_of

# Shorter than it takes to register a customer in the ERP and have them try again.
_BELIEVED: Final = timedelta(seconds=15)


class NegativeCache:
    """Passes calls on to `erp`, except for a tax id that it did not find a moment ago.

    A customer who was found is always looked up again: the record may have changed, and the
    register keeps it already.
    """

    def __init__(
        self, erp: Erp, *, system: str, marks: Marks, believed: timedelta = _BELIEVED
    ) -> None:
        """marks: seen by all processes."""
        self._erp = erp
        self._system = system
        self._marks = marks
        self._believed = believed

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the ERP's answer, or None if the ERP did not find the tax id a moment ago."""
        mark = mark_of("nobody", self._system, tax_id)
        if await self._marks.has(mark):
            return None
        found = await self._erp.by_tax_id(tax_id)
        if found is None:
            await self._marks.put(mark, self._believed)
        return found

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Pass the call on to the ERP."""
        return await self._erp.page(cursor, since=since)

    async def probe(self) -> None:
        """Pass the call on to the ERP."""
        await self._erp.probe()
