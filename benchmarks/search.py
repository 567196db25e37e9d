"""Measures the time of a search page in a small and in a large register.

    python -m benchmarks.search [--sizes 10000,100000] [--browse 50000]

Runs on the embedded server, which ends no scan early. Names are as skewed as Brazilian ones: one
in ten is a Maria, one in eight has a Silva. Each figure is a median.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.figures import Meter
from bot.demo.documents import make_cpf
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration, Status
from bot.domain.search import Query
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.register.documents import registration_document
from storage.register.search import Search

_AT: Final = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
_FIRST: Final = (
    "Maria José Ana João Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Gabriel Rafael "
    "Daniel Marcelo Bruno Eduardo Felipe Rodrigo Juliana Adriana Márcia Fernanda Patrícia Aline"
)
_LAST: Final = (
    "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro "
    "Martins Carvalho Almeida Lopes Soares Fernandes Vieira Barbosa Conceição Araújo Müller"
)
_SYLLABLES: Final = "ba be bo ca co da de fa ga go ja la le ma mi no pa pe qui ra ro sa ta"
_TIMES: Final = 15
_RARE: Final = "Xerxes"
_BATCH: Final = 500
_FEW: Final = 5_000
_FEW_TIMES: Final = 5


def _names(random: Random) -> tuple[list[str], list[float]]:
    """Return common surnames and up to two thousand rare ones, with weights by Zipf's law."""
    seldom = {"".join(random.choices(_SYLLABLES.split(), k=3)).title() for _ in range(2000)}
    names = [*_LAST.split(), *sorted(seldom)]
    return names, list(accumulate(1 / (rank + 3) for rank in range(len(names))))


async def fill(database: Any, size: int) -> float:
    """Store `size` registrations; return the documents per second."""
    random = Random(1)  # noqa: S311 - the same register each time
    surnames, weights = _names(random)
    firsts = _FIRST.split()
    first_weights = list(accumulate(1 / (rank + 2) for rank in range(len(firsts))))
    provenance = Provenance(at=_AT, by="erp:ixc", way=ChangeSource.SYNC)

    def one(number: int) -> Registration:
        first = random.choices(firsts, cum_weights=first_weights)
        # Ten of them in a register of any size.
        first = [_RARE] if number % (size // 10) == 0 else first
        return Registration(
            id=uuid.UUID(int=random.getrandbits(128), version=4).hex,
            tax_id=make_cpf(100_000_001 + number),
            name=" ".join(first + random.choices(surnames, cum_weights=weights, k=2)),
            status=Status.INACTIVE if random.random() < 0.1 else Status.ACTIVE,
            kinds=frozenset((Kind.SUPPLIER if random.random() < 0.03 else Kind.CUSTOMER,)),
            tags=frozenset(("vip",) if random.random() < 0.02 else ()),
            created=provenance,
            updated=provenance,
        )

    took = 0.0
    for start in range(0, size, _BATCH):
        documents = [
            registration_document(one(n)) for n in range(start, min(size, start + _BATCH))
        ]
        began = time.perf_counter()
        await database["registrations"].insert_many(documents)
        took += time.perf_counter() - began
    return size / took


async def median_ms(search: Search, query: Query, start: str | None = None) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await search(query, start=start)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


SEARCHES: Final[Mapping[str, Query]] = {
    "rare word": Query(text=_RARE),
    "common word": Query(text="maria"),
    "one letter": Query(text="m"),
    "two words": Query(text="silva maria"),
    "common and rare": Query(text=f"silva {_RARE}"),
    "half a surname": Query(text="concei"),
    "half a seldom one": Query(text="bego"),
    "nobody": Query(text="zzz"),
    "tax id": Query(text=make_cpf(100_000_050).masked),
    "half a tax id": Query(text="1000000"),
}
BROWSED: Final[Mapping[str, Query]] = {
    "first page": Query(),
    "page in the middle": Query(),
    "suppliers": Query(kinds=frozenset([Kind.SUPPLIER])),
    "active": Query(statuses=frozenset([Status.ACTIVE])),
    "inactive, tag": Query(statuses=frozenset([Status.INACTIVE]), tags=frozenset(["vip"])),
    "suppliers, inactive": Query(
        kinds=frozenset([Kind.SUPPLIER]), statuses=frozenset([Status.INACTIVE])
    ),
}


async def one_size(size: int, *, searched: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            embedded_server(Path(folder)) as uri,
            connected(uri, "register") as database,
        ):
            await ensure_indexes(database)
            print(f"{size:>8} stored at {await fill(database, size):.0f} a second", flush=True)
            search, found = Search(database), {}
            for name, query in (SEARCHES if searched else {}).items():
                found[name] = await median_ms(search, query)
            for name, query in BROWSED.items():
                start = "luiz silva\t" if name == "page in the middle" else None
                found[name] = await median_ms(search, query, start)
            for name, query in (SEARCHES | BROWSED if searched else {}).items():
                print(f"{size:>8} {name:<20} {await search.count(query)}")
            return found


async def figures(meter: Meter) -> None:
    by_tax_id = {"tax id", "half a tax id"}
    groups = {
        "a page of a search by words": [q for n, q in SEARCHES.items() if n not in by_tax_id],
        "a page of a search by tax id": [SEARCHES[name] for name in by_tax_id],
        "a page of a list": list(BROWSED.values()),
    }
    async with meter.database() as database:
        with meter.measured("a document of a register, stored by the driver", _FEW):
            await fill(database, _FEW)
        search = Search(database)
        for item, queries in groups.items():
            with meter.measured(item, len(queries) * _FEW_TIMES):
                for query in queries * _FEW_TIMES:
                    await search(query)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--browse", default="50000")
    arguments = parser.parse_args()
    small, large = map(int, arguments.sizes.split(","))
    browse = int(arguments.browse)
    at_small = await one_size(small, searched=True)
    at_large = await one_size(large, searched=True)
    at_browse = await one_size(browse, searched=False) if browse else {}
    print(f"{'median ms':<20} {small:>8} {browse:>8} {large:>8}    ratio")
    for name, ms in at_small.items():
        between = f"{at_browse[name]:8.1f}" if name in at_browse else " " * 8
        print(f"{name:<20} {ms:8.1f} {between} {at_large[name]:8.1f} {at_large[name] / ms:8.2f}")


if __name__ == "__main__":
    asyncio.run(main())
