"""Concurrent writes to the register: one registration per person, and no change is lost."""

import asyncio
import uuid
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.candidate import FROM_CHAT, FROM_ERP, Candidate, Create, Policy, Unchanged
from bot.domain.errors import TryLaterError
from bot.domain.registration import ChangeSource, ErpRef, Kind, Phones, Provenance, Registration
from bot.usecases.register.apply_candidate import ApplyCandidate
from storage.register.registrations import Registrations
from tests.storage.records import CPF, NOW, after, registration

ADMIN = Policy(may_create=False, may_update=True, fields=frozenset(("fixed_note", "tags")))


@pytest.fixture
def register(database: Any) -> Registrations:
    return Registrations(database)


@pytest.fixture
def apply(register: Registrations) -> ApplyCandidate:
    return ApplyCandidate(register=register, new_id=lambda: uuid.uuid4().hex)


def from_erp(name: str = "Ana", **values: Any) -> Candidate:
    return Candidate(
        **(
            {
                "tax_id": CPF,
                "name": name,
                "kinds": frozenset((Kind.CUSTOMER,)),
                "erp_refs": frozenset((ErpRef(system="ixc", table="cliente", id="7"),)),
            }
            | values
        )
    )


def provenance(second: int = 0, by: str = "erp") -> Provenance:
    return Provenance(at=after(seconds=second), by=by, way=ChangeSource.SYNC)


async def patiently(
    apply: ApplyCandidate, candidate: Candidate, policy: Policy, provenance: Provenance
) -> Any:
    """Apply the candidate and retry what may be tried later, as callers do."""
    for _ in range(50):
        try:
            return await apply(candidate, policy, provenance)
        except TryLaterError:
            continue
    pytest.fail("it never became possible")


async def chain(database: Any, stored: Registration) -> list[dict[str, Any]]:
    """Return the changes of a registration by version; fail if one is missing or doubled."""
    entries = await database["audit"].find({"registration_id": stored.id}).to_list(None)
    versions = {int(entry["_id"].rpartition(":")[2]): entry for entry in entries}
    assert sorted(versions) == list(range(1, stored.version + 1))
    return [c for version in sorted(versions) for c in versions[version].get("changes", ())]


async def test_fifty_at_once_with_one_new_tax_id_make_one_registration(
    database: Any, apply: ApplyCandidate, register: Registrations
):
    decisions = await asyncio.gather(
        *[apply(from_erp(), FROM_ERP, provenance()) for _ in range(50)]
    )
    assert sum(isinstance(decision, Create) for decision in decisions) == 1
    assert sum(isinstance(decision, Unchanged) for decision in decisions) == 49
    assert len({decision.registration.id for decision in decisions}) == 1
    assert await register.count() == 1
    assert await database["audit"].count_documents({}) == 1


async def test_erp_and_chat_at_once_make_one_registration_that_the_erp_wins(
    register: Registrations, apply: ApplyCandidate
):
    said = Candidate(
        tax_id=CPF,
        name="aninha",
        phones=Phones(mobile="+5549999998888"),
        kinds=frozenset((Kind.PROSPECT,)),
    )
    await asyncio.gather(
        *[apply(said, FROM_CHAT, provenance(by="chat:1")) for _ in range(10)],
        *[patiently(apply, from_erp(), FROM_ERP, provenance()) for _ in range(10)],
    )
    stored = (await register.by_tax_ids([CPF]))[CPF.key]
    assert await register.count() == 1
    assert stored.name == "Ana"
    assert Kind.CUSTOMER in stored.kinds


async def test_updates_at_once_from_erp_and_admin_lose_nothing(
    database: Any, register: Registrations, apply: ApplyCandidate
):
    await register.create(registration(name="n0"))
    work = []
    for number in range(1, 16):
        names = from_erp(f"n{number}")
        notes = Candidate(tax_id=CPF, fixed_note=f"o{number}")
        work.append(patiently(apply, names, FROM_ERP, provenance(number)))
        work.append(patiently(apply, notes, ADMIN, provenance(-number, by="admin:1")))
    await asyncio.gather(*work)
    stored = (await register.by_tax_ids([CPF]))[CPF.key]
    changes = await chain(database, stored)
    for path, letter, first in (("name", "n", "n0"), ("fixed_note", "o", None)):
        of_it = [change for change in changes if change["path"] == path]
        assert sorted(change["after"] for change in of_it) == sorted(
            f"{letter}{n}" for n in range(1, 16)
        )
        before = [first, *(change["after"] for change in of_it)]
        assert [change["before"] for change in of_it] == before[:-1]
        assert getattr(stored, path) == before[-1]


async def test_sets_that_several_add_to_at_once_hold_all_of_it(
    database: Any, register: Registrations, apply: ApplyCandidate
):
    await register.create(registration())
    refs = [ErpRef(system="ixc", table="cliente", id=str(n)) for n in range(15)]
    await asyncio.gather(
        *[
            patiently(apply, from_erp(erp_refs=frozenset((ref,))), FROM_ERP, provenance(n))
            for n, ref in enumerate(refs)
        ]
    )
    stored = (await register.by_tax_ids([CPF]))[CPF.key]
    assert stored.erp_refs == frozenset(refs)
    assert len(await chain(database, stored)) == 15


async def test_applying_again_changes_nothing(
    database: Any, register: Registrations, apply: ApplyCandidate
):
    people = [from_erp(f"Ana {n}", tax_id=make_cpf(n + 1), line=n) for n in range(120)]
    first = [await apply(one, FROM_ERP, provenance()) for one in people]
    assert all(isinstance(decision, Create) for decision in first)
    again = [await apply(one, FROM_ERP, provenance(9)) for one in people]
    assert again == [Unchanged(decision.registration) for decision in first]
    assert await register.count() == 120
    assert await database["audit"].count_documents({}) == 120


async def test_what_was_decided_is_what_is_stored(register: Registrations, apply: ApplyCandidate):
    await apply(from_erp("antes"), FROM_ERP, Provenance(at=NOW, by="erp", way=ChangeSource.SYNC))
    updated = await apply(from_erp("depois"), FROM_ERP, provenance(1))
    stored = (await register.by_tax_ids([CPF]))[CPF.key]
    assert updated.after == stored
    assert (stored.name, stored.version, stored.updated.at) == ("depois", 2, after(seconds=1))
