"""What one item costs: CPU, time and round trips, set against the speed of the machine.

CPU and time are multiples of a fixed workload that runs before and after each measurement. It
takes about a millisecond, so the figures are near milliseconds, and those of two machines compare.
"""

import json
import math
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient, monitoring

from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes

NOT_MEASURED: Final = math.nan
_ROUNDS: Final = 200
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """What one item costs; None where that was not measured."""

    item: str
    cpu: float | None
    server_cpu: float | None
    time: float | None
    trips: float | None


@dataclass
class Spent:
    """What all items of a measurement took. Filled in at its end where nothing was set."""

    items: int
    cpu_s: float | None = None
    server_cpu_s: float | None = None
    time_s: float | None = None
    real_time_s: float | None = None
    """Instead of `time_s`, if the speed of the machine does not matter."""
    trips: float | None = None


class RoundTrips(monitoring.CommandListener):
    """Counts the commands that this process sends to a database server."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += 1

    def succeeded(self, event: object) -> None:
        """Do nothing: `started` has counted the command."""

    def failed(self, event: object) -> None:
        """Do nothing: `started` has counted the command."""


class Meter:
    """Measures on one server.

    uri: the server's.
    pid: the server's process id, or None if it is not an embedded one.
    trips: counts the round trips; registered before any client was opened.
    """

    def __init__(self, uri: str, pid: int | None, trips: RoundTrips) -> None:
        self.uri = uri
        self.figures: list[Figure] = []
        self._pid = pid
        self._trips = trips

    @contextmanager
    def measured(self, item: str, items: int = 1) -> Iterator[Spent]:
        """Add the figure of what runs inside.

        What runs inside may set fields of `Spent`, such as the CPU of another process, also to
        NOT_MEASURED.
        """
        spent = Spent(items)
        before = machine()
        trips, server_s = self._trips.count, self._server_s()
        began, began_cpu = time.perf_counter(), time.process_time()
        yield spent
        cpu_s, time_s = time.process_time() - began_cpu, time.perf_counter() - began
        if spent.cpu_s is None:
            spent.cpu_s = cpu_s
        if spent.time_s is None:
            spent.time_s = time_s
        if spent.server_cpu_s is None and self._pid is not None:
            spent.server_cpu_s = self._server_s() - server_s
        if spent.trips is None:
            spent.trips = self._trips.count - trips
        unit = [sum(both) / 2 for both in zip(before, machine(), strict=True)]
        self.figures.append(
            Figure(
                item,
                cpu=_each(spent.cpu_s, spent.items, unit[0]),
                server_cpu=_each(spent.server_cpu_s, spent.items, unit[0]),
                time=_each(spent.time_s, spent.items, unit[1])
                if spent.real_time_s is None
                else _each(spent.real_time_s, spent.items, 1e-3),
                trips=_each(spent.trips, spent.items, 1),
            )
        )

    @property
    def is_embedded(self) -> bool:
        return self._pid is not None

    def settings(self, database: Any) -> dict[str, str]:
        """Return the environment of a bot on this database."""
        return {"BALCAO_MONGODB_URI": self.uri, "BALCAO_MONGODB_DATABASE": database.name}

    def _server_s(self) -> float:
        if self._pid is None:
            return 0.0
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_S

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Any]:
        """Yield a new database with its indexes; drop it, unless its server is discarded."""
        async with connected(self.uri, f"benchmark_{uuid.uuid4().hex[:12]}") as database:
            await ensure_indexes(database)
            try:
                yield database
            finally:
                if not self.is_embedded:
                    await database.client.drop_database(database.name)


@asynccontextmanager
async def meter(folder: Path, server: str | None, trips: RoundTrips) -> AsyncIterator[Meter]:
    """Yield a meter on the given server, or else on a new embedded one in the folder."""
    if server:
        yield Meter(server, None, trips)
        return
    async with embedded_server(folder) as uri:
        note = folder / "database" / "server.json"
        yield Meter(uri, json.loads(note.read_text())["pid"], trips)


def name_of(server: str | None) -> str:
    """Return the name under which the figures of a server are kept."""
    if not server:
        return "Embedded server"
    with MongoClient[dict[str, Any]](server) as client:
        build = client["admin"].command("buildInfo")
    if build.get("buildEnvironment", {}).get("cc") == "rustc":
        return f"Rust server {build['secantusVersion']}"
    return f"MongoDB {build['version']}"


def machine() -> tuple[float, float]:
    """Return the seconds of the fixed workload now: of CPU, and by the clock."""
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(_ROUNDS):
        _workload()
    return (time.process_time() - cpu) / _ROUNDS, (time.perf_counter() - began) / _ROUNDS


def _workload() -> int:
    words: dict[str, int] = {}
    for number in range(2000):
        words[f"{number % 97}:{number}"] = number * number % 1009
    return sum(words.values())


def _each(total: float | None, items: int, unit: float) -> float | None:
    return None if total is None or math.isnan(total) else total / items / unit
