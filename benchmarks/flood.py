"""Measures the delay from 30 customers' messages of one minute to the attendants' group.

    python -m benchmarks.flood

Emulator and bot both use Telegram's real rate limits. Takes about four minutes.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import NOT_MEASURED, Meter
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import demo_emulator
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID
from tests.flows.flood import (
    Lags,
    arrive,
    crowd,
    erp_rows,
    lags,
    marks_in,
    pour,
    running,
    troubles,
    watching,
)

_SHORT_MINUTE_S: Final = 6.0


@dataclass(frozen=True)
class Poured:
    lags: Lags
    posts: int
    """The number of messages in the group that the texts became."""
    refused: dict[tuple[str, str], int]
    wrong: list[str]


async def poured(database: Any, uri: str, folder: Path, minute_s: float) -> Poured:
    """Let all write within one minute; return when the texts are in the group."""
    async with BotApiEmulator() as telegram, demo_emulator() as erp:
        for user_id, name in ((ADMIN_ID, "Dora"), (BIA, "Bia")):
            telegram.add_user(user_id, name, started=True)
        telegram.add_group(GROUP_ID, "Atendimento", members=(ADMIN_ID, BIA))
        for person in crowd():
            telegram.add_user(
                person.user_id, person.first_name, person.last_name, phone=person.phone
            )
        erp.tables["cliente"] += erp_rows(crowd())
        telegram.limit(minute_s=minute_s, second_s=minute_s / 60)
        async with (
            watching(telegram, GROUP_ID) as seen,
            running(telegram, erp, database, uri, folder, minute_s=minute_s),
        ):
            arrive(telegram, crowd())
            sent = await pour(telegram, crowd(), within_s=minute_s)
            wanted = len(sent)
            await telegram.until(lambda: len(seen) == wanted, timeout_s=20 * minute_s)
        messages = telegram.messages(GROUP_ID)
        return Poured(
            lags=lags(sent, seen),
            posts=sum(bool(marks_in(message)) for message in messages),
            refused=dict(telegram.limits.refused),
            wrong=troubles(messages, sent, crowd()),
        )


async def figures(meter: Meter) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with meter.database() as database:
            with meter.measured("the median text of a flood, until it is in the group") as spent:
                done = await poured(database, meter.uri, Path(folder), _SHORT_MINUTE_S)
                # Telegram's limits decide how long it takes, and not the machine.
                spent.real_time_s = done.lags.median_s
                spent.cpu_s = spent.trips = spent.server_cpu_s = NOT_MEASURED


async def measure(minute_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            embedded_server(Path(folder) / "data") as uri,
            connected(uri, "flood") as database,
        ):
            done = await poured(database, uri, Path(folder), minute_s)
    found = done.lags
    print(f"{found.count} texts in {done.posts} messages, {found.missing} missing")
    print(
        f"lag: median {found.median_s:.1f} s, p95 {found.p95_s:.1f} s, "
        f"longest {found.longest_s:.1f} s"
    )
    print(f"429: {sum(done.refused.values())} {done.refused}")
    print(f"wrong: {done.wrong or 'nothing'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minute", type=float, default=60.0, help="seconds that a minute has")
    asyncio.run(measure(parser.parse_args().minute))
