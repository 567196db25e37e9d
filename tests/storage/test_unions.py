"""Unions of two registrations, and what was linked to each of them, on the server."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.demo.documents import make_cnpj
from bot.domain import proof
from bot.domain.audit import Event
from bot.domain.candidate import FROM_ERP, Candidate, Change, Create, Unchanged, Update
from bot.domain.conversation import Identity, VerifiedBy
from bot.domain.job import Batch, Counts
from bot.domain.registration import Kind, Phones, Registration
from bot.domain.search import Query
from bot.runtime.leases import keep_chats
from bot.usecases.jobs.search_pairs import SearchPairs
from bot.usecases.register.apply_candidate import ApplyCandidate
from bot.usecases.register.data_subject import Anonymise, Outcome
from bot.usecases.register.duplicates import ComparePair, FindDuplicates, Holding
from bot.usecases.register.edit_registration import Gone, RemoveRegistration, TaxIdTaken
from bot.usecases.register.unite import (
    DocumentNeeded,
    MoveChats,
    NotUnited,
    PairChanged,
    Separated,
    SeparateRegistrations,
    United,
    UnitedFurther,
    UniteRegistrations,
)
from storage.people.data_subject import DataSubjects
from storage.register.audit import Audit
from storage.register.bulk import Bulk
from storage.register.pairs import Outlines, Pairs
from storage.register.registrations import Registrations
from storage.register.search import Search
from storage.register.search_fields import CHANGED
from storage.register.unions import Unions
from storage.register.verify import verify
from storage.talk.conversations import Chats, Conversations
from storage.talk.relinking import Relinking
from storage.updates.states import chat_leases
from tests.storage.records import CPF, NOW, after, chat, conversation, provenance, registration

CNPJ = make_cnpj("123456780001")
MINE, THEIRS = "+5549999990001", "+5549999990002"
ADMIN = 9


class Company:
    """A register with two entries of Ana, and what hangs on them."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.register, self.audit = Registrations(database), Audit(database)
        self.chats, self.conversations = Chats(database), Conversations(database)
        self.bulk, self.pairs = Bulk(database), Pairs(database)
        holding = keep_chats(chat_leases(database), lambda: NOW).holding
        move = MoveChats(chats=self.chats, relinking=Relinking(database), holding=holding)
        self.move, unions, now = move, Unions(database), lambda: after(days=2)
        self.unite = UniteRegistrations(
            registrations=self.register, unions=unions, move=move, clock=now
        )
        self.separate = SeparateRegistrations(
            registrations=self.register, unions=unions, audit=self.audit, move=move, clock=now
        )
        self.find = FindDuplicates(pairs=self.pairs, registrations=self.register, clock=now)
        self.anonymise = Anonymise(
            subjects=DataSubjects(database), chats=self.chats, holding=holding, clock=now
        )

    async def united(self, stays: str = "r1", goes: str = "r2", **more: Any) -> Any:
        versions = []
        for one in (stays, goes):
            there = await self.register.by_id(one)
            versions.append(there.version if there else 0)
        more = {"read_versions": tuple(versions), "document": CPF.key} | more
        return await self.unite(stays, goes, admin_id=ADMIN, **more)

    async def two(self) -> list[Any]:
        """Return what is stored of both, but for versions and the latest provenance."""
        found = []
        for name, key in (("registrations", "_id"), ("conversations", "_id"), ("chats", "_id")):
            documents = await self.database[name].find({}).to_list(None)
            for one in sorted(documents, key=lambda document: str(document[key])):
                for passing in ("version", "updated", "seal", "card_version"):
                    one.pop(passing, None)
                if "words" in one:
                    # Its time of change is among them.
                    one["words"] = [word for word in one["words"] if not word.startswith(CHANGED)]
                if not one.get("united_from", True):
                    del one["united_from"]
                found.append(one)
        return found

    async def faults(self) -> Any:
        return (await verify(self.database, lambda _: None)).broken


@pytest.fixture
async def company(database: Any) -> Company:
    company = Company(database)
    for one in (
        registration(phones=Phones(mobile=MINE), tags={"a"}),
        registration(
            id="r2",
            tax_id=CNPJ,
            name="Ana Flores",
            phones=Phones(mobile=THEIRS),
            email="ana@flores.example",
            fixed_note="Fala alto.",
        ),
    ):
        assert await company.register.create(one)
    for number, of, tax_id, phone in ((1, "r1", CPF, MINE), (2, "r2", CNPJ, THEIRS)):
        proven = {
            "tax_id": tax_id,
            "registration_id": of,
            "identity": Identity.VERIFIED,
            "verified_by": VerifiedBy.PHONE,
            "verified_at": NOW,
            "proof": proof.phone_proof(phone),
        }
        await company.chats.put(chat(number, **proven))
        assert await company.conversations.add(conversation(number, **proven))
    return company


