"""Time, rate and peak memory of backup and restore, for a small and a large register.

    python -m benchmarks.backup [--sizes 20000,200000] [--beside 50000]

Then, with a separate register (`--beside` rows, 0 to skip): how much longer the look-up of a tax
id takes during a backup, made by the bot itself as /backup does, or by `balcao backup`. A look-up
is due every 20 ms, and is timed from the moment it was due.

Each step runs in its own process, so that its peak memory is its own. The embedded server's
memory grows with the register even without queries; the output shows its memory at the start of
the step before its peak.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.figures import Meter
from bot.demo.documents import make_cpf
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.domain.tax_id import TaxId
from storage.backup.backup import COLLECTIONS, back_up, check_backup, restore
from storage.engine.connection import Database, connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.register.registrations import Registrations

_AT: Final = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
_NAMES: Final = (
    "Ana",
    "Bruno",
    "Carla",
    "Davi",
    "Elisa",
    "Fábio",
    "Íris",
    "João",
    "Souza",
    "Lima",
)
_AT_ONCE: Final = 500
_ASK_EVERY_S: Final = 0.02
_ALONE_S: Final = 15.0
_FEW: Final = 5_000


async def fill(uri: str, database: str, _: Path, size: int) -> None:
    random = Random(1)  # noqa: S311 - the same register each time
    async with connected(uri, database) as opened:
        await ensure_indexes(opened)
        register = Registrations(opened)
        for start in range(0, size, _AT_ONCE):
            await asyncio.gather(
                *(
                    register.create(_registration(random, number))
                    for number in range(start, min(size, start + _AT_ONCE))
                )
            )


def _registration(random: Random, number: int) -> Registration:
    provenance = Provenance(
        at=_AT, by=f"chat:{random.randrange(10**9)}", way=ChangeSource.IMPORT, job="import"
    )
    return Registration(
        id=uuid.UUID(int=random.getrandbits(128), version=4).hex,
        tax_id=make_cpf(100_000_001 + number),
        name=" ".join(random.choices(_NAMES, k=3)),
        phones=Phones(mobile=f"+55119{random.randrange(10**8):08}"),
        email=f"{random.getrandbits(40):x}@example.com",
        kinds=frozenset((Kind.CUSTOMER,)),
        fixed_note=" ".join(random.choices(_NAMES, k=random.randrange(20))) or None,
        created=provenance,
        updated=provenance,
    )


async def save(uri: str, database: str, file: Path, size: int) -> None:
    async with connected(uri, database) as opened:
        tallies = await back_up(opened, file, at=_AT, report=lambda _: None)
    if tallies["registrations"].count != size:
        raise SystemExit(f"{tallies['registrations'].count} instead of {size}")


async def bring_back(uri: str, database: str, file: Path, _: int) -> None:
    tallies = check_backup(file, lambda _: None)
    async with connected(uri, f"{database}_restored") as opened:
        await ensure_indexes(opened)
        await restore(opened, file, tallies, replace=False, at=_AT, report=lambda _: None)


async def replace(uri: str, database: str, file: Path, _: int) -> None:
    tallies = check_backup(file, lambda _: None)
    async with connected(uri, f"{database}_restored") as opened:
        await restore(opened, file, tallies, replace=True, at=_AT, report=lambda _: None)


STEPS: Final[dict[str, Callable[[str, str, Path, int], Coroutine[Any, Any, None]]]] = {
    "fill": fill,
    "backup": save,
    "restore": bring_back,
    "restore --replace": replace,
}


async def figures(meter: Meter) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with meter.database() as database:
            where = meter.uri, database.name, Path(folder) / "backup", _FEW
            with meter.measured("a created registration", _FEW):
                await fill(*where)
            with meter.measured("a registration and its audit, backed up", _FEW):
                await save(*where)
            try:
                with meter.measured("a registration and its audit, restored", _FEW):
                    await bring_back(*where)
            finally:
                await database.client.drop_database(f"{database.name}_restored")


async def ask(uri: str, database: str, file: Path, size: int, *, during: str) -> list[float]:
    """Return the sorted times of the look-ups, in milliseconds.

    during: the work that runs meanwhile: "nothing" or one of two kinds of backup.
    """
    async with connected(uri, database) as opened:
        register, random = Registrations(opened), Random(2)  # noqa: S311
        done = asyncio.create_task(_meanwhile(opened, uri, file, size, during))
        asking: list[asyncio.Task[float]] = []
        began = time.perf_counter()
        while not done.done():
            wanted_at = began + len(asking) * _ASK_EVERY_S
            await asyncio.sleep(max(0.0, wanted_at - time.perf_counter()))
            tax_id = make_cpf(100_000_001 + random.randrange(size))
            asking.append(asyncio.create_task(_asked(register, tax_id, wanted_at)))
        await done
        return sorted(await asyncio.gather(*asking))


async def _asked(register: Registrations, tax_id: TaxId, wanted_at: float) -> float:
    found = await register.by_tax_ids([tax_id])
    if tax_id.key not in found:
        raise SystemExit("a registration is missing")
    return (time.perf_counter() - wanted_at) * 1000


async def _meanwhile(opened: Database, uri: str, file: Path, size: int, what: str) -> None:
    if what == "nothing":
        await asyncio.sleep(_ALONE_S)
    elif what == "backup in chat":
        await back_up(opened, file, at=_AT, report=lambda _: None)
    else:
        await _step("backup", uri, file, size)


async def beside(size: int, folder: Path) -> None:
    async with embedded_server(folder / "beside") as uri:
        await _step("fill", uri, folder / "none", size)
        alone: list[float] = []
        for number, what in enumerate(("nothing", "backup in chat", "balcao backup", "nothing")):
            took = await ask(uri, "register", folder / f"beside{number}", size, during=what)
            p50, p95, p99 = (took[len(took) * n // 100] for n in (50, 95, 99))
            alone = alone or [p50, p99]
            print(
                f"{size:>8} beside {what:<15} {len(took):>6} answers   p50 {p50:6.1f} ms"
                f" ({p50 / alone[0]:.1f} x)   p95 {p95:6.1f} ms"
                f"   p99 {p99:6.1f} ms ({p99 / alone[1]:.1f} x)"
                f"   longest {took[-1]:6.0f} ms",
                flush=True,
            )


def peak_mb(pid: int | str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def forget_peak(pid: int) -> float:
    """Reset the peak memory of a process to its current memory; return it in MB."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_mb(pid)


