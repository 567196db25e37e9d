"""How long after an outage of Telegram all is delivered: `python -m tests.chaos.outage 60`.

Customers with open conversations write while the bot cannot reach Telegram. Telegram's real limits
apply, so 50 messages take one group about 133 s even without an outage.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from bot.demo.bot_api import BotApiEmulator
from bot.runtime.logs import configure_logs
from tests.chaos.crowd import GROUP_ID, SECRET, Crowd, marks_in
from tests.chaos.plan import Fault, Plan, What, Where
from tests.chaos.processes import Forks, Process
from tests.chaos.run import until
from tests.chaos.wires import Wires, folder_of, wires_of
from tests.patience import HANG_S
from tests.storage.servers import short_lived

_NO_LIMITS_S: Final = 0.001
_MINUTE_S: Final = 60.0


async def measure(seconds: float, *, customers: int, forks: Forks, folder: Path) -> list[float]:
    """Return the seconds from the end of the outage until each text was in the group."""
    fault = Fault(at_s=0, for_s=seconds, where=Where.TELEGRAM, what=What.DOWN)
    plan = Plan(seed=1, seconds=seconds, is_forum=False, faults=(fault,))
    async with BotApiEmulator() as telegram:
        crowd = Crowd(telegram, seed=1, is_forum=False, size=customers)
        async with wires_of(plan, telegram, crowd, folder) as wires:
            process = Process(forks, wires.settings, folder, minute_s=_NO_LIMITS_S)
            try:
                process.start()
                async with asyncio.timeout(HANG_S * 2):
                    await asyncio.gather(*map(crowd.is_in_conversation, crowd.people))
                    # Each card is in the group.
                    await telegram.until(lambda: len(crowd.from_bot(GROUP_ID)) >= customers)
                await process.end()
                telegram.limit()
                process = Process(forks, wires.settings, folder, minute_s=_MINUTE_S)
                process.start()
                await until(lambda: '"ready"' in process.log)
                return await _written_meanwhile(seconds, crowd, wires)
            finally:
                await process.kill_for_good()


async def _written_meanwhile(seconds: float, crowd: Crowd, wires: Wires) -> list[float]:
    ended = wires.begin() + seconds
    wires.telegram.cut_all()
    telegram = crowd.telegram
    for number, person in enumerate(crowd.people):
        telegram.send_text(person.id, person.id, f"k{1000 + number}k {SECRET}")
        await asyncio.sleep(seconds * 0.9 / len(crowd.people))
    came: dict[str, float] = {}
    while len(came) < len(crowd.people):
        for message in crowd.from_bot(GROUP_ID):
            for mark in marks_in(message):
                came.setdefault(mark, time.monotonic() - ended)
        await telegram.changes.waiter()
    return sorted(came.values())


async def _main(args: argparse.Namespace) -> None:
    configure_logs(level="ERROR", log_format="console")
    with tempfile.TemporaryDirectory(prefix="outage-") as common:
        forks, protected = Forks(Path(common)), Path(common) / "protected"
        protected.mkdir()
        async with short_lived(protected):
            pass
        try:
            async with folder_of(1, protected) as folder:
                came = await measure(
                    args.seconds, customers=args.customers, forks=forks, folder=folder
                )
        finally:
            forks.stop()
    print(  # noqa: T201 - what this command is for
        f"outage of {args.seconds:g} s, {args.customers} customers: "
        f"first text {came[0]:.1f} s after its end, half of them {came[len(came) // 2]:.1f} s, "
        f"last {came[-1]:.1f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.outage", description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--customers", type=int, default=50)
    asyncio.run(_main(parser.parse_args()))
