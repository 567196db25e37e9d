"""Many replicas at once, at Telegram's limits, beside a long import, while they are killed.

    make soak [SERVER=<uri>] [MINUTES=10]

Four `balcao run` behind a balancer, two workers and NATS. Customers of ninety departments write
nearly as many messages a second as Telegram lets one bot send. Every twenty seconds a replica gets
SIGKILL, and is started again. Prints what came of it; the exit code is 1 if a message was lost,
came out of order or too often, or if a row is missing.
"""

import argparse
import asyncio
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks.imports import HEADER as COLUMNS
from benchmarks.imports import JobRunner, fields_of, map_header, write_file
from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cpf
from bot.domain.conversation import Department
from bot.domain.job import ImportOptions, JobState
from bot.runtime.files.table import inspect
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring.clients import departments_of
from handlers.customer import texts
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.chaos.crowd import ADMIN_ID, PROTOCOL, Message
from tests.chaos.plan import Fault, What, Where
from tests.chaos.processes import Forks, Process, free_port
from tests.chaos.run import until
from tests.flows.nats import nats_server
from tests.flows.webhook import PATH, Balancer, balanced
from tests.patience import HANG_S

_FIRST_GROUP: Final = -1003000000000
_FIRST_CUSTOMER: Final = 7000
DATABASE: Final = f"soak_{os.getpid()}"
_MARK: Final = re.compile(r"\bs(\d+)-(\d+)s\b")
_LEASE_S: Final = 15.0
_AFTER_S: Final = 2.0
"""What a chat of a killed replica may take beyond the lease."""
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much there is of each, and for how long."""

    seconds: float = 600.0
    replicas: int = 4
    workers: int = 2
    departments: int = 90
    customers: int = 180
    a_second: float = 25.0
    rows: int = 100_000
    kill_every_s: float = 20.0
    minute_s: float = 60.0
    """The length of Telegram's minute, and of its second with it."""
    seed: int = 1


@dataclass(slots=True)
class Sent:
    """A customer's message: when it was written, and each time it came into a group."""

    customer: int
    group: int
    at: float
    arrived: list[float] = field(default_factory=list)
    is_of_killed: bool = False
    """True if the chat or its group was the killed replica's shortly before it was written."""


@dataclass(slots=True)
class Outcome:
    sent: Mapping[tuple[int, int], Sent]
    disordered: Sequence[str]
    kills: int
    refused: Mapping[Any, int]
    """Calls that Telegram's limits have refused."""
    rows: int
    rows_expected: int
    import_s: float | None
    cpu_s: Mapping[str, float]
    seconds: float

    @property
    def lost(self) -> int:
        return sum(not one.arrived for one in self.sent.values())

    @property
    def repeats(self) -> int:
        return sum(len(one.arrived) - 1 for one in self.sent.values() if one.arrived)

    @property
    def wrong(self) -> list[str]:
        """Return a sentence for each promise that was not kept."""
        found = [f"{self.lost} messages lost"] if self.lost else []
        found += self.disordered
        if self.repeats > self.kills:
            found.append(f"{self.repeats} repeats after {self.kills} kills")
        if (refusals := sum(self.refused.values())) > len(self.sent):
            found.append(f"{refusals} refusals by Telegram's limits for {len(self.sent)} messages")
        if self.rows != self.rows_expected:
            found.append(f"{self.rows} rows imported of {self.rows_expected}")
        return found

    def lines(self) -> Iterator[str]:
        yield f"{len(self.sent)} messages in {self.seconds:.0f} s, {self.kills} kills"
        yield f"lost {self.lost}, out of order {len(self.disordered)}, repeated {self.repeats}"
        for name, is_of_killed in (("of no killed replica", False), ("of a killed one", True)):
            waits = [
                one.arrived[0] - one.at
                for one in self.sent.values()
                if one.arrived and one.is_of_killed is is_of_killed
            ]
            if len(waits) > 1:
                cuts = statistics.quantiles(waits, n=100)
                yield (
                    f"from update to group, chats {name}: {len(waits)} messages, median "
                    f"{cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, longest {max(waits):.2f} s"
                )
        yield f"429 by Telegram's limits: {sum(self.refused.values())}"
        took = f"in {self.import_s:.0f} s" if self.import_s else "not done by then"
        yield f"rows imported: {self.rows} of {self.rows_expected}, {took}"
        spent = ", ".join(f"{name} {s / self.seconds:.2f}" for name, s in self.cpu_s.items())
        yield f"cores used: {spent}"
        yield from (f"WRONG: {one}" for one in self.wrong)


