"""The register's search equals a filter in memory, with the query shapes of both servers."""

from random import Random
from typing import Any

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.registration import Kind, Registration, Status
from bot.domain.search import PAGE, Query, ResultPage, fold, holds, typed_words
from bot.domain.tax_id import TaxId
from storage.engine.ordered import between
from storage.register.documents import registration_document
from storage.register.registrations import Registrations
from storage.register.search import Search, complete
from storage.register.search_fields import FIELDS
from tests.storage.records import CPF, provenance, registration, renaming

BOTH = pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "MongoDB"])
NAMES = ["Maria", "José", "Ana", "Anabela", "Conceição", "O'Neill", "da", "Łukasz", "مريم", "😀"]
NAMES += [
    "<b>Maria</b>",
    "Straße",
    "FERREIRA",
    "Ferraz",
    "SILVA",
    "\u202eavliS",
    "A",
    "ﬁ",
    "李",
    "9",
]
TAGS = ["t1", "t2", "rare"]


def tax_id_of(random: Random, number: int) -> TaxId | None:
    match random.randrange(6):
        case 0:
            return None
        case 1:
            return make_cnpj(f"12ABC345{number:04d}")
        case 2:
            return TaxId(f"X{number:05d}", "PT")
    return make_cpf(390_000_000 + number)


def some_registration(random: Random, number: int) -> Registration:
    tax_id = tax_id_of(random, number)
    return registration(
        id=f"{random.getrandbits(64):016x}",
        tax_id=tax_id,
        country=tax_id.country if tax_id else "BR",
        name=" ".join(random.choices(NAMES, k=random.randrange(1, 5))),
        trade_name=random.choice([None, None, "Padaria São João", "maria & cia."]),
        status=random.choice([Status.ACTIVE, Status.ACTIVE, Status.INACTIVE]),
        kinds=frozenset(random.sample(list(Kind), random.choice([1, 1, 2]))),
        tags=frozenset(random.sample(TAGS[:2], random.randrange(3)))
        | frozenset(TAGS[2:] if random.random() < 0.01 else ()),
        priority_departments=frozenset(["vendas"] if random.random() < 0.1 else []),
    )


def random_query(random: Random, stored: list[Registration]) -> Query:
    texts = ["", "maria", "MARIA silva", "m", "a", "ferr", "sao", "joão pad", "conceicao", "neill"]
    texts += [
        "strasse",
        "xyz",
        "مريم",
        "😀",
        "<b>",
        "390",
        "12.ABC.345",
        "x000",
        "fi",
        ".",
        "maria a",
    ]
    chosen = random.choice(stored).tax_id
    if chosen and random.random() < 0.2:
        texts = [chosen.masked, chosen.number.lower(), chosen.number[:6]]
    return Query(
        text=random.choice(texts),
        kind=random.choice([None, None, *Kind]),
        status=random.choice([None, None, *Status]),
        tag=random.choice([None, None, None, *TAGS, "t"]),
        priority=random.random() < 0.15,
    )


def matches(query: Query, one: Registration) -> bool:
    words = set(fold(f"{one.name} {one.trade_name or ''}").split())
    if one.tax_id:
        words.add(one.tax_id.number.lower())
    typed = typed_words(query.text)
    return (
        (bool(typed) or not query.text.strip())
        and holds(words, typed)
        and (query.kind is None or query.kind in one.kinds)
        and (query.status is None or query.status is one.status)
        and (query.tag is None or query.tag in one.tags)
        and (not query.priority or bool(one.priority_departments))
    )


async def pages(search: Search, query: Query) -> list[ResultPage]:
    found = [await search(query)]
    while found[-1].next is not None:
        found.append(await search(query, start=found[-1].next))
    return found


def ids(found: list[ResultPage]) -> list[str]:
    return [one.id for page in found for one in page.registrations]


async def store(database: Any, register: list[Registration]) -> None:
    for start in range(0, len(register), 500):
        documents = [registration_document(one) for one in register[start : start + 500]]
        await database["registrations"].insert_many(documents)