async def test_a_union_holds_what_both_had_and_its_undoing_gives_both_back(company: Company):
    before = await company.two()
    assert isinstance(await company.united(document=None), DocumentNeeded)
    done = await company.united()
    assert isinstance(done, United)
    united = done.registration
    # Whatever knows the other one finds the united one: id, document, name of the past, number.
    assert await company.register.by_id("r2") == united
    assert await company.register.by_tax_ids([CPF, CNPJ]) == {CPF.key: united, CNPJ.key: united}
    for text in (CNPJ.masked, "ana", "49999990002"):
        found = await Search(company.database)(Query(text=text))
        assert [one.id for one in found.registrations] == ["r1"]
    assert await Search(company.database).count(Query()) == 1
    both = await company.conversations.latest_of("r1", count=9)
    assert {one.id for one in both} == {"c1", "c2"}
    chats = await company.chats.of_registration("r1")
    assert [proof.holds(one.customer, united, at=NOW) for one in chats] == [True, True]
    history = await company.audit.with_united("r1")
    assert [(e.registration_id, e.event) for e in history if e.version == 2] == [
        ("r1", Event.UNITED),
        ("r2", Event.UNITED),
    ]
    assert len(history) == 4
    assert await company.faults() == ()
    undone = await company.separate("r2", admin_id=ADMIN)
    assert isinstance(undone, Separated)
    assert undone.kept == ()
    assert await company.two() == before
    assert await company.faults() == ()
    assert {e.registration_id for e in await company.audit.with_united("r1")} == {"r1"}
    assert isinstance(await company.separate("r2", admin_id=ADMIN), NotUnited)
    # And once more, after what was undone.
    assert isinstance(await company.united(), United)
    assert await company.faults() == ()


async def test_a_proof_by_a_telephone_that_did_not_stay_is_none(company: Company):
    full = Phones(mobile=MINE, home="+554933330001", commercial="+554933330002")
    one = await company.register.by_id("r1")
    assert one
    new = one.with_values({"phones": full}, updated=provenance())
    assert await company.register.update(Update(one, new, (Change("phones", None, None),)))
    done = await company.united()
    holds = {
        chat.id: proof.holds(chat.customer, done.registration, at=NOW)
        for chat in await company.chats.of_registration("r1")
    }
    assert holds == {1: True, 2: False}
    assert "(49) 99999-0002" in (done.registration.fixed_note or "")


class Killed:
    """The conversations of a process that is killed before it moves them."""

    async def to_united(self, registration_id: str, into: str) -> None:
        raise ConnectionResetError

    async def back(self, registration_id: str, united_into: str) -> None:
        raise ConnectionResetError


async def test_killed_after_the_write_the_rest_is_done_by_the_repetition(company: Company):
    killed = replace(company.move, relinking=Killed())
    versions = {"read_versions": (1, 1), "admin_id": ADMIN, "document": CPF.key}
    with pytest.raises(ConnectionResetError):
        await replace(company.unite, move=killed)("r1", "r2", **versions)
    assert len(await company.conversations.latest_of("r1", count=9)) == 1
    assert isinstance(await company.unite("r1", "r2", **versions), United)
    assert len(await company.conversations.latest_of("r1", count=9)) == 2
    with pytest.raises(ConnectionResetError):
        await replace(company.separate, move=killed)("r2", admin_id=ADMIN)
    assert len(await company.conversations.latest_of("r2", count=9)) == 0
    assert isinstance(await company.separate("r2", admin_id=ADMIN), NotUnited)
    assert len(await company.conversations.latest_of("r2", count=9)) == 1
    assert [one.united_from for one in await company.chats.of_registration("r2")] == [()]


async def test_what_changed_since_it_was_shown_is_not_united(company: Company):
    assert await company.united(read_versions=(1, 2)) == PairChanged()
    assert await company.united("r1", "r9") == Gone()
    assert await company.united("r1", "r1") == Gone()
    # A second admin at the same moment unites them the other way round.
    assert isinstance(await company.united("r2", "r1", document=CNPJ.key), United)
    assert await company.united() == PairChanged()
    stays = await company.register.by_id("r1")
    assert stays
    assert stays.id == "r2"
    remove = RemoveRegistration(register=company.register, clock=lambda: NOW)
    await remove("r2", read_version=stays.version, by="admin:1")
    assert await company.separate("r1", admin_id=ADMIN) == Gone()


async def test_a_chain_of_unions_is_undone_from_its_end(company: Company):
    third = registration(id="r3", tax_id=None, name="Ana F.")
    assert await company.register.create(third)
    before = await company.two()
    await company.united()
    assert isinstance(await company.united("r3", "r1"), United)
    now = await company.register.by_id("r2")
    assert now
    assert (now.id, now.tax_keys) == ("r3", (CPF.key, CNPJ.key))
    assert len(await company.conversations.latest_of("r3", count=9)) == 2
    assert len(await company.audit.with_united("r3")) == 7
    assert isinstance(await company.separate("r2", admin_id=ADMIN), UnitedFurther)
    for one in ("r1", "r2"):
        assert isinstance(await company.separate(one, admin_id=ADMIN), Separated)
    assert await company.two() == before
    assert await company.faults() == ()


