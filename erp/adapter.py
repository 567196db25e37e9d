"""The interface that every adapter implements, one module per ERP, and the data it gets.

docs/adapters.md shows how to write one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.domain.agreed import Agreed, Marks
from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.errors import RefusedError
from bot.domain.pace import Pace
from bot.domain.tax_id import TaxId
from erp.breaker import Breaker
from erp.client import DEFAULT_LIMITS, ErpClient, Limits, Turn
from erp.shared import marks_alone, pace_alone
from erp.watching import Watch

_UNSET: Final = SecretStr("")


class Erp(Protocol):
    """An ERP to send requests to. Methods raise TryLaterError, RefusedError or UnreadableError."""

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all records that have it.

        Returns None only when the ERP answered that no record has it.
        """
        ...

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all records, or of those changed at `since` or later.

        cursor: empty for the first page, then `ErpPage.next` of the page before. It stays valid in
            another process days later.
        since: an earlier `ErpPage.newest` or `ErpPage.latest`, or a UTC time if both were None.
            Unchanged records may be returned too.
        Raises RefusedError when the ERP's API has no such list (`Facts`).
        """
        ...

    async def probe(self) -> None:
        """Check, with one small request, that the ERP answers and accepts the credentials."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The abilities of an ERP's API, for screens and the schedule."""

    name: str
    """The value of the setting ERP_KIND."""
    title: str
    lists_all: bool
    lists_changes: bool
    sync_minutes: int = 0
    """Interval of the scheduled sync if the settings give none; 0 is off."""
    overlap: timedelta = timedelta(minutes=15)
    """Time by which the next run starts before the last change seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The ERP_* settings; each adapter takes what it needs and refuses if one is missing."""

    url: str = ""
    token: SecretStr = _UNSET
    username: str = ""
    password: SecretStr = _UNSET
    client_id: str = ""
    client_secret: SecretStr = _UNSET
    database: str = ""

    def require(self, system: str, *names: str) -> None:
        """Raise RefusedError with the names of these settings that are empty."""
        missing = [name for name in names if not _text(getattr(self, name)).strip()]
        if missing:
            settings = ", ".join(f"ERP_{name.upper()}" for name in missing)
            raise RefusedError(f"ERP {system}: needs {settings}")


class Tokens(Protocol):
    """The store for tokens that the ERP renews; shared by all processes of one Balcão."""

    async def load(self) -> Mapping[str, str]:
        """Return the stored tokens; empty when there are none."""
        ...

    async def store(self, values: Mapping[str, str]) -> None:
        """Store the tokens; return when they are safe."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Hold a lock that only one process has at a time; raises TryLaterError after too long a
        wait."""
        ...


Gate = Callable[[str], AbstractAsyncContextManager[object]]
"""A function that returns a context which one holder of that name is in at a time, over all
processes of one Balcão; it raises TryLaterError after too long a wait."""


def local_gate() -> Gate:
    """Return a gate for one process alone."""
    locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    return lambda name: locks[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Everything that an adapter is opened with."""

    session: aiohttp.ClientSession
    credentials: Credentials
    limits: Limits = DEFAULT_LIMITS
    breaker: Breaker | None = None
    tokens: Tokens | None = None
    """None without a store: an adapter that needs one raises RefusedError."""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Sao_Paulo"))
    """Time zone for ERPs that give and expect times without a zone."""

    gate: Gate = field(default_factory=local_gate)
    """For ERPs that work on one request of a method at a time."""
    watch: Watch | None = None
    pace: Agreed[Pace] = field(default_factory=pace_alone)
    """For ERPs that limit the rate of requests; shared by all processes of one Balcão."""
    marks: Marks = field(default_factory=marks_alone)
    """For ERPs that must not be asked the same again; shared by all processes of one Balcão."""

    def client(
        self,
        system: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        refusals: Mapping[int, str] | None = None,
        turn: Turn = nullcontext,
    ) -> ErpClient:
        """Return a client for all requests below `url`, with the limits of this connection.

        refusals, turn: see `ErpClient`.
        """
        breaker = self.breaker or Breaker()
        if self.watch:
            self.watch.watch_breaker(system, lambda: breaker.is_open)
        return ErpClient(
            self.session,
            system=system,
            url=url,
            headers=headers or {},
            limits=self.limits,
            breaker=breaker,
            refusals=refusals,
            turn=turn,
            pace=self.pace,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One supported ERP: its facts, and the function that connects to it."""

    facts: Facts
    connect: Callable[[Connection], Erp]
    """Raises RefusedError for credentials that cannot be right; sends no request to the ERP
    yet."""
    limits: Limits = DEFAULT_LIMITS


def _text(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
