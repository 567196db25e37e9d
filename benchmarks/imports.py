"""Compares imports with the bare driver: CPU per row, and the share of the server's own rate.

    python -m benchmarks.imports [--rows 100000] [--rounds 4] [--deep 300000] [--long 1000000]

Everything happens in one run on one embedded server. Files are generated; one row in a hundred is
bad. Each round imports its part of the rows and then does the same work with the driver alone, on
a second database with the same indexes and as many documents. CPU time is that of our process.
"""

import argparse
import asyncio
import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from pymongo import ReplaceOne

from benchmarks.backup import peak_mb
from benchmarks.figures import Meter
from bot.demo.documents import make_cpf
from bot.domain.columns import fields_of, map_header
from bot.domain.fields import UPDATABLE
from bot.domain.job import ImportOptions, Job, JobState
from bot.runtime.files.table import inspect
from bot.runtime.jobs.runs import JobRuns
from bot.runtime.jobs.worker import WorkJobs
from bot.runtime.memory import freeze_gc, share_one_heap
from bot.runtime.passwords import Argon2Passwords
from bot.usecases.jobs.ask_erp import AskErp
from bot.usecases.jobs.change_many import ChangeMany
from bot.usecases.jobs.import_file import BATCH, ImportFile
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.jobs.search_pairs import SearchPairs
from bot.usecases.jobs.sync_erp import SyncErp
from bot.usecases.jobs.take_away import TakeAway
from bot.usecases.jobs.undo_job import UndoJob
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.jobs.choices import Choices
from storage.jobs.files import Files
from storage.jobs.jobs import Jobs
from storage.jobs.syncs import Syncs
from storage.register.bulk import Bulk
from storage.register.ids import new_ids
from storage.register.pairs import Outlines, Pairs
from storage.register.registrations import Registrations
from storage.register.search import Search

HEADER: Final = (
    *("Nome", "cpfCnpj", "fantasia", "foneComercial", "foneResidencial", "celular", "email"),
    *("senha", "usuario", "status", "tipoRegistro", "etiqueta"),
)
_FIRST: Final = [
    "Maria",
    "José",
    "Ana",
    "João",
    "Antônio",
    "Francisco",
    "Carlos",
    "Paulo",
    "Pedro",
    "Lucas",
    "Luiz",
    "Marcos",
]
_LAST: Final = [
    "Silva",
    "Santos",
    "Oliveira",
    "Souza",
    "Conceição",
    "Araújo",
    "Müller",
    "Gonçalves",
    "Pereira",
    "Lima",
]
_PARTICLE: Final = ("", "da ", "dos ", "de ")
_BAD: Final = 100
_KEYS: Final = 100
_FEW: Final = 10_000


class Nobody:
    """A job notifier that sends nothing."""

    async def progress(self, *_: Any, **__: Any) -> None: ...

    async def notify(self, *_: Any) -> None: ...


