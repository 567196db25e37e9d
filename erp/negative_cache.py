"""An ERP whose "nobody has it" is believed for a moment: who types again makes it search again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.tax_id import TaxId
from erp.adapter import Erp

# Shorter than it takes to register somebody in the ERP and have him try again.
_BELIEVED_S: Final = 15.0
_MOST: Final = 10_000


class NegativeCache:
    """Asks `erp`, but not again for a tax id that nobody had a moment ago. Who is found is always
    asked for: his record may have changed, and it is kept in the register anyhow."""

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
        """As the ERP answers, or did a moment ago when nobody had it."""
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
        """As the ERP answers."""
        return await self._erp.page(cursor, since=since)

    async def probe(self) -> None:
        """As the ERP answers."""
        await self._erp.probe()
