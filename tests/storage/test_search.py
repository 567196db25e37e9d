"""The register's search equals a filter in memory, with the query shapes of both servers."""

import re
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.label import Tag
from bot.domain.phone import phone_key
from bot.domain.registration import ErpRef, Kind, Phones, Registration, Status
from bot.domain.search import (
    BY_NAME,
    PAGE,
    Order,
    Query,
    ResultPage,
    SortBy,
    fold,
    holds,
    typed_words,
)
from bot.domain.tax_id import TaxId
from storage.engine.ordered import element_between
from storage.register.bulk import Bulk
from storage.register.documents import registration_document
from storage.register.labels import Tags
from storage.register.registrations import Registrations
from storage.register.search import Search
from storage.register.search_fields import search_fields
from tests.second_server import MONGODB
from tests.storage.records import CPF, NOW, after, provenance, registration, renaming

SHAPES = pytest.mark.parametrize(
    ("embedded", "by_windows"),
    [(True, True), (False, True), (False, False)],
    ids=["embedded", "sorts first", "MongoDB"],
)
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
# One person has it with the ninth digit and another without.
PHONES = [
    Phones(),
    Phones(mobile="+5549999887766", home="+554932221100"),
    Phones(commercial="+554999887766"),
]
TAG_NAMES = {"t1": "VIP", "t2": "Boa Vista", "rare": "Ana"}
# What is typed, and the telephones that are meant.
TYPED_PHONES = {
    "49 99988-7766": r"^\+554999887766$",
    "(49) 9988-7766": r"^\+554999887766$",
    "4932221100": r"^\+554932221100$",
    "49 3222-1199": r"^\+554932221199$",
    "99988-7766": "99887766$",
    "3222.1100": "32221100$",
    "7766": "(7766....|7766)$",
    "21100": "(21100...|21100)$",
    "99988": "(9988....|99988...|99988)$",
    "(49) 3222": r"^\+55493222",
    "493222": r"^\+55493222|493222$|493222..$",
    "+55 49 99988": r"^\+5549(99988|9988)",
}


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
        phones=random.choice(PHONES),
        email=random.choice([None, None, "ana@example.com", "financeiro@example.org"]),
        erp_refs=frozenset([ErpRef(system="ixc", id=str(random.randrange(7_760, 7_770)))])
        if random.random() < 0.2
        else frozenset(),
        tags=frozenset(random.sample(TAGS[:2], random.randrange(3)))
        | frozenset(TAGS[2:] if random.random() < 0.01 else ()),
        priority_departments=frozenset(["vendas"] if random.random() < 0.1 else []),
        # As an import does, many have one time.
        updated=provenance(at=after(seconds=random.randrange(5))),
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
    # The beginning of another word, one word twice, and two words that no name has together first.
    texts += ["maria mar", "ana anabela", "da da", "silva ferr a", "maria padaria"]
    texts += [*TYPED_PHONES, "7766", "ANA@example.com", "financeiro@", "vip", "boa vista", "boa"]
    chosen = random.choice(stored).tax_id
    if chosen and random.random() < 0.2:
        texts = [chosen.masked, chosen.number.lower(), chosen.number[:6]]

    def some(values: Iterable[Any]) -> frozenset[Any]:
        return frozenset(random.sample(list(values), random.choice([0, 0, 0, 1, 1, 2])))

    return Query(
        text=random.choice(texts),
        kinds=some(Kind),
        statuses=some(Status),
        tags=some([*TAGS, "t"]),
        without_tag=random.random() < 0.15,
        departments=frozenset(["vendas"] if random.random() < 0.1 else []),
        priority=random.random() < 0.15,
    )


def matches(query: Query, one: Registration) -> bool:
    return (
        (not query.text.strip() or fits(query.text, one))
        and (not query.kinds or bool(query.kinds & one.kinds))
        and (not query.statuses or one.status in query.statuses)
        and (
            not (query.tags or query.without_tag)
            or bool(query.tags & one.tags)
            or (query.without_tag and not one.tags)
        )
        and (not query.departments or bool(query.departments & one.priority_departments))
        and (not query.priority or bool(one.priority_departments))
    )


