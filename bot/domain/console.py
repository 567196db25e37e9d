"""The console, which is the register as a page: who opened it, and how long that holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.search import BY_NAME, Order, Query, StoredQuery

SESSION_LASTS: Final = timedelta(hours=8)
LAUNCH_LASTS: Final = timedelta(hours=1)
"""What Telegram signed when the page was opened can be exchanged for a session for this long."""
CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""A launch may be this much in the future, as two machines' clocks are never the same."""
SHOWN_SEARCH_LASTS: Final = timedelta(days=1)
"""A button below a search opens the table at that search for this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What Telegram signed when a user opened the page."""

    user_id: int
    at: datetime
    signature: str
    """Different for each opening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    user_id: int
    ends_at: datetime


class NoEntry(StrEnum):
    """The reason why the console does not let somebody in."""

    UNSIGNED = "unsigned"
    """Telegram did not sign it for this bot."""
    EXPIRED = "expired"
    FUTURE = "future"
    USED = "used"
    """The launch was exchanged before."""
    ENDED = "ended"
    """There is no such session, or not any more."""
    NOT_ADMIN = "not_admin"


class Column(StrEnum):
    """The columns of the table; the name is always shown."""

    DOCUMENT = "document"
    PHONES = "phones"
    KINDS = "kinds"
    STATUS = "status"
    TAGS = "tags"
    PRIORITY = "priority"
    UPDATED = "updated"


class TableOptions(BaseModel):
    """What an admin chose in the table, except for the text of a search."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[Column, ...] = tuple(Column)
    order: Order = BY_NAME
    filters: StoredQuery = Query()
