"""30 customers write 10 messages each within a minute into one group, with Telegram's limits on.

A minute is some seconds here, for Telegram and for the bot: what counts is how many fit into one.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from tests.e2e.process import Running, balcao_run
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID
from tests.flows.flood import (
    Mark,
    arrive,
    crowd,
    erp_rows,
    marks_in,
    pour,
    troubles,
    watching,
)

MINUTE_S = 5.0
TEXTS = 300
PATIENCE_S = 150.0
"""For a busy machine; a calm one takes 20 s for it all."""


@pytest.fixture
def group(telegram: BotApiEmulator, erp: IxcEmulator) -> BotApiEmulator:
    """Telegram's limits on, a crowd that the ERP knows, and a group for it."""
    for user_id, name in ((ADMIN_ID, "Dora"), (BIA, "Bia"), (CAIO, "Caio")):
        telegram.add_user(user_id, name, started=True)
    telegram.add_group(GROUP_ID, "Atendimento", members=(ADMIN_ID, BIA, CAIO))
    for person in crowd():
        telegram.add_user(person.user_id, person.first_name, person.last_name, phone=person.phone)
    erp.tables["cliente"] += erp_rows(crowd())
    # Half a second for Telegram: so short, a busy machine alone moves two messages together.
    telegram.limit(minute_s=MINUTE_S, second_s=MINUTE_S / 120)
    return telegram


@asynccontextmanager
async def running(
    telegram: BotApiEmulator, erp: IxcEmulator, database: Any, uri: str, cwd: Path
) -> AsyncIterator[Running]:
    settings = {
        "BALCAO_BOT_TOKEN": telegram.token,
        "BALCAO_TELEGRAM_API_URL": telegram.url,
        "BALCAO_MONGODB_URI": uri,
        "BALCAO_MONGODB_DATABASE": database.name,
        "BALCAO_ADMIN_IDS": str(ADMIN_ID),
        "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
        "BALCAO_ERP_KIND": "ixc",
        "BALCAO_ERP_URL": erp.url,
        "BALCAO_ERP_TOKEN": CREDENTIAL,
        "BALCAO_SYNC_INTERVAL_MINUTES": "0",
        "BALCAO_HTTP_PORT": "0",
        "BALCAO_LOG_FORMAT": "json",
        "BALCAO_LOG_LEVEL": "INFO",
    }
    async with balcao_run(settings, cwd=cwd, minute_s=MINUTE_S) as bot:
        await bot.ready()
        yield bot


async def test_nothing_is_lost_and_telegram_never_asks_to_wait(
    group: BotApiEmulator, erp: IxcEmulator, database: Any, mongodb_uri: str, tmp_path: Path
):
    async with (
        watching(group, GROUP_ID) as seen,
        running(group, erp, database, mongodb_uri, tmp_path) as bot,
    ):
        arrive(group, crowd())
        sent = await pour(group, crowd(), within_s=MINUTE_S)
        await group.until(lambda: len(seen) == TEXTS, timeout_s=PATIENCE_S)
        assert await bot.end(signal.SIGTERM) == 0
    messages = group.messages(GROUP_ID)
    assert troubles(messages, sent, crowd()) == []
    # One by one, with the cards, they would take sixteen and a half minutes.
    assert len(_texts(messages)) < TEXTS / 2, "texts of one customer become one message"
    assert group.limits.refused == {}
    assert group.limits.peaks.group[GROUP_ID] <= 20
    assert group.limits.peaks.overall <= 30


async def test_killed_twice_in_the_middle_the_result_is_the_same(
    group: BotApiEmulator, erp: IxcEmulator, database: Any, mongodb_uri: str, tmp_path: Path
):
    sent: dict[Mark, float] = {}
    async with watching(group, GROUP_ID) as seen:
        async with running(group, erp, database, mongodb_uri, tmp_path) as bot:
            arrive(group, crowd())
            sent |= await pour(group, crowd(), within_s=MINUTE_S)
            await group.until(lambda: len(seen) >= 20, timeout_s=PATIENCE_S)
            await bot.end(signal.SIGKILL)
        async with running(group, erp, database, mongodb_uri, tmp_path) as bot:
            await group.until(lambda: len(seen) >= TEXTS // 2, timeout_s=PATIENCE_S)
            await bot.end(signal.SIGKILL)
        assert len(seen) < TEXTS, "killed too late to prove anything"
        async with running(group, erp, database, mongodb_uri, tmp_path) as bot:
            await group.until(lambda: len(seen) == TEXTS, timeout_s=PATIENCE_S)
            assert await bot.end(signal.SIGTERM) == 0
    messages = group.messages(GROUP_ID)
    assert troubles(messages, sent, crowd()) == []
    # What was on its way when it was killed: a message at most each time.
    assert len(_texts(messages)) - len({str(marks) for marks in _texts(messages)}) <= 2


def _texts(messages: list[dict[str, Any]]) -> list[list[Mark]]:
    return [marks for message in messages if (marks := marks_in(message))]
