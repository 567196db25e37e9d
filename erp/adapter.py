"""What every adapter offers and needs; one module per ERP fills it in.

docs/adapters.md shows how to write one.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.errors import RefusedError
from bot.domain.tax_id import TaxId
from erp.breaker import Breaker
from erp.client import DEFAULT_LIMITS, ErpClient, Limits

_UNSET: Final = SecretStr("")


class Erp(Protocol):
    """An ERP that can be asked. Methods raise TryLaterError, RefusedError or UnreadableError."""

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return who has this document, from all records that have it; None only when the ERP
        answered that nobody does."""
        ...

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all records, or of those changed at `since` or later.

        cursor: empty for the first page, then `ErpPage.next` of the one before, also in another
            process days later.
        since: as `ErpPage.latest` has it; a UTC moment where that is None. Records that were not
            changed may come too.
        Raises RefusedError when the ERP's API has no such list (`Facts`).
        """
        ...

    async def probe(self) -> None:
        """Return when the ERP answers and accepts the credentials, at the cost of one small
        request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an ERP's API can do, for screens and the schedule."""

    name: str
    """As in the setting ERP_KIND."""
    title: str
    lists_all: bool
    lists_changes: bool
    sync_minutes: int = 0
    """Scheduled sync when the settings say nothing; 0 is off."""
    overlap: timedelta = timedelta(minutes=15)
    """How far before the last change seen the next run begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The ERP_* settings; each adapter takes what it needs and refuses what is missing."""

    url: str = ""
    token: SecretStr = _UNSET
    username: str = ""
    password: SecretStr = _UNSET
    client_id: str = ""
    client_secret: SecretStr = _UNSET
    database: str = ""

    def require(self, system: str, *names: str) -> None:
        """Raise RefusedError naming those of these settings that are empty."""
        missing = [name for name in names if not _text(getattr(self, name)).strip()]
        if missing:
            settings = ", ".join(f"ERP_{name.upper()}" for name in missing)
            raise RefusedError(f"ERP {system}: needs {settings}")


class Tokens(Protocol):
    """Where an adapter keeps tokens that the ERP renews: shared by all processes of one Balcão."""

    async def load(self) -> Mapping[str, str]:
        """What was kept; empty when nothing was."""
        ...

    async def store(self, values: Mapping[str, str]) -> None:
        """Return when they are safe."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Only one process at a time is inside; raises TryLaterError when that lasts too long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What an adapter is opened with."""

    session: aiohttp.ClientSession
    credentials: Credentials
    limits: Limits = DEFAULT_LIMITS
    breaker: Breaker | None = None
    tokens: Tokens | None = None
    """None where nothing is kept: an adapter that needs them refuses."""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Sao_Paulo"))
    """Of ERPs that give times without a zone and ask for ours."""

    def client(
        self, system: str, url: URL, *, headers: Mapping[str, str] | None = None
    ) -> ErpClient:
        """A client for all requests below `url`, with the limits of this connection."""
        return ErpClient(
            self.session,
            system=system,
            url=url,
            headers=headers or {},
            limits=self.limits,
            breaker=self.breaker,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One ERP that Balcão knows: its facts, and how to connect to it."""

    facts: Facts
    connect: Callable[[Connection], Erp]
    """Raises RefusedError for credentials that cannot be right; asks nothing of the ERP yet."""
    limits: Limits = DEFAULT_LIMITS


def _text(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
