"""Pages in the order of a field equal a sort in memory, with the query shapes of both servers."""

from random import Random
from typing import Any

import pytest

from storage.engine.ordered import HIGHEST, LEVELS, STEP, Ordered, level, marks

BOTH = pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "MongoDB"])
BACKWARDS = pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])


async def filled(database: Any, random: Random, size: int) -> dict[str, dict[str, Any]]:
    """Return the stored documents by key; a quarter of the keys have the same beginning."""
    collection = database["things"]
    await collection.create_index("key", unique=True)
    await collection.create_index("marks", sparse=True)
    stored = {}
    for _ in range(size):
        name = f"{random.getrandbits(64):x}"
        key = random.choice(["same", "é", "z" * 30, f"{random.random():.4f}"]) + f"\t{name}"
        found = marks(name, key)
        stored[key] = {"_id": name, "key": key, "n": random.randrange(5)}
        stored[key] |= {"marks": found} if found else {}
    await collection.insert_many(stored.values())
    return stored


async def pages(ordered: Ordered, **asked: Any) -> list[str]:
    found, start = [], None
    while True:
        page = await ordered.page(start=start, **asked)
        found += [document["key"] for document in page.documents]
        assert len(page.documents) == asked["count"] or page.next is None or page.is_cut
        if page.next is None:
            return found
        start = page.next


@BOTH
@BACKWARDS
async def test_each_document_is_on_one_page_in_order(
    database: Any, embedded: bool, backwards: bool
):
    stored = await filled(database, Random(1), 700)  # noqa: S311
    ordered = Ordered(database["things"], "key", embedded=embedded)
    for low, high in [("", HIGHEST), ("0.2", "0.5"), ("same", "same\n"), ("x", "y"), ("é", "a")]:
        expected = sorted((k for k in stored if low <= k < high), reverse=backwards)
        got = await pages(ordered, count=23, low=low, high=high, backwards=backwards)
        assert got == expected


@BOTH
@BACKWARDS
async def test_other_conditions_hold_for_all_on_a_page(
    database: Any, embedded: bool, backwards: bool
):
    stored = await filled(database, Random(2), 700)  # noqa: S311
    ordered = Ordered(database["things"], "key", embedded=embedded)
    expected = sorted((k for k in stored if stored[k]["n"] == 3), reverse=backwards)
    some: dict[str, Any] = {"count": 10, "backwards": backwards}
    assert await pages(ordered, matches={"n": 3}, **some) == expected
    assert await pages(ordered, check=lambda d: d["n"] == 3, share=0.2, **some) == expected
    assert await pages(ordered, check=lambda d: d["n"] == 3, budget=40, **some) == expected
    assert await pages(ordered, matches={"n": 9}, **some) == []


@BOTH
async def test_looking_for_what_is_rare_stops_at_the_budget_and_goes_on_from_there(
    database: Any, embedded: bool
):
    stored = await filled(database, Random(3), 900)  # noqa: S311
    last = max(stored)
    ordered = Ordered(database["things"], "key", embedded=embedded)
    page = await ordered.page(count=5, check=lambda d: d["key"] == last, budget=100)
    assert page.is_cut
    assert (page.next is None, page.documents) == (False, [])
    assert await pages(ordered, count=5, check=lambda d: d["key"] == last, budget=100) == [last]


@BOTH
async def test_a_large_count_is_near(database: Any, embedded: bool):
    stored = await filled(database, Random(4), 3000)  # noqa: S311
    ordered = Ordered(database["things"], "key", embedded=embedded)
    within = sum("0.1" <= key < "0.2" for key in stored)
    assert await ordered.count_marked(0, "0.1", "0.2") == within
    assert (await ordered.about("0.1", "0.2")).count < within * 3
    assert 2400 < (await ordered.about()).count < 3600


async def test_a_window_holds_about_a_page_however_large_the_collection_is(database: Any):
    stored = await filled(database, Random(5), 3000)  # noqa: S311
    ordered = Ordered(database["things"], "key", embedded=True)
    sizes = []

    def seen(document: dict[str, Any]) -> bool:
        sizes[-1] += 1
        return True

    for start in sorted(stored)[:-100:100]:
        sizes.append(0)
        await ordered.page(start=start, count=20, check=seen)
    assert sum(sizes) / len(sizes) < 70
    assert max(sizes) < 200


async def test_a_sixteenth_of_all_has_marks_and_each_level_a_sixteenth_of_that():
    levels = [level(f"r{n}") for n in range(STEP**3)]
    assert 190 < sum(n >= 1 for n in levels) < 330
    assert 5 < sum(n >= 2 for n in levels) < 35
    assert max(levels) <= LEVELS
    marked = next(f"r{n}" for n in range(STEP**3) if levels[n] == 2)
    assert marks(marked, "a", "b", of="w") == ["1wa", "1wb", "2wa", "2wb"]
    assert marks(f"r{levels.index(0)}", "a") == []


async def test_what_is_inserted_between_two_pages_moves_nothing_to_another_page(database: Any):
    stored = await filled(database, Random(6), 200)  # noqa: S311
    ordered = Ordered(database["things"], "key", embedded=True)
    expected = sorted(stored)
    first = await ordered.page(count=20)
    await database["things"].insert_one({"_id": "new", "key": "\t", "n": 1})
    await database["things"].delete_one({"key": first.next})
    second = await ordered.page(count=20, start=first.next)
    assert [d["key"] for d in second.documents] == expected[21:41]
