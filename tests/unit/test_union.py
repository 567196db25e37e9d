"""The union of two registrations, field by field, and what undoes it."""

from typing import Any

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import FROM_ERP, Candidate, Update, decide
from bot.domain.registration import ErpRef, ErpValue, Kind, Phones, Portal, Registration, Status
from bot.domain.row import Row
from bot.domain.row_plan import PlannedRow, keep_one_update_each
from bot.domain.union import UnionPlan, first_to_stay, plan_separation, plan_union
from storage.register.documents import plain
from tests.storage.records import CPF, after, full_registration, provenance, registration

OTHER = make_cnpj("123456780001")
BY = provenance("admin:9", after(days=1))
MOBILE, SECOND, THIRD, FOURTH = (f"+55499999900{n}0" for n in (1, 2, 3, 4))


def other(**values: Any) -> Registration:
    return registration(id="r2", **{"tax_id": None, "name": "Ana", **values})


@pytest.mark.parametrize(
    ("mine", "theirs", "taken", "united"),
    [
        # What only one of the two has.
        ({}, {"email": "a@b.co"}, (), {"email": "a@b.co", "fixed_note": None}),
        ({"email": "a@b.co"}, {}, ("email",), {"email": "a@b.co"}),
        # One of two: the chosen one, and the other one in the note.
        ({"email": "a@b.co"}, {"email": "c@d.co"}, (), {"fixed_note": "Outro e-mail: c@d.co"}),
        ({"email": "a@b.co"}, {"email": "c@d.co"}, ("email",), {"email": "c@d.co"}),
        ({"name": "Ana S"}, {"name": "Ana Souza"}, ("name",), {"name": "Ana Souza"}),
        ({}, {"status": Status.INACTIVE}, (), {"status": Status.ACTIVE}),
        # Telephones go where there is room, and each is there once.
        (
            {"phones": Phones(mobile=MOBILE)},
            {"phones": Phones(mobile=SECOND, home=MOBILE)},
            (),
            {"phones": Phones(mobile=MOBILE, home=SECOND)},
        ),
        (
            {"phones": Phones(mobile=MOBILE, home=SECOND, commercial=THIRD)},
            {"phones": Phones(mobile=FOURTH)},
            ("phones.mobile",),
            {
                "phones": Phones(mobile=FOURTH, home=SECOND, commercial=THIRD),
                "fixed_note": "Outro telefone: (49) 99999-0010",
            },
        ),
        # A number from a chat proves nothing, unless the other one has it from the ERP.
        (
            {"phones": Phones(mobile=MOBILE), "chat_phones": {MOBILE}},
            {"phones": Phones(home=SECOND), "chat_phones": {SECOND}},
            (),
            {"chat_phones": {MOBILE, SECOND}},
        ),
        (
            {"phones": Phones(mobile=MOBILE), "chat_phones": {MOBILE}},
            {"phones": Phones(mobile=MOBILE)},
            (),
            {"chat_phones": frozenset()},
        ),
        # Sets of both.
        ({"tags": {"a"}}, {"tags": {"b"}, "kinds": {Kind.SUPPLIER}}, (), {"tags": {"a", "b"}}),
        ({"traits": ("x", "y")}, {"traits": ("Y", "z")}, (), {"traits": ("x", "y", "z")}),
        ({"fixed_note": "um"}, {"fixed_note": "dois"}, (), {"fixed_note": "um\ndois"}),
        ({"alert_traits": False}, {"alert_traits": True}, (), {"alert_traits": True}),
        # A login is a user name with its password.
        (
            {"portal": Portal(username="ana", password_hash="1")},
            {"portal": Portal(username="bia", password_hash="2")},
            ("portal.username",),
            {"portal": Portal(username="bia", password_hash="2")},
        ),
        # The ERP's own value stays beside the correction that stays.
        (
            {"email": "a@b.co", "erp_values": {ErpValue(path="email", value="x@y.co")}},
            {"email": "c@d.co"},
            ("email",),
            {"erp_values": frozenset()},
        ),
        ({"tax_id": None}, {"tax_id": OTHER}, (), {"tax_id": OTHER, "other_tax_ids": frozenset()}),
    ],
)
def test_what_the_united_one_has(
    mine: dict[str, Any], theirs: dict[str, Any], taken: tuple[str, ...], united: dict[str, Any]
):
    stays, goes = registration(**mine), other(**theirs)
    plan = plan_union(stays, goes, taken=frozenset(taken))
    result = plan.update(BY).after
    assert {path: getattr(result, path) for path in united} == united
    assert result.united == {"r2"}
    _undone(plan)


def _entries(plan: UnionPlan) -> tuple[AuditEntry, AuditEntry]:
    """Return the entries as they come from storage."""
    update = plan.update(BY)
    stored = tuple(
        type(one)(one.path, plain(one.before), plain(one.after)) for one in update.changes
    )
    facts = {"event": Event.UNITED, "provenance": BY, "name": "Ana"}
    united = AuditEntry(id="r1:2", registration_id="r1", version=2, changes=stored, **facts)
    gone = AuditEntry(
        id="r2:2", registration_id="r2", version=2, deleted=plan.goes, into="r1:2", **facts
    )
    return united, gone


