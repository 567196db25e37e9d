"""All benchmarks at small size, beside the figures that were kept.

    make benchmark [SERVER=<uri>] [KEEP=1]

Takes some minutes. Says what is worse by more than a fifth than in docs/figures.md, which KEEP=1
writes anew. The exit code is 0 all the same: a busy machine is no fault.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from pymongo import monitoring

from benchmarks import (
    backup,
    enumeration,
    figures,
    flood,
    imports,
    kept,
    relay,
    search,
    sync,
    updates,
)
from bot.runtime.logs import configure_logs

_ALL: Final = (relay, updates, imports, sync, search, backup, enumeration, flood)


async def measured(server: str | None, names: set[str]) -> list[figures.Figure]:
    trips = figures.RoundTrips()
    monitoring.register(trips)
    found: list[figures.Figure] = []
    for module in _ALL:
        name = module.__name__.rpartition(".")[2]
        if names and name not in names:
            continue
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            async with figures.meter(Path(folder), server, trips) as meter:
                await module.figures(meter)
        found += meter.figures
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="names of benchmarks; all without")
    parser.add_argument("--server", help="URI of another MongoDB than the embedded server")
    parser.add_argument("--keep", action="store_true", help="write the figures into the page")
    chosen = parser.parse_args()
    configure_logs(level="ERROR", log_format="console")
    server = figures.name_of(chosen.server)
    cpu_s, time_s = figures.machine()
    found = asyncio.run(measured(chosen.server, set(chosen.only)))
    print(
        f"\n{server}; the fixed workload: CPU {cpu_s * 1e3:.2f} ms, time {time_s * 1e3:.2f} ms\n"
    )
    print(kept.table(found))
    page = kept.PAGE.read_text(encoding="utf-8")
    before = kept.read(page, server)
    now = {figure.item: figure for figure in found}
    compared = {i: f for i, f in before.items() if i in now} if chosen.only else before
    worse = list(kept.fallen(compared, found))
    print(f"\nWorse by more than a fifth: {len(worse)} figures of {len(compared)} items")
    for line in worse:
        print(f"- {line}")
    if chosen.keep:
        all_of_them = list((before | now).values()) if chosen.only else found
        kept.PAGE.write_text(kept.written(page, server, all_of_them), encoding="utf-8")


if __name__ == "__main__":
    main()
