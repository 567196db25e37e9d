"""Alerts that admins receive without asking."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import InlineKeyboardMarkup

from bot.domain.agreed import Marks
from bot.domain.conversation import Department
from bot.domain.errors import TryLaterError, UnconfirmedError, UnknownRefusalError
from bot.domain.job import Job
from bot.wording.values import Names
from handlers.admin import texts
from handlers.admin.files import buttons, report_texts
from handlers.customer import texts as customer_texts

# The same alert is repeated only after this time.
_QUIET = timedelta(minutes=30)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAlerts:
    bot: Bot
    admin_ids: Callable[[], Awaitable[Collection[int]]]
    marks: Marks
    """Tell which alerts were sent lately, by any replica."""

    async def group_unreachable(self, department: Department) -> None:
        text = texts.group_unreachable(department.name)
        await self._tell_now_and_then(f"group {department.group_id}", text)

    async def card_undelivered(self, protocol: str) -> None:
        await self.tell(texts.card_undelivered(protocol))

    async def nobody_told(self, protocol: str) -> None:
        await self.tell(texts.nobody_told(protocol))

    async def prospects_stopped(self, limit: int) -> None:
        await self._tell_now_and_then("prospects", texts.prospects_stopped(limit))

    async def _tell_now_and_then(self, key: str, text: str) -> None:
        """Send this text to every admin, unless one with this key has reached them lately."""
        mark = f"alert:{key}"
        if not await self.marks.put(mark, _QUIET):
            return
        try:
            await self.tell(text)
        except TryLaterError:
            # Whoever reports it the next time is heard.
            await self.marks.remove(mark)

    async def set_aside(self, update_id: int, chat_key: str, error: str) -> None:
        """Report an update that was given up: to the admins, and in the chat that it came from.

        Raises TryLaterError after all were tried, if one of them may be reached later.
        """
        admin_ids = await self.admin_ids()
        missed = [await self._send(one, texts.set_aside(update_id, error)) for one in admin_ids]
        if chat_key.isdecimal() and int(chat_key) not in admin_ids:
            missed.append(await self._send(int(chat_key), customer_texts.SOMETHING_WENT_WRONG))
        elif chat_key.removeprefix("-").isdecimal() and int(chat_key) not in admin_ids:
            missed.append(await self._send(int(chat_key), texts.SET_ASIDE_IN_GROUP))
        for later in missed:
            if later is not None:
                raise later

    async def tell(self, text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        """Send this text to every admin. Raises TryLaterError if none of them can be told now."""
        admin_ids = await self.admin_ids()
        missed = [await self._send(admin_id, text, markup) for admin_id in admin_ids]
        # An unconfirmed one may have arrived, and an unknown refusal may last for ever.
        over = (UnconfirmedError, UnknownRefusalError)
        if missed and all(one and not isinstance(one, over) for one in missed):
            raise TryLaterError("no admin can be told now")

    async def _send(
        self, chat_id: int, text: str, markup: InlineKeyboardMarkup | None = None
    ) -> TryLaterError | None:
        """Return the error if the person may be reached later."""
        try:
            await self.bot.send_message(chat_id, text, reply_markup=markup)
        except (TelegramAPIError, TryLaterError) as error:
            # Also logged, since the operator reads the log.
            logger.warning("alert not delivered", chat=chat_id, error=type(error).__name__)
            return error if isinstance(error, TryLaterError) else None
        return None


@dataclass(frozen=True, slots=True)
class TelegramSyncNotifier:
    """Alerts about syncs that were started by the schedule.

    Each raises TryLaterError if no admin can be told now.
    """

    alerts: TelegramAlerts
    names: Callable[[], Awaitable[Names]]

    async def sync_fails(self, job: Job) -> None:
        await self.alerts.tell(report_texts.sync_fails(job))

    async def sync_asks(self, job: Job) -> None:
        markup = buttons.keyboard(buttons.about_losses(job))
        await self.alerts.tell(report_texts.sync_asks(job, await self.names()), markup)

    async def sync_works_again(self, job: Job) -> None:
        await self.alerts.tell(report_texts.sync_works_again(job))
