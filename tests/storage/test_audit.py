"""The audit as it is read, and an admin's edits, deletions and restores, alone and in a race."""

import asyncio
import itertools
from datetime import date, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo.documents import make_cpf
from bot.domain.audit import AuditEntry, AuditFilter, Event
from bot.domain.candidate import Change
from bot.domain.registration import Kind, Phones, Portal, Registration, Status
from bot.usecases.register.edit_registration import (
    AlreadyThere,
    ChangedMeanwhile,
    Edited,
    EditRegistration,
    Gone,
    Removed,
    RemoveRegistration,
    Restored,
    RestoreRegistration,
    TaxIdTaken,
    Unchanged,
)
from storage.engine.ordered import Ordered
from storage.register.audit import Audit
from storage.register.audit_chain import own_fields
from storage.register.registrations import Registrations
from storage.register.verify import verify
from tests.storage.records import NOW, after, full_registration, provenance, registration, renaming

UTC, SAO_PAULO = ZoneInfo("UTC"), ZoneInfo("America/Sao_Paulo")


class Editor:
    """The register, and an admin's actions on it."""

    def __init__(self, database: Any) -> None:
        clock = itertools.count(1)
        self.database = database
        self.register = Registrations(database)
        self.audit = Audit(database)

        def now() -> Any:
            return after(minutes=next(clock))

        self.edit = EditRegistration(register=self.register, audit=self.audit, clock=now)
        self.remove = RemoveRegistration(register=self.register, clock=now)
        self.restore = RestoreRegistration(register=self.register, audit=self.audit, clock=now)

    async def events(self, registration_id: str = "r1") -> list[Event]:
        return [entry.event for entry in await self.audit.audit_of(registration_id)][::-1]

    async def stored(self) -> dict[str, Any]:
        """Return the stored fields of `r1`, without those that every event writes."""
        document = await self.database["registrations"].find_one({"_id": "r1"})
        return {k: v for k, v in own_fields(document).items() if k not in ("version", "updated")}

    async def fits(self) -> bool:
        return not (await verify(self.database, lambda _: None)).broken


@pytest.fixture
def editor(database: Any) -> Editor:
    return Editor(database)


async def test_a_field_is_edited_cleared_and_told(editor: Editor):
    await editor.register.create(registration(email="a@example.com"))
    values = {"name": "Bia", "email": None, "status": Status.INACTIVE, "fixed_note": ""}
    outcome = await editor.edit("r1", read_version=1, values=values, by="admin:2")
    assert isinstance(outcome, Edited)
    stored = await editor.register.by_id("r1")
    assert stored == outcome.registration
    assert (stored.name, stored.email, stored.status) == ("Bia", None, Status.INACTIVE)
    entry, _ = await editor.audit.audit_of("r1")
    assert entry.changes == (
        Change("name", "Ana", "Bia"),
        Change("email", "a@example.com", None),
        Change("status", "active", "inactive"),
    )
    assert (entry.provenance.by, entry.version, entry.name) == ("admin:2", 2, "Bia")
    assert await editor.fits()


async def test_an_edit_that_changes_nothing_writes_nothing(editor: Editor):
    await editor.register.create(registration())
    values = {"name": "Ana", "tags": (), "email": "", "traits": None, "alert_traits": None}
    outcome = await editor.edit("r1", read_version=1, values=values, by="admin:2")
    assert outcome == Unchanged(registration())
    # An edit from an old version changes nothing if another admin has made the same change since.
    await editor.edit("r1", read_version=1, values={"name": "Bia"}, by="admin:2")
    again = await editor.edit("r1", read_version=1, values={"name": "Bia"}, by="admin:3")
    assert isinstance(again, Unchanged)
    assert await editor.events() == [Event.CREATED, Event.CHANGED]


async def test_the_second_of_two_admins_sees_what_changed_and_decides(editor: Editor):
    await editor.register.create(registration())
    await editor.edit("r1", read_version=1, values={"name": "Bia"}, by="admin:2")
    outcome = await editor.edit("r1", read_version=1, values={"name": "Carla"}, by="admin:3")
    assert isinstance(outcome, ChangedMeanwhile)
    assert (outcome.current.name, outcome.current.version) == ("Bia", 2)
    decided = await editor.edit("r1", read_version=2, values={"name": "Carla"}, by="admin:3")
    assert isinstance(decided, Edited)