@BOTH
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_question_finds_what_a_filter_finds_each_once(
    database: Any, embedded: bool, seed: int
):
    random = Random(seed)  # noqa: S311
    stored = [some_registration(random, number) for number in range(500 if embedded else 150)]
    await store(database, stored)
    search, registrations = Search(database, embedded=embedded), Registrations(database)
    for round_ in range(60 if embedded else 30):
        # The register changes between the searches.
        key = random.randrange(len(stored))
        update = renaming(stored[key], " ".join(random.choices(NAMES, k=2)))
        assert await registrations.update(update)
        stored[key] = update.after
        gone = stored.pop(random.randrange(len(stored)))
        await database["registrations"].delete_one({"_id": gone.id})
        stored.append(some_registration(random, 1000 + round_))
        assert await registrations.create(stored[-1])
        query = random_query(random, stored)
        expected = [one for one in stored if matches(query, one)]
        found = await pages(search, query)
        assert sorted(ids(found)) == sorted(one.id for one in expected), query
        assert all(len(page.registrations) == PAGE or page.partial for page in found[:-1])
        if not found[0].total.about:
            assert found[0].total.count == len(expected)


@BOTH
async def test_the_whole_register_comes_by_name(database: Any, embedded: bool):
    random = Random(3)  # noqa: S311
    stored = [some_registration(random, number) for number in range(300)]
    await store(database, stored)
    found = await pages(Search(database, embedded=embedded), Query())
    by_name = sorted(stored, key=lambda one: registration_document(one)["sort_name"])
    assert ids(found) == [one.id for one in by_name]
    assert [one for page in found for one in page.registrations] == by_name
    assert {page.total.count for page in found} == {300}


@BOTH
async def test_who_has_just_the_typed_word_comes_before_whose_word_goes_on(
    database: Any, embedded: bool
):
    names = [f"{n:02} Anabela" for n in range(10)] + [f"{n:02} Ana" for n in range(10, 20)]
    await store(database, [registration(id=n, name=n, tax_id=None) for n in names])
    found = await pages(Search(database, embedded=embedded), Query(text="ANA"))
    assert ids(found[:1]) == names[10:18]
    assert ids(found[1:2]) == names[:6] + names[18:]


@BOTH
async def test_a_common_word_is_counted_about_and_paged_to_its_end(database: Any, embedded: bool):
    random = Random(4)  # noqa: S311
    stored = [
        registration(
            id=f"{random.getrandbits(64):016x}",
            tax_id=None,
            name=f"Maria {random.choice(NAMES)} {n}",
            status=Status.INACTIVE if n % 9 == 0 else Status.ACTIVE,
        )
        for n in range(1800 if embedded else 600)
    ]
    await store(database, stored)
    search = Search(database, embedded=embedded)
    queries = [
        Query(text="maria ferreira"),
        Query(text="m", status=Status.INACTIVE),
        Query(text="maria a", status=Status.ACTIVE),
    ]
    for query in queries:
        found = await pages(search, query)
        assert sorted(ids(found)) == sorted(one.id for one in stored if matches(query, one))
    for query in (Query(text="maria"), Query(status=Status.ACTIVE)):
        about = len([one for one in stored if matches(query, one)])
        total = (await search(query)).total
        assert total.about
        assert about / 2 < total.count < about * 2


async def test_in_an_empty_register_nothing_is_found(database: Any):
    search = Search(database)
    for query in (Query(), Query(text="maria"), Query(kind=Kind.CUSTOMER), Query(text=CPF.masked)):
        page = await search(query)
        assert (page.registrations, page.total.count, page.next) == ((), 0, None)


async def test_a_start_that_belongs_to_another_question_is_no_error(database: Any):
    await store(database, [registration()])
    search = Search(database)
    for start in ("", "x", "7 a", "0 ", "0 z", "٣ a"):
        await search(Query(text="ana"), start=start)
        await search(Query(), start=start)