def write_file(path: Path, rows: range, *, phones: int = 0) -> None:
    """Write a file of these rows; another value of `phones` changes the telephone of each row."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(HEADER)
        for n in rows:
            random = Random(n)  # noqa: S311 - the same rows each time
            name = f"{random.choice(_FIRST)} {random.choice(_PARTICLE)}{random.choice(_LAST)}"
            tax_id = "111.111.111-11" if n % _BAD == 0 else make_cpf(100_000_000 + n).masked
            mobile = f"(49) 9{(n * 7919 + phones) % 10**8:08}"
            values = (name, tax_id, "", "", "", mobile, f"p{n}@example.com.br")
            writer.writerow((*values, "", "", "A", "cliente", ""))


class JobRunner:
    """Imports into one database."""

    def __init__(self, database: Any, folder: Path, *, erp: Any = None) -> None:
        self.database = database
        self.syncs = Syncs(database)
        self.store, files, bulk = Jobs(database), Files(database), Bulk(database)
        search = Search(database)

        async def none() -> tuple[()]:
            return ()

        runs = JobRuns(
            store=self.store,
            files=files,
            import_file=ImportFile(
                register=bulk,
                passwords=Argon2Passwords(),
                new_ids=new_ids,
                requires_tax_id=True,
            ),
            undo_job=UndoJob(register=bulk),
            sync_erp=SyncErp(erp=erp, register=bulk, new_ids=new_ids, ask=AskErp()),
            take_away=TakeAway(erp=erp, register=bulk, ask=AskErp()),
            change_many=ChangeMany(register=bulk, search=search),
            search_pairs=SearchPairs(
                register=bulk, outlines=Outlines(database), pairs=Pairs(database), clock=_now
            ),
            syncs=self.syncs,
            search=search,
            tags=none,
            departments=none,
            describe=lambda row: row.reasons[0][1],
            name_of=lambda job, at: f"job-{job.id}",
            clock=_now,
            may_change=_always,
        )
        self.work = WorkJobs(
            store=self.store,
            files=files,
            run=runs,
            notifier=Nobody(),
            data_dir=folder,
            clock=_now,
            names_of=_no_names,
        )
        self.manage = ManageJobs(
            store=self.store, files=files, choices=Choices(database), wake=_asleep, clock=_now
        )

    async def run(self, path: Path) -> tuple[Job, float, float]:
        """Import a file; return the finished job, its seconds, and the seconds of our CPU."""
        options = ImportOptions(
            columns=tuple(fields_of(map_header(HEADER))), update=True, fields=frozenset(UPDATABLE)
        )
        shape = (await inspect(path, name=path.name)).shape
        job = await self.manage.begin_import(
            path, name=path.name, by="cli", options=options, shape=shape, state=JobState.RUNNING
        )
        return await self.worked(job)

    async def worked(self, job: Job) -> tuple[Job, float, float]:
        """Run the job; return it when it is done, its seconds, and the seconds of our CPU.

        Raises RuntimeError when the job did not end well.
        """
        began, cpu = time.perf_counter(), time.process_time()
        await self.work.work(job.id)
        took, used = time.perf_counter() - began, time.process_time() - cpu
        over = await self.store.get(job.id)
        if over is None or over.state is not JobState.DONE:
            raise RuntimeError(f"the job did not end well: {over}")
        return over, took, used


def _now() -> datetime:
    return datetime.now(UTC)


async def _asleep(_: int) -> None: ...


async def _always(_: str) -> bool:
    return True


async def _no_names(_: Sequence[str]) -> dict[str, str]:
    return {}


@asynccontextmanager
async def databases(*names: str) -> AsyncIterator[list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_server(Path(folder)) as uri:
            opened = []
            for name in names:
                # One client for each database, as two processes would have.
                context = connected(uri, name)
                opened.append((context, await context.__aenter__()))
            try:
                for _, database in opened:
                    await ensure_indexes(database)
                yield [database for _, database in opened]
            finally:
                for context, _ in opened:
                    await context.__aexit__(None, None, None)


@dataclass
class Measured:
    """Seconds per row of one kind, round by round: ours, the bare driver's, and our CPU."""

    name: str
    limit_cpu: float | None
    limit_ratio: float
    ours: list[float]
    bare: list[float]
    cpu: list[float]

    def line(self) -> str:
        ratios = [b / o for b, o in zip(self.bare, self.ours, strict=True)]
        ours, bare = (statistics.median(v) * 1e6 for v in (self.ours, self.bare))
        cpu = statistics.median(self.cpu) * 1e6
        limit = f"(at most {self.limit_cpu:.0f})" if self.limit_cpu else ""
        return (
            f"{self.name:<10} ours {ours:6.0f} us a row   bare {bare:6.0f}   ratio "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, "
            f"at least {self.limit_ratio})   CPU {cpu:5.1f} us {limit}"
        )


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _by_ids(collection: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), _KEYS):
        some = list(ids[start : start + _KEYS])
        documents = await collection.find({"_id": {"$in": some}}).to_list(None)
        by_id = {document["_id"]: document for document in documents}
        found += [by_id[one] for one in some]
    return found


async def _batches_of(runner: JobRunner, job: Job) -> tuple[list[str], list[str]]:
    created: list[str] = []
    entries: list[str] = []
    async for batch in runner.store.batches(job.id):
        created += batch.created
        entries += batch.entries
    return created, entries


async def figures(meter: Meter) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with meter.database() as database:
            runner, path = JobRunner(database, Path(folder)), Path(folder) / "rows.csv"
            for kind, phones in (("new", 0), ("unchanged", 0), ("changed", 5)):
                write_file(path, range(1, _FEW + 1), phones=phones)
                with meter.measured(f"an imported row, {kind}", _FEW):
                    await runner.run(path)


async def rates(rows: int, rounds: int) -> None:
    """Compare new, unchanged and changed rows with the bare driver."""
    each = rows // rounds
    new = Measured("new", 60, 0.85, [], [], [])
    same = Measured("unchanged", 40, 0.85, [], [], [])
    changed = Measured("changed", None, 0.7, [], [], [])
    async with databases("ours", "bare") as (ours, bare):
        with tempfile.TemporaryDirectory() as folder:
            runner, path = JobRunner(ours, Path(folder)), Path(folder) / "rows.csv"
            for number in range(rounds):
                part = range(1 + number * each, 1 + (number + 1) * each)
                write_file(path, part)
                job, took, cpu = await runner.run(path)
                ids, _ = await _batches_of(runner, job)
                documents = await _by_ids(ours["registrations"], ids)
                _note(new, took, cpu, each, await _insert(bare, documents), len(documents))
                keys = [document["tax_key"] for document in documents]
                # Else the garbage collector scans all of these while our import is measured.
                documents.clear()
                _, took, cpu = await runner.run(path)
                _note(same, took, cpu, each, await _find(bare, keys), len(keys))
                write_file(path, part, phones=1 + number)
                job, took, cpu = await runner.run(path)
                documents = await _by_ids(ours["registrations"], ids)
                _, entry_ids = await _batches_of(runner, job)
                entries = await _by_ids(ours["audit"], entry_ids)
                _note(changed, took, cpu, each, await _change(bare, documents, entries), len(keys))
                documents.clear()
                entries.clear()
                for one in (new, same, changed):
                    print(f"  round {number + 1}: {one.line()}", flush=True)
    print()
    for one in (new, same, changed):
        print(one.line())


