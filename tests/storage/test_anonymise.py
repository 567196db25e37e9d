"""After anonymisation no document names the person, and the audit still reveals tampering."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.audit import Event
from bot.domain.bulk_change import BulkAction, BulkOptions
from bot.domain.candidate import Change, Update
from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    EventKind,
    Identity,
    Transfer,
    fingerprint,
)
from bot.domain.data_subject import ANONYMISED_NAME, Traces
from bot.domain.export import ExportOptions
from bot.domain.job import Batch, Counts, Job, JobKind, JobState, Kept, RowReport, Sample
from bot.domain.outgoing import Undelivered
from bot.domain.question import Question, Subject
from bot.domain.registration import ErpRef, Phones, Portal, Registration
from bot.domain.search import Query
from bot.domain.tax_id import TaxId
from bot.domain.undo import undo_entry
from bot.runtime.leases import keep_chats
from bot.usecases.register.data_subject import Anonymise, Outcome
from storage.jobs.jobs import Jobs
from storage.people.data_subject import DataSubjects
from storage.register.audit import Audit
from storage.register.bulk import Bulk
from storage.register.registrations import Registrations
from storage.register.verify import Broken, Fault, verify
from storage.talk.conversations import Chats, Conversations
from storage.talk.questions import Questions
from storage.talk.queue import Queue
from storage.updates.inbox import Inbox
from storage.updates.outbox import Outbox
from storage.updates.states import chat_leases
from tests.storage.records import (
    NOW,
    after,
    chat,
    conversation,
    outgoing,
    provenance,
    registration,
)

CPF = TaxId("39053344705")
NAME, EMAIL, PHONE = "Ana Beatriz Souza", "ana.souza@exemplo.com.br", "+5549999990001"
CHAT, OTHERS_CHAT = 777001, 777002
BY_ADMIN = provenance(at=after(days=1), by="admin:9")


def ana(**more: Any) -> Registration:
    by = provenance(by=f"chat:{CHAT}")
    return registration(
        **{
            "id": "a1",
            "tax_id": CPF,
            "name": NAME,
            "trade_name": "Ana Doces",
            "email": EMAIL,
            "phones": Phones(mobile=PHONE),
            "portal": Portal(username="anasouza", password_hash="$argon2id$x"),
            "traits": ("fala alto",),
            "fixed_note": "mora na rua das Flores",
            "tags": frozenset({"t1"}),
            "erp_refs": frozenset({ErpRef(system="ixc", table="cliente", id="4711")}),
            "created": by,
            "updated": by,
        }
        | more
    )


TELLING = (
    *(CPF.number, CPF.masked, NAME, "Beatriz", "beatriz", EMAIL, "outra@", PHONE, PHONE[3:]),
    *("anasouza", "argon2id", "fala alto", "Flores", "4711", "Ana Doces", str(CHAT) + '"'),
)


async def every_text(database: Any) -> str:
    """Return all that is stored, as text."""
    names = await database.list_collection_names()
    documents = {name: await database[name].find({}).to_list(None) for name in names}
    return json.dumps(documents, default=str, ensure_ascii=False)


async def found_in(database: Any) -> set[str]:
    text = await every_text(database)
    return {one for one in TELLING if one in text}


async def faults(database: Any) -> tuple[Broken, ...]:
    return (await verify(database, lambda _: None)).broken


async def change(register: Registrations, current: Registration, **values: Any) -> Registration:
    changes = tuple(Change(path, current.value(path), v) for path, v in values.items())
    new = current.with_values(values, updated=provenance(at=after(hours=current.version)))
    assert await register.update(Update(current, new, changes))
    return new


@pytest.fixture
async def subjects(database: Any) -> DataSubjects:
    """Store Ana in every collection.

    She was deleted once and created again, served, imported, and named in a report.
    """
    register = Registrations(database)
    old = ana(id="a0", tax_id=CPF)
    assert await register.create(old)
    assert await register.delete(old, provenance(at=after(hours=1)))
    assert await register.create(ana())
    await change(register, ana(), name=f"{NAME} Lima", email="outra@exemplo.com.br")
    current = await register.by_id("a1")
    assert current
    await change(register, current, name=NAME, email=EMAIL)
    bulk = registration(
        id="b1", tax_id=make_cpf(7), created=provenance().model_copy(update={"job": "1"})
    )
    assert await register.create(bulk)
    await Chats(database).put(
        chat(
            CHAT,
            privacy_notice_at=NOW,
            tax_id=CPF,
            registration_id="a1",
            identity=Identity.VERIFIED,
            phone=PHONE,
            name=NAME,
            attempts=(fingerprint(CPF),),
            attempts_on="2026-11-24",
        )
    )
    other = chat(OTHERS_CHAT, tax_id=make_cpf(7), attempts=(fingerprint(CPF), "x"))
    await Chats(database).put(other)
    conversations = Conversations(database)
    for number, chat_id in enumerate((CHAT, OTHERS_CHAT)):
        served = conversation(
            number,
            chat_id=chat_id,
            tax_id=CPF,
            registration_id=("a1", "a0")[number],
            name=NAME,
            phone=PHONE,
        )
        assert await conversations.add(served)
        await _what_was_written(database, served)
        await conversations.close(f"c{number}", Attendant(id=2, name="Bia"), at=after(hours=1))
    await _a_job(database)
    inbox = Inbox(database)
    replied = {"from": {"id": 9}, "chat": {"id": -1}, "text": f"<b>{NAME}</b> {CPF.masked}"}
    own = {"from": {"id": CHAT}, "chat": {"id": CHAT}, "text": "meu sigilo"}
    await inbox.add(1, [(5, "-1", {"message": replied}), (6, "x", {"message": own})], at=NOW)
    for update_id in (5, 6):
        await inbox.set_aside(1, update_id, at=NOW)
    return DataSubjects(database)


async def _what_was_written(database: Any, served: Conversation) -> None:
    """Store a proposed note, a topic's title, a transfer's reason and unsent messages."""
    asked = Question(
        group_id=-1,
        message_id=len(served.id) + int(served.id[1:]),
        about=Subject.NOTE,
        conversation_id=served.id,
        asked=Attendant(id=2, name="Bia"),
        asked_at=NOW,
        note_before=NAME,
        added=f"é a {NAME}",
    )
    await Questions(database).put(asked)
    await Conversations(database).set_card(replace(served, topic_id=70, topic_shown=NAME))
    transfer = Transfer(
        at=NOW, by=asked.asked, reason=NAME, question=1, from_group=-1, from_topic_shown=NAME
    )
    told = ConversationEvent(at=NOW, by="user:2", what=EventKind.TRANSFERRED, detail=NAME)
    moved = replace(served, transfer=transfer)
    assert await Queue(database).transfer(served, moved, told)
    outbox = Outbox(database)
    waits, failed = (
        outgoing(2 * served.chat_id + n, conversation_id=served.id, html=NAME, header=NAME)
        for n in range(2)
    )
    assert await outbox.add([waits, failed]) == [True, True]
    await outbox.fail([failed.id], Undelivered.BLOCKED, at=NOW)


async def _a_job(database: Any) -> None:
    jobs = Jobs(database)
    job = Job(
        id=0,
        kind=JobKind.IMPORT,
        state=JobState.DONE,
        by="admin:9",
        created_at=NOW,
        samples=(Sample(path="email", line=2, name=NAME, before="velho@x.br", after=EMAIL),),
        to_refuse=(RowReport(line=3, reasons=(("tax_id", "repeated", CPF.masked),)),),
    )
    assert (await jobs.add(job)).id == 1
    note = BulkOptions(
        action=BulkAction.ADD_NOTE, value=f"Falar com {NAME}", query=Query(text=NAME)
    )
    for kind, options in (
        (JobKind.CHANGE, {"bulk_options": note}),
        (JobKind.EXPORT, {"export_options": ExportOptions(query=Query(text=CPF.masked))}),
    ):
        await jobs.add(job.model_copy(update={"kind": kind} | options))
    bulk, batch = Bulk(database), Batch(job=1, number=1, last_line=2, counts=Counts(rows=1))
    [stored] = (await bulk.by_ids(["a1"])).values()
    now = stored.registration
    by_job = provenance(at=after(hours=9)).model_copy(update={"job": "1"})
    new = now.with_values({"trade_name": "Ana Doces"}, updated=by_job)
    update = Update(now, new, (Change("trade_name", now.trade_name, "Ana Doces"),))
    kept = (Kept(registration_id="a1", name=NAME, paths=("email",)),)
    batch = batch.model_copy(update={"kept": kept})
    changes = bulk.encoded_changes([(stored, update)], provenance=by_job)
    assert await bulk.write(batch, provenance=by_job, changes=changes)


async def everything(subjects: DataSubjects) -> Traces:
    """Run each step of the use case, in its order."""
    traces = await subjects.of_tax_id(CPF)
    await subjects.empty_updates(traces)
    await subjects.empty_reports(traces)
    for served in traces.conversations:
        await subjects.empty_conversation(served.id)
    for other in traces.chats_of_others:
        await subjects.forget_attempt(other.id, CPF)
    for registration_id in traces.registration_ids:
        version = traces.version if registration_id == "a1" else 0
        assert await subjects.anonymise(registration_id, BY_ADMIN, version=version)
    return traces


async def test_all_that_is_stored_about_a_person_is_found(subjects: DataSubjects):
    traces = await subjects.of_tax_id(CPF)
    assert traces.registration_ids == ("a0", "a1")
    assert [chat.id for chat in traces.chats] == [CHAT]
    assert [chat.id for chat in traces.chats_of_others] == [OTHERS_CHAT]
    assert {one.id for one in traces.conversations} == {"c0", "c1"}
    assert len(traces.entries) == 2 + 4
    assert [one.is_set_aside for one in traces.updates] == [True]
    assert await subjects.of_handle(traces.handle) == traces
    assert await subjects.of_handle("a0") == traces
    assert await subjects.of_handle(f"chat-{CHAT}") == traces
    assert await subjects.of_handle("conv-c1") == traces
    assert await subjects.of_handle("chat-1") is None
    assert await subjects.of_handle("conv-x") is None
    assert await subjects.of_handle("x") is None
    assert (await subjects.of_tax_id(TaxId("52998224725"))).is_empty


async def test_nothing_tells_who_it_was_and_the_audit_fits(database: Any, subjects: DataSubjects):
    assert await found_in(database) == set(TELLING)
    await everything(subjects)
    # The use case itself writes the chat, because it holds the chat's lock meanwhile.
    await Chats(database).put(Chat(id=CHAT, privacy_notice_at=NOW))
    assert await found_in(database) == set()
    assert "velho@x.br" not in await every_text(database)
    assert "meu sigilo" not in await every_text(database)
    assert await faults(database) == ()
    left = await Registrations(database).by_id("a1")
    assert left
    assert (left.name, left.kinds, left.tax_id) == (ANONYMISED_NAME, ana().kinds, None)
    assert (await Chats(database).get(OTHERS_CHAT)).attempts == ("x",)
    entries = await Audit(database).audit_of("a1")
    assert [entry.event for entry in entries] == [
        *(Event.ANONYMISED, Event.CHANGED, Event.CHANGED, Event.CHANGED, Event.CREATED)
    ]
    assert entries[0].provenance.by == "admin:9"
    assert [change.path for change in entries[2].changes] == ["name", "email"]
    again = await subjects.of_handle("a1")
    assert again
    assert again.is_anonymised


async def test_it_is_neither_undone_nor_restored_nor_done_twice(
    database: Any, subjects: DataSubjects
):
    await everything(subjects)
    register = Registrations(database)
    left = await register.by_id("a1")
    assert left
    for entry in await Audit(database).audit_of("a1"):
        undone = undo_entry(entry, left, BY_ADMIN)
        assert undone is None or isinstance(undone, Kept)
    old = ana(id="a0", version=3)
    assert not await register.bring_back(old)
    assert not await subjects.anonymise("a1", BY_ADMIN, version=left.version - 1)
    assert (await subjects.of_handle("a0")).is_anonymised
    assert await subjects.anonymise("a1", BY_ADMIN, version=left.version), "once more is no harm"
    assert await faults(database) == ()
    # The registration can still be deleted, as any other can.
    left = await register.by_id("a1")
    assert left
    assert await register.delete(left, provenance(at=after(days=2)))
    assert await faults(database) == ()


async def test_a_bulk_runs_creation_without_entries_is_anonymised(
    database: Any, subjects: DataSubjects
):
    assert await subjects.anonymise("b1", BY_ADMIN, version=1)
    assert await faults(database) == ()
    assert [one.event for one in await Audit(database).audit_of("b1")] == [Event.ANONYMISED]


@pytest.mark.parametrize(
    ("key", "values", "broken"),
    [
        ("a1:2", {"stamp.by": "admin:2"}, Broken("a1", Fault.ENTRY_CHANGED, 2)),
        ("a1:2", {"name": NAME}, Broken("a1", Fault.ENTRY_CHANGED, 2)),
        ("a1:5", {"stamp.by": "admin:2"}, Broken("a1", Fault.ENTRY_CHANGED, 5)),
        ("a0:3", {"is_gone": False}, Broken("a0", Fault.ENTRY_CHANGED, 3)),
        ("a1:3", None, Broken("a1", Fault.ENTRY_MISSING, 3)),
        ("a1:5", None, Broken("a1", Fault.ENTRY_MISSING, 5)),
        ("a0:3", None, Broken("a0", Fault.ENTRY_CHANGED, 1)),
        ("a1", {"status": "inactive"}, Broken("a1", Fault.REGISTRATION_CHANGED)),
    ],
)
async def test_tampering_after_it_is_told(
    database: Any, subjects: DataSubjects, key: str, values: dict[str, Any] | None, broken: Broken
):
    await everything(subjects)
    collection = database["audit" if ":" in key else "registrations"]
    if values is None:
        await collection.delete_one({"_id": key})
    else:
        await collection.update_one({"_id": key}, {"$set": values})
    assert await faults(database) == (broken,)


async def test_what_was_tampered_with_before_it_is_told_for_good(
    database: Any, subjects: DataSubjects
):
    await database["audit"].update_one({"_id": "a1:2"}, {"$set": {"changes.0.before": "Eva"}})
    before = await faults(database)
    assert before == (Broken("a1", Fault.ENTRY_CHANGED, 2),)
    await everything(subjects)
    assert await faults(database) == before
    left = await Registrations(database).by_id("a1")
    assert left
    assert await subjects.anonymise("a1", BY_ADMIN, version=left.version)
    assert await faults(database) == before


async def test_somebody_without_a_registration_leaves_an_entry_once(
    database: Any, subjects: DataSubjects
):
    for _ in range(2):
        await subjects.record("9:55", BY_ADMIN)
    entries = await database["audit"].find({"event": "anonymised"}).to_list(None)
    assert [entry["stamp"]["by"] for entry in entries] == ["admin:9"]
    assert await faults(database) == ()


class Killed(Exception):  # noqa: N818 - what happens to a process
    pass


class KilledAt:
    """A store whose process is killed before its n-th call; `left` counts down."""

    def __init__(self, store: Any, calls: int) -> None:
        self._store, self.left = store, calls

    def __getattr__(self, name: str) -> Any:
        if self.left == 0:
            raise Killed
        self.left -= 1
        return getattr(self._store, name)


@pytest.mark.parametrize("handle", ["a1", f"chat-{CHAT}"])
async def test_killed_anywhere_it_goes_on_when_it_is_repeated(
    database: Any, subjects: DataSubjects, handle: str
):
    if handle != "a1":
        # A customer who only wrote to the bot: no import ever held such a person.
        for name in ("registrations", "audit", "jobs", "job_batches"):
            await database[name].delete_many({})
    locks = keep_chats(chat_leases(database), lambda: NOW)
    kills, outcome = 0, None
    while outcome is None:
        one = KilledAt(subjects, kills + 2)
        anonymise = Anonymise(
            subjects=one,
            chats=Chats(database),
            holding=locks.holding,
            clock=lambda: NOW,
        )
        read_version = 4 if handle == "a1" else 0
        try:
            outcome = await anonymise(
                handle, read_version=read_version, admin_id=9, operation="9:55"
            )
        except Killed:
            kills += 1
        assert await faults(database) == ()
    assert kills > 3
    assert outcome is Outcome.DONE
    # A lease names its chat while it is held.
    await locks.release_all()
    assert await found_in(database) == set()
    entries = await database["audit"].find({"event": "anonymised"}).to_list(None)
    assert len(entries) == (2 if handle == "a1" else 1)
