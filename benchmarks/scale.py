"""Measures what one item costs, and how many bytes it takes, as the register grows.

    python -m benchmarks.scale --server mongodb://127.0.0.1:27017 --pid 123 \
        [--sizes 10000,100000,1000000]

One database, `scale`, grows from size to size and is kept; what customers leave in it is deleted
first. The greatest size decides who they are, so another one needs an empty database. At each
size people of the register identify themselves, write and are answered, admins
search, and a file is imported. CPU is of the bot's process and of the server, which has the pid;
growth is set against the first size. Bytes are those of `collStats`, which the Rust server tells
without compression: MongoDB's are fewer. docs/scaling.md reckons with the figures.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.imports import JobRunner, write_file
from benchmarks.table import QUERIES, register
from benchmarks.updates import GROUPS, Ears, add_departments, cpu_s, process
from bot.demo.bot_api import BotApiEmulator
from bot.domain.registration import Registration
from bot.runtime.logs import configure_logs
from bot.runtime.memory import freeze_gc, share_one_heap
from bot.settings import Settings
from storage.engine.connection import connected
from storage.engine.indexes import ensure_indexes
from storage.register.documents import registration_document
from storage.register.search import Search

_PEOPLE: Final = 200
_WARM_UP: Final = 10
_MESSAGES: Final = 5
_ROWS: Final = 10_000
_SEARCHES: Final = 20
_BATCH: Final = 500
_WORDS: Final = ("ana bego", "conceicao", "half a telephone", "suppliers, without tag")
_KEPT: Final = frozenset(("registrations", "meta"))
_OF_TALKS: Final = (
    *("registrations", "chats", "conversations", "relayed", "outbox", "inbox", "states"),
)
_OF_IMPORTS: Final = ("audit", "jobs", "job_batches")


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one item: of our CPU, of the server's, and by the clock."""

    ours: float
    server: float
    wall: float


async def grow(database: Any, people: Sequence[Registration]) -> None:
    """Fill the register up to these people, without what customers left."""
    for name in await database.list_collection_names():
        if name not in _KEPT:
            await database.drop_collection(name)
    await ensure_indexes(database)
    registrations = database["registrations"]
    # Rows of the last import.
    await registrations.delete_many({"created.way": "import"})
    have = await registrations.count_documents({})
    for start in range(have, len(people), _BATCH):
        some = people[start : start + _BATCH]
        await registrations.insert_many([registration_document(one) for one in some])


class Meter:
    """Adds up what happens inside `each`, for the bot's process and the server."""

    def __init__(self, bot: int, server: int) -> None:
        self._pids = bot, server
        self.costs: dict[str, Cost] = {}

    async def each(self, item: str, items: int, work: Callable[[], Awaitable[object]]) -> None:
        before, began = [cpu_s(pid) for pid in self._pids], time.perf_counter()
        await work()
        wall = time.perf_counter() - began
        used = [cpu_s(pid) - spent for pid, spent in zip(self._pids, before, strict=True)]
        self.costs[item] = Cost(*(seconds * 1000 / items for seconds in (*used, wall)))


class Crowd:
    """People of the register who all take the same step at once."""

    def __init__(
        self, emulator: BotApiEmulator, ears: Ears, people: Sequence[Registration], first_id: int
    ) -> None:
        self._emulator = emulator
        self._ears = ears
        self._people = dict(enumerate(people, first_id))
        for user_id, one in self._people.items():
            emulator.add_user(user_id, f"Pessoa {user_id}", phone=one.phones.mobile)

    async def _all(
        self, step: Callable[[int, Registration], object], *, text: str | None = None
    ) -> None:
        """Let each do this; return when each has an answer, or their text is in the group."""
        # Before the step, whose answer could else come first.
        waiting = [
            self._ears.expect(_of(text, user_id) if text else user_id) for user_id in self._people
        ]
        for user_id, one in self._people.items():
            step(user_id, one)
        async with asyncio.timeout(300):
            await asyncio.gather(*waiting)

    def _say(self, user_id: int, text: str) -> None:
        self._emulator.send_text(user_id, user_id, text)

    async def greets(self) -> None:
        await self._all(lambda user_id, _: self._say(user_id, "/start"))

    async def types_the_document(self) -> None:
        def type_it(user_id: int, one: Registration) -> None:
            assert one.tax_id  # noqa: S101 - as `known` in `main`
            self._say(user_id, one.tax_id.masked)

        await self._all(type_it)

    async def shares_the_telephone(self) -> None:
        await self._all(lambda user_id, _: self._emulator.send_contact(user_id, user_id))

    async def picks_a_department(self) -> None:
        await self._all(
            lambda user_id, _: self._say(user_id, f"Departamento {user_id % len(GROUPS)}")
        )

    async def writes(self, number: int) -> None:
        text = f"mensagem {number}"
        await self._all(lambda user_id, _: self._say(user_id, _of(text, user_id)), text=text)

    async def is_answered(self, number: int) -> None:
        last = {
            message.get("text", "").rpartition("\n")[2]: (group_id, message["message_id"])
            for group_id in GROUPS
            for message in self._emulator.messages(group_id)
        }

        def answer(user_id: int, _: Registration) -> None:
            group_id, message_id = last[_of(f"mensagem {number}", user_id)]
            self._emulator.send_text(1, group_id, f"resposta {number}", reply_to=message_id)

        await self._all(answer)


def _of(text: str, user_id: int) -> str:
    return f"{text} de {user_id}"


