"""Notes what a list of the ERP has given, so that one without an end is seen."""

from collections import deque
from collections.abc import Set
from typing import Final

from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import UnreadableError

_PAGES: Final = 20
# A second list of the same records, by another filter, repeats at most the pages that are noted.
_IN_A_ROW: Final = 2 * _PAGES
# Passes by different filters repeat a page at most this often.
_PASSES: Final = 4
_EMPTY: Final = 1_000
_BITS: Final = 1 << 20


class Endless:
    """Remembers the latest pages and one from before: its size does not grow with the list."""

    def __init__(self) -> None:
        self._latest: deque[Set[int]] = deque(maxlen=_PAGES)
        self._marked: Set[int] = frozenset()
        self._pages = 0
        self._returns = 0
        self._without_new = 0
        self._empty = 0
        self._seen = bytearray(_BITS // 8)
        self._known = 0

    def check(self, page: ErpPage) -> None:
        """Raise UnreadableError if the list goes round, or gives empty pages, without an end.

        It goes round if many pages in a row have no new record, or if one page comes back several
        times. That page is the first one, and then each whose number is a power of two: so a round
        of any length is seen, wherever it begins (Brent's way to find a cycle). Where rows come
        again in no order, pages of known records outnumber by far those with a new one; each
        record is remembered by one bit, which another may share.
        """
        ids = frozenset(map(_id, page.records))
        if not ids:
            self._empty += 1
        else:
            self._empty = 0
            is_new = not ids <= frozenset().union(*self._latest)
            self._without_new = 0 if is_new else self._without_new + 1
            self._returns += ids == self._marked
            self._pages += 1
            self._known += not self._add(ids)
            if self._pages.bit_count() == 1:
                self._marked, self._returns = ids, 0
            self._latest.append(ids)
        is_round = self._without_new > _IN_A_ROW or self._returns > _PASSES
        new = self._pages - self._known
        if self._empty > _EMPTY or is_round or self._known > _PASSES * new + _IN_A_ROW:
            raise UnreadableError("the ERP's list has no end: it gives the same records again")

    def _add(self, ids: Set[int]) -> bool:
        """Remember these records; True if any of them is new."""
        is_new = False
        for place, bit in (divmod(one % _BITS, 8) for one in ids):
            is_new = is_new or not self._seen[place] >> bit & 1
            self._seen[place] |= 1 << bit
        return is_new


def _id(record: ErpRecord) -> int:
    if record.ref:
        return hash((record.ref.table, record.ref.id))
    return hash((record.document, record.names))
