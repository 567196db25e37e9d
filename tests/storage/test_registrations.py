"""The register: natural keys, compare-and-set, and no change without its audit entry."""

import asyncio
from typing import Any

import pytest
from pymongo.write_concern import WriteConcern

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import Change, Update
from bot.domain.errors import AppError, RefusedError, TryLaterError
from bot.domain.fields import UPDATABLE
from bot.domain.registration import Kind, Registration
from bot.domain.tax_id import TaxId
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from tests.storage.records import (
    CPF,
    NOW,
    after,
    full_registration,
    provenance,
    registration,
    renaming,
)


@pytest.fixture
def register(database: Any) -> Registrations:
    return Registrations(database)


@pytest.fixture
def audit(database: Any) -> Audit:
    return Audit(database)


async def changes_of(audit: Audit, registration_id: str) -> list[AuditEntry]:
    """Return the changes of a registration, oldest first, without its creation."""
    entries = (await audit.audit_of(registration_id))[::-1]
    return [entry for entry in entries if entry.event is Event.CHANGED]


@pytest.mark.parametrize(
    "stored",
    [
        registration(),
        full_registration(),
        registration(tax_id=None),
        registration(tax_id=make_cnpj("12ABC34501DE")),
        registration(tax_id=TaxId("501442600", "PT"), country="PT"),
        registration(name="a" * 200, fixed_note="é" * 2000),
    ],
    ids=["smallest", "everything", "no tax id", "letters", "foreign", "longest"],
)
async def test_a_registration_comes_back_as_it_went_in(
    register: Registrations, stored: Registration
):
    assert await register.create(stored)
    read = await register.by_id(stored.id)
    assert read == stored
    assert [type(getattr(read, f)) for f in Registration.model_fields] == [
        type(getattr(stored, f)) for f in Registration.model_fields
    ]
    if stored.tax_id:
        assert await register.by_tax_ids([stored.tax_id]) == {stored.tax_id.key: stored}


async def test_what_does_not_exist_is_not_found(register: Registrations):
    await register.create(registration())
    assert await register.by_id("other") is None
    assert await register.by_tax_ids([]) == {}
    assert await register.by_tax_ids([make_cpf(111222333)]) == {}
    assert await register.by_tax_ids([TaxId(CPF.number, "PT")]) == {}


async def test_many_are_found_by_one_call(register: Registrations):
    stored = [registration(id=str(n), tax_id=make_cpf(n + 1)) for n in range(150)]
    await asyncio.gather(*[register.create(one) for one in stored])
    asked = [make_cpf(n + 1) for n in range(50, 250)]
    expected = {one.tax_id.key: one for one in stored[50:] if one.tax_id}
    assert await register.by_tax_ids(asked) == expected
    assert await register.count() == 150


async def test_fifty_creations_of_one_tax_id_make_one_registration(register: Registrations):
    rivals = [registration(id=f"r{n}", name=f"Ana {n}") for n in range(50)]
    created = await asyncio.gather(*[register.create(rival) for rival in rivals])
    assert created.count(True) == 1
    assert await register.by_tax_ids([CPF]) == {CPF.key: rivals[created.index(True)]}
    assert await register.count() == 1


async def test_creating_the_same_record_again_changes_nothing(register: Registrations):
    assert await register.create(registration())
    assert not await register.create(registration(name="Bia"))
    assert not await register.create(registration(tax_id=make_cpf(5)))
    assert await register.by_id("r1") == registration()


async def test_registrations_without_tax_id_do_not_collide(register: Registrations):
    assert await register.create(registration(id="a", tax_id=None))
    assert await register.create(registration(id="b", tax_id=None))


async def test_one_number_in_two_countries_is_two_registrations(register: Registrations):
    number = TaxId("123456789", "PT"), TaxId("123456789", "US")
    for tax_id in number:
        assert await register.create(
            registration(id=tax_id.country, tax_id=tax_id, country=tax_id.country)
        )
    assert len(await register.by_tax_ids(number)) == 2


async def test_an_update_is_stored_with_its_audit_entry(register: Registrations, audit: Audit):
    before = registration()
    await register.create(before)
    update = renaming(before, "Bia", by="admin:2", at=after(hours=1))
    assert await register.update(update)
    assert await register.by_id("r1") == update.after
    [entry] = await changes_of(audit, "r1")
    assert entry.changes == (Change("name", "Ana", "Bia"),)
    assert entry.provenance == provenance("admin:2", after(hours=1))
    assert (entry.event, entry.name, entry.version) == (Event.CHANGED, "Bia", 2)


async def test_every_kind_of_value_fits_into_the_audit(register: Registrations, audit: Audit):
    before, other = registration(), full_registration()
    paths = {path.partition(".")[0] for path in UPDATABLE} | {"chat_phones"}
    values = {path: getattr(other, path) for path in paths}
    changed = before.with_values(values, updated=provenance(at=after(hours=1)))
    changes = [
        Change(path, getattr(before, path), values[path]) for path in paths - {"phones", "portal"}
    ]
    await register.create(before)
    assert await register.update(Update(before, changed, tuple(changes)))
    assert await register.by_id("r1") == changed
    [entry] = await changes_of(audit, "r1")
    audited = {change.path: change.after for change in entry.changes}
    assert audited["tags"] == ["a", "b", "c"]
    assert audited["kinds"] == sorted(Kind)
    assert audited["status"] == "inactive"
    assert {"system": "omie", "table": "", "id": "7"} in audited["erp_refs"]