class Soak:
    """The people, and what they have written and seen."""

    def __init__(self, telegram: BotApiEmulator, shape: Shape) -> None:
        self.telegram = telegram
        self.shape = shape
        self.sent: dict[tuple[int, int], Sent] = {}
        self.kills: list[tuple[float, frozenset[str]]] = []
        self._came: dict[int, list[tuple[int, int]]] = defaultdict(list)
        """The marks of each group's messages, in their order."""
        telegram.add_user(ADMIN_ID, "Dora", started=True)
        self.groups = [_FIRST_GROUP - number for number in range(shape.departments)]
        for number, group_id in enumerate(self.groups):
            telegram.add_group(
                group_id, _department(number), members=(ADMIN_ID,), bot="administrator"
            )
        self.customers = range(_FIRST_CUSTOMER, _FIRST_CUSTOMER + shape.customers)
        for user_id in self.customers:
            telegram.add_user(user_id, f"Pessoa {user_id}", phone=f"+55499{user_id:08d}")

    def group_of(self, customer: int) -> int:
        return self.groups[(customer - _FIRST_CUSTOMER) % len(self.groups)]

    async def watch(self) -> None:
        """Note when each marked message comes into a group."""
        changes = self.telegram.changes
        seen = changes.seq
        while True:
            await changes.waiter()
            events, seen = changes.since(seen), changes.seq
            now = time.monotonic()
            assert events is not None, "the watch was too slow for the log of changes"
            for event in events:
                message = event.data.get("message")
                if event.kind == "message" and message and message["from"]["is_bot"]:
                    self._note(event.data["chat_id"], message, now)

    def _note(self, chat_id: int, message: Message, now: float) -> None:
        for customer, number in _MARK.findall(str(message.get("text", ""))):
            key = int(customer), int(number)
            if key in self.sent and self.sent[key].group == chat_id:
                self.sent[key].arrived.append(now)
                self._came[chat_id].append(key)

    async def open_all(self) -> None:
        """Let every customer open a conversation, ten at a time."""
        slots = asyncio.Semaphore(10)

        async def one(user_id: int) -> None:
            async with slots:
                await self._opens(user_id)

        await asyncio.gather(*map(one, self.customers))

    async def _opens(self, user_id: int) -> None:
        document = make_cpf(200_000_000 + user_id).masked
        department = _department((user_id - _FIRST_CUSTOMER) % len(self.groups))
        steps = ("oi", document, texts.SKIP, "Fulano de Tal", department)
        for step in steps:
            count = len(self._answers(user_id))
            self.telegram.send_text(user_id, user_id, step)
            await self.telegram.until(
                lambda count=count: len(self._answers(user_id)) > count  # type: ignore[misc]
            )
        await self.telegram.until(
            lambda: any(PROTOCOL.search(text) for text in self._answers(user_id))
        )

    def _answers(self, user_id: int) -> list[str]:
        return [
            str(message.get("text", ""))
            for message in self.telegram.messages(user_id)
            if message["from"]["is_bot"]
        ]

    async def write(self) -> None:
        """Write evenly, each customer in turn, for as long as the shape says."""
        began = time.monotonic()
        total = int(self.shape.a_second * self.shape.seconds)
        for count in range(total):
            await asyncio.sleep(max(0.0, began + count / self.shape.a_second - time.monotonic()))
            number, place = divmod(count, len(self.customers))
            customer = self.customers[place]
            now = time.monotonic()
            sent = Sent(customer, self.group_of(customer), now)
            # Before it is sent: the answer could come first.
            self.sent[customer, number] = sent
            sent.is_of_killed = self._is_of_killed(sent)
            self.telegram.send_text(customer, customer, f"s{customer}-{number}s")

    def _is_of_killed(self, sent: Sent) -> bool:
        keys = (f"chat:{sent.customer}", f"chat:outbox:{sent.group}")
        return any(
            sent.at - at < _LEASE_S + _AFTER_S and not held.isdisjoint(keys)
            for at, held in self.kills
        )

    def killed(self, held: frozenset[str]) -> None:
        """Note a kill; held: the keys of the leases that the replica had."""
        now = time.monotonic()
        self.kills.append((now, held))
        for sent in self.sent.values():
            if not sent.arrived and self._is_of_killed(sent):
                sent.is_of_killed = True

    def disordered(self) -> Iterator[str]:
        """Yield each place where a customer's message is above an earlier one."""
        for group, came in self._came.items():
            first: dict[tuple[int, int], int] = {}
            for at, key in enumerate(came):
                first.setdefault(key, at)
            by_customer: dict[int, list[int]] = defaultdict(list)
            for customer, number in first:
                by_customer[customer].append(number)
            for customer, numbers in by_customer.items():
                for before, after in pairwise(numbers):
                    if after < before:
                        yield f"in {group}, {before} of {customer} is above {after}"


