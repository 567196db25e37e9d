"""Measures the lists and counts of the table in a register of 100,000.

    python -m benchmarks.table --server mongodb://127.0.0.1:27017 [--pid 123] [--size 100000]
                               [--page | --random 500]

Names, documents, tags, kinds, statuses and times are spread as real ones are, with one import of
a third of them. The database `table` is filled once and kept. Each figure is the least of seven:
wall time, CPU of this process and, with its pid, of the server. With --page, the first table and
its total over HTTP, and in Chromium from the opening of the address to the first row. With
--random, so many searches made of texts, filters and orders by chance, first and second page: how
many took how long, and the slowest, each the least of three.
"""

import argparse
import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final

from aiohttp import ClientSession

from benchmarks.search import _FIRST, _names
from bot.console.security import SESSION_HEADER
from bot.demo.bot_api.web_apps import init_data, launch_url
from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.run import ADMIN_ID, open_demo
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration, Status
from bot.domain.search import BY_NAME, Order, Query, SortBy
from storage.engine.connection import connected
from storage.engine.indexes import ensure_indexes
from storage.register.documents import registration_document
from storage.register.search import Search
from tests.browsers import chromium, new_context

_AT: Final = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
_IMPORTED: Final = _AT - timedelta(days=200)
_TIMES: Final = 7
_PAGE: Final = 50
_BATCH: Final = 500
_TAGS: Final = ("vip", "fibra", "atraso", "condominio", "parceiro", "evento")
_FIRST_ROW: Final = """new MutationObserver(() => {
  if (document.querySelector("#list tbody tr")) window.shownAt ??= performance.now();
}).observe(document, { childList: true, subtree: true });"""
_TWO: Final = frozenset([Kind.CUSTOMER, Kind.SUPPLIER])


def register(size: int) -> Iterator[Registration]:
    """Yield the same registrations each time."""
    random = Random(19)  # noqa: S311
    surnames, weights = _names(random)
    firsts = _FIRST.split()
    first_weights = list(accumulate(1 / (rank + 2) for rank in range(len(firsts))))
    numbers = random.sample(range(100_000_000, 1_000_000_000), size)
    for number in numbers:
        first = random.choices(firsts, cum_weights=first_weights)
        chance = random.random()
        days = random.expovariate(1 / 120)
        at = _IMPORTED if random.random() < 0.3 else _AT - timedelta(days=days)
        made = Provenance(at=at, by="erp:ixc", way=ChangeSource.SYNC)
        is_company = random.random() < 0.1
        tax_id = (
            make_cnpj(f"{number % 10**8:08d}{number // 10**8:04d}")
            if is_company
            else make_cpf(number)
        )
        yield Registration(
            id=uuid.UUID(int=random.getrandbits(128), version=4).hex,
            tax_id=tax_id if random.random() < 0.97 else None,
            name=" ".join(first + random.choices(surnames, cum_weights=weights, k=2)),
            phones=Phones(mobile=f"+55{random.choice((11, 21, 49, 81))}9{number:08d}"[:14]),
            status=Status.INACTIVE if random.random() < 0.1 else Status.ACTIVE,
            kinds=_TWO if chance < 0.02 else {Kind.SUPPLIER} if chance < 0.05 else {Kind.CUSTOMER},
            tags=frozenset(tag for n, tag in enumerate(_TAGS, 2) if random.random() < 0.1 / n),
            priority_departments=frozenset(["vendas"] if random.random() < 0.01 else []),
            created=made,
            updated=made,
        )


async def fill(database: Any, size: int) -> None:
    """Fill the database unless it is."""
    registrations = database["registrations"]
    if await registrations.estimated_document_count() >= size:
        return
    await ensure_indexes(database)
    documents: list[Any] = []
    for one in register(size):
        documents.append(registration_document(one))
        if len(documents) == _BATCH:
            await registrations.insert_many(documents)
            documents = []
    if documents:
        await registrations.insert_many(documents)


INACTIVE: Final = frozenset([Status.INACTIVE])
ACTIVE: Final = frozenset([Status.ACTIVE])
QUERIES: Final[Mapping[str, Query]] = {
    "whole list": Query(),
    "maria": Query(text="maria"),
    "m": Query(text="m"),
    "silva maria": Query(text="silva maria"),
    "ana bego": Query(text="ana bego"),
    "conceicao": Query(text="concei"),
    "nobody": Query(text="zzz"),
    "half a telephone": Query(text="3222"),
    "maria, inactive": Query(text="maria", statuses=INACTIVE),
    "maria, without tag": Query(text="maria", without_tag=True),
    "inactive": Query(statuses=INACTIVE),
    "active": Query(statuses=ACTIVE),
    "without tag": Query(without_tag=True),
    "vip": Query(tags=frozenset(["vip"])),
    "customers": Query(kinds=frozenset([Kind.CUSTOMER])),
    "suppliers, without tag": Query(kinds=frozenset([Kind.SUPPLIER]), without_tag=True),
    "two kinds": Query(kinds=_TWO),
    "priority": Query(priority=True),
}
ORDERS: Final[Mapping[str, Order]] = {
    "": BY_NAME,
    "Z first": Order(descending=True),
    "newest": Order(by=SortBy.UPDATED, descending=True),
    "oldest": Order(by=SortBy.UPDATED),
    "document": Order(by=SortBy.DOCUMENT),
}
TEXTS: Final = (
    *("", "m", "a", "pe", "maria", "ana", "joao", "silva", "souza", "santos", "oliveira"),
    *("concei", "silva maria", "maria s", "jose s", "j silva", "santos da", "123", "99", "3222"),
)
ORDERED: Final = ("whole list", "maria", "inactive", "active", "maria, inactive", "customers")


