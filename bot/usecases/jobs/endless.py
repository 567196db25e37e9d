"""Notes what a list of the ERP has given, so that one without an end is seen."""

from collections import deque
from collections.abc import Set
from typing import Final

from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import UnreadableError

_PAGES: Final = 20
# A second list of the same records, by another filter, repeats at most the pages that are noted.
_IN_A_ROW: Final = 2 * _PAGES
_BEGINNINGS: Final = 3
_EMPTY: Final = 1_000


class Endless:
    """Remembers the first page and the latest ones: its size does not grow with the list."""

    def __init__(self) -> None:
        self._latest: deque[Set[int]] = deque(maxlen=_PAGES)
        self._first: Set[int] = frozenset()
        self._without_new = 0
        self._beginnings = 0
        self._empty = 0

    def check(self, page: ErpPage) -> None:
        """Raise UnreadableError if the list goes round, or gives empty pages, without an end.

        It goes round if many pages in a row have no new record, or if the first page came several
        times.
        """
        ids = frozenset(map(_id, page.records))
        if not ids:
            self._empty += 1
        else:
            self._empty = 0
            is_new = not ids <= frozenset().union(*self._latest)
            self._without_new = 0 if is_new else self._without_new + 1
            self._first = self._first or ids
            self._beginnings += ids == self._first
            self._latest.append(ids)
        if (
            self._empty > _EMPTY
            or self._without_new > _IN_A_ROW
            or self._beginnings > _BEGINNINGS + 1
        ):
            raise UnreadableError("the ERP's list has no end: it gives the same records again")


def _id(record: ErpRecord) -> int:
    if record.ref:
        return hash((record.ref.table, record.ref.id))
    return hash((record.document, record.names))