def fits(text: str, one: Registration) -> bool:
    """Judge by the texts themselves, not by keys."""
    words = set(fold(f"{one.name} {one.trade_name or ''}").split())
    if one.tax_id:
        words.add(one.tax_id.number.lower())
    typed = typed_words(text)
    numbers = [phone_key(phone) for phone in one.phones.all()]
    asked = TYPED_PHONES.get(text)
    return (
        (bool(typed) and holds(words, typed))
        or text.lower() in (ref.id.lower() for ref in one.erp_refs)
        or ("@" in text and (one.email or "").startswith(text.lower()))
        or fold(text) in (fold(TAG_NAMES[tag]) for tag in one.tags)
        or (asked is not None and any(re.search(asked, number) for number in numbers))
    )


async def pages(
    search: Search, query: Query, order: Order = BY_NAME, *, count: int = PAGE
) -> list[ResultPage]:
    found = [await search(query, order=order, count=count)]
    while found[-1].next is not None:
        found.append(await search(query, order=order, start=found[-1].next, count=count))
    return found


def ids(found: list[ResultPage]) -> list[str]:
    return [one.id for page in found for one in page.registrations]


def in_order(register: list[Registration]) -> list[str]:
    return [one.id for one in sorted(register, key=by_name)]


def by_name(one: Registration) -> str:
    return str(search_fields(one)["sort_name"])


def sorted_by(order: Order, register: list[Registration]) -> list[str]:
    if order.by is SortBy.NAME:
        found = sorted(register, key=by_name, reverse=order.descending)
    elif order.by is SortBy.UPDATED:
        found = list(register)
        found.sort(key=lambda one: (one.updated.at, one.id), reverse=order.descending)
    else:
        documents = sorted(
            ((one.tax_id.key, one) for one in register if one.tax_id), reverse=order.descending
        )
        found = [one for _, one in documents]
        found += sorted((one for one in register if not one.tax_id), key=by_name)
    return [one.id for one in found]


async def store(database: Any, register: list[Registration]) -> None:
    for start in range(0, len(register), 500):
        documents = [registration_document(one) for one in register[start : start + 500]]
        await database["registrations"].insert_many(documents)


def is_quick(embedded: bool) -> bool:
    """Return False for a shape in which each query scans all of the server's register."""
    return embedded or bool(MONGODB)


@SHAPES
@pytest.mark.parametrize("seed", [1])
async def test_every_question_finds_what_a_filter_finds_each_once(
    database: Any, embedded: bool, by_windows: bool, seed: int
):
    random = Random(seed)  # noqa: S311
    stored = [
        some_registration(random, number) for number in range(300 if is_quick(embedded) else 80)
    ]
    await store(database, stored)
    for id_, name in TAG_NAMES.items():
        await Tags(database, lambda: NOW).add(Tag(id=id_, name=name))
    search, registrations = (
        Search(database, embedded=embedded, by_windows=by_windows),
        Registrations(database),
    )
    bulk = Bulk(database)
    for round_ in range(20 if is_quick(embedded) else 6):
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
        order = Order(by=random.choice([*SortBy]), descending=random.random() < 0.5)
        count = PAGE if order == BY_NAME else 70
        found = await pages(search, query, order, count=count)
        assert ids(found) == sorted_by(order, expected), (query, order)
        some = [one async for one in search.each(query, count=7)]
        assert [one.id for part in some for one in part] == in_order(expected), query
        assert all(len(part) == 7 for part in some[:-1])
        assert all(len(page.registrations) == count for page in found[:-1])
        assert await search.count(query) == len(expected), query
        known = await bulk.by_ids(list({one.id for one in (*expected[:20], *stored[:30])}))
        still = await search.still_found(query, [*known.values()])
        assert still == known.keys() & {one.id for one in expected}, query