def _department(number: int) -> str:
    return f"Departamento {number}"


async def soak(shape: Shape, forks: Forks, folder: Path, uri: str) -> Outcome:
    """Run all of it on this server, in the database `DATABASE`, which has to be empty."""
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(BotApiEmulator())
        telegram.limit(minute_s=shape.minute_s, second_s=shape.minute_s / 60)
        telegram.record_calls = False
        people = Soak(telegram, shape)
        balancer = await stack.enter_async_context(balanced())
        nats = await stack.enter_async_context(nats_server(folder))
        database = await stack.enter_async_context(connected(uri, DATABASE))
        env = {
            "BALCAO_BOT_TOKEN": telegram.token,
            "BALCAO_TELEGRAM_API_URL": telegram.url,
            "BALCAO_MONGODB_URI": uri,
            "BALCAO_MONGODB_DATABASE": DATABASE,
            "BALCAO_ATTENDANTS_CHAT_ID": str(people.groups[0]),
            "BALCAO_ADMIN_IDS": str(ADMIN_ID),
            "BALCAO_DATA_DIR": str(folder),
            "BALCAO_BROKER_URL": nats.url(),
            "BALCAO_WEBHOOK_URL": balancer.url,
            "BALCAO_LOG_FORMAT": "json",
            "BALCAO_LOG_LEVEL": "INFO",
        }
        await _add_departments(env, database, shape.departments)
        replicas = [_replica(forks, env, folder, balancer, shape) for _ in range(shape.replicas)]
        workers = [
            Process(forks, env, folder, minute_s=shape.minute_s, command="worker")
            for _ in range(shape.workers)
        ]
        for process in (*replicas, *workers):
            stack.push_async_callback(process.kill_for_good)
            process.start()
        await until(lambda: all(one.is_ready or one.ended for one in replicas))
        watching = asyncio.create_task(people.watch())
        stack.callback(watching.cancel)
        await people.open_all()
        before, began = _cpu(replicas, workers), time.monotonic()
        importing = asyncio.create_task(_import(database, folder, shape.rows))
        stack.callback(importing.cancel)
        killing = asyncio.create_task(_kill(people, replicas, database))
        await people.write()
        killing.cancel()
        seconds = time.monotonic() - began
        after = _cpu(replicas, workers)
        await _until(lambda: _all_arrived(people, watching))
        import_s = await importing
        stored = database["registrations"]
        return Outcome(
            sent=people.sent,
            disordered=list(people.disordered()),
            kills=len(people.kills),
            refused=Counter(telegram.limits.refused),
            rows=await stored.count_documents({"created.way": "import"}),
            rows_expected=sum(n % 100 != 0 for n in range(1, shape.rows + 1)),
            import_s=import_s,
            cpu_s={name: after[name] - before[name] for name in after},
            seconds=seconds,
        )


def _replica(
    forks: Forks, env: Mapping[str, str], folder: Path, balancer: Balancer, shape: Shape
) -> Process:
    port = free_port()
    balancer.replicas.append(f"http://127.0.0.1:{port}{PATH}")
    own = {**env, "BALCAO_PUBLIC_PORT": str(port)}
    return Process(forks, own, folder, minute_s=shape.minute_s)