async def test_names_of_the_longest_kind_are_found(database: Any):
    names = ["x" * 200, "a b " * 50, "ﷺ" * 200, " ".join(f"w{n}" for n in range(50))]
    await store(database, [registration(id=str(n), name=one[:200].strip(), tax_id=None)
                           for n, one in enumerate(names)])  # fmt: skip
    search = Search(database)
    assert ids(await pages(search, Query(text="x" * 200))) == ["0"]
    assert ids(await pages(search, Query(text="A B"))) == ["1"]
    assert ids(await pages(search, Query(text="ﷺ"))) == ["2"]
    assert ids(await pages(search, Query(text="w49 w3"))) == ["3"]
    assert ids(await pages(search, Query(text="w " * 2000))) == ["3"]


def stages(plan: Any) -> set[str]:
    """Return the names of all stages in the output of `explain`."""
    if isinstance(plan, list):
        return set().union(*map(stages, plan))
    if not isinstance(plan, dict):
        return set()
    own = {plan["stage"]} if "stage" in plan else set()
    return own.union(*map(stages, plan.values()))


async def test_words_tax_ids_and_the_whole_list_are_read_along_an_index(database: Any):
    random = Random(5)  # noqa: S311
    await store(database, [some_registration(random, number) for number in range(200)])
    registrations = database["registrations"]
    asked = {
        "words": registrations.find(between("words", "mari", "marj", embedded=True)),
        "marks": registrations.find(between("marks", "1wmari", "1wmarj", embedded=True)),
        "tax_key": registrations.find({"tax_key": CPF.key}),
        "window": registrations.find({"sort_name": {"$gte": "a", "$lt": "b"}}),
        "index order": registrations.find({"sort_name": {"$gte": "a"}})
        .sort("sort_name", 1)
        .limit(9)
        .hint([("sort_name", 1)]),
    }
    for name, cursor in asked.items():
        plan = (await cursor.explain())["queryPlanner"]["winningPlan"]
        # EXPRESS_IXSCAN: a unique key, on MongoDB 8.
        assert stages(plan) & {"IXSCAN", "EXPRESS_IXSCAN"}, name
        assert not stages(plan) & {"COLLSCAN", "SORT"}, name


async def test_an_older_register_is_found_after_it_was_completed(database: Any):
    random = Random(6)  # noqa: S311
    stored = [some_registration(random, number) for number in range(700)]
    await store(database, stored)
    registrations = database["registrations"]
    whole = {d["_id"]: d for d in await registrations.find().to_list(None)}
    await registrations.update_many({}, {"$unset": dict.fromkeys(FIELDS, "")})
    some = [one.id for one in stored if "marks" not in whole[one.id]][:50]
    for key in some:
        await registrations.update_one(
            {"_id": key}, {"$set": {"words": ["old"], "marks": ["1wx"]}}
        )
    await complete(database)
    assert {d["_id"]: d for d in await registrations.find().to_list(None)} == whole
    # The work is marked as done and not repeated while the mark is there.
    await registrations.update_one({"_id": stored[0].id}, {"$unset": {"words": ""}})
    await complete(database)
    assert "words" not in await registrations.find_one({"_id": stored[0].id})
    await database["meta"].delete_one({"_id": "search"})
    await complete(database)
    assert await registrations.find_one({"_id": stored[0].id}) == whole[stored[0].id]


async def test_a_registration_stays_found_by_what_it_is_after_a_change(database: Any):
    register, search = Registrations(database), Search(database)
    one = registration(name="Ana Souza")
    await register.create(one)
    values = {"name": "Bia Lima", "tags": frozenset(("t1",)), "status": Status.INACTIVE}
    changed = renaming(one, "Bia Lima")
    after = one.with_values(dict(values), updated=provenance())
    assert await register.update(type(changed)(one, after, changed.changes))
    assert ids(await pages(search, Query(text="souza"))) == []
    for query in (Query(text="lim bia"), Query(tag="t1"), Query(status=Status.INACTIVE)):
        assert (await search(query)).registrations == (after,)
    assert ids(await pages(search, Query(tag="t"))) == []
    assert ids(await pages(search, Query(status=Status.ACTIVE))) == []