@SHAPES
async def test_tags_in_the_text_and_in_the_filters_both_hold_beside_what_is_rarer(
    database: Any, embedded: bool, by_windows: bool
):
    random = Random(8)  # noqa: S311
    stored = [
        registration(
            id=f"{n:03}",
            tax_id=make_cpf(700_000_000 + n),
            tags=frozenset(random.sample(TAGS[:2], random.randrange(3))),
            status=Status.INACTIVE if n % 10 == 0 else Status.ACTIVE,
            priority_departments=frozenset(["vendas"] if n % 15 == 0 else []),
        )
        for n in range(150)
    ]
    await store(database, stored)
    for id_, name in TAG_NAMES.items():
        await Tags(database, lambda: NOW).add(Tag(id=id_, name=name))
    search = Search(database, embedded=embedded, by_windows=by_windows)
    for query in (
        Query(text="vip", tags=frozenset(["t2"]), statuses=frozenset([Status.INACTIVE])),
        Query(text="vip", tags=frozenset(["t2"]), departments=frozenset(["vendas"])),
        Query(text="boa vista", without_tag=True, statuses=frozenset([Status.INACTIVE])),
    ):
        expected = [one for one in stored if matches(query, one)]
        for order in (BY_NAME, Order(by=SortBy.DOCUMENT), Order(by=SortBy.UPDATED)):
            found = await pages(search, query, order)
            assert ids(found) == sorted_by(order, expected), (query, order)
        assert await search.count(query) == len(expected)


@SHAPES
async def test_the_first_word_of_a_name_is_found_in_the_list_by_name(
    database: Any, embedded: bool, by_windows: bool
):
    names = ["Maria", "Maria Maria", "Ana Maria", "Mariana Maria", "maria-josé", "Marta Ana"]
    stored = [
        registration(id=str(n), tax_id=None, name=name, trade_name="Maria" if n == 5 else None)
        for n, name in enumerate(names)
    ]
    await store(database, stored)
    words = [set(search_fields(one)["words"]) for one in stored]
    assert ["maria\t" in one for one in words] == [False, True, True, True, False, True]
    # As version 7 stored it, and as one of its processes may still store it.
    await database["registrations"].update_one({"_id": "0"}, {"$push": {"words": "maria\t"}})
    search = Search(database, embedded=embedded, by_windows=by_windows)
    for text in (
        "maria",
        "mari",
        "m",
        "maria ana",
        "ana maria",
        "mariana",
        "mariana mari",
        "jose",
    ):
        query = Query(text=text)
        expected = [one for one in stored if matches(query, one)]
        assert expected, text
        assert ids(await pages(search, query, count=2)) == in_order(expected), text
        assert ids(await pages(search, query, Order(descending=True), count=2)) == sorted_by(
            Order(descending=True), expected
        )
        assert await search.count(query) == len(expected), text


@SHAPES
async def test_the_whole_register_comes_by_name(database: Any, embedded: bool, by_windows: bool):
    random = Random(3)  # noqa: S311
    stored = [some_registration(random, number) for number in range(300)]
    await store(database, stored)
    found = await pages(Search(database, embedded=embedded, by_windows=by_windows), Query())
    assert ids(found) == in_order(stored)
    by_id = {one.id: one for one in stored}
    assert all(one == by_id[one.id] for page in found for one in page.registrations)