async def one_size(size: int, folder: Path) -> None:
    data_dir, file = folder / str(size), folder / f"{size}.backup"
    async with embedded_server(data_dir) as uri:
        server = json.loads((data_dir / "database" / "server.json").read_text())["pid"]
        for step in STEPS:
            before = forget_peak(server)
            seconds, peak = await _step(step, uri, file, size)
            print(
                f"{size:>8} {step:<18} {seconds:7.1f} s {size / seconds:8.0f}/s"
                f"   peak {peak:5.0f} MB   server {before:5.0f} -> {peak_mb(server):5.0f} MB",
                flush=True,
            )
        print(f"{size:>8} file {file.stat().st_size / 1e6:.1f} MB, {len(COLLECTIONS)} collections")


async def _step(step: str, uri: str, file: Path, size: int) -> tuple[float, float]:
    """Run a step in its own process; return its seconds and its peak memory in MB."""
    arguments = ("--step", step, "--uri", uri, "--file", str(file), "--sizes", str(size))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.backup", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    seconds, peak = json.loads(printed)
    return seconds, peak


async def run_step(arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    size = int(arguments.sizes)
    await STEPS[arguments.step](arguments.uri, "register", arguments.file, size)
    print(json.dumps([time.perf_counter() - began, peak_mb("self")]))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="20000,200000")
    parser.add_argument("--beside", type=int, default=50_000)
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--uri")
    parser.add_argument("--file", type=Path)
    arguments = parser.parse_args()
    if arguments.step:
        await run_step(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, filter(None, arguments.sizes.split(","))):
            await one_size(size, Path(folder))
        if arguments.beside:
            await beside(arguments.beside, Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
