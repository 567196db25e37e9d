"""Runs of many seeds, one after the other: `python -m tests.chaos 1..20 --minutes 1`.

Prints what was done to the outside and what was found; the exit code is 1 after a finding.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bot.runtime.logs import configure_logs
from tests.chaos.plan import Where, plan
from tests.chaos.processes import Forks
from tests.chaos.run import run
from tests.chaos.wall_clock import HAS_COMPILER
from tests.chaos.wires import HAS_NATS, folder_of
from tests.storage.servers import short_lived


def _seeds(text: str) -> list[int]:
    """Read `7`, `1..20` or `1 2 3`."""
    found: list[int] = []
    for part in text.replace(",", " ").split():
        first, dots, last = part.partition("..")
        found += range(int(first), int(last if dots else first) + 1)
    return found


async def _main(args: argparse.Namespace) -> int:
    configure_logs(level="ERROR", log_format="console")
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        # The servers and bots of the run end with it.
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    seconds = args.minutes * 60
    found = 0
    with tempfile.TemporaryDirectory(prefix="chaos-") as common:
        forks = Forks(Path(common))
        protected = Path(common) / "protected"
        protected.mkdir()
        async with short_lived(protected):
            pass
        try:
            for seed in _seeds(args.seeds):
                made = plan(seed, seconds, has_clock=HAS_COMPILER, has_nats=HAS_NATS)
                if args.only:
                    kept = tuple(fault for fault in made.faults if fault.where in args.only)
                    made = replace(made, faults=kept)
                async with folder_of(seed, protected) as folder:
                    result = await run(made, forks, folder, patience_s=args.patience)
                found += bool(result.findings.wrong)
                print(result, flush=True)  # noqa: T201 - what this command is for
                if args.logs and result.findings.wrong:
                    args.logs.mkdir(parents=True, exist_ok=True)
                    (args.logs / f"{seed}.log").write_text(result.log)
                    (args.logs / f"{seed}.chats").write_text(result.chats)
        finally:
            forks.stop()
    print(f"{found} runs with findings")  # noqa: T201
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("seeds", help="7, 1..20, or '1 2 3'")
    parser.add_argument("--minutes", type=float, default=1.0, help="time with faults, each")
    parser.add_argument(
        "--only", nargs="+", choices=[*Where], help="leave out the faults of all other places"
    )
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to get well in")
    parser.add_argument("--logs", type=Path, help="keep the log of each run with findings here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_arguments())))