@SHAPES
async def test_a_common_and_a_rare_word_are_in_order_to_their_end(
    database: Any, embedded: bool, by_windows: bool
):
    random = Random(4)  # noqa: S311
    stored = [
        registration(
            id=f"{random.getrandbits(64):016x}",
            tax_id=make_cpf(random.randrange(10**9)) if n % 5 else None,
            name=f"{random.choice(['Maria', 'Zilda'])} {random.choice(NAMES)} {n}",
            trade_name="Xerxes & filhos" if n % 90 == 0 else None,
            status=Status.INACTIVE if n % 9 == 0 else Status.ACTIVE,
            tags=frozenset(("rare",) if n % 100 == 0 else ()),
            updated=provenance(at=after(seconds=random.randrange(10**6) if n % 2 else 5_000)),
        )
        for n in range(900 if is_quick(embedded) else 250)
    ]
    await store(database, stored)
    search = Search(database, embedded=embedded, by_windows=by_windows)
    queries = [
        Query(text="maria"),
        # All of them are far from the beginning of the list.
        Query(text="zilda ferreira"),
        Query(text="xerxes"),
        Query(text="xerxes zilda"),
        Query(tags=frozenset(["rare"])),
        Query(tags=frozenset(["rare"]), text="zilda"),
        Query(text="maria a", statuses=frozenset([Status.INACTIVE])),
    ]
    for query in queries:
        expected = in_order([one for one in stored if matches(query, one)])
        assert ids(await pages(search, query)) == expected, query
        assert await search.count(query) == len(expected), query
    # One in nine.
    inactive = Query(statuses=frozenset([Status.INACTIVE]))
    by_time = [Order(by=SortBy.UPDATED, descending=turned) for turned in (False, True)]
    for order in (BY_NAME, Order(descending=True), Order(by=SortBy.DOCUMENT)):
        in_turn = sorted_by(order, [one for one in stored if matches(inactive, one)])
        assert ids(await pages(search, inactive, order, count=50)) == in_turn, order
    # Half of them have one time.
    for order in by_time if is_quick(embedded) else ():
        in_turn = sorted_by(order, [one for one in stored if matches(inactive, one)])
        assert ids(await pages(search, inactive, order, count=50)) == in_turn, order
        assert ids(await pages(search, Query(), order, count=400)) == sorted_by(order, stored)


class Counted:
    """A database that counts the queries of the register."""

    def __init__(self, database: Any) -> None:
        self.queries = 0
        self._database = database
        self._registrations = database["registrations"]

    def __getitem__(self, name: str) -> Any:
        return self if name == "registrations" else self._database[name]

    def find(self, *asked: Any) -> Any:
        self.queries += 1
        return self._registrations.find(*asked)


async def test_where_the_list_goes_on_without_those_that_fit_it_is_not_read_step_by_step(
    database: Any,
):
    random = Random(8)  # noqa: S311
    stored = [
        registration(
            id=f"{n:016x}",
            tax_id=None,
            name=f"Ana Silva {n:04}" if n % 2 and n < 520 else f"Bia Souza {n:04}",
            phones=Phones(mobile=f"+55499{random.randrange(10**8):08d}"),
        )
        for n in range(1_200)
    ]
    await store(database, stored)
    counted = Counted(database)
    search = Search(counted, embedded=False, by_windows=True)
    query = Query(text="silva")
    found = await pages(search, query, count=20)
    assert ids(found) == in_order([one for one in stored if matches(query, one)])
    assert len(found) == 13
    assert counted.queries < 3 * len(found)


@SHAPES
async def test_by_time_those_changed_at_once_come_once_however_many_they_are(
    database: Any, embedded: bool, by_windows: bool
):
    random = Random(6)  # noqa: S311
    times = [after(seconds=n) for n in range(5) for _ in range(random.choice([1, 4, 25, 120]))]
    stored = [
        registration(
            id=f"{random.getrandbits(64):016x}",
            tax_id=None,
            name=f"{random.choice(['Maria', 'Zilda'])} {random.choice(['Souza', 'Silva'])} {n}",
            status=Status.INACTIVE if n % 3 == 0 else Status.ACTIVE,
            # By these the sample is taken, so it knows some of the times only.
            phones=Phones(mobile=f"+55499{random.randrange(10**8):08d}"),
            updated=provenance(at=at),
        )
        for n, at in enumerate(times)
    ]
    await store(database, stored)
    search = Search(database, embedded=embedded, by_windows=by_windows)
    for query in (
        Query(text="s"),
        Query(text="maria s", statuses=frozenset([Status.INACTIVE])),
        Query(statuses=frozenset([Status.INACTIVE])),
    ):
        expected = [one for one in stored if matches(query, one)]
        for descending in (False, True):
            order = Order(by=SortBy.UPDATED, descending=descending)
            found = await pages(search, query, order, count=20)
            assert ids(found) == sorted_by(order, expected), (query, order)