def _note(one: Measured, took: float, cpu: float, rows: int, bare: float, documents: int) -> None:
    one.ours.append(took / rows)
    one.cpu.append(cpu / rows)
    one.bare.append(bare / documents)


async def _insert(database: Any, documents: list[dict[str, Any]]) -> float:
    async def insert() -> None:
        for start in range(0, len(documents), BATCH):
            await database["registrations"].insert_many(documents[start : start + BATCH])

    return await _timed(insert)


async def _find(database: Any, keys: list[str]) -> float:
    async def find() -> None:
        for start in range(0, len(keys), _KEYS):
            some = keys[start : start + _KEYS]
            await database["registrations"].find({"tax_key": {"$in": some}}).to_list(None)

    return await _timed(find)


async def _change(
    database: Any, documents: list[dict[str, Any]], entries: list[dict[str, Any]]
) -> float:
    async def change() -> None:
        for start in range(0, len(documents), BATCH):
            some = documents[start : start + BATCH]
            await _find(database, [document["tax_key"] for document in some])
            await database["registrations"].bulk_write(
                [ReplaceOne({"_id": document["_id"]}, document) for document in some]
            )
            await database["audit"].insert_many(entries[start : start + BATCH])

    return await _timed(change)


async def deep(rows: int, register: int) -> None:
    """Compare the import rate into a large and an empty register; time look-ups meanwhile."""
    async with databases("deep") as (database,):
        with tempfile.TemporaryDirectory() as folder:
            runner, path = JobRunner(database, Path(folder)), Path(folder) / "rows.csv"
            write_file(path, range(1, rows + 1))
            _, empty, _ = await runner.run(path)
            write_file(path, range(rows + 1, register + 1))
            await runner.run(path)
            write_file(path, range(register + 1, register + rows + 1))
            _, full, _ = await runner.run(path)
            print(
                f"into {register:,}: {rows / full:.0f} rows a second, into an empty one "
                f"{rows / empty:.0f}: ratio {empty / full:.2f} (at least 0.8)"
            )
            for name, phones in (("new", 0), ("changed", 5)):
                part = range(register + rows + 1, register + 2 * rows + 1)
                write_file(path, part, phones=phones)
                print(f"answers while {name} rows come in: {await _answers(runner, path)}")


async def _answers(runner: JobRunner, path: Path) -> str:
    """Return the p50 and p99 of a tax id look-up, twenty a second, while the file is imported."""
    registrations, random = Registrations(runner.database), Random(5)  # noqa: S311
    times: list[float] = []

    async def ask() -> None:
        while True:
            tax_id = make_cpf(100_000_001 + random.randrange(10_000))
            times.append(await _timed(partial(_look_up, registrations, tax_id)))
            await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    await runner.run(path)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    cuts = statistics.quantiles(times, n=100)
    return (
        f"p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms of {len(times)} (p99 under 300)"
    )


async def _look_up(registrations: Registrations, tax_id: Any) -> None:
    await registrations.by_tax_ids([tax_id])


async def memory(rows: int) -> None:
    """Compare the peak memory of a process importing a long file with that of a short one."""
    peaks = []
    for count in (10_000, rows):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.imports", "--peak-of", str(count)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        peaks.append(json.loads(out.splitlines()[-1])["peak_mb"])
        print(f"peak of {count:,} rows: {peaks[-1]:.0f} MB", flush=True)
    print(f"difference {peaks[1] - peaks[0]:.0f} MB (within 60)")


async def peak(rows: int) -> None:
    async with databases("peak") as (database,):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            write_file(path, range(1, rows + 1))
            _, took, _ = await JobRunner(database, Path(folder)).run(path)
    # Not getrusage: its value starts at the memory size of the parent process.
    print(json.dumps({"peak_mb": peak_mb("self"), "seconds": took}))


async def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--deep", type=int, default=300_000)
    arguments.add_argument("--long", type=int, default=1_000_000)
    arguments.add_argument("--peak-of", type=int, default=0)
    given = arguments.parse_args()
    share_one_heap()
    freeze_gc()
    if given.peak_of:
        await peak(given.peak_of)
        return
    await rates(given.rows, given.rounds)
    if given.deep:
        await deep(given.rows // given.rounds, given.deep)
    if given.long:
        await memory(given.long)


if __name__ == "__main__":
    asyncio.run(main())