async def test_of_eight_edits_at_once_one_is_written_and_the_others_are_told(editor: Editor):
    await editor.register.create(registration())
    outcomes = await asyncio.gather(
        *(
            editor.edit("r1", read_version=1, values={"name": f"Ana {n}"}, by=f"admin:{n}")
            for n in range(8)
        )
    )
    assert sum(isinstance(outcome, Edited) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ChangedMeanwhile) for outcome in outcomes) == 7
    assert await editor.events() == [Event.CREATED, Event.CHANGED]
    assert await editor.fits()


async def test_an_edit_against_a_deletion_has_one_winner(editor: Editor):
    for number in range(6):
        key = f"r{number}"
        await editor.register.create(registration(id=key, tax_id=make_cpf(number + 1)))
        edited, removed = await asyncio.gather(
            editor.edit(key, read_version=1, values={"name": "Bia"}, by="admin:1"),
            editor.remove(key, read_version=1, by="admin:2"),
        )
        if isinstance(removed, Removed):
            assert isinstance(edited, Gone)
            assert await editor.register.by_id(key) is None
        else:
            assert isinstance(removed, ChangedMeanwhile)
            assert isinstance(edited, Edited)
        assert len(await editor.events(key)) == 2
    assert await editor.fits()


async def test_a_tax_id_that_another_has_is_not_given_twice(editor: Editor):
    other = registration(id="r2", tax_id=make_cpf(2))
    await editor.register.create(registration())
    await editor.register.create(other)
    values = {"country": "BR", "tax_id": other.tax_id}
    outcome = await editor.edit("r1", read_version=1, values=values, by="admin:1")
    assert outcome == TaxIdTaken(other)
    assert await editor.events() == [Event.CREATED]
    values = {"country": "BR", "tax_id": make_cpf(3)}
    assert isinstance(await editor.edit("r1", read_version=1, values=values, by="admin:1"), Edited)
    assert await editor.register.by_tax_ids([make_cpf(3)])
    assert await editor.fits()


async def test_of_two_who_are_given_one_tax_id_at_once_one_has_it(editor: Editor):
    for n in (1, 2):
        await editor.register.create(registration(id=f"r{n}", tax_id=make_cpf(n)))
    values = {"country": "BR", "tax_id": make_cpf(3)}
    outcomes = await asyncio.gather(
        *(editor.edit(f"r{n}", read_version=1, values=values, by="admin:1") for n in (1, 2))
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Edited", "TaxIdTaken"]


async def test_a_phone_that_an_admin_gives_is_no_longer_the_word_of_a_chat(editor: Editor):
    phone = "+5549999998888"
    chat = registration(phones=Phones(mobile=phone), chat_phones=frozenset((phone,)))
    await editor.register.create(chat)
    assert not chat.is_reached_at(phone)
    values = {"phones.mobile": phone}
    outcome = await editor.edit("r1", read_version=1, values=values, by="admin:1")
    assert isinstance(outcome, Edited)
    assert outcome.registration.is_reached_at(phone)


@pytest.mark.parametrize(
    "values",
    [
        {"name": None},
        {"name": "a" * 201},
        {"fixed_note": "a" * 2001},
        {"kinds": ()},
        {"version": 7},
        {"country": "PT"},
    ],
)
async def test_what_no_caller_may_ask_for_is_an_error_and_changes_nothing(
    editor: Editor, values: dict[str, Any]
):
    await editor.register.create(registration())
    with pytest.raises(ValueError, match=r".+"):
        await editor.edit("r1", read_version=1, values=values, by="admin:1")
    assert await editor.register.by_id("r1") == registration()


async def test_what_was_deleted_is_kept_whole_and_comes_back_the_same(editor: Editor):
    secret = Portal(username="ana", password_hash="$argon2id$x")
    one = full_registration().model_copy(update={"portal": secret, "version": 1})
    await editor.register.create(one)
    before = await editor.stored()
    outcome = await editor.remove("r1", read_version=1, by="admin:2")
    assert outcome == Removed("r1:2")
    assert await editor.register.by_id("r1") is None
    entry = await editor.audit.entry("r1:2")
    assert entry
    assert (entry.event, entry.deleted, entry.name) == (Event.DELETED, one, "Ana")
    restored = await editor.restore("r1:2", by="admin:3")
    assert isinstance(restored, Restored)
    assert restored.registration.version == 3
    assert await editor.register.by_id("r1") == restored.registration
    assert await editor.stored() == before
    assert await editor.fits()


async def test_nothing_is_restored_twice(editor: Editor):
    await editor.register.create(registration())
    await editor.remove("r1", read_version=1, by="admin:1")
    outcomes = await asyncio.gather(*(editor.restore("r1:2", by=f"admin:{n}") for n in range(6)))
    assert sum(isinstance(outcome, Restored) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyThere) for outcome in outcomes) == 5
    # Nor does an old button restore it after it was deleted again.
    await editor.remove("r1", read_version=3, by="admin:1")
    assert isinstance(await editor.restore("r1:2", by="admin:1"), Gone)
    assert isinstance(await editor.restore("r1:4", by="admin:1"), Restored)
    expected = [Event.CREATED, *(2 * [Event.DELETED, Event.RESTORED])]
    assert await editor.events() == expected
    assert await editor.fits()