async def test_an_update_of_another_version_writes_nothing(register: Registrations, audit: Audit):
    before = registration()
    await register.create(before)
    assert await register.update(renaming(before, "Bia"))
    assert not await register.update(renaming(before, "Carla"))
    stored = await register.by_id("r1")
    assert stored
    assert (stored.name, stored.version) == ("Bia", 2)
    assert len(await changes_of(audit, "r1")) == 1


async def test_an_update_of_what_is_gone_writes_nothing(register: Registrations, audit: Audit):
    assert not await register.update(renaming(registration(), "Bia"))
    assert await register.by_id("r1") is None
    assert await changes_of(audit, "r1") == []


async def test_twenty_updates_of_one_version_have_one_winner(
    register: Registrations, audit: Audit
):
    before = registration()
    await register.create(before)
    for version in range(1, 4):
        rivals = [renaming(before, f"{version}-{n}") for n in range(20)]
        won = await asyncio.gather(*[register.update(rival) for rival in rivals])
        assert won.count(True) == 1
        winner = rivals[won.index(True)].after
        assert await register.by_id("r1") == winner
        entries = await changes_of(audit, "r1")
        assert len(entries) == version
        assert entries[-1].changes[0].after == winner.name
        before = winner


async def test_the_audit_is_told_in_the_order_of_the_changes_whatever_the_clocks_say(
    register: Registrations, audit: Audit
):
    before = registration()
    await register.create(before)
    first = renaming(before, "Bia", at=after(seconds=5))
    second = renaming(first.after, "Carla", at=NOW)  # planned earlier, written later
    assert await register.update(first)
    assert await register.update(second)
    entries = await changes_of(audit, "r1")
    assert [entry.changes[0].after for entry in entries] == ["Bia", "Carla"]


async def test_more_than_nine_changes_at_one_moment_keep_their_order(
    register: Registrations, audit: Audit
):
    current = registration()
    await register.create(current)
    names = [f"Ana {n}" for n in range(12)]
    for name in names:
        update = renaming(current, name)
        assert await register.update(update)
        current = update.after
    entries = await changes_of(audit, "r1")
    assert [entry.changes[0].after for entry in entries] == names


async def test_the_audit_of_one_registration_is_not_that_of_another(
    register: Registrations, audit: Audit
):
    for number in range(3):
        one = registration(id=f"r{number}", tax_id=make_cpf(number + 1))
        await register.create(one)
        await register.update(renaming(one, f"Bia {number}"))
    [entry] = await changes_of(audit, "r1")
    assert entry.changes[0].after == "Bia 1"


async def test_a_registration_that_was_not_safely_stored_is_not_called_stored(database: Any):
    impossible = database.with_options(write_concern=WriteConcern(w=5, wtimeout=1))
    with pytest.raises(AppError):
        await Registrations(impossible).create(registration())


async def test_a_failed_audit_entry_takes_the_change_back(database: Any, register: Registrations):
    before = registration()
    await register.create(before)
    # This entry is left from a failed restore: the next version already has one.
    await database["audit"].insert_one({"_id": "r1:2", "registration_id": "other"})
    with pytest.raises(AppError) as raised:
        await register.update(renaming(before, "Bia"))
    assert not isinstance(raised.value, TryLaterError)
    assert await register.by_id("r1") == before


async def test_a_creation_on_its_own_is_in_the_audit_and_a_bulk_runs_is_not(
    register: Registrations, audit: Audit
):
    by_job = provenance().model_copy(update={"job": "j1"})
    many = registration(id="r2", tax_id=make_cpf(2), created=by_job, updated=by_job)
    assert await register.create(registration())
    assert await register.create(many)
    [entry] = await audit.audit_of("r1")
    assert (entry.id, entry.event, entry.provenance) == ("r1:1", Event.CREATED, provenance())
    assert await audit.audit_of("r2") == []


async def test_creations_at_once_have_an_entry_each_and_those_that_came_too_late_none(
    database: Any, register: Registrations
):
    others = Registrations(database)
    rivals = [registration(id=f"r{n}", tax_id=make_cpf(n % 60 + 1)) for n in range(240)]
    created = await asyncio.gather(
        *((register if n % 2 else others).create(one) for n, one in enumerate(rivals))
    )
    assert created.count(True) == 60
    new = {f"{one.id}:1" for one, is_new in zip(rivals, created, strict=True) if is_new}
    assert {entry["_id"] async for entry in database["audit"].find({})} == new


async def test_a_registration_that_cannot_be_stored_stops_no_other(register: Registrations):
    # This version is larger than any number that a document can hold.
    versions = [2**70 if n == 3 else 1 for n in range(6)]
    people = [
        registration(id=f"r{n}", tax_id=make_cpf(n + 1), version=version)
        for n, version in enumerate(versions)
    ]
    told = await asyncio.gather(*map(register.create, people), return_exceptions=True)
    assert [one is True for one in told] == [n != 3 for n in range(6)]
    assert isinstance(told[3], RefusedError)


async def test_a_tax_id_of_another_registration_is_not_taken_over(
    register: Registrations, audit: Audit
):
    mine, other = registration(), registration(id="r2", tax_id=make_cpf(2))
    assert await register.create(mine)
    assert await register.create(other)
    changed = mine.with_values({"tax_id": other.tax_id}, updated=provenance())
    assert not await register.update(
        Update(mine, changed, (Change("tax_id", mine.tax_id, other.tax_id),))
    )
    assert await register.by_id("r1") == mine
    assert await changes_of(audit, "r1") == []
