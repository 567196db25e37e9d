"""What every adapter offers and needs; one module per ERP fills it in."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from bot.domain.candidate import Candidate
from bot.domain.tax_id import TaxId

_UNSET = SecretStr("")


class Erp(Protocol):
    """An ERP that can be asked. Methods raise TryLaterError, RefusedError or UnreadableError."""

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return who has this document, from all records that have it; None only when the ERP
        answered that nobody does."""
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
    sync_minutes: int
    """Scheduled sync when the settings say nothing; 0 is off."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One ERP that Balcão knows: its facts, and how to open it."""

    facts: Facts
    open: Callable[[Credentials], AbstractAsyncContextManager[Erp]]
