"""Compares the updates per second, until the reply, with those of a bare aiogram echo bot.

    python -m benchmarks.updates

Each bot runs in its own process and polls an emulator of Telegram. The emulator, the emulated ERP
and the people who write run in this process. Each person waits for the answer before the next
message. Rounds alternate, so that a change of the machine's speed affects both bots. Quote the
ratio, not the rates.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import NOT_MEASURED, Meter
from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import customer
from bot.domain.conversation import Department
from bot.settings import Settings
from bot.wiring.clients import departments_of, open_database, utc_now
from handlers.customer import texts

# Telegram takes 20 messages a minute in a group: a company with this many customers has more.
GROUPS = range(-1001000000010, -1001000000000)
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Round:
    """The figures of one bot with one crowd."""

    updates: int = 0
    seconds: float = 0.0
    answers_ms: list[float] = field(default_factory=list)
    """Milliseconds from a typed document to the answer, for the identification only."""
    cpu_ms: dict[str, float] = field(default_factory=dict)
    """CPU milliseconds per update, by process."""

    @property
    def rate(self) -> float:
        return self.updates / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Ears:
    """Listens to the bot's messages in all chats, and wakes the people who wait for them."""

    def __init__(self, emulator: BotApiEmulator) -> None:
        self._changes = emulator.changes
        self._awaited: dict[int | str, asyncio.Future[None]] = {}

    def expect(self, what: int | str) -> asyncio.Future[None]:
        """Return a future that is done when the bot sends this.

        what: a private chat's id, or the last line of a text in the group.
        """
        self._awaited[what] = asyncio.get_running_loop().create_future()
        return self._awaited[what]

    async def listen(self) -> None:
        heard = self._changes.seq
        while True:
            await self._changes.waiter()
            for event in self._changes.since(heard) or ():
                message = event.data.get("message")
                if event.kind == "message" and message and message["from"]["is_bot"]:
                    self._tell(event.data["chat_id"], message.get("text", ""))
            heard = self._changes.seq

    def _tell(self, chat_id: int, text: str) -> None:
        what = text.rpartition("\n")[2] if chat_id in GROUPS else chat_id
        if future := self._awaited.pop(what, None):
            future.set_result(None)


class Crowd:
    """People who write concurrently; half of them are in the ERP."""

    def __init__(self, emulator: BotApiEmulator, ears: Ears, first_id: int, people: int) -> None:
        self._emulator = emulator
        self._ears = ears
        self.ids = range(first_id, first_id + people)
        for user_id in self.ids:
            emulator.add_user(user_id, f"Pessoa {user_id}", phone=f"+55499{user_id:08d}")

    async def talk(self, *, echo: bool, words: int) -> Round:
        done = Round()
        started = time.perf_counter()
        await asyncio.gather(*(self._one(user_id, done, echo, words) for user_id in self.ids))
        done.seconds = time.perf_counter() - started
        return done

    async def _one(self, user_id: int, done: Round, echo: bool, words: int) -> None:
        document = make_cpf(100_000_000 + user_id).masked
        steps = ["oi", document, texts.SKIP, "Fulano de Tal", _department(user_id % len(GROUPS))]
        opening = len(steps)
        steps += [f"mensagem {number} de {user_id}" for number in range(words)]
        for number, text in enumerate(steps):
            # In a conversation, Balcão answers a message by posting it in the group.
            answer = self._ears.expect(user_id if echo or number < opening else text)
            sent_at = time.perf_counter()
            self._emulator.send_text(user_id, user_id, text)
            async with asyncio.timeout(60):
                await answer
            done.updates += 1
            if number == 1:
                done.answers_ms.append((time.perf_counter() - sent_at) * 1000)


def _department(number: int) -> str:
    return f"Departamento {number}"


async def add_departments(settings: Settings) -> None:
    """Store a department for each group; the one of the first start is not offered then."""
    async with open_database(settings) as database:
        departments = departments_of(settings, database, utc_now)
        for number, group_id in enumerate(GROUPS):
            made = await departments.create(_department(number), "")
            if not isinstance(made, Department):
                raise TypeError(f"department not created: {made}")
            await departments.link(made.id, group_id)


