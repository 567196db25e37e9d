"""Tags and departments: names in use are unique, and no edit overwrites a colleague's."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.label import LABEL_LENGTH, PALETTE, Tag, read_emoji
from bot.usecases.company.departments import Departments
from bot.usecases.register.labels import Refusal, Tags
from storage.register.labels import Departments as StoredDepartments
from storage.register.labels import Tags as StoredTags

GROUP, OTHER_GROUP, SETTINGS_GROUP = -1001, -1002, -1000


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tags(database: Any, clock: Callable[[], datetime]) -> Tags:
    return Tags(store=StoredTags(database, clock))


@pytest.fixture
async def departments(database: Any, clock: Callable[[], datetime]) -> Departments:
    """Give departments with the default one, whose group comes from the settings."""
    made = Departments(store=StoredDepartments(database, clock), default_group_id=SETTINGS_GROUP)
    await made.ensure_default()
    return made


async def made(labels: Any, name: str, emoji: str = "") -> Any:
    label = await labels.create(name, emoji)
    assert not isinstance(label, Refusal)
    return label


async def test_a_tag_is_stored_as_it_was_made(tags: Tags):
    vip = await made(tags, " Cliente \n VIP ", "🔴")
    assert (vip.name, vip.emoji, vip.shown) == ("Cliente VIP", "🔴", "🔴 Cliente VIP")
    assert await tags.all() == (vip,)


async def test_they_are_listed_by_name_without_regard_to_accents(tags: Tags):
    for name in ("Zinco", "água", "Ouro", "Árvore"):
        await made(tags, name)
    assert [tag.name for tag in await tags.all()] == ["água", "Árvore", "Ouro", "Zinco"]


@pytest.mark.parametrize("name", ["", "   ", "\n", "!!!", "🔴", "\u202e", "\u3164"])
async def test_a_name_that_nobody_could_type_is_refused(tags: Tags, name: str):
    assert await tags.create(name) is Refusal.NO_NAME


async def test_a_name_has_at_most_40_characters(tags: Tags):
    assert await tags.create("x" * (LABEL_LENGTH + 1)) is Refusal.TOO_LONG
    assert (await made(tags, "y" * LABEL_LENGTH)).name == "y" * LABEL_LENGTH


async def test_a_name_cannot_rewrite_the_line_it_stands_in(tags: Tags):
    assert (await made(tags, "a\u202eb\u200fc\x00d")).name == "abcd"


@pytest.mark.parametrize("emoji", [*PALETTE, "❤️", "👩🏽\u200d💻", "🇧🇷", "1️⃣", "⚠️"])
def test_one_emoji_is_one_emoji(emoji: str):
    assert read_emoji(f" {emoji}\n") == emoji


@pytest.mark.parametrize("text", ["🔴🔴", "a", "5", "", "<b>", "🔴 a", "🙂\u202e", "🇧", "/emoji"])
async def test_anything_else_is_not(tags: Tags, text: str):
    assert read_emoji(text) is None
    if text:
        assert await tags.create("VIP", text) is Refusal.NO_EMOJI


@pytest.mark.parametrize("name", ["São João", "SAO JOAO", " são  joão "])
async def test_names_that_read_the_same_are_one_name(tags: Tags, name: str):
    await made(tags, "São João")
    assert await tags.create(name) is Refusal.TAKEN
    assert len(await tags.all()) == 1


async def test_of_two_who_create_one_name_at_once_one_does(
    database: Any, clock: Callable[[], datetime]
):
    both = [Tags(store=StoredTags(database, clock)) for _ in range(8)]
    outcomes = await asyncio.gather(*(tags.create("VIP") for tags in both))
    assert sum(isinstance(outcome, Tag) for outcome in outcomes) == 1
    assert outcomes.count(Refusal.TAKEN) == 7
    assert len(await both[0].latest()) == 1


async def test_an_archived_name_is_free_and_cannot_be_taken_back_while_it_is_used(tags: Tags):
    old = await made(tags, "VIP")
    archived = await tags.archive(old)
    assert isinstance(archived, Tag)
    new = await made(tags, "vip")
    assert await tags.restore(archived) is Refusal.TAKEN
    assert (await tags.get(old.id)) == archived
    assert isinstance(await tags.rename(new, "Ouro"), Tag)
    restored = await tags.restore(archived)
    assert isinstance(restored, Tag)
    assert not restored.archived


async def test_renaming_onto_a_taken_name_is_refused_but_its_own_may_change_its_case(tags: Tags):
    vip, gold = await made(tags, "vip"), await made(tags, "Ouro")
    assert await tags.rename(gold, "VIP") is Refusal.TAKEN
    renamed = await tags.rename(vip, "VIP")
    assert isinstance(renamed, Tag)
    assert (renamed.name, renamed.version) == ("VIP", 2)


async def test_what_a_colleague_changed_meanwhile_is_not_overwritten(tags: Tags):
    seen = await made(tags, "VIP")
    await tags.archive(seen)
    assert await tags.rename(seen, "Ouro") is Refusal.STALE
    stored = await tags.get(seen.id)
    assert stored
    assert (stored.name, stored.archived) == ("VIP", True)


async def test_doing_the_same_twice_is_doing_it_once(tags: Tags):
    seen = await made(tags, "VIP")
    assert await tags.archive(seen) == await tags.archive(seen)
    stored = await tags.get(seen.id)
    assert stored
    assert stored.version == 2


async def test_of_many_who_change_one_at_once_one_does(
    database: Any, clock: Callable[[], datetime]
):
    admins = [Tags(store=StoredTags(database, clock)) for _ in range(5)]
    seen = await made(admins[0], "VIP")
    outcomes = await asyncio.gather(
        *(tags.rename(seen, f"Nome {number}") for number, tags in enumerate(admins))
    )
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Tag)]
    assert outcomes.count(Refusal.STALE) == 4
    assert await admins[0].latest() == (winner,)


async def test_a_label_is_found_by_id_and_by_name_in_any_case(tags: Tags):
    old = await tags.archive(await made(tags, "Açaí"))
    assert isinstance(old, Tag)
    assert await tags.by_name_or_id(old.id) == old
    assert await tags.by_name_or_id("ACAI ") == old
    new = await made(tags, "açaí")
    assert await tags.by_name_or_id("Acaí") == new
    assert await tags.by_name_or_id("") is None
    assert await tags.by_name_or_id("outra") is None


async def test_a_change_elsewhere_shows_after_some_seconds_and_an_own_one_at_once(
    database: Any, clock: Clock, tags: Tags
):
    assert await tags.all() == ()
    elsewhere = Tags(store=StoredTags(database, clock))
    await made(elsewhere, "VIP")
    assert await tags.all() == ()
    await made(tags, "Ouro")
    assert len(await tags.all()) == 2
    await made(elsewhere, "Prata")
    assert len(await tags.all()) == 2
    clock.now += timedelta(seconds=5)
    assert len(await tags.all()) == 3


async def test_the_default_department_is_made_once_and_may_be_renamed(departments: Departments):
    [default] = await departments.all()
    assert (default.id, default.name) == (DEFAULT_DEPARTMENT, "Atendimento")
    await departments.rename(default, "Suporte")
    await departments.ensure_default()
    [default] = await departments.latest()
    assert (default.id, default.name) == (DEFAULT_DEPARTMENT, "Suporte")


async def test_the_default_department_has_the_group_of_the_settings_until_one_is_linked(
    database: Any, departments: Departments
):
    [default] = await departments.all()
    assert default.group_id == SETTINGS_GROUP
    await departments.rename(default, "Suporte")
    # The default group is not stored, because the settings may change.
    assert "group_id" not in await database["departments"].find_one({"_id": DEFAULT_DEPARTMENT})
    await departments.link(DEFAULT_DEPARTMENT, GROUP)
    [default] = await departments.all()
    assert default.group_id == GROUP


async def test_the_group_of_the_settings_can_be_linked_to_another(departments: Departments):
    sales = await made(departments, "Vendas")
    linked = await departments.link(sales.id, SETTINGS_GROUP)
    assert isinstance(linked, Department)
    assert {d.name: d.group_id for d in await departments.all()} == {
        "Atendimento": None,
        "Vendas": SETTINGS_GROUP,
    }


async def test_a_group_moves_from_one_department_to_another(departments: Departments):
    sales, billing = await made(departments, "Vendas"), await made(departments, "Financeiro")
    await departments.link(sales.id, GROUP)
    assert [d.name for d in await departments.linkable(OTHER_GROUP)] == [
        "Atendimento",
        "Financeiro",
    ]
    assert await departments.link(sales.id, OTHER_GROUP) is Refusal.TAKEN
    assert isinstance(await departments.link(billing.id, GROUP), Department)
    assert isinstance(await departments.link(billing.id, GROUP), Department)
    found = await departments.of_group(GROUP)
    assert found
    assert found.name == "Financeiro"


async def test_of_two_departments_linked_to_one_group_at_once_one_has_it(
    database: Any, clock: Callable[[], datetime], departments: Departments
):
    others = [Departments(store=StoredDepartments(database, clock)) for _ in range(2)]
    ids = [(await made(departments, name)).id for name in ("Vendas", "Financeiro")]
    await asyncio.gather(*(d.link(i, GROUP) for d, i in zip(others, ids, strict=True)))
    assert sum(d.group_id == GROUP for d in await departments.latest()) == 1


async def test_a_department_follows_its_group(departments: Departments):
    await departments.link(DEFAULT_DEPARTMENT, GROUP)
    for _ in range(2):
        await departments.follow(GROUP, OTHER_GROUP)
    [default] = await departments.all()
    assert default.group_id == OTHER_GROUP


async def test_the_default_department_follows_the_group_of_the_settings(departments: Departments):
    await departments.follow(SETTINGS_GROUP, OTHER_GROUP)
    [default] = await departments.all()
    assert default.group_id == OTHER_GROUP


async def test_the_last_department_cannot_be_archived(departments: Departments):
    [default] = await departments.all()
    assert await departments.archive(default) is Refusal.LAST
    sales = await made(departments, "Vendas")
    assert await departments.archive(default) is Refusal.LAST_WITH_GROUP
    await departments.link(sales.id, GROUP)
    assert isinstance(await departments.archive(default), Department)
    [last] = [d for d in await departments.latest() if not d.archived]
    assert await departments.archive(last) is Refusal.LAST


async def test_the_last_two_archived_at_once_are_not_both_gone(
    database: Any, clock: Callable[[], datetime]
):
    replicas = [Departments(store=StoredDepartments(database, clock)) for _ in range(2)]
    pair = [await made(replicas[0], name) for name in ("Vendas", "Financeiro")]
    await asyncio.gather(*(d.archive(one) for d, one in zip(replicas, pair, strict=True)))
    assert any(not d.archived for d in await replicas[0].latest())


async def test_only_departments_with_a_group_are_offered(departments: Departments):
    await made(departments, "Vendas")
    assert [d.name for d in await departments.offered()] == ["Atendimento"]


async def test_somebody_is_offered_even_where_nothing_has_a_group(
    database: Any, clock: Callable[[], datetime]
):
    without = Departments(store=StoredDepartments(database, clock))
    assert [d.id for d in await without.offered()] == [DEFAULT_DEPARTMENT]
