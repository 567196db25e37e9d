"""The check of the audit chain reports every kind of tampering, and no change by Balcão itself."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.audit import Event
from bot.domain.registration import Phones, Registration
from storage.backup.backup import back_up, check_backup, restore
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from storage.register.verify import Broken, Fault, Verified, verify
from tests.storage.records import NOW, after, provenance, registration, renaming

BY_JOB = provenance().model_copy(update={"job": "j1"})
Tamper = Callable[[Any], Awaitable[Any]]


def silent(_: int) -> None: ...


async def found(database: Any) -> Verified:
    return await verify(database, silent)


async def renamed(register: Registrations, current: Registration, times: int) -> Registration:
    for _ in range(times):
        update = renaming(current, f"n{current.version}", at=after(seconds=current.version))
        await done(lambda update=update: register.update(update))
        current = update.after
    return current


async def done(write: Callable[[], Awaitable[bool]]) -> None:
    """Retry the write until it succeeds: a busy server may ask to repeat a transaction."""
    for _ in range(5):
        if await write():
            return
    raise AssertionError("refused five times")


@pytest.fixture
async def register(database: Any) -> Registrations:
    """Registrations in every state.

    `a` has a creation and three changes, `b` comes from a bulk run with two, `c` from a run
    without any, `d` is deleted, `e` is deleted and restored.
    """
    register = Registrations(database)
    for number, key in enumerate("abcde"):
        by = BY_JOB if key in "bc" else provenance()
        one = registration(
            id=key, tax_id=make_cpf(number + 1), created=by, updated=by, phones=Phones(mobile="+1")
        )
        assert await register.create(one)
        current = await renamed(register, one, {"a": 3, "b": 2}.get(key, 0))
        if key in "de":
            assert await register.delete(current, provenance(at=after(hours=1)))
        if key == "e":
            assert await register.bring_back(
                one.model_copy(update={"version": 3, "updated": provenance(at=after(hours=2))})
            )
    return register


async def test_what_balcao_wrote_fits(database: Any, register: Registrations):
    assert await found(database) == Verified(4, 4 + 2 + 2 + 3, 0, 0, ())


async def test_it_fits_after_a_backup_was_restored(
    database: Any, register: Registrations, tmp_path: Path
):
    path = tmp_path / "b"
    await back_up(database, path, at=NOW, report=lambda _: None)
    tallies = check_backup(path, lambda _: None)
    await restore(database, path, tallies, replace=True, at=NOW, report=lambda _: None)
    assert await found(database) == Verified(4, 11, 0, 0, ())
    # After a restore the chain goes on.
    current = await register.by_id("a")
    assert current
    await renamed(register, current, 1)
    assert (await found(database)).broken == ()


async def test_times_finer_than_the_database_keeps_fit(database: Any):
    fine = after(microseconds=567)
    one = registration(created=provenance(at=fine), updated=provenance(at=fine))
    register = Registrations(database)
    assert await register.create(one)
    assert await register.update(renaming(one, "Bia", at=after(microseconds=1999)))
    assert (await found(database)).broken == ()


def entry(key: str, change: dict[str, Any]) -> Tamper:
    return lambda database: database["audit"].update_one({"_id": key}, change)


def without(*keys: str) -> Tamper:
    return lambda database: database["audit"].delete_many({"_id": {"$in": list(keys)}})


def record(key: str, change: dict[str, Any]) -> Tamper:
    return lambda database: database["registrations"].update_one({"_id": key}, change)


def gone(key: str) -> Tamper:
    return lambda database: database["registrations"].delete_one({"_id": key})


def put_back(database: Any) -> Awaitable[Any]:
    document = {"_id": "d", "name": "Ana", "version": 2, "seal": "s", "country": "BR"}
    return database["registrations"].insert_one(document)  # type: ignore[no-any-return]


TAMPERED: dict[str, tuple[Tamper, Broken]] = {
    "a value from which it changed": (
        entry("a:3", {"$set": {"changes.0.before": "Eva"}}),
        Broken("a", Fault.ENTRY_CHANGED, 3),
    ),
    "who": (
        entry("a:2", {"$set": {"stamp.by": "admin:2"}}),
        Broken("a", Fault.ENTRY_CHANGED, 2),
    ),
    "when": (
        entry("a:4", {"$set": {"stamp.at": after(days=1)}}),
        Broken("a", Fault.ENTRY_CHANGED, 4),
    ),
    "a date that Python cannot read": (
        entry("a:4", {"$set": {"stamp.at": "yesterday"}}),
        Broken("a", Fault.ENTRY_CHANGED, 4),
    ),
    "its place in lists": (
        entry("a:2", {"$set": {"by_moment": ""}}),
        Broken("a", Fault.ENTRY_CHANGED, 2),
    ),
    "its hash": (
        entry("a:2", {"$unset": {"hash": ""}}),
        Broken("a", Fault.ENTRY_CHANGED, 2),
    ),
    "a field too many": (entry("b:2", {"$set": {"x": 1}}), Broken("b", Fault.ENTRY_CHANGED, 2)),
    "the copy of what was deleted": (
        entry("d:2", {"$set": {"deleted.name": "Eva"}}),
        Broken("d", Fault.ENTRY_CHANGED, 2),
    ),
    "no creation": (without("a:1"), Broken("a", Fault.ENTRY_MISSING, 1)),
    "no entry in the middle": (without("a:3"), Broken("a", Fault.ENTRY_MISSING, 3)),
    "no first change": (without("b:2"), Broken("b", Fault.ENTRY_MISSING, 2)),
    "no last entry": (without("a:4"), Broken("a", Fault.ENTRY_MISSING, 4)),
    "no entries": (without("b:2", "b:3"), Broken("b", Fault.ENTRY_MISSING)),
    "no deletion": (without("d:2"), Broken("d", Fault.REGISTRATION_MISSING)),
    "the registration": (
        record("a", {"$set": {"name": "Eva"}}),
        Broken("a", Fault.REGISTRATION_CHANGED),
    ),
    "a nested value": (
        record("b", {"$set": {"phones.mobile": "+2"}}),
        Broken("b", Fault.REGISTRATION_CHANGED),
    ),
    "one without entries": (
        record("c", {"$set": {"fixed_note": "x"}}),
        Broken("c", Fault.REGISTRATION_CHANGED),
    ),
    "a restored one": (
        record("e", {"$set": {"email": "x@y.zz"}}),
        Broken("e", Fault.REGISTRATION_CHANGED),
    ),
    "its seal": (
        record("a", {"$unset": {"seal": ""}}),
        Broken("a", Fault.REGISTRATION_CHANGED),
    ),
    "the registration is gone": (gone("a"), Broken("a", Fault.REGISTRATION_MISSING)),
    "a deleted one is back": (put_back, Broken("d", Fault.REGISTRATION_BACK, 2)),
}


@pytest.mark.parametrize(("tamper", "told"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_tampering_is_told(
    database: Any, register: Registrations, tamper: Tamper, told: Broken
):
    await tamper(database)
    assert (await found(database)).broken == (told,)


@pytest.mark.parametrize(("key", "version"), [("a", 5), ("c", 2)])
async def test_a_registration_tampered_with_stays_so_when_balcao_changes_it_later(
    database: Any, register: Registrations, key: str, version: int
):
    await record(key, {"$set": {"fixed_note": "x"}})(database)
    current = await register.by_id(key)
    assert current
    await renamed(register, current, 2)
    assert (await found(database)).broken == (Broken(key, Fault.REGISTRATION_CHANGED, version),)


async def test_what_makes_it_found_may_come_and_go(database: Any, register: Registrations):
    await record("a", {"$set": {"words": ["x"]}, "$unset": {"marks": "", "sort_name": ""}})(
        database
    )
    assert (await found(database)).broken == ()


async def test_what_was_stored_before_the_chain_is_counted_and_the_chain_begins_after_it(
    database: Any,
):
    register = Registrations(database)
    one = registration()
    assert await register.create(one)
    one = await renamed(register, one, 2)
    plain = {"$unset": dict.fromkeys(("hash", "previous", "state", "found", "event", "name"), "")}
    await database["audit"].update_many({"registration_id": "r1"}, plain)
    await record("r1", {"$unset": {"seal": ""}})(database)
    assert await found(database) == Verified(1, 3, 1, 3, ())
    one = await renamed(register, one, 2)
    assert await found(database) == Verified(1, 5, 0, 3, ())
    events = [e.event for e in await Audit(database).audit_of("r1")]
    assert events == [Event.CHANGED] * 5
    await record("r1", {"$set": {"name": "Eva"}})(database)
    assert (await found(database)).broken == (Broken("r1", Fault.REGISTRATION_CHANGED),)


async def test_several_that_do_not_fit_are_all_told(database: Any):
    register = Registrations(database)
    people = [registration(id=uuid.uuid4().hex, tax_id=make_cpf(n + 1)) for n in range(300)]
    assert all(await asyncio.gather(*map(register.create, people)))
    for one in people[::50]:
        await record(one.id, {"$set": {"name": "Eva"}})(database)
    seen: list[int] = []
    told = await verify(database, seen.append)
    assert {one.registration_id for one in told.broken} == {one.id for one in people[::50]}
    assert (told.registrations, told.entries) == (300, 300)
    assert seen[-1] == 300


async def test_what_is_written_meanwhile_is_not_called_tampering(database: Any):
    register = Registrations(database)
    people = [registration(id=uuid.uuid4().hex, tax_id=make_cpf(n + 1)) for n in range(12)]
    assert all(await asyncio.gather(*map(register.create, people)))

    # Five writes of each: fewer than the readings after which it would change too quickly.
    async def written(current: Registration) -> Registration:
        current = await renamed(register, current, 3)
        await done(lambda: register.delete(current, provenance()))
        back = current.model_copy(update={"version": current.version + 2})
        await done(lambda: register.bring_back(back))
        return back

    for _ in range(10):
        # The task group waits for all, and so leaves none with an open transaction: the embedded
        # server hangs when a database is dropped under one.
        async with asyncio.TaskGroup() as both:
            verifying = both.create_task(found(database))
            writing = [both.create_task(written(one)) for one in people]
        assert verifying.result().broken == ()
        people = [task.result() for task in writing]
    assert (await found(database)).entries == 12 + 12 * 10 * 5
