"""The primary changes amid every kind of call: it is done once, and its caller told the truth."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pymongo.common
import pytest

from bot.demo.documents import make_cpf
from bot.domain.conversation import Chat
from bot.domain.errors import Problem, TryLaterError, UnknownRefusalError
from bot.domain.job import Batch, Counts, Job, JobKind, JobState
from bot.domain.label import Tag
from bot.domain.team import Admin
from storage.engine.connection import connected
from storage.engine.scan import scan
from storage.jobs.jobs import Jobs
from storage.people.team import Admins
from storage.register.bulk import Bulk
from storage.register.labels import Tags
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.updates.inbox import Inbox
from storage.updates.states import States, chat_leases
from tests.op_msg import named
from tests.storage.records import NOW, RUI, conversation, provenance, registration, renaming
from tests.storage.replica_set import Command, ReplicaSet, Spoilt, refusal, replica_set_before

_UNCONFIRMED: Final = {"code": 64, "errmsg": "waiting for replication timed out"}


@pytest.fixture(scope="module")
def members(mongodb_uri: str) -> Iterator[ReplicaSet]:
    with replica_set_before(mongodb_uri) as members:
        yield members


@pytest.fixture(params=[True, False], ids=["driver repeats", "driver does not"])
async def behind(
    request: pytest.FixtureRequest,
    members: ReplicaSet,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Any]:
    """Return the test's database, reached through the replica set."""
    # The driver's shortest pause between two looks for a primary is half a second.
    monkeypatch.setattr(pymongo.common, "MIN_HEARTBEAT_INTERVAL", 0.05)
    uri = members.uri if request.param else f"{members.uri}&retryWrites=false"
    async with connected(uri, database.name) as opened:
        yield opened
    members.rule = lambda _: None


@dataclass(slots=True)
class Once:
    """Spoils the first answer to each of these commands; each commit counts as one of its own."""

    commands: frozenset[tuple[str, str]]
    spoilt: Callable[[Command], Spoilt | None]
    hit: set[Any] = field(default_factory=set)

    def __call__(self, command: Command) -> Spoilt | None:
        key: Any = named(command)
        if key not in self.commands:
            return None
        if key == _COMMIT:
            key = bytes(command["lsid"]["id"]), command["txnNumber"]
        spoilt = None if key in self.hit else self.spoilt(command)
        if spoilt:
            self.hit.add(key)
        return spoilt


_COMMIT: Final = ("commitTransaction", "")


@dataclass(frozen=True, slots=True)
class Call:
    command: tuple[str, str]
    """The one whose answer is spoilt."""
    make: Callable[[], Awaitable[Any]]
    returns: Any


async def outcome(call: Call) -> Any:
    """Return what the caller is told, who calls again after a TryLaterError."""
    while True:
        try:
            return await call.make()
        except UnknownRefusalError:
            raise
        except TryLaterError as error:
            if error.problem not in (Problem.DATABASE_GONE, Problem.DATABASE_REFUSES):
                raise


async def calls(database: Any, n: int) -> list[Call]:
    """Return a call of each kind; `n` is the number of what they are about."""
    chats, conversations, register = (
        Chats(database),
        Conversations(database),
        Registrations(database),
    )
    tags, jobs, admins = Tags(database, lambda: NOW), Jobs(database), Admins(database)
    inbox, states, locks = Inbox(database), States(database, lambda: NOW), chat_leases(database)
    bulk = Bulk(database)
    kept = registration(id=f"kept{n}", tax_id=make_cpf(1000 + n))
    new = registration(id=f"new{n}", tax_id=make_cpf(2000 + n))
    row = registration(id=f"row{n}", tax_id=make_cpf(3000 + n))
    await asyncio.gather(
        chats.put(Chat(id=n)),
        conversations.add(conversation(n)),
        register.create(kept),
        admins.put(Admin(id=n, name="Bia", since=NOW, invited_by=1, invitation_id="i")),
    )
    job = Job(kind=JobKind.BACKUP, state=JobState.DRAFT, by="admin:1", created_at=NOW)
    lease = timedelta(seconds=30)
    step = (f"k{n}", "s", {})
    number = await jobs.last_id() + 1

    async def added() -> int:
        return (await jobs.add(job)).id

    async def acquired() -> bool:
        return await locks.acquire(f"l{n}", "o", now=NOW, lease=lease) is not None

    async def written() -> bool:
        return await bulk.write(
            Batch(job=n, number=1, last_line=1, counts=Counts()),
            provenance=provenance(),
            creates=bulk.encoded([row]),
        )

    return [
        Call(("find", "chats"), lambda: chats.get(n), Chat(id=n)),
        Call(("aggregate", "inbox"), inbox.waiting, (0, 0)),
        Call(("insert", "tags"), lambda: tags.add(Tag(id=f"t{n}", name=f"Vip {n}")), True),
        Call(("insert", "jobs"), added, number),
        Call(("update", "conversations"), lambda: conversations.claim(f"c{n}", RUI, at=NOW), True),
        Call(("delete", "admins"), lambda: admins.remove(n), True),
        Call(("update", "states"), lambda: states.save([step], update_id=1), None),
        Call(
            ("insert", "locks"),
            acquired,
            True,
        ),
        Call(("insert", "registrations"), lambda: register.create(new), True),
        Call(("update", "registrations"), lambda: register.update(renaming(kept, "Bia")), True),
        Call(_COMMIT, written, True),
    ]