async def test_whose_tax_id_was_registered_again_is_not_restored(editor: Editor):
    await editor.register.create(registration())
    await editor.remove("r1", read_version=1, by="admin:1")
    other = registration(id="r2")
    assert await editor.register.create(other)
    assert await editor.restore("r1:2", by="admin:1") == TaxIdTaken(other)
    assert await editor.register.by_id("r1") is None


async def test_what_is_no_deletion_restores_nothing(editor: Editor):
    await editor.register.create(registration())
    assert isinstance(await editor.restore("r1:1", by="admin:1"), Gone)
    assert isinstance(await editor.restore("r9:1", by="admin:1"), Gone)


async def test_what_is_gone_or_has_changed_is_not_deleted(editor: Editor):
    assert isinstance(await editor.remove("r1", read_version=1, by="admin:1"), Gone)
    edited = await editor.edit("r1", read_version=1, values={"name": "B"}, by="admin:1")
    assert isinstance(edited, Gone)
    await editor.register.create(registration())
    await editor.edit("r1", read_version=1, values={"name": "Bia"}, by="admin:1")
    outcome = await editor.remove("r1", read_version=1, by="admin:2")
    assert isinstance(outcome, ChangedMeanwhile)
    assert await editor.register.by_id("r1")


async def history(editor: Editor, seed: int, *, count: int = 150) -> list[AuditEntry]:
    """Return random events of a few people over some days, newest first."""
    random = Random(seed)  # noqa: S311 - the same data each time
    stored: dict[str, Registration] = {}
    deleted: dict[str, Registration] = {}
    for number in range(count):
        by = random.choice(["admin:1", "admin:2", "erp:ixc", "chat:7", "chat:77"])
        # Many events at one moment, and clocks that disagree.
        at = NOW + timedelta(hours=random.randrange(100))
        choice = random.choice(["create", "change", "change", "delete", "restore"])
        key = random.choice(list(stored)) if stored else ""
        if choice == "create" or not stored:
            key = f"r{number}"
            stamp_ = provenance(by, at)
            one = registration(id=key, tax_id=make_cpf(number + 1), created=stamp_, updated=stamp_)
            assert await editor.register.create(one)
            stored[key] = one
        elif choice == "change":
            update = renaming(stored[key], f"n{number}", by, at)
            assert await editor.register.update(update)
            stored[key] = update.after
        elif choice == "delete":
            assert await editor.register.delete(stored[key], provenance(by, at))
            deleted[key] = stored.pop(key)
        elif deleted:
            key, last = deleted.popitem()
            back = last.model_copy(
                update={"version": last.version + 2, "updated": provenance(by, at)}
            )
            assert await editor.register.bring_back(back)
            stored[key] = back
    ids = [document["_id"] async for document in editor.database["audit"].find({})]
    entries = [await editor.audit.entry(id_) for id_ in ids]
    return sorted(
        (entry for entry in entries if entry),
        key=lambda entry: (entry.provenance.at, entry.id),
        reverse=True,
    )