async def _add_departments(env: Mapping[str, str], database: Any, count: int) -> None:
    values = {name.removeprefix("BALCAO_").lower(): value for name, value in env.items()}
    settings = Settings.model_validate(values)
    departments = departments_of(settings, database, lambda: datetime.now(UTC))
    for number in range(count):
        made = await departments.create(_department(number), "")
        assert isinstance(made, Department)
        await departments.link(made.id, _FIRST_GROUP - number)


async def _import(database: Any, folder: Path, rows: int) -> float:
    """Give the workers a file; return how many seconds its import took."""
    path = folder / "soak.csv"
    await asyncio.to_thread(write_file, path, range(1, rows + 1))
    runner = JobRunner(database, folder)
    options = ImportOptions(columns=tuple(fields_of(map_header(COLUMNS))))
    shape = (await inspect(path, name=path.name)).shape
    job = await runner.manage.begin_import(
        path,
        name=path.name,
        by=str(ADMIN_ID),
        options=options,
        shape=shape,
        state=JobState.RUNNING,
    )
    began = time.monotonic()

    async def is_over() -> bool:
        found = await runner.store.get(job.id)
        return found is not None and found.state is JobState.DONE

    await _until(is_over)
    return time.monotonic() - began


async def _kill(people: Soak, replicas: Sequence[Process], database: Any) -> None:
    """Kill a replica now and then, whichever; it is started again by itself."""
    draw = random.Random(people.shape.seed)  # noqa: S311 - a run that can be had again
    while True:
        await asyncio.sleep(people.shape.kill_every_s)
        chosen = draw.choice([one for one in replicas if one.is_ready] or list(replicas))
        locks = await database["locks"].find({}, {"owner": 1}).to_list(None)
        fault = Fault(at_s=0, for_s=0.0, where=Where.PROCESS, what=What.KILL)
        mine = f"/{chosen.pid}/"
        await chosen.suffer(fault)
        people.killed(frozenset(str(one["_id"]) for one in locks if mine in str(one.get("owner"))))


async def _all_arrived(people: Soak, watching: asyncio.Task[None]) -> bool:
    if watching.done():
        watching.result()
    return all(one.arrived for one in people.sent.values())


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is so, or when nothing has come of it for as long as only a hang takes."""
    ends = time.monotonic() + HANG_S
    while not await is_so() and time.monotonic() < ends:  # noqa: ASYNC110 - of other processes
        await asyncio.sleep(_LOOK_S)


def _cpu(replicas: Sequence[Process], workers: Sequence[Process]) -> dict[str, float]:
    """Return the CPU of each kind of process so far, in seconds, those that were killed too."""
    return {
        "replicas": sum(one.cpu_s() for one in replicas),
        "workers": sum(one.cpu_s() for one in workers),
        "people and Telegram": time.process_time(),
    }


async def _main(args: argparse.Namespace) -> int:
    configure_logs(level="ERROR", log_format="console")
    shape = Shape(
        seconds=args.minutes * 60,
        a_second=args.rate,
        rows=args.rows,
        minute_s=args.telegrams_minute,
        seed=args.seed,
    )
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        forks = Forks(folder)
        stack.callback(forks.stop)
        if args.server:
            uri = args.server
            await stack.enter_async_context(_dropped_at_the_end(uri))
        else:
            uri = await stack.enter_async_context(embedded_server(folder / "data"))
        outcome = await soak(shape, forks, folder, uri)
    for line in outcome.lines():
        print(line, flush=True)  # noqa: T201 - what this command is for
    return 1 if outcome.wrong else 0


@asynccontextmanager
async def _dropped_at_the_end(uri: str) -> AsyncIterator[None]:
    """Leave nothing on a server of somebody else's; the embedded one goes with its folder."""
    try:
        yield
    finally:
        async with connected(uri, DATABASE) as database:
            await database.client.drop_database(DATABASE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--server", help="URI of another MongoDB than the embedded server")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=25.0, help="messages a second")
    parser.add_argument(
        "--telegrams-minute",
        type=float,
        default=60.0,
        help="seconds in which Telegram takes what it takes in a minute: fewer, to see what "
        "Balcão carries beyond Telegram's limit",
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_arguments())))
