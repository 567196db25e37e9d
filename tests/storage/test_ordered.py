"""Pages in the order of a field equal a sort in memory, read at once and in windows."""

from collections.abc import Iterable
from random import Random
from statistics import median
from typing import Any

import pytest

from storage.engine.key_space import HIGHEST, LOWEST
from storage.engine.ordered import Ordered

SHAPES = pytest.mark.parametrize("by_windows", [True, False], ids=["windows", "MongoDB"])
BACKWARDS = pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
BEGINNINGS = [
    "same",
    "SAME",
    "é",
    "مريم",
    "😀",
    "z" * 30,
    "",
    " ",
    "2026-11-29T03:00:00.",
    "maria da silva",
]


class Recorded:
    """A collection that counts the documents in the range of each query."""

    def __init__(self, collection: Any, keys: list[str]) -> None:
        self.database = collection.database
        self.in_range: list[int] = []
        self._collection = collection
        self._keys = keys

    def find(self, query: dict[str, Any]) -> Any:
        bounds = query["key"]
        self.in_range.append(sum(_inside(key, bounds) for key in self._keys))
        return self._collection.find(query)


def _inside(key: str, bounds: dict[str, str]) -> bool:
    return (
        key >= bounds.get("$gte", "")
        and key < bounds.get("$lt", HIGHEST)
        and key <= bounds.get("$lte", HIGHEST)
    )


async def filled(database: Any, random: Random, size: int) -> dict[str, dict[str, Any]]:
    """Return the stored documents by key; most keys have the same beginning as many others."""
    collection = database["things"]
    await collection.create_index("key", unique=True)
    stored = {}
    for _ in range(size):
        key = random.choice([*BEGINNINGS, f"{random.random():.4f}"])
        key += f"\t{random.getrandbits(64):x}"
        stored[key] = {"_id": key, "key": key, "n": random.randrange(5)}
    await collection.insert_many(stored.values())
    return stored


async def pages(ordered: Ordered, **asked: Any) -> list[str]:
    found, start = [], None
    while True:
        page = await ordered.page(start=start, **asked)
        found += [document["key"] for document in page.documents]
        assert len(page.documents) == asked["count"] or page.next is None
        if page.next is None:
            return found
        start = page.next


@SHAPES
@BACKWARDS
async def test_each_document_is_on_one_page_in_order(
    database: Any, by_windows: bool, backwards: bool
):
    random = Random(1)  # noqa: S311
    stored = await filled(database, random, 400)
    ordered = Ordered(database["things"], "key", by_windows=by_windows)
    bounds = [
        (LOWEST, HIGHEST),
        ("0.2", "0.5"),
        ("same", "same\n"),
        ("x", "y"),
        ("é", "a"),
        ("2", "3"),
    ]
    bounds += [tuple(sorted(random.sample(sorted(stored), 2))) for _ in range(4)]  # type: ignore[misc]
    for low, high in bounds:
        # Only where windows begin.
        for dense in (None, "a", "2026") if by_windows else (None,):
            some: dict[str, Any] = {"low": low, "high": high, "backwards": backwards}
            expected = sorted((k for k in stored if low <= k < high), reverse=backwards)
            assert await pages(ordered, count=37, dense=dense, **some) == expected


class Sampled:
    """Knows every `each`th key."""

    def __init__(self, keys: Iterable[str], each: int) -> None:
        self.each = each
        self.keys = sorted(keys)[::each]

    def end(self, begin: str, count: int, *, backwards: bool) -> tuple[str, int]:
        beyond = [key for key in self.keys if (key < begin if backwards else key > begin)]
        steps = count // self.each + 1
        if len(beyond) <= steps:
            return LOWEST if backwards else HIGHEST, steps * self.each
        return beyond[-1 - steps] if backwards else beyond[steps], steps * self.each


@BACKWARDS
@pytest.mark.parametrize("each", [1, 10, 1_000], ids=["all", "some", "one"])
async def test_windows_that_end_where_a_sample_says_have_the_same(
    database: Any, backwards: bool, each: int
):
    random = Random(5)  # noqa: S311
    stored = await filled(database, random, 400)
    # Half of what the sample knows is gone, or was never there.
    ends = Sampled([*random.sample(sorted(stored), 200), "b", "maria x", "\u3000"], each)
    ordered = Ordered(database["things"], "key", by_windows=True, ends=ends)
    bounds = [(LOWEST, HIGHEST), ("0.2", "0.5"), ("x", "y"), ("2", "3")]
    for low, high in [*bounds, *[sorted(random.sample(sorted(stored), 2)) for _ in range(4)]]:
        some: dict[str, Any] = {"low": low, "high": high, "backwards": backwards, "count": 37}
        expected = sorted((k for k in stored if low <= k < high), reverse=backwards)
        assert await pages(ordered, **some) == expected
        expected = [one for one in expected if stored[one]["n"] == 3]
        assert await pages(ordered, matches={"n": 3}, **some) == expected


