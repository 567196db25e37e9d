"""The way to Telegram after it has asked for a wait, and after a lease has ended, in virtual
time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import SendDocument, SendMediaGroup, SendMessage, TelegramMethod
from aiogram.types import BufferedInputFile, InputMediaPhoto

from bot.demo.bot_api.errors import ApiError
from bot.demo.bot_api.limits import Limit, Limits
from bot.domain.errors import LostError
from bot.runtime.leases import keep_chats
from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from bot.runtime.sending.outbound import Outbound
from tests.unit.leases_alone import LeasesAlone
from tests.virtual_time import in_virtual_time, now

A_SECOND, SECONDS, CHATS = 25, 20, 300
STRANGER = 10_000


class Telegram:
    """Telegram's limits, and when it has refused a message."""

    def __init__(self) -> None:
        self.limits = Limits(clock=now)
        self.limits.set(Limit())
        self.refused: list[float] = []

    async def is_full(self, *, after_s: float, for_s: float) -> None:
        """Take messages of somebody else: of a process, say, that stood still with a share."""
        await asyncio.sleep(after_s)
        for number in range(round(for_s * 100)):
            with suppress(ApiError):
                self.limits.count(STRANGER + number)
            await asyncio.sleep(0.01)

    async def __call__(self, bot: Bot, method: TelegramMethod[Any]) -> Any:
        parts = len(method.media) if isinstance(method, SendMediaGroup) else 1
        try:
            self.limits.count(cast(Any, method).chat_id, parts)
        except ApiError as error:
            self.refused.append(now())
            raise TelegramRetryAfter(method, "", error.parameters["retry_after"]) from error
        return True


METHODS: dict[str, tuple[int, Callable[[int], TelegramMethod[Any]]]] = {
    "text": (1, lambda chat: SendMessage(chat_id=chat, text="x")),
    "album": (
        3,
        lambda chat: SendMediaGroup(chat_id=chat, media=[InputMediaPhoto(media="x")] * 3),
    ),
    "document": (
        1,
        lambda chat: SendDocument(chat_id=chat, document=BufferedInputFile(b"x", "x.pdf")),
    ),
}


@pytest.mark.parametrize("what", METHODS)
def test_after_a_refusal_of_all_chats_messages_leave_evenly_again(what: str):
    parts, method = METHODS[what]

    async def day() -> tuple[Telegram, float, list[float]]:
        telegram, began = Telegram(), now()
        outbound = Outbound(RateLimiter(TELEGRAM_LIMITS))
        late: list[float] = []

        async def send(chat: int) -> None:
            put_at = now()
            await outbound(cast(Any, telegram), cast(Any, None), method(chat))
            late.append(now() - put_at)

        async with asyncio.TaskGroup() as sending:
            sending.create_task(telegram.is_full(after_s=5, for_s=4))
            for number in range(A_SECOND * SECONDS // parts):
                sending.create_task(send(1 + number % CHATS))
                await asyncio.sleep(parts / A_SECOND)
        return telegram, began, late

    telegram, began, late = in_virtual_time(day())
    assert len(late) == A_SECOND * SECONDS // parts
    assert telegram.refused
    # While it was full and a moment longer: a few times, and not each of those that wait.
    assert max(telegram.refused) < began + 10
    assert len(telegram.refused) < A_SECOND
    # In four seconds a hundred came, and three more leave in a second than come.
    assert max(late[-A_SECOND:]) < 4


def test_who_was_stopped_for_longer_than_the_lease_says_nothing_more_under_it():
    async def day() -> int:
        telegram, stopped = Telegram(), timedelta()
        outbound = Outbound(RateLimiter(TELEGRAM_LIMITS))
        said = 0

        def clock() -> datetime:
            return datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=now()) + stopped

        async def say() -> None:
            nonlocal said
            await outbound(cast(Any, telegram), cast(Any, None), METHODS["text"][1](7))
            said += 1

        leases, over = keep_chats(LeasesAlone(), clock), asyncio.Event()

        async def later() -> None:
            await over.wait()
            await say()

        async def stop_between() -> "asyncio.Task[None]":
            nonlocal stopped
            async with leases.holding("7"):
                await say()
                # What was begun inside and goes on after it is under no lease.
                going_on = asyncio.create_task(later())
                stopped += timedelta(seconds=20)
                with pytest.raises(LostError):
                    await say()
            return going_on

        going_on = await stop_between()
        assert said == 1
        over.set()
        await going_on
        # Another lease, and none.
        async with leases.holding("7"):
            await say()
        await say()
        await leases.close()
        return said

    assert in_virtual_time(day()) == 4
