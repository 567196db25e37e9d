"""30 customers write 10 messages each within a minute into one group, under Telegram's limits.

A minute is shortened to seconds, for Telegram and the bot alike: only the count per minute
matters.
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import IxcEmulator
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID
from tests.flows.flood import (
    Mark,
    arrive,
    crowd,
    erp_rows,
    marks_in,
    pour,
    running,
    troubles,
    watching,
)
from tests.patience import HANG_S

pytestmark = pytest.mark.embedded

MINUTE_S = 3.0
TEXTS = 300


@pytest.fixture
def group(telegram: BotApiEmulator, erp: IxcEmulator) -> BotApiEmulator:
    """Set up a group with Telegram's limits, and a crowd that the ERP knows."""
    for user_id, name in ((ADMIN_ID, "Dora"), (BIA, "Bia"), (CAIO, "Caio")):
        telegram.add_user(user_id, name, started=True)
    telegram.add_group(GROUP_ID, "Atendimento", members=(ADMIN_ID, BIA, CAIO))
    for person in crowd():
        telegram.add_user(person.user_id, person.first_name, person.last_name, phone=person.phone)
    erp.tables["cliente"] += erp_rows(crowd())
    # Telegram's second is halved. Messages that come too close are refused and retried.
    telegram.limit(minute_s=MINUTE_S, second_s=MINUTE_S / 120)
    return telegram


async def test_nothing_is_lost_and_the_limits_are_kept(
    group: BotApiEmulator, erp: IxcEmulator, database: Any, mongodb_uri: str, tmp_path: Path
):
    # Only the bot keeps limits here: those of the emulator would slow it down as well.
    group.limit_groups(0)
    everything_is_in = asyncio.Event()
    group.fail_next("sendMessage", chat_id=GROUP_ID, held=everything_is_in)
    async with (
        watching(group, GROUP_ID) as seen,
        running(group, erp, database, mongodb_uri, tmp_path, minute_s=MINUTE_S) as bot,
    ):
        arrive(group, crowd())
        sent = await pour(group, crowd(), within_s=0.0)
        await all_handled(group, database)
        begun = time.monotonic()
        everything_is_in.set()
        await group.until(lambda: len(seen) == TEXTS)
        took_s = time.monotonic() - begun
        assert await bot.end(signal.SIGTERM) == 0
    messages = group.messages(GROUP_ID)
    assert troubles(messages, sent, crowd()) == []
    # Sent one by one, texts and cards would take sixteen and a half minutes.
    assert len(_texts(messages)) < TEXTS / 2, "texts of one customer become one message"
    # At twenty a minute, all messages need at least this long, however late each one is.
    # tests/unit/test_rate_limiter.py checks that no window holds more. benchmarks/flood.py
    # counts arrivals, as on a busy machine messages do not arrive as they leave.
    after_the_first = len(messages) - 1
    assert took_s >= (after_the_first - 1) // 20 * MINUTE_S


async def all_handled(telegram: BotApiEmulator, database: Any) -> None:
    """Return when the bot has handled every update, and so has queued all its messages."""
    await telegram.until(lambda: telegram.pending_updates == 0)
    async with asyncio.timeout(HANG_S):
        # Each look takes the server from the bot.
        while await database["inbox"].find_one({"pending": {"$exists": True}}):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_killed_twice_in_the_middle_the_result_is_the_same(
    group: BotApiEmulator, erp: IxcEmulator, database: Any, mongodb_uri: str, tmp_path: Path
):
    sent: dict[Mark, float] = {}

    def posts() -> int:
        calls = group.calls_of("sendMessage")
        return sum(str(call.params["chat_id"]) == str(GROUP_ID) for call in calls)

    async with watching(group, GROUP_ID) as seen:
        for number, after in enumerate((False, True), 1):
            group.fail_next("sendMessage", chat_id=GROUP_ID, times=24)
            group.fail_next("sendMessage", chat_id=GROUP_ID, hang=True, after=after)
            async with running(
                group, erp, database, mongodb_uri, tmp_path, minute_s=MINUTE_S
            ) as bot:
                if not sent:
                    arrive(group, crowd())
                    sent = await pour(group, crowd(), within_s=0.0)
                # Thirty cards come first, and no message has the texts of two customers.
                await group.until(lambda at=number * 25: posts() >= at)
                await bot.end(signal.SIGKILL)
        assert 0 < len(seen) < TEXTS, "killed in the middle"
        async with running(group, erp, database, mongodb_uri, tmp_path, minute_s=MINUTE_S) as bot:
            await group.until(lambda: len(seen) == TEXTS)
            assert await bot.end(signal.SIGTERM) == 0
    messages = group.messages(GROUP_ID)
    assert troubles(messages, sent, crowd()) == []
    # Each kill may repeat at most the one message that was being sent.
    assert len(_texts(messages)) - len({str(marks) for marks in _texts(messages)}) <= 2


def _texts(messages: list[dict[str, Any]]) -> list[list[Mark]]:
    return [marks for message in messages if (marks := marks_in(message))]