async def test_no_source_makes_the_other_one_again(company: Company):
    await company.united()
    apply = ApplyCandidate(register=company.register, new_id=lambda: "r8")
    by = provenance("erp")
    of_other = Candidate(tax_id=CNPJ, name="Outro", kinds=frozenset((Kind.CUSTOMER,)))
    assert isinstance(await apply(of_other, FROM_ERP, by), Unchanged)
    assert not await company.register.create(registration(id="r8", tax_id=CNPJ))
    found = await company.bulk.by_tax_keys([CPF.key, CNPJ.key, "BR:1"])
    assert {key: one.id for key, one in found.items()} == {CPF.key: "r1", CNPJ.key: "r1"}
    # Of a batch that has read the other one before, nothing is written.
    copy = (await company.audit.entry("r2:2")).deleted  # type: ignore[union-attr]
    new = registration(id="r8", tax_id=CNPJ)
    batch = Batch(job=1, number=1, last_line=1, counts=Counts())
    creates = company.bulk.encoded([new])
    assert not await company.bulk.write(batch, provenance=by, creates=creates)
    # Somebody took the document that comes back: the union stays, and that is said.
    united = await company.register.by_id("r1")
    assert united
    assert copy
    without = united.with_values({"other_tax_ids": frozenset()}, updated=by)
    assert await company.register.update(Update(united, without, ()))
    assert isinstance(await apply(of_other, FROM_ERP, by), Create)
    assert isinstance(await company.separate("r2", admin_id=ADMIN), TaxIdTaken)


@pytest.mark.parametrize("document", [CPF, CNPJ])
async def test_the_united_persons_data_are_those_of_both(company: Company, document: Any):
    await company.united()
    traces = await DataSubjects(company.database).of_tax_id(document)
    assert {one.id for one in traces.conversations} == {"c1", "c2"}
    assert {one.id for one in traces.deleted} == {"r2"}
    assert len(traces.chats) == 2
    for one in traces.conversations:
        await company.conversations.close(one.id, None, at=NOW)
    traces = await DataSubjects(company.database).of_tax_id(document)
    done = await company.anonymise(
        traces.handle, read_version=traces.version, admin_id=ADMIN, operation="x"
    )
    assert done is Outcome.DONE
    names = await company.database.list_collection_names()
    stored = [await company.database[name].find({}).to_list(None) for name in names]
    text = json.dumps(stored, default=str, ensure_ascii=False)
    telling = (CPF.number, CNPJ.number, "Flores", "Fala", MINE, THEIRS, '"r2"', "united_from")
    assert {one for one in telling if one in text} <= {'"r2"'}
    assert await company.faults() == ()
    assert isinstance(await company.separate("r2", admin_id=ADMIN), NotUnited)


async def test_a_search_stores_its_pairs_and_forgets_what_is_none(company: Company):
    for number, values in enumerate(
        (
            {"name": "Rui Costa", "phones": Phones(mobile=MINE)},
            {"name": "Ruy Costa", "email": "rui@example.com"},
            {"name": "Bia", "email": "rui@example.com"},
            {"name": "Caio Rosa"},
        )
    ):
        one = registration(id=f"s{number}", **{"tax_id": None, **values})
        assert await company.register.create(one)
    search = SearchPairs(
        register=company.bulk,
        outlines=Outlines(company.database),
        pairs=company.pairs,
        clock=lambda: NOW,
    )
    counts: list[Counts] = []

    async def report(now: Counts) -> bool:
        counts.append(now)
        return True

    assert await search(report=report)
    assert counts[-1] == Counts(rows=6, pairs=3)
    page = await company.find.page()
    # Telephone before the name alone; who has a document stays.
    listed = [(one.stays.id, one.goes.id) for one in page.pairs]
    assert sorted(listed[:2]) == [("r1", "s0"), ("s1", "s2")]
    assert set(listed[2]) == {"s0", "s1"}
    assert await company.find.count() == 3
    compare = ComparePair(
        find=company.find, conversations=company.conversations, chats=company.chats
    )
    compared = await compare(page.pairs[listed.index(("r1", "s0"))].pair.id)
    assert compared
    assert (compared.stays, compared.goes) == (Holding(1, False, 1, 1), Holding(0, False, 0, 0))
    # Two people: not listed again by the next search, until that is taken back.
    two = page.pairs[2].pair
    await company.find.mark_different(two.id, by="admin:9")
    assert await search(report=report)
    assert (counts[-1].pairs, await company.find.count()) == (2, 2)
    await company.find.unmark(two.id)
    assert await company.find.count() == 3
    # One of a pair is united: the pairs with it leave the list.
    await company.united("r1", "s0")
    assert [one.goes.id for one in (await company.find.page()).pairs] == ["s2"]
    assert await company.find.get(two.id) is None

    async def cancelled(_: Counts) -> bool:
        return False

    assert not await search(report=cancelled)
    pages: Callable[..., Any] = company.pairs.page
    assert len((await pages(start=None, count=5)).pairs) == 1
    assert isinstance(await company.register.by_id("s0"), Registration)