@asynccontextmanager
async def bot(uri: str, name: str) -> AsyncIterator[tuple[int, BotApiEmulator, Ears]]:
    """Run a bot in its own process, without Telegram's limits; yield its process id."""
    with tempfile.TemporaryDirectory() as folder:
        async with BotApiEmulator() as emulator:
            emulator.record_calls = False
            emulator.add_user(1, "Dora")
            for number, group_id in enumerate(GROUPS):
                emulator.add_group(
                    group_id, f"Departamento {number}", members=(1,), bot="administrator"
                )
            env = {
                "BALCAO_BOT_TOKEN": emulator.token,
                "BALCAO_TELEGRAM_API_URL": emulator.url,
                "BALCAO_ATTENDANTS_CHAT_ID": str(GROUPS[0]),
                "BALCAO_DATA_DIR": folder,
                "BALCAO_MONGODB_URI": uri,
                "BALCAO_MONGODB_DATABASE": name,
                "BALCAO_HTTP_PORT": "0",
                "BALCAO_LOG_LEVEL": "WARNING",
            }
            values = {key.removeprefix("BALCAO_").lower(): value for key, value in env.items()}
            await add_departments(Settings.model_validate(values))
            ears = Ears(emulator)
            async with process("tests.short_minutes", "0.001", **env) as pid:
                listening = asyncio.create_task(ears.listen())
                yield pid, emulator, ears
                listening.cancel()


async def talks(
    uri: str, name: str, people: Sequence[Registration], server: int
) -> Mapping[str, Cost]:
    """Return the cost of each kind of update."""
    async with bot(uri, name) as (pid, emulator, ears):
        warm_up = Crowd(emulator, ears, people[:_WARM_UP], 900)
        crowd = Crowd(emulator, ears, people[_WARM_UP:], 1000)
        unmeasured, meter = Meter(pid, server), Meter(pid, server)
        for one, to, count in ((warm_up, unmeasured, _WARM_UP), (crowd, meter, _PEOPLE)):
            await to.each("a greeting", count, one.greets)
            await to.each("an identification", count, one.types_the_document)
            await to.each("a proof by telephone", count, one.shares_the_telephone)
            await to.each("a conversation's opening", count, one.picks_a_department)

            async def writes(one: Crowd = one) -> None:
                for number in range(_MESSAGES):
                    await one.writes(number)

            async def is_answered(one: Crowd = one) -> None:
                for number in range(_MESSAGES):
                    await one.is_answered(number)

            await to.each("a relayed message", count * _MESSAGES, writes)
            await to.each("an attendant's answer", count * _MESSAGES, is_answered)
        return meter.costs


async def searches(database: Any, server: int) -> Mapping[str, Cost]:
    search, meter = Search(database), Meter(os.getpid(), server)
    for shown in _WORDS:
        query = QUERIES[shown]

        async def pages(query: Any = query) -> None:
            for _ in range(_SEARCHES):
                await search(query, count=10)

        await pages()
        await meter.each(f"a page of a search: {shown}", _SEARCHES, pages)
    return meter.costs


async def imported(database: Any, size: int, server: int) -> Mapping[str, Cost]:
    """Return the cost of a row of a file; the rows are other people at each size."""
    with tempfile.TemporaryDirectory() as folder:
        runner, path = JobRunner(database, Path(folder)), Path(folder) / "rows.csv"
        meter = Meter(os.getpid(), server)
        for kind, phones in (("new", 0), ("unchanged", 0), ("changed", 5)):
            write_file(path, range(size, size + _ROWS), phones=phones)

            async def run() -> None:
                await runner.run(path)

            await meter.each(f"an imported row, {kind}", _ROWS, run)
        return meter.costs


async def sizes_of(database: Any, names: Sequence[str]) -> None:
    """Print the bytes of a document and of its share of the indexes."""
    print(f"\n{'bytes of one':<28}{'documents':>11}{'document':>10}{'indexes':>10}")
    for name in names:
        stats = await database.command("collStats", name)
        if count := stats["count"]:
            each = (stats["size"] / count, stats["totalIndexSize"] / count)
            print(f"{name:<28}{count:>11,}{each[0]:>10.0f}{each[1]:>10.0f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    given = parser.parse_args()
    configure_logs(level="ERROR", log_format="console")
    sizes = [int(size) for size in given.sizes.split(",")]
    everybody = list(register(max(sizes)))
    share_one_heap()
    freeze_gc()
    known = [one for one in islice(everybody, 1000) if one.tax_id and one.phones.mobile]
    first: Mapping[str, Cost] = {}
    async with connected(given.server, "scale") as database:
        for size in sizes:
            began = time.perf_counter()
            await grow(database, everybody[:size])
            print(f"\n{size:,} registrations, filled in {time.perf_counter() - began:.0f} s")
            people = known[: _PEOPLE + _WARM_UP]
            costs = {**await talks(given.server, database.name, people, given.pid)}
            costs |= await searches(database, given.pid)
            await sizes_of(database, _OF_TALKS)
            costs |= await imported(database, 10 * size, given.pid)
            first = first or costs
            print(f"\n{'ms':<46}{'ours':>8}{'server':>8}{'wall':>8}   both, against the first")
            for item, cost in costs.items():
                both, at_first = cost.ours + cost.server, first[item].ours + first[item].server
                growth = f"{both / at_first:.2f}" if at_first else "–"
                figures = "".join(f"{v:8.3f}" for v in (cost.ours, cost.server, cost.wall))
                print(f"{item:<46}{figures}   {growth}", flush=True)
            await sizes_of(database, _OF_IMPORTS)


if __name__ == "__main__":
    asyncio.run(main())
