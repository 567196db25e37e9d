"""The one way to Telegram: rate limits, waits that Telegram asks for, repeats of an update."""

from typing import Final, cast

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InputFile

from bot.domain.errors import LostError, Problem, TryLaterError, UnconfirmedError
from bot.domain.lease import has_ended
from bot.domain.outgoing import Priority
from bot.runtime.journal import NOT_DONE, current_journal
from bot.runtime.sending.answers import is_repeatable
from bot.runtime.sending.limits import RateLimiter

# A longer wait is spent in the inbox or in the outbox, which hold no turn and survive a stop.
_LONGEST_WAIT_S: Final = 20.0

logger = structlog.get_logger()


# Calls that put something into a chat or take it away keep their order; the others only read.
_IN_ORDER: Final = ("send", "copy", "forward", "edit", "delete", "pin", "unpin")
_TOPICS: Final = ("createForumTopic", "closeForumTopic", "reopenForumTopic")
_NOT_COUNTED: Final = ("delete", "pin", "unpin", "close", "reopen")


class Outbound(BaseRequestMiddleware):
    """Keeps Telegram's limits and the order within each chat, and honours `retry_after`."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        journal = None if is_repeatable(method) else current_journal()
        if journal is None:
            return await self._in_turn(make_request, bot, method)
        call = journal.begin(method)
        if (known := journal.result(call)) is not NOT_DONE:
            return cast(Response[TelegramType], known)
        try:
            result = await self._in_turn(make_request, bot, method)
        except UnconfirmedError:
            journal.unconfirmed(call)
            raise
        journal.done(call, result)
        return result

    async def _in_turn(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        chat_id = getattr(method, "chat_id", None)
        name = method.__api_method__
        is_in_order = name.startswith(_IN_ORDER) or name in _TOPICS
        if chat_id is None or not is_in_order or name == "sendChatAction":
            return await self._patiently(make_request, bot, method)
        messages = 0 if name.startswith(_NOT_COUNTED) else _messages(method)
        if isinstance(getattr(method, "document", None), InputFile):
            # An upload may take minutes, and the person who waits for the file goes on writing, so
            # it holds no turn.
            await self._limiter.pace(chat_id, messages=messages)
            result = await self._patiently(make_request, bot, method, messages)
        else:
            priority = Priority.PROGRESS if name.startswith("edit") else Priority.ANSWER
            async with self._limiter.turn(chat_id, priority):
                await self._limiter.pace(chat_id, messages=messages)
                result = await self._patiently(make_request, bot, method, messages)
        self._limiter.sent()
        return result

    async def _patiently(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
        messages: int = 0,
    ) -> Response[TelegramType]:
        """messages: so many have their turn now."""
        name, waited_s, has_turn = method.__api_method__, 0.0, True
        # Telegram asks for a wait in a chat, or else with a method.
        place = getattr(method, "chat_id", None) or name
        while True:
            if (wait_s := self._limiter.closed_for_s(place)) > 0:
                waited_s += wait_s
                if waited_s > _LONGEST_WAIT_S:
                    raise TryLaterError(
                        f"Telegram asks to wait for {name}",
                        problem=Problem.TELEGRAM_GONE,
                        retry_after_s=wait_s,
                    )
                await self._limiter.wait(wait_s)
                has_turn = False
            if not has_turn:
                # All that waited for the same end would leave as one burst, be refused together,
                # and so on for ever.
                await self._limiter.pace_again(messages)
                has_turn = True
                continue
            if (ended := has_ended.get()) and ended():
                raise LostError(f"the lease had ended before {name}")
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                logger.warning(
                    "Telegram asks to wait", method=name, retry_after_s=error.retry_after
                )
                self._limiter.asked(place, error.retry_after)
                has_turn = False


def _messages(method: TelegramMethod[TelegramType]) -> int:
    """Return the number of messages that Telegram counts for this call."""
    parts = getattr(method, "media", None) or getattr(method, "message_ids", None)
    return len(parts) if isinstance(parts, list) else 1
