"""The sample of the register says about how many there are and how their names are spread."""

from collections.abc import Callable
from itertools import count
from random import Random
from statistics import mean
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.registration import Phones, Registration
from storage.engine.connection import is_embedded
from storage.engine.key_space import HIGHEST, LOWEST
from storage.register.conditions import typed
from storage.register.documents import registration_document
from storage.register.search_fields import DOCUMENT
from storage.register.spread import Spread
from tests.storage.records import registration

SIZE = 2_000
ALL = LOWEST, HIGHEST
FIRST = ["Ana", "Bia", "Maria", "Zilda"]


def people(
    random: Random, *, with_phones: bool, with_documents: bool, size: int = SIZE
) -> list[Registration]:
    return [
        registration(
            id=f"{random.getrandbits(64):016x}",
            tax_id=make_cpf(number) if with_documents else None,
            name=f"{random.choice(FIRST)} {random.random()}",
            phones=Phones(mobile=f"+55499{random.randrange(10**8):08d}")
            if with_phones
            else Phones(),
        )
        for number in random.sample(range(10**8, 10**9), size)
    ]


async def store(database: Any, register: list[Registration]) -> None:
    for start in range(0, len(register), 500):
        documents = [registration_document(one) for one in register[start : start + 500]]
        await database["registrations"].insert_many(documents)


async def looked(
    database: Any, register: list[Registration], clock: Callable[[], float] = lambda: 0.0
) -> Spread:
    await store(database, register)
    spread = Spread(database["registrations"], embedded=is_embedded(database), clock=clock)
    await spread.look()
    return spread


@pytest.mark.parametrize(
    ("with_phones", "with_documents"), [(True, True), (False, True)], ids=["telephones", "CPFs"]
)
async def test_a_sample_is_like_the_whole(database: Any, with_phones: bool, with_documents: bool):
    random = Random(1)  # noqa: S311
    register = people(random, with_phones=with_phones, with_documents=with_documents)
    spread = await looked(database, register)
    assert SIZE / 2 < spread.size < SIZE * 2
    names = sorted(str(registration_document(one)["sort_name"]) for one in register)
    documents = sorted(f"{DOCUMENT}{one.tax_id.key}" for one in register if one.tax_id)
    for sampled, keys in ((spread.names, names), (spread.documents, documents)):
        if sampled is spread.documents and not with_phones:
            # All documents of the sample begin with the same digits.
            assert sampled.end(keys[0], 10, backwards=False) == (HIGHEST, spread.size)
            continue
        begins = keys[450:-450:50]
        for number in (10, 100, 400):
            for backwards in (False, True):
                ends = [sampled.end(begin, number, backwards=backwards)[0] for begin in begins]
                between = [
                    sum(min(begin, end) <= one < max(begin, end) for one in keys)
                    for begin, end in zip(begins, ends, strict=True)
                ]
                assert 0.6 * number < mean(between) < 1.5 * number + 30
    embedded = is_embedded(database)
    maria, one, nine = (typed(text, embedded=embedded) for text in ("maria", "0", "9"))
    assert spread.fitting([[maria]], ALL) == pytest.approx(1 / 4, rel=0.5)
    assert spread.fitting([[maria]], ("maria", "maria\U0010ffff")) == 1
    assert spread.fitting([[maria]], ("ana", "ana\U0010ffff")) == 0
    # Each name has a 0 before its point.
    assert spread.fitting([[maria, one]], ALL) == spread.fitting([[maria]], ALL)
    assert spread.fitting([[maria, nine]], ALL) < spread.fitting([[maria]], ALL)


async def test_without_telephones_and_documents_nothing_is_known(database: Any):
    register = people(Random(2), with_phones=False, with_documents=False)[:50]  # noqa: S311
    spread = await looked(database, register)
    assert spread.size == 0
    assert spread.names.end("maria", 10, backwards=False)[0] == HIGHEST
    assert spread.names.end("maria", 10, backwards=True)[0] == LOWEST
    assert spread.fitting([[]], ALL) == 0


async def test_it_follows_a_register_that_grows_or_shrinks(database: Any):
    register = people(Random(4), with_phones=True, with_documents=True)  # noqa: S311
    minutes = count(0.0, 61.0)
    spread = await looked(database, register[:200], lambda: next(minutes))
    assert 60 < spread.size < 400
    await store(database, register[200:])
    await spread.look()
    assert SIZE / 2 < spread.size < SIZE * 2
    await database["registrations"].delete_many({"sort_name": {"$lt": "zilda"}})
    await spread.look()
    assert SIZE / 10 < spread.size < SIZE / 2


@pytest.mark.parametrize(("size", "known_s"), [(60, 5), (3_500, 60)])
async def test_it_is_read_once_a_minute_and_that_of_a_small_register_more_often(
    database: Any, size: int, known_s: float
):
    now = [0.0]
    register = people(Random(3), with_phones=True, with_documents=True, size=size)  # noqa: S311
    spread = await looked(database, register, lambda: now[0])
    known = spread.size
    assert known > 0
    await database["registrations"].delete_many({})
    now[0] = known_s - 1
    await spread.look()
    assert spread.size == known
    now[0] = known_s
    await spread.look()
    assert spread.size == 0
