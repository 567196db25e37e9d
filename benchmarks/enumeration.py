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
from typing import Any, Final

from pydantic import SecretStr

from benchmarks.figures import Meter
from benchmarks.in_process import serving
from bot.runtime.logs import configure_logs
from bot.runtime.passwords import Argon2Passwords
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from tests.flows.conftest import PASSWORD, Clock
from tests.flows.enumeration import KnownTo, Seen, probes, put_on_record, try_all

# Of the same distribution rank sums lie beyond it once in sixteen thousand times.
_FAR: Final = 4.0
_FEW: Final = 60


async def tried(database: Any, documents: int) -> dict[KnownTo, Seen]:
    """Return what a script sees that tries so many documents."""
    clock = Clock()
    async with serving(database, clock) as (people, erp):
        hashed = await Argon2Passwords().hash_password(SecretStr(PASSWORD))
        made = probes(documents, logins=16)
        await put_on_record(people, erp, made, hashed, clock)
        return await try_all(people, made)


async def figures(meter: Meter) -> None:
    async with meter.database() as database:
        with meter.measured("a document of a script that tries many", _FEW):
            await tried(database, _FEW)


async def measure(documents: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            embedded_server(Path(folder)) as uri,
            connected(uri, "enumeration") as database,
        ):
            await ensure_indexes(database)
            seen = await tried(database, documents)
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
