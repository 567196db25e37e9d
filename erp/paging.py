"""Cursors of pages as texts, and checks that a list goes on from page to page."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import structlog

from bot.domain.errors import AppError, UnreadableError
from erp.records import Record

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The beginning of a page. Its text holds the fields in their order, divided by `|`.

    Fields are numbers or texts with a default; only the last one may contain a `|`.
    """

    @classmethod
    def read(cls, cursor: str) -> Self:
        """Return the cursor with this text; the first page for an empty one."""
        if not cursor:
            return cls()
        known = fields(cls)
        parts = zip(known, cursor.split("|", len(known) - 1), strict=False)
        return cls(**{f.name: int(part) if f.type is int else part for f, part in parts})

    def __str__(self) -> str:
        return "|".join(str(getattr(self, field.name)) for field in fields(self))


def page_key(label: str, rows: Sequence[Record], *, before: str) -> str:
    """Return the key of a page, which is the id of its first row; empty for an empty page.

    before: the key of the page before. Raises UnreadableError when the same page came again.
    """
    key = (rows[0].id or "-") if rows else ""
    if rows and key == before:
        raise same_page(label)
    return key


def last_id(label: str, rows: Sequence[Record], *, before: int) -> int:
    """Return the id of the last row of a page in the order of ids; `before` for an empty page.

    before: the last id of the page before. Raises UnreadableError when rows came again.
    """
    for row in rows:
        if row.number <= before:
            raise same_page(label)
        before = row.number
    return before


def same_page(label: str) -> UnreadableError:
    """Return the error for a page that came again, which would be listed for ever."""
    return UnreadableError(f"{label}: the same page came again")


def warn_newest_unknown(system: str, error: AppError) -> None:
    """Log that the ERP does not tell its newest time of change."""
    logger.warning("erp.newest_unknown", system=system, error=str(error))


def has_all(system: str, *, listed: int, total: int) -> bool:
    """Return True if a list had all announced records; log how many it did not have."""
    if listed < total:
        logger.warning("erp.fewer_than_announced", system=system, missing=total - listed)
    return listed >= total
