"""The panel's counts equal a plain filter in memory on random data."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.cli.panel import draw_panel
from bot.domain.conversation import Attendant, Conversation, Department, Identity, LookupState
from bot.domain.errors import RefusedError
from bot.domain.panel import Outcome, Period
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration, Status
from bot.settings import Settings
from bot.usecases.company.panel import ReadFigures
from storage.register.documents import registration_document
from storage.register.registrations import Registrations
from storage.talk.conversations import Conversations
from storage.talk.panel import OpenedConversations, RegisterCounts
from tests.storage.commands import balcao
from tests.storage.records import conversation, registration

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
DEPARTMENTS = ("a", "b", "c")


def opened(random: Random, number: int, people: list[Registration]) -> Conversation:
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(23 * 24 * 60))
    # The protocol's date may be in an older time zone: near midnight it is another date.
    zone = random.choice([SAO_PAULO, ZoneInfo("America/Manaus"), UTC])
    person = random.choice([None, *people])
    claimed = random.random() < 0.7
    return conversation(
        number,
        protocol=f"{at.astimezone(zone):%Y%m%d}-{number * 7919 % 1_000_000:06d}",
        opened_at=at,
        department_id=random.choice(DEPARTMENTS),
        identity=random.choice(list(Identity)),
        priority=random.random() < 0.2,
        registration_id=person.id if person else None,
        lookup=LookupState(since=at, next_at=at) if random.random() < 0.1 else None,
        claimed_by=Attendant(id=1, name="Rui") if claimed else None,
        claimed_at=at + timedelta(seconds=random.randrange(5_000)) if claimed else None,
        closed_at=at + timedelta(hours=2) if random.random() < 0.6 else None,
    )


def outcome(one: Conversation, made_by_chat: dict[str, date], period: Period) -> Outcome:
    if one.lookup:
        return Outcome.NOT_CONSULTED
    if one.customer.identity is not Identity.UNVERIFIED:
        return Outcome(one.customer.identity.value)
    day = made_by_chat.get(one.customer.registration_id or "")
    is_new = day is not None and period.first <= day <= period.last
    return Outcome.NEW_PROSPECT if is_new else Outcome.NOT_VERIFIED


def local(at: datetime) -> datetime:
    return at.astimezone(SAO_PAULO)


@pytest.mark.parametrize("seed", [1])
async def test_the_figures_of_any_period_are_those_of_a_plain_filter(database: Any, seed: int):
    random = Random(seed)  # noqa: S311 - the same data each time
    register, conversations = Registrations(database), Conversations(database)
    people = []
    for number in range(12):
        at = datetime(2026, 11, 1 + 2 * number, 2, tzinfo=UTC)
        by, way = (
            (f"chat:{number}", ChangeSource.IDENTIFICATION)
            if number % 3
            else ("admin:1", ChangeSource.CHAT)
        )
        provenance = Provenance(at=at, by=by, way=way)
        people.append(
            registration(id=f"r{number}", tax_id=None, created=provenance, updated=provenance)
        )
        assert await register.create(people[-1])
    made = {p.id: local(p.created.at).date() for p in people if p.created.by.startswith("chat:")}
    stored = [opened(random, number, people) for number in range(400)]
    for one in stored:
        assert await conversations.add(one)

    async def departments() -> list[Department]:
        return [Department(id="a", name="Vendas"), Department(id="b", name="Suporte")]

    read = ReadFigures(
        conversations=OpenedConversations(database),
        register=RegisterCounts(database),
        departments=departments,
        clock=lambda: NOW,
        timezone=SAO_PAULO,
    )
    for _ in range(12):
        days = sorted(date(2026, 11, random.randrange(1, 25)) for _ in range(2))
        period = Period(*days)
        inside = [c for c in stored if period.first <= local(c.opened_at).date() <= period.last]
        found = await read(period)
        assert found.conversations == len(inside)
        hours = Counter(local(c.opened_at).hour for c in inside)
        assert {hour: wait.count for hour, wait in found.hours.items()} == hours
        assert sum(wait.unclaimed for wait in found.hours.values()) == sum(
            c.claimed_at is None for c in inside
        )
        for hour, wait in found.hours.items():
            waits = sorted(
                ((c.claimed_at or c.closed_at or NOW) - c.opened_at).total_seconds()
                for c in inside
                if local(c.opened_at).hour == hour
            )
            assert sum(w <= wait.most_s for w in waits) >= 0.9 * len(waits)
            assert sum(w < wait.most_s for w in waits) < 0.9 * len(waits)
            middle = (waits[(len(waits) - 1) // 2] + waits[len(waits) // 2]) / 2
            assert wait.median_s == pytest.approx(middle)
        of_names = {"a": "Vendas", "b": "Suporte", "c": None}
        assert {d.name: (d.open, d.closed, d.priority) for d in found.departments} == {
            of_names[key]: (
                sum(c.is_open for c in some),
                sum(not c.is_open for c in some),
                sum(c.priority for c in some),
            )
            for key in DEPARTMENTS
            if (some := [c for c in inside if c.department_id == key])
        }
        # A person is a new prospect only once, and not verified after that.
        expected = Counter(outcome(c, made, period) for c in inside)
        prospects = {
            c.customer.registration_id
            for c in inside
            if outcome(c, made, period) is Outcome.NEW_PROSPECT
        }
        again = expected[Outcome.NEW_PROSPECT] - len(prospects)
        expected[Outcome.NOT_VERIFIED] += again
        expected[Outcome.NEW_PROSPECT] -= again
        assert Counter(found.outcomes) == +expected


@pytest.fixture
async def register(database: Any) -> list[Registration]:
    random = Random(3)  # noqa: S311
    stored = [
        registration(
            id=f"{random.randrange(16**16):016x}",
            tax_id=None,
            name=random.choice(["Ana Silva", "Zé Maria", "!inactive", "=customer 12"]),
            kinds=frozenset(random.sample(list(Kind), random.choice([1, 1, 2]))),
            status=Status.INACTIVE if random.random() < 0.3 else Status.ACTIVE,
            tags=frozenset(random.sample(["a", "z"], random.randrange(3))),
        )
        for _ in range(1_500)
    ]
    for start in range(0, len(stored), 500):
        some = map(registration_document, stored[start : start + 500])
        await database["registrations"].insert_many(list(some))
    return stored


async def test_the_register_is_counted(database: Any, register: list[Registration]):
    found = await RegisterCounts(database).counts()
    inactive = [r for r in register if r.status is Status.INACTIVE]
    assert (found.inactive, found.total) == (len(inactive), len(register))
    for count in found.kinds:
        of_it = [r for r in register if count.kind in r.kinds]
        assert count.total == len(of_it)
        assert count.inactive == sum(r.status is Status.INACTIVE for r in of_it)


async def test_of_an_empty_database_nothing_is_counted(database: Any):
    found = await RegisterCounts(database).counts()
    assert (found.total, {count.total for count in found.kinds}) == (0, {0})
    period = Period(date(2026, 11, 1), date(2026, 11, 3))
    assert [some async for some in OpenedConversations(database).opened_in(period)] == []


async def test_the_command_draws_the_same_and_says_the_numbers(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    now = datetime.now(UTC)
    protocol = f"{now.astimezone(SAO_PAULO):%Y%m%d}-000001"
    await Conversations(database).add(conversation(protocol=protocol, opened_at=now))
    settings = {
        "BALCAO_MONGODB_URI": mongodb_uri,
        "BALCAO_MONGODB_DATABASE": database.name,
    }
    said = await balcao("panel", "figuras", "--days", "2", cwd=tmp_path, **settings)
    assert said.code == 0, said.all
    assert "1 atendimento: 1 aberto" in said.words
    # The register is empty, so there is no picture of it.
    assert [path.name for path in sorted((tmp_path / "figuras").iterdir())] == [
        f"painel-{n}.png" for n in (1, 2, 3)
    ]
    assert (tmp_path / "figuras" / "painel-1.png").read_bytes().startswith(b"\x89PNG")


async def test_a_folder_that_is_none_is_said_before_anything_is_read(tmp_path: Path):
    (tmp_path / "arquivo").touch()
    with pytest.raises(RefusedError, match=r"Não consigo gravar em .*/arquivo: File exists"):
        await draw_panel(Settings(), tmp_path / "arquivo", days=1)