def is_wanted(entry: AuditEntry, wanted: AuditFilter, timezone: ZoneInfo) -> bool:
    day = entry.provenance.at.astimezone(timezone).date()
    return (
        wanted.by in (None, entry.provenance.by)
        and wanted.event in (None, entry.event)
        and (wanted.first_day or date.min) <= day <= (wanted.last_day or date.max)
    )


@pytest.mark.parametrize("by_windows", [True, False], ids=["windows", "as on MongoDB"])
async def test_every_filter_finds_what_a_filter_in_memory_finds(editor: Editor, by_windows: bool):
    # The shapes for MongoDB give the same on the embedded server; they are only slow at size.
    entries_ = editor.database["audit"]
    editor.audit._by_event = Ordered(entries_, "event_moment", by_windows=by_windows)
    editor.audit._by_person = Ordered(entries_, "by_moment", by_windows=by_windows)
    entries = await history(editor, 1, count=100)
    first = NOW.date()
    days: list[tuple[date | None, date | None]] = [
        (None, None),
        (first, first + timedelta(days=1)),
        (None, first + timedelta(days=2)),
        (first + timedelta(days=2), None),
        (date.min, date.max),
    ]
    asked = itertools.product((None, "admin:1", "chat:7", "admin:9"), (None, Event.DELETED), days)
    # In turn, and days are an odd number: so each of them meets both.
    timezones = itertools.cycle((UTC, SAO_PAULO))
    for (by, event, (first_day, last_day)), timezone in zip(asked, timezones, strict=False):
        wanted = AuditFilter(by=by, event=event, first_day=first_day, last_day=last_day)
        expected = [entry for entry in entries if is_wanted(entry, wanted, timezone)]
        page = await editor.audit.page(wanted, timezone=timezone, start=None)
        assert list(page.entries) == expected[:8]
        assert (page.older is None) is (len(expected) <= 8)
        each = [entry async for entry in editor.audit.each(wanted, timezone=timezone)]
        assert each == expected


async def test_pages_follow_one_another_without_gap_or_repetition(editor: Editor):
    entries = await history(editor, 2, count=90)
    for wanted in (AuditFilter(by="admin:1"), AuditFilter(event=Event.CHANGED), AuditFilter()):
        found: list[AuditEntry] = []
        start = None
        while True:
            page = await editor.audit.page(wanted, timezone=UTC, start=start)
            found += page.entries
            start = page.older
            if start is None:
                break
            assert len(page.entries) == 8
            # A new entry does not move the older ones.
            late = registration(id="late", tax_id=None, created=provenance(at=after(days=9)))
            if wanted == AuditFilter():
                await editor.register.create(late)
        assert found == [entry for entry in entries if is_wanted(entry, wanted, UTC)]


async def test_people_are_those_of_the_company_and_its_systems(editor: Editor):
    assert await editor.audit.people() == []
    await history(editor, 3, count=60)
    assert await editor.audit.people() == ["admin:1", "admin:2", "erp:ixc"]


async def test_two_replicas_note_one_person_once(database: Any):
    audits = [Audit(database) for _ in range(8)]
    await asyncio.gather(*(audit.note(["admin:1", "chat:1"]) for audit in audits))
    assert await audits[0].people() == ["admin:1"]


async def test_a_bulk_run_is_in_the_audit_with_its_changes_only(editor: Editor):
    by_job = provenance("erp:ixc").model_copy(update={"job": "j1"})
    one = registration(created=by_job, updated=by_job, kinds=frozenset((Kind.SUPPLIER,)))
    assert await editor.register.create(one)
    assert await editor.register.update(renaming(one, "Bia", by="erp:ixc"))
    assert await editor.events() == [Event.CHANGED]
    assert await editor.fits()
