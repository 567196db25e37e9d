"""What the admin's screens read: the register, its audit, and what ids are called."""

from collections.abc import AsyncIterator
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage
from bot.domain.search import Query, ResultPage


class Search(Protocol):
    async def __call__(self, query: Query, *, start: str | None = None) -> ResultPage:
        """One page of what the query asks for; `start` is a page's `next`, None the first."""


class AuditLog(Protocol):
    """The audit, newest first. Nothing here changes it."""

    async def audit_of(self, registration_id: str) -> list[AuditEntry]:
        """Every entry of one registration."""

    async def entry(self, entry_id: str) -> AuditEntry | None: ...

    async def page(
        self, wanted: AuditFilter, *, timezone: ZoneInfo, start: str | None
    ) -> AuditPage:
        """Entries of the whole register; `start` is a page's `older`, None the newest."""

    def each(self, wanted: AuditFilter, *, timezone: ZoneInfo) -> AsyncIterator[AuditEntry]:
        """All of them, one after the other, for a file."""

    async def people(self) -> list[str]:
        """Each `Stamp.by` of an admin or an ERP that is in the audit."""
