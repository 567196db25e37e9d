"""Compares syncs with only reading the same pages, and with only writing the same documents.

    python -m benchmarks.sync [--rows 100000] [--rounds 3] [--small 10000] [--changes 100]

Everything happens in one run on one embedded server. The ERP runs in its own process (ixc_pages),
with 500 records a page. CPU time and memory are those of our process.
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import SecretStr

from benchmarks.figures import Meter
from benchmarks.imports import JobRunner, databases
from bot.domain.job import Job, SyncMode
from bot.runtime.memory import freeze_gc, share_one_heap
from bot.usecases.jobs.begin_sync import BeginSync, RunsAlready
from erp.adapter import Credentials
from erp.registry import find_adapter, open_erp

_PAGE: Final = 500
_FEW: Final = 10_000
_TOKEN: Final = "7:" + "0a1b2c3d" * 8
_ZONE: Final = ZoneInfo("America/Sao_Paulo")


@contextmanager
def erp_of(rows: int) -> Iterator[str]:
    """Start an ERP with this many customers; yield its address."""
    command = [sys.executable, "-m", "benchmarks.ixc_pages", str(rows)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    try:
        if process.stdout is None:
            raise RuntimeError("no address")
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _credentials(url: str) -> Credentials:
    return Credentials(url=url, token=SecretStr(_TOKEN))


async def read_bare(url: str, rows: int) -> float:
    """Fetch all pages one after the other and drop them; return the seconds."""
    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        for last in range(0, rows, _PAGE):
            body = {"qtype": "cliente.id", "query": str(last), "page": "1", "rp": str(_PAGE)}
            async with session.post(f"{url}/webservice/v1/cliente", json=body) as answer:
                await answer.read()
    return time.perf_counter() - began


async def write_bare(database: Any, documents: list[dict[str, Any]]) -> float:
    """Insert the documents in batches; return the seconds."""
    began = time.perf_counter()
    for start in range(0, len(documents), _PAGE):
        await database["registrations"].insert_many(documents[start : start + _PAGE])
    return time.perf_counter() - began


async def synced(
    runner: JobRunner, mode: SyncMode, *, everything: bool = False
) -> tuple[Job, float, float]:
    facts = find_adapter("ixc").facts
    begin = BeginSync(
        system="ixc",
        lists_all=True,
        lists_changes=True,
        overlap=facts.overlap,
        every=None,
        jobs=runner.store,
        syncs=runner.syncs,
        wake=_nobody,
        clock=lambda: datetime.now(UTC),
    )
    job = await begin(mode, by="cli", everything=everything)
    if isinstance(job, RunsAlready):
        raise TypeError("a sync runs already")
    return await runner.worked(job)


async def _nobody(_: int) -> None: ...


def expect(found: int, wanted: int) -> None:
    """Raise RuntimeError if the counts differ: the figure would be of something else."""
    if found != wanted:
        raise RuntimeError(f"{found} instead of {wanted}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def figures(meter: Meter) -> None:
    with erp_of(_FEW) as url, tempfile.TemporaryDirectory() as folder:
        async with (
            meter.database() as database,
            open_erp("ixc", _credentials(url), timezone=_ZONE) as erp,
        ):
            runner = JobRunner(database, Path(folder), erp=erp)
            for kind in ("new", "unchanged"):
                with meter.measured(f"a synced record, {kind}", _FEW):
                    await synced(runner, SyncMode.FULL, everything=True)


async def measure(args: argparse.Namespace) -> None:
    share_one_heap()
    freeze_gc()
    reading, writing, ours, cpu = [], [], [], []
    quick, unchanged = [], []
    peaks = []
    for count in [args.small] + [args.rows] * args.rounds:
        with erp_of(count) as url, tempfile.TemporaryDirectory() as folder:
            async with (
                databases("ours", "bare") as (first, second),
                open_erp("ixc", _credentials(url), timezone=_ZONE) as erp,
            ):
                runner = JobRunner(first, Path(folder), erp=erp)
                job, took, used = await synced(runner, SyncMode.FULL)
                expect(job.counts.created, count)
                peaks.append((count, _peak()))
                if count == args.small and args.small != args.rows:
                    continue
                ours.append(took)
                cpu.append(used / count)
                reading.append(await read_bare(url, count))
                documents = await first["registrations"].find({}).to_list(None)
                writing.append(await write_bare(second, documents))
                del documents
                again, took_again, used_again = await synced(
                    runner, SyncMode.FULL, everything=True
                )
                expect(again.counts.unchanged, count)
                unchanged.append(used_again / count)
                async with aiohttp.ClientSession() as session:
                    await session.post(f"{url}/touch?count={args.changes}")
                changed, took_quick, _ = await synced(runner, SyncMode.QUICK)
                expect(changed.counts.updated, args.changes)
                quick.append((took_quick / took, took_quick / took_again))
                slower = max(reading[-1], writing[-1])
                print(
                    f"{count} records: sync {took:.1f} s, reading alone {reading[-1]:.1f} s, "
                    f"writing alone {writing[-1]:.1f} s, rate {slower / took:.2f} of the slower; "
                    f"CPU {used / count * 1e6:.0f} us new, {used_again / count * 1e6:.0f} us "
                    f"unchanged; {args.changes} changes {took_quick:.2f} s",
                    flush=True,
                )
    ratios = [max(r, w) / o for r, w, o in zip(reading, writing, ours, strict=True)]
    print(f"CPU a new record: {statistics.median(cpu) * 1e6:.0f} us (at most 80)")
    print(f"CPU an unchanged record: {statistics.median(unchanged) * 1e6:.0f} us")
    print(f"rate against the slower side: {statistics.median(ratios):.2f} (at least 0.8)")
    print(
        f"{args.changes} changes, quick, against a full sync of new records: "
        f"{statistics.median(q for q, _ in quick):.2%}, of unchanged ones: "
        f"{statistics.median(q for _, q in quick):.2%} (under 2 %)"
    )
    print("peak memory: " + ", ".join(f"{peak:.0f} MB at {count}" for count, peak in peaks[:2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=100)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
