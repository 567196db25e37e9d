"""Whether the time of an answer tells who is a customer: `python -m benchmarks.enumeration`.

A script sends 500 documents from 100 chats, each next message at once, on a bot in this process.
For each step it prints the median of those whom the register knows, or the ERP, as a ratio to that
of nobody's documents, and how far apart the two lie: beyond the last column they differ, which of
equal ones comes about once in sixteen thousand times. On a quiet machine only.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from pydantic import SecretStr

from bot import app
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, demo_emulator
from bot.runtime.logs import configure_logs
from bot.runtime.passwords import Argon2Passwords
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.telegram import open_bot
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from tests.flows.conftest import ADMIN_ID, GROUP_ID, PASSWORD, Clock, Telegram
from tests.flows.enumeration import KnownTo, probes, put_on_record, try_all

# Of the same distribution rank sums lie beyond it once in sixteen thousand times.
_FAR: Final = 4.0


async def measure(documents: int) -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            BotApiEmulator() as telegram,
            demo_emulator() as erp,
            embedded_server(Path(folder)) as uri,
            connected(uri, "enumeration") as database,
        ):
            await ensure_indexes(database)
            people = Telegram(telegram)
            settings = Settings.model_validate(
                {
                    "bot_token": telegram.token,
                    "telegram_api_url": telegram.url,
                    "admin_ids": (ADMIN_ID,),
                    "attendants_chat_id": GROUP_ID,
                    "erp_kind": "ixc",
                    "erp_url": erp.url,
                    "erp_token": CREDENTIAL,
                    "sync_interval_minutes": 0,
                }
            )
            limiter = RateLimiter(NO_LIMITS)
            async with (
                clients.open_erp_of(settings, database) as lookup,
                open_bot(settings, limiter) as bot,
            ):
                people.balcao = app.build(
                    settings, bot=bot, limiter=limiter, database=database, erp=lookup, clock=clock
                )
                async with app.serving(people.balcao):
                    hashed = await Argon2Passwords().hash_password(SecretStr(PASSWORD))
                    made = probes(documents, logins=16)
                    await put_on_record(people, erp, made, hashed, clock)
                    seen = await try_all(people, made)
    nobody = seen[KnownTo.TO_NOBODY].seconds
    print(f"{'known to':10}{'step':10}{'ratio':>8}{'apart':>8}{'too far':>9}")
    for known in (KnownTo.TO_THE_REGISTER, KnownTo.TO_THE_ERP):
        for step, seconds in seen[known].seconds.items():
            ratio = median(seconds) / median(nobody[step])
            apart, most = rank_distance(seconds, nobody[step]), too_far(seconds, nobody[step])
            mark = "  DIFFER" if apart > most else ""
            print(f"{known:10}{step:10}{ratio:8.2f}{apart:8.2f}{most:9.2f}{mark}")


def rank_distance(one: Sequence[float], other: Sequence[float]) -> float:
    """How far apart two samples lie, in standard deviations of the sum of ranks."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_, is_one) in enumerate(ranked, 1) if is_one)
    n, m = len(one), len(other)
    return abs(ranks - n * (n + m + 1) / 2) / (n * m * (n + m + 1) / 12) ** 0.5


def too_far(one: Sequence[float], other: Sequence[float]) -> float:
    """The distance from which on two samples count as different: small ones cannot lie far apart,
    even when each of the one is above each of the other."""
    n, m = len(one), len(other)
    return min(_FAR, 0.9 * (3 * n * m / (n + m + 1)) ** 0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=500)
    configure_logs(level="ERROR", log_format="console")
    asyncio.run(measure(parser.parse_args().documents))