@BACKWARDS
async def test_a_page_whose_end_is_known_is_one_window(database: Any, backwards: bool):
    stored = sorted(await filled(database, Random(6), 2_000))  # noqa: S311
    recorded = Recorded(database["things"], stored)
    ordered = Ordered(recorded, "key", by_windows=True, ends=Sampled(stored, 20))
    for start in (None, stored[700], stored[1_300]):
        recorded.in_range.clear()
        page = await ordered.page(start=start, count=40, backwards=backwards)
        assert len(page.documents) == 40
        assert len(recorded.in_range) == 1
        assert recorded.in_range[0] <= 81


@BACKWARDS
@pytest.mark.parametrize("each", [1, 20, 400])
async def test_a_part_of_a_list_is_one_query_and_the_next_begins_where_it_ends(
    database: Any, each: int, backwards: bool
):
    stored = await filled(database, Random(7), 600)  # noqa: S311
    keys = sorted(stored)
    recorded = Recorded(database["things"], keys)
    ordered = Ordered(recorded, "key", by_windows=True, ends=Sampled(keys, each))
    low, high = keys[50], keys[550]
    expected = sorted((k for k in keys[50:550] if stored[k]["n"] == 3), reverse=backwards)
    for reach, count in ((1, 5), (40, 3), (40, 100), (10_000, 7)):
        found: dict[str, None] = {}
        start, parts = None, 0
        while parts == 0 or start is not None:
            page = await ordered.part(
                reach=reach,
                start=start,
                count=count,
                low=low,
                high=high,
                backwards=backwards,
                matches={"n": 3},
            )
            assert len(page.documents) <= count
            found |= dict.fromkeys(one["key"] for one in page.documents)
            start, parts = page.next, parts + 1
            # Where few are, a window as long as one of the sample's steps is hardly any.
            reach *= 1 if page.documents else 4
        assert list(found) == expected
        assert len(recorded.in_range) == parts
        recorded.in_range.clear()


@SHAPES
@BACKWARDS
async def test_other_conditions_hold_for_all_on_a_page(
    database: Any, by_windows: bool, backwards: bool
):
    stored = await filled(database, Random(2), 500)  # noqa: S311
    ordered = Ordered(database["things"], "key", by_windows=by_windows)
    expected = sorted((k for k in stored if stored[k]["n"] == 3), reverse=backwards)
    some: dict[str, Any] = {"count": 40, "backwards": backwards}
    assert await pages(ordered, matches={"n": 3}, **some) == expected
    assert await pages(ordered, matches={"n": 9}, **some) == []


@BACKWARDS
async def test_a_page_in_windows_reads_little_more_than_itself(database: Any, backwards: bool):
    random = Random(3)  # noqa: S311
    names = [
        f"{random.choice(['maria', 'jose', 'ana'])} {n} {random.random()}" for n in range(3000)
    ]
    await database["things"].create_index("key", unique=True)
    await database["things"].insert_many([{"_id": name, "key": name} for name in names])
    recorded = Recorded(database["things"], names)
    ordered = Ordered(recorded, "key", by_windows=True)
    in_range = []
    for start in random.sample(sorted(names)[100:-100], 11):
        recorded.in_range.clear()
        page = await ordered.page(start=start, count=20, backwards=backwards)
        assert len(page.documents) == 20
        assert len(recorded.in_range) < 40
        in_range.append(sum(recorded.in_range))
    # A page across a wide gap may reach far into the keys behind it; most pages have no such gap.
    assert median(in_range) < 200


@BACKWARDS
@pytest.mark.parametrize("size", [15, 2_000], ids=["all on one page", "many"])
async def test_a_page_that_is_read_again_is_one_window_and_right_whatever_came_or_went(
    database: Any, size: int, backwards: bool
):
    random = Random(9)  # noqa: S311
    stored = [f"{random.choice(['ana', 'maria'])} {random.random()}" for _ in range(size)]
    things = database["things"]
    await things.create_index("key", unique=True)
    await things.insert_many([{"_id": key, "key": key} for key in stored])
    recorded = Recorded(things, stored)
    # It knows nothing of them.
    ordered = Ordered(recorded, "key", by_windows=True, ends=Sampled([], 1_000))

    async def page(start: str | None = None) -> list[str]:
        recorded.in_range.clear()
        found = await ordered.page(start=start, count=20, backwards=backwards)
        return [one["key"] for one in found.documents]

    def expected(start: str | None = None) -> list[str]:
        in_order = sorted(stored, reverse=backwards)
        return in_order[in_order.index(start) if start else 0 :][:20]

    for is_first in (True, False):
        start = None if is_first else sorted(stored)[len(stored) // 2]
        await page(start)
        assert await page(start) == expected(start)
        assert len(recorded.in_range) == 1
        assert recorded.in_range[0] <= 21
        for gone in expected(start)[5:15]:
            stored.remove(gone)
            await things.delete_one({"_id": gone})
        assert await page(start) == expected(start)
        came = [f"{near} b" for near in expected(start)] + ["0", "zz"]
        stored += came
        await things.insert_many([{"_id": key, "key": key} for key in came])
        assert await page(start) == expected(start)
        assert await page(start) == expected(start)
        assert recorded.in_range == [21 if len(expected(start)) == 20 else len(expected(start))]
        for gone in came:
            stored.remove(gone)
        await things.delete_many({"_id": {"$in": came}})