@SHAPES
@pytest.mark.parametrize("with_phones", [True, False])
async def test_by_document_those_of_all_countries_come_once(
    database: Any, embedded: bool, by_windows: bool, with_phones: bool
):
    random = Random(7)  # noqa: S311
    stored = [
        registration(
            id=f"{random.getrandbits(64):016x}",
            tax_id=tax_id,
            country=tax_id.country if tax_id else "BR",
            name=f"{random.choice(['Maria', 'Zilda'])} {random.choice(['Souza', 'Silva'])} {n}",
            status=Status.INACTIVE if n % 3 == 0 else Status.ACTIVE,
            phones=Phones(mobile=f"+55499{random.randrange(10**8):08d}")
            if with_phones
            else Phones(),
        )
        for n in range(400 if is_quick(embedded) else 100)
        for tax_id in [tax_id_of(random, n)]
    ]
    await store(database, stored)
    search = Search(database, embedded=embedded, by_windows=by_windows)
    for query in (Query(), Query(text="s"), Query(text="maria s"), Query(text="xyz")):
        expected = [one for one in stored if matches(query, one)]
        for descending in (False, True):
            order = Order(by=SortBy.DOCUMENT, descending=descending)
            for count in (20, 150):
                found = await pages(search, query, order, count=count)
                assert ids(found) == sorted_by(order, expected), (query, order)


@SHAPES
async def test_by_document_the_united_stand_once_at_the_first_of_theirs(
    database: Any, embedded: bool, by_windows: bool
):
    random = Random(5)  # noqa: S311
    size = 120 if is_quick(embedded) else 40
    documents = [make_cpf(random.randrange(10**9)) for _ in range(size + 30)]
    others = [one.key for one in documents[size:]]
    stored = [
        registration(
            id=f"{n:03}", tax_id=documents[n], other_tax_ids=frozenset(others[2 * n : 2 * n + 2])
        )
        for n in range(size)
    ]
    await store(database, stored)
    search = Search(database, embedded=embedded, by_windows=by_windows)
    for descending, first in ((False, min), (True, max)):
        order = Order(by=SortBy.DOCUMENT, descending=descending)
        in_turn = sorted(stored, key=lambda one: first(one.tax_keys), reverse=descending)
        expected = [one.id for one in in_turn]
        assert ids(await pages(search, Query(), order, count=7)) == expected
        assert (
            ids(await pages(search, Query(kinds=frozenset([Kind.CUSTOMER])), order, count=7))
            == expected
        )


async def test_in_an_empty_register_nothing_is_found(database: Any):
    search = Search(database)
    for query in (
        Query(),
        Query(text="maria"),
        Query(kinds=frozenset([Kind.CUSTOMER])),
        Query(text=CPF.masked),
    ):
        page = await search(query)
        assert (page.registrations, await search.count(query), page.next) == ((), 0, None)


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
        "words": registrations.find(element_between("words", "mari", "marj", embedded=True)),
        "label": registrations.find({"words": "=customer"}),
        "one of two": registrations.find({"words": {"$in": ["=customer", "=supplier"]}}),
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


async def test_a_registration_stays_found_by_what_it_is_after_a_change(database: Any):
    register, search = Registrations(database), Search(database)
    one = registration(name="Ana Souza")
    await register.create(one)
    values = {"name": "Bia Lima", "tags": frozenset(("t1",)), "status": Status.INACTIVE}
    changed = renaming(one, "Bia Lima")
    after = one.with_values(dict(values), updated=provenance())
    assert await register.update(type(changed)(one, after, changed.changes))
    assert ids(await pages(search, Query(text="souza"))) == []
    for query in (
        Query(text="lim bia"),
        Query(tags=frozenset(["t1"])),
        Query(statuses=frozenset([Status.INACTIVE])),
    ):
        assert (await search(query)).registrations == (after,)
    assert ids(await pages(search, Query(tags=frozenset(["t"])))) == []
    assert ids(await pages(search, Query(statuses=frozenset([Status.ACTIVE])))) == []
