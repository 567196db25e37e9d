"""Alerts that admins receive without asking."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.domain.conversation import Department
from bot.domain.errors import TryLaterError
from bot.domain.job import Job
from handlers.admin import texts
from handlers.admin.files import report_texts
from handlers.customer import texts as customer_texts

# The same alert is repeated only after this time.
_QUIET = timedelta(minutes=30)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAlerts:
    bot: Bot
    admin_ids: Callable[[], Awaitable[Collection[int]]]
    clock: Callable[[], datetime]
    _said_at: dict[str, datetime] = field(default_factory=dict)

    async def group_unreachable(self, department: Department) -> None:
        key, now = f"group {department.group_id}", self.clock()
        if key in self._said_at and now - self._said_at[key] < _QUIET:
            return
        self._said_at[key] = now
        await self.tell(texts.group_unreachable(department.name))

    async def prospects_stopped(self, limit: int) -> None:
        key, now = "prospects", self.clock()
        if key in self._said_at and now - self._said_at[key] < _QUIET:
            return
        self._said_at[key] = now
        await self.tell(texts.prospects_stopped(limit))

    async def set_aside(self, update_id: int, chat_key: str, error: str) -> None:
        """Report an update that was given up: to the admins, and to the customer who wrote it."""
        await self.tell(texts.set_aside(update_id, error))
        if chat_key.isdecimal() and int(chat_key) not in await self.admin_ids():
            await self._send(int(chat_key), customer_texts.SOMETHING_WENT_WRONG)

    async def tell(self, text: str) -> None:
        """Send this text to every admin."""
        for admin_id in await self.admin_ids():
            await self._send(admin_id, text)

    async def _send(self, chat_id: int, text: str) -> None:
        try:
            await self.bot.send_message(chat_id, text)
        except (TelegramAPIError, TryLaterError) as error:
            # Also logged, since the operator reads the log.
            logger.warning("alert not delivered", chat=chat_id, error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class TelegramSyncNotifier:
    """Alerts about syncs that were started by the schedule."""

    alerts: TelegramAlerts

    async def sync_fails(self, job: Job) -> None:
        await self.alerts.tell(report_texts.sync_fails(job))

    async def sync_works_again(self, job: Job) -> None:
        await self.alerts.tell(report_texts.sync_works_again(job))