def _undone(plan: UnionPlan, **since: Any) -> Registration:
    update = plan.update(BY)
    now = update.after.with_values(since, updated=BY) if since else update.after
    undone = plan_separation(now, *_entries(plan), BY)
    assert undone is not None
    assert undone.restored == plan.goes.with_values({}, updated=BY, version=3)
    stayed = undone.update.after
    if not since:
        assert stayed == plan.stays.with_values({}, updated=BY, version=update.after.version + 1)
        assert undone.kept == ()
    return stayed


def test_two_documents_are_kept_both_and_somebody_chooses():
    stays, goes = registration(), other(tax_id=OTHER)
    plan = plan_union(stays, goes)
    assert plan.documents == (CPF, OTHER)
    for document, own, rest in ((CPF, CPF, OTHER), (OTHER, OTHER, CPF)):
        plan = plan_union(stays, goes, document=document.key)
        united = plan.update(BY).after
        assert (united.tax_id, united.tax_keys) == (own, (own.key, rest.key))
        assert united.has_document(own)
        assert united.has_document(rest)
        assert united.has_document(None)
        assert not united.has_document(make_cpf(5))
        assert _undone(plan).tax_keys == (CPF.key,)


def test_everything_of_two_full_ones_comes_back():
    one = full_registration()
    two = full_registration().with_values(
        {
            "id": "r2",
            "tax_id": OTHER,
            "name": "Bia",
            "tags": frozenset(("d",)),
            "email": "bia@example.com",
            "phones.mobile": SECOND,
            "erp_refs": frozenset((ErpRef(system="ixc", table="cliente", id="8"),)),
            "united": frozenset(("r3",)),
            "other_tax_ids": frozenset((make_cpf(7).key,)),
        },
        updated=BY,
    )
    for stays, goes in ((one, two), (two, one)):
        plan = plan_union(stays, goes, document=OTHER.key, taken=frozenset(("name", "email")))
        assert plan.update(BY).after.erp_refs == one.erp_refs | two.erp_refs
        assert "name" in plan.lost
        undone = plan_separation(plan.update(BY).after, *_entries(plan), BY)
        assert undone is not None
        ours = undone.update.after
        assert ours == stays.with_values({}, updated=BY, version=ours.version)


def test_what_was_changed_since_stays_as_it_is():
    plan = plan_union(registration(tags={"a"}), other(email="a@b.co", tags={"b"}, tax_id=OTHER))
    stayed = _undone(plan, email="new@b.co", tags=frozenset(("a", "b", "c")), name="Zoe")
    assert (stayed.email, stayed.tags, stayed.name) == ("new@b.co", {"a", "c"}, "Zoe")
    # The other one needs its document back.
    assert _undone(plan, tax_id=OTHER).tax_id is None


def test_a_long_note_is_not_cut_but_left_in_the_audit():
    plan = plan_union(registration(fixed_note="a" * 1999), other(fixed_note="b" * 5))
    assert plan.update(BY).after.fixed_note == "a" * 1999
    assert plan.lost == ("fixed_note",)


def test_who_stays_is_known_to_the_erp_has_a_document_and_is_older():
    known = other(erp_refs={ErpRef(system="ixc", id="1")})
    assert first_to_stay(registration(), known)[0] is known
    assert first_to_stay(other(), registration())[0].id == "r1"
    younger = registration(id="r0", created=BY)
    assert first_to_stay(younger, registration())[0].id == "r1"


def test_a_record_with_the_other_document_only_adds():
    plan = plan_union(registration(email="a@b.co"), other(tax_id=OTHER), document=CPF.key)
    united = plan.update(BY).after
    refs = frozenset((ErpRef(system="ixc", id="8"),))
    by_other = Candidate(
        tax_id=OTHER,
        name="Outro nome",
        email="x@y.co",
        trade_name="Flores",
        kinds=frozenset((Kind.SUPPLIER,)),
        status=Status.INACTIVE,
        erp_refs=refs,
    )
    decision = decide(by_other, united, FROM_ERP, provenance=BY, new_ids=())
    assert isinstance(decision, Update)
    paths = {change.path for change in decision.changes}
    assert paths == {"trade_name", "kinds", "erp_refs"}
    by_own = Candidate(tax_id=CPF, name="Ana Lima", trade_name="Flor")
    first = decide(by_own, united, FROM_ERP, provenance=BY, new_ids=())
    # Both in one batch: the row with its own document is written, wherever it stands.
    for order in ((by_own, by_other), (by_other, by_own)):
        decisions = {id(by_own): first, id(by_other): decision}
        rows = [PlannedRow(Row(one), None, decisions[id(one)], 5) for one in order]
        keep_one_update_each(rows, refuses=False)
        assert {id(one.row.candidate): one.decision for one in rows} == {
            id(by_own): first,
            id(by_other): None,
        }