def spoiling(code: int | None, command: Command, *, is_after: bool) -> Spoilt | None:
    """code: None resets the connection; 64 is a majority that is missing."""
    if code != 64:
        return Spoilt(None if code is None else refusal(code, command), is_after)
    if "writeConcern" not in command:
        return None
    return Spoilt({"writeConcernError": _UNCONFIRMED}, is_after=True, is_added=True)


# (code, whether the command is done all the same)
ROUNDS: Final = (
    *((10107, False), (11602, True), (91, False), (189, True)),
    *((None, False), (None, True), (64, True)),
)


async def test_every_call_is_done_once_whatever_the_election_answers(
    members: ReplicaSet, behind: Any
):
    for n, (code, is_after) in enumerate(ROUNDS, start=1):
        made = await calls(behind, n)
        rule = Once(
            frozenset(call.command for call in made), partial(spoiling, code, is_after=is_after)
        )
        members.rule = rule
        answers = await asyncio.gather(*map(outcome, made))
        members.rule = lambda _: None
        assert answers == [call.returns for call in made], (code, is_after)
        assert len(rule.hit) > len(made) / 2
        await done_once(behind, n)


async def done_once(database: Any, n: int) -> None:
    claimed = await Conversations(database).get(f"c{n}")
    assert claimed is not None
    assert [one.detail for one in claimed.events] == ["Rui"]
    assert await database["jobs"].count_documents({}) == n
    assert await database["tags"].count_documents({}) == n
    for key, version in (("kept", 2), ("new", 1), ("row", 1)):
        stored = await database["registrations"].find_one({"_id": f"{key}{n}"})
        assert stored["version"] == version
    entries = await database["audit"].count_documents({"registration_id": f"kept{n}"})
    assert entries == 2
    assert await database["job_batches"].count_documents({"job": n}) == 1


async def test_a_transaction_that_came_to_nothing_is_begun_again_until_it_is_too_often(
    members: ReplicaSet, behind: Any
):
    register = Registrations(behind)
    current = registration()
    await register.create(current)
    statement = frozenset({("update", "registrations")})
    for code in (112, 189, 251):
        members.rule = Once(statement, partial(spoiling, code, is_after=False))
        update = renaming(current, f"Ana {code}")
        assert await register.update(update)
        current = update.after
    members.rule = lambda command: (
        Spoilt(refusal(112, command)) if named(command) in statement else None
    )
    with pytest.raises(TryLaterError):
        await register.update(renaming(current, "Bia"))
    members.rule = lambda _: None
    assert await register.by_id("r1") == current
    assert await behind["audit"].count_documents({}) == current.version


async def test_a_list_whose_cursor_is_lost_is_read_again_from_its_beginning(
    members: ReplicaSet, behind: Any
):
    wanted = [f"{n:032x}" for n in range(150)]
    await behind["registrations"].insert_many([{"_id": one, "tax_key": one} for one in wanted])
    for code in (43, 10107, None):
        rule = Once(
            frozenset({("getMore", "registrations")}), partial(spoiling, code, is_after=False)
        )
        members.rule = rule
        found = [one["_id"] async for some in scan(behind, "registrations") for one in some]
        assert rule.hit
        assert sorted(found) == wanted
