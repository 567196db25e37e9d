"""A negative cache for an ERP: a tax id typed again in a moment causes no second search."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.tax_id import TaxId
from erp.adapter import Erp

# Shorter than it takes to register a customer in the ERP and have them try again.
_BELIEVED_S: Final = 15.0
_MOST: Final = 10_000


class NegativeCache:
    """Passes calls on to `erp`, except for a tax id that it did not find a moment ago.

    A customer who was found is always looked up again: the record may have changed, and the
    register keeps it already.
    """

    def __init__(
        self,
        erp: Erp,
        *,
        believed_s: float = _BELIEVED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._erp = erp
        self._believed_s = believed_s
        self._clock = clock
        self._nobody: OrderedDict[str, float] = OrderedDict()

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the ERP's answer, or None if the ERP did not find the tax id a moment ago."""
        now = self._clock()
        since = self._nobody.get(tax_id.key)
        if since is not None and now - since < self._believed_s:
            return None
        found = await self._erp.by_tax_id(tax_id)
        self._nobody.pop(tax_id.key, None)
        if found is None:
            self._nobody[tax_id.key] = now
            if len(self._nobody) > _MOST:
                self._nobody.popitem(last=False)
        return found

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Pass the call on to the ERP."""
        return await self._erp.page(cursor, since=since)

    async def probe(self) -> None:
        """Pass the call on to the ERP."""
        await self._erp.probe()