def _server_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def least(act: Callable[[], Awaitable[object]], pid: int | None) -> str:
    """Return wall, client and server milliseconds."""
    wall, own, server = [], [], []
    for _ in range(_TIMES):
        began, of_own, of_server = time.perf_counter(), time.process_time(), _server_s(pid)
        await act()
        wall.append(time.perf_counter() - began)
        own.append(time.process_time() - of_own)
        server.append(_server_s(pid) - of_server)
    return "".join(f"{min(each) * 1000:8.0f}" for each in (wall, own, server))


async def of_page(server: str, pid: int | None) -> None:
    """Print the figures of the page, which the demo serves."""
    async with (
        open_demo(
            departments=1, mongodb_uri=server, mongodb_database="table", sync_every_s=86_400
        ) as demo,
        ClientSession() as http,
        chromium() as browser,
    ):
        url = demo.balcao.settings.public_url or ""

        def launch() -> str:
            # Each opens one session.
            user = {"id": ADMIN_ID, "first_name": "Dora"}
            return init_data(demo.telegram.token, user, at_s=int(time.time()))

        async with http.post(f"{url}/session", data=launch()) as answer:
            headers = {SESSION_HEADER: (await answer.json())["token"]}

        async def post(path: str) -> None:
            async with http.post(url + path, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

        for path in ("/table", "/total"):
            print(f"{path:<34}{await least(lambda: post(path), pid)}", flush=True)  # noqa: B023
        shown = []
        for _ in range(_TIMES):
            context = await new_context(browser)
            page = await context.new_page()
            await page.add_init_script(_FIRST_ROW)
            await page.goto(launch_url(url, launch(), theme="light"))
            await page.wait_for_selector("#list tbody tr")
            shown.append(await page.evaluate("shownAt"))
            await context.close()
        print(f"{'first row in Chromium':<34}{min(shown):8.0f}")


def random_query(random: Random) -> Query:
    tags = random.random()
    return Query(
        text=random.choice(TEXTS),
        statuses=random.choice([frozenset(), frozenset(), INACTIVE, ACTIVE]),
        kinds=frozenset(random.sample([*Kind], random.choice([0, 0, 1, 2]))),
        tags=frozenset(random.sample(_TAGS, random.choice([1, 1, 2])) if tags < 0.25 else ()),
        without_tag=0.25 < tags < 0.45,
        priority=random.random() < 0.1,
    )


async def by_chance(search: Search, number: int) -> None:
    """Print how long searches made by chance take."""
    random = Random(20)  # noqa: S311
    took: list[tuple[float, str]] = []
    for _ in range(number):
        query, (by, order) = random_query(random), random.choice([*ORDERS.items()])
        start: str | None = None
        for page in (1, 2):
            least_s = float("inf")
            for _ in range(3):
                began = time.perf_counter()
                found = await search(query, order=order, start=start, count=_PAGE)
                least_s = min(least_s, time.perf_counter() - began)
            given = [(field.name, getattr(query, field.name)) for field in fields(query)]
            asked = ", ".join(
                f"{name} {'+'.join(sorted(value)) if isinstance(value, frozenset) else value}"
                for name, value in given
                if value
            )
            took.append((least_s * 1000, f"page {page} {by or 'by name'}: {asked}"))
            if (start := found.next) is None:
                break
    took.sort(reverse=True)
    each = [ms for ms, _ in took]
    print(f"{len(each)} pages: half under {each[len(each) // 2]:.0f} ms, ", end="")
    print(
        f"of a hundred one over {each[len(each) // 100]:.0f}, {sum(ms > 100 for ms in each)} ",
        end="",
    )
    print("over 100; the slowest:")
    for ms, line in took[:10]:
        print(f"{ms:6.0f}  {line}")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--random", type=int, default=0)
    given = parser.parse_args()
    async with connected(given.server, "table") as database:
        await fill(database, given.size)
        # The demo of a run before has left its own, and begins with none.
        for name in ("departments", "tags"):
            await database[name].delete_many({})
    if given.page:
        await of_page(given.server, given.pid)
        return
    async with connected(given.server, "table") as database:
        search = Search(database)
        if given.random:
            await by_chance(search, given.random)
            return
        print(f"{'ms':<34}{'wall':>8}{'client':>8}{'server':>8}")
        for name, order in ORDERS.items():
            for shown, query in QUERIES.items():
                line = f"{shown}{name and ', '}{name}"
                if given.only not in line or (name and shown not in ORDERED):
                    continue
                figures = await least(lambda: search(query, order=order, count=_PAGE), given.pid)  # noqa: B023
                print(f"{line:<34}{figures}", flush=True)
        for shown, query in QUERIES.items():
            if given.only in f"count {shown}":
                figures = await least(lambda: search.count(query), given.pid)  # noqa: B023
                print(f"count {shown:<28}{figures}{await search.count(query):9}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