@contextlib.asynccontextmanager
async def process(module: str, *arguments: str, **env: str) -> AsyncIterator[int]:
    """Start a bot in its own process; yield the process id."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env={**os.environ, **env}
    )
    try:
        yield started.pid
    finally:
        started.send_signal(signal.SIGTERM)
        await started.wait()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def processes_of(pid: int, data_dir: str) -> dict[str, int]:
    """Return the process ids of the bot and, if it started one, of its database, by name."""
    note = Path(data_dir) / "database" / "server.json"
    if not note.exists():
        return {"bot": pid}
    return {"bot": pid, "database": json.loads(note.read_text())["pid"]}


async def measure(people: int, words: int, *, echo: bool) -> Round:
    rows = [
        customer(n, f"Cliente {n}", make_cpf(100_000_000 + n).masked)
        for n in range(1000, 1000 + people, 2)
    ]
    with tempfile.TemporaryDirectory() as data_dir:
        async with BotApiEmulator() as emulator, IxcEmulator(rows) as erp:
            emulator.record_calls = False
            emulator.add_user(1, "Dora")
            for number, group_id in enumerate(GROUPS):
                emulator.add_group(
                    group_id, _department(number), members=(1,), bot="administrator"
                )
            env = {
                "BALCAO_BOT_TOKEN": emulator.token,
                "BALCAO_TELEGRAM_API_URL": emulator.url,
                "BALCAO_ATTENDANTS_CHAT_ID": str(GROUPS[0]),
                "BALCAO_DATA_DIR": data_dir,
                "BALCAO_ERP_KIND": "ixc",
                "BALCAO_ERP_URL": erp.url,
                "BALCAO_ERP_TOKEN": CREDENTIAL,
                "BALCAO_HTTP_PORT": "0",
                "BALCAO_LOG_LEVEL": "WARNING",
            }
            if not echo:
                await add_departments(
                    Settings.model_validate(
                        {"bot_token": emulator.token, "data_dir": Path(data_dir)}
                    )
                )
            ears = Ears(emulator)
            crowd = Crowd(emulator, ears, 1000, people)
            # aiogram and pydantic build some objects lazily, at their first use.
            warm_up = Crowd(emulator, ears, 900, 20)
            # Without Telegram's rate limits: else the benchmark would measure only those.
            command = ("benchmarks.echo",) if echo else ("tests.short_minutes", "0.001")
            async with process(*command, **env) as pid:
                listening = asyncio.create_task(ears.listen())
                await warm_up.talk(echo=echo, words=4)
                pids = processes_of(pid, data_dir) | {"emulators and people": os.getpid()}
                before = {name: cpu_s(p) for name, p in pids.items()}
                done = await crowd.talk(echo=echo, words=words)
                done.cpu_ms = {
                    name: (cpu_s(p) - before[name]) * 1000 / done.updates
                    for name, p in pids.items()
                }
                listening.cancel()
                return done


async def figures(meter: Meter) -> None:
    for echo, item in ((True, "an update of the bare echo bot"), (False, "an update")):
        async with meter.database() as database:
            # Without an embedded server of its own, the bot takes the one of these settings.
            other = {} if meter.is_embedded else meter.settings(database)
            os.environ.update(other)
            with meter.measured(item) as spent:
                done = await measure(40, 6, echo=echo)
                spent.items, spent.time_s = done.updates, done.seconds
                spent.cpu_s = done.cpu_ms["bot"] * done.updates / 1000
                database_ms = done.cpu_ms.get("database", NOT_MEASURED)
                spent.server_cpu_s = database_ms * done.updates / 1000
                spent.trips = NOT_MEASURED
            for name in other:
                del os.environ[name]


async def main(rounds: int, people: int, words: int) -> None:
    ratios, answers = [], []
    last: dict[bool, Round] = {}
    for number in range(rounds):
        for echo in (True, False):
            last[echo] = await measure(people, words, echo=echo)
        ratios.append(last[False].rate / last[True].rate)
        answers += last[False].answers_ms
        print(
            f"round {number + 1}: echo {last[True].rate:6.0f}/s  "
            f"balcão {last[False].rate:6.0f}/s  ratio {ratios[-1]:.2f}"
        )
    print(
        f"\n{people} people at once in {len(GROUPS)} departments, {5 + words} updates each\n"
        f"ratio balcão / echo: median {statistics.median(ratios):.2f} "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f})\n"
        f"identification answer: p50 {percentile(answers, 0.5):.0f} ms, "
        f"p99 {percentile(answers, 0.99):.0f} ms"
    )
    for echo in (True, False):
        spent = ", ".join(f"{name} {ms:.2f}" for name, ms in last[echo].cpu_ms.items())
        print(f"CPU ms per update, {'echo' if echo else 'balcão'}: {spent}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--words", type=int, default=6)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.rounds, chosen.people, chosen.words))
