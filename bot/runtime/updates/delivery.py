"""Where Telegram delivers: to our webhook, or nowhere, so that the bot polls.

Neither way drops an update: what waits at Telegram goes the new way.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.updates.polling import refuse_bad_token
from bot.runtime.updates.webhook import Webhook

_LOOK_S: Final = 30.0
_STRANGER: Final = "response from the webhook: 401"
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What Telegram says of the bot's webhook."""

    url: str
    """Empty if there is none."""
    allowed: frozenset[str]
    """The kinds of updates it delivers; empty for Telegram's own choice."""
    waiting: int
    """Updates that it has not delivered yet, also to a bot that polls."""
    error: str
    """Why the last delivery that failed did; no personal data."""
    error_at: datetime | None


class StoredWebhook(Protocol):
    """What all processes of the bot know of its webhook."""

    async def secret(self) -> str:
        """Return the generated secret."""

    async def last_set(self) -> tuple[str, Sequence[str]]:
        """Return the mark of what was set last, and the kinds of updates."""

    async def note_set(self, mark: str, allowed: Sequence[str]) -> None: ...


async def read_delivery(bot: Bot) -> Delivery:
    found = await bot.get_webhook_info()
    return Delivery(
        url=found.url,
        allowed=frozenset(found.allowed_updates or ()),
        waiting=found.pending_update_count,
        error=found.last_error_message or "",
        error_at=found.last_error_date,
    )


async def leave_webhook(bot: Bot) -> None:
    """Delete the webhook if one is set: Telegram lets nobody poll beside it."""
    if (await read_delivery(bot)).url:
        await bot.delete_webhook(drop_pending_updates=False)
        logger.warning("webhook deleted, as this bot polls")


def mark_of(token: str, url: str, secret: str) -> str:
    """Return a mark of address and secret; without the token nobody can try secrets against it."""
    return hmac.new(token.encode(), f"{url} {secret}".encode(), "sha256").hexdigest()


class KeepWebhook:
    """Sets the webhook at the start, and looks from time to time how Telegram does."""

    def __init__(
        self,
        bot: Bot,
        webhook: Webhook,
        stored: StoredWebhook,
        *,
        secret: str,
        allowed_updates: Sequence[str],
        on_return: Callable[[], None],
    ) -> None:
        """secret: empty for the generated one. on_return: called when Telegram is back."""
        self._bot = bot
        self._webhook = webhook
        self._stored = stored
        self._secret = secret
        self._allowed = sorted(allowed_updates)
        self._on_return = on_return
        self._is_set = False
        self._told_at: datetime | None = None

    async def forever(self) -> None:
        """Keep the webhook open and set until cancelled, also while Telegram is away.

        Raises RefusedError when Telegram accepts the token or the address not.
        """
        pause_s = 0.0
        try:
            while True:
                try:
                    await self._look()
                except TryLaterError as error:
                    refuse_bad_token(error)
                    logger.warning("webhook not looked after", error=str(error))
                    asked_s = error.retry_after_s or 0.0
                except TelegramAPIError as error:
                    logger.warning("webhook not looked after", error=type(error).__name__)
                    asked_s = 0.0
                else:
                    if pause_s:
                        pause_s = 0.0
                        self._on_return()
                    await asyncio.sleep(_LOOK_S)
                    continue
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
                await asyncio.sleep(max(pause_s, asked_s))
        except RefusedError as error:
            logger.error("webhook not set", error=str(error))
            raise
        finally:
            self._webhook.close()

    async def _look(self) -> None:
        if not self._webhook.is_open:
            # Before it is set: what waits comes at once.
            self._secret = self._secret or await self._stored.secret()
            self._webhook.open(self._secret)
        found = await read_delivery(self._bot)
        if not self._is_set:
            await self._set_if_other(found)
            self._is_set = True
        elif found.url != self._webhook.url:
            # Not set again: the next start settles it, whichever way was chosen last.
            logger.error("Telegram delivers elsewhere: the webhook was changed or deleted")
        elif found.error_at and found.error_at != self._told_at:
            logger.warning("Telegram could not deliver", error=found.error, waiting=found.waiting)
            if _STRANGER in found.error:
                # Another program, or another database of this bot, has set its own secret.
                await self._set()
        self._told_at = found.error_at

    async def _set_if_other(self, found: Delivery) -> None:
        """Set it where Telegram has another one; it does not tell the secret."""
        last, _ = await self._stored.last_set()
        is_same = found.url == self._webhook.url and found.allowed == frozenset(self._allowed)
        if not is_same or last != self._mark:
            await self._set()

    async def _set(self) -> None:
        await self._bot.set_webhook(
            self._webhook.url,
            allowed_updates=self._allowed,
            secret_token=self._secret,
            drop_pending_updates=False,
        )
        await self._stored.note_set(self._mark, self._allowed)
        logger.info("webhook set")

    @property
    def _mark(self) -> str:
        return mark_of(self._bot.token, self._webhook.url, self._secret)
