"""The plan: create, update field by field, unchanged or refused, each for its reason."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.candidate import (
    FROM_CHAT,
    FROM_ERP,
    Candidate,
    Change,
    Create,
    Decision,
    Policy,
    Refusal,
    Refused,
    Unchanged,
    Update,
    decide,
)
from bot.domain.fields import UPDATABLE
from bot.domain.registration import (
    ChangeSource,
    ErpRef,
    Kind,
    Phones,
    Portal,
    Provenance,
    Registration,
    Status,
)
from bot.domain.row_plan import first_line
from bot.domain.seen_keys import SeenKeys
from tests.unit.documents import CNPJ, CPF, OTHER_CPF

OLD = Provenance(at=datetime(2026, 1, 2, tzinfo=UTC), by="admin:1", way=ChangeSource.CHAT)
NOW = Provenance(
    at=datetime(2026, 11, 24, tzinfo=UTC), by="erp:ixc", way=ChangeSource.SYNC, job="j1"
)
EVERYTHING = Policy(may_create=True, may_update=True)
MOBILE, OTHER_MOBILE = "+5549999998888", "+5549988887777"
REF, OTHER_REF = ErpRef(system="ixc", table="cliente", id="7"), ErpRef(system="omie", id="7")

STORED = Registration(
    id="r1",
    tax_id=CPF,
    name="Ana",
    trade_name="Ana Flores",
    phones=Phones(commercial="+554933334444", home="+554933335555", mobile=MOBILE),
    email="ana@example.com",
    portal=Portal(username="ana", password_hash="hash"),
    kinds=frozenset((Kind.PROSPECT,)),
    tags=frozenset(("vip",)),
    traits=("surda",),
    alert_traits=True,
    priority_departments=frozenset(("suporte",)),
    fixed_note="Tem cachorro.",
    erp_refs=frozenset((REF,)),
    created=OLD,
    updated=OLD,
    version=3,
)
# Another value at each path of UPDATABLE.
OTHERS: dict[str, Any] = {
    "name": "Ana Souza",
    "trade_name": "Flores da Ana",
    "phones.commercial": "+554932221111",
    "phones.home": "+554932222222",
    "phones.mobile": OTHER_MOBILE,
    "email": "ana@example.org",
    "portal.username": "ana.souza",
    "portal.password_hash": "another hash",
    "status": Status.INACTIVE,
    "kinds": frozenset((Kind.CUSTOMER,)),
    "tags": frozenset(("novo",)),
    "traits": ("cadeirante", "surda"),
    "alert_traits": False,
    "priority_departments": frozenset(("vendas",)),
    "fixed_note": "Portão azul.",
    "erp_refs": frozenset((OTHER_REF,)),
}


def candidate(values: dict[str, Any] | None = None, **more: Any) -> Candidate:
    """A candidate for CPF with values at the paths of UPDATABLE, and nothing else."""
    fields = (values or {}) | more
    own = {path: value for path, value in fields.items() if "." not in path}
    for name, model in (("phones", Phones), ("portal", Portal)):
        inner = {p.split(".")[1]: v for p, v in fields.items() if p.startswith(f"{name}.")}
        if inner:
            own[name] = model(**inner)
    return Candidate(**({"tax_id": CPF} | own))


def decided(
    one: Candidate, *stored: Registration, policy: Policy, provenance: Provenance = NOW
) -> Decision:
    known = {r.tax_id.key: r for r in stored if r.tax_id}
    existing = known.get(one.tax_id.key) if one.tax_id else None
    return decide(one, existing, policy, provenance=provenance, new_ids=iter(["new"]))


def value_at(registration: Registration, path: str) -> Any:
    where, _, inside = path.partition(".")
    value = getattr(registration, where)
    return getattr(value, inside) if inside else value


def test_the_samples_cover_every_field():
    assert tuple(OTHERS) == UPDATABLE


def test_who_is_new_is_created_with_all_that_is_known():
    decision = decided(candidate(OTHERS), policy=EVERYTHING)
    assert isinstance(decision, Create)
    created = decision.registration
    assert {path: value_at(created, path) for path in UPDATABLE} == OTHERS
    assert (created.id, created.tax_id, created.country, created.version) == ("new", CPF, "BR", 1)
    assert created.created == created.updated == NOW
    assert created.chat_phones == frozenset()


def test_what_a_source_does_not_say_has_the_usual_value():
    decision = decided(candidate(name="Ana", kinds=frozenset((Kind.SUPPLIER,))), policy=EVERYTHING)
    assert isinstance(decision, Create)
    assert decision.registration.status is Status.ACTIVE
    assert decision.registration.alert_traits is False
    assert decision.registration.email is None
    assert decision.registration.phones == Phones()


@pytest.mark.parametrize("path", UPDATABLE)
def test_each_field_is_updated_by_itself(path: str):
    decision = decided(candidate({path: OTHERS[path]}), STORED, policy=EVERYTHING)
    assert isinstance(decision, Update)
    assert decision.changes == (Change(path, value_at(STORED, path), OTHERS[path]),)
    assert decision.before == STORED
    assert value_at(decision.after, path) == OTHERS[path]
    assert decision.after.version == STORED.version + 1
    assert decision.after.updated == NOW
    untouched = [p for p in UPDATABLE if p != path]
    assert [value_at(decision.after, p) for p in untouched] == [
        value_at(STORED, p) for p in untouched
    ]


@pytest.mark.parametrize("path", UPDATABLE)
def test_a_field_that_is_not_ticked_keeps_its_value(path: str):
    policy = Policy(may_create=True, may_update=True, fields=frozenset(UPDATABLE) - {path})
    assert decided(candidate({path: OTHERS[path]}), STORED, policy=policy) == Unchanged(STORED)


@pytest.mark.parametrize("path", UPDATABLE)
def test_the_value_that_is_there_already_changes_nothing(path: str):
    same = candidate({path: value_at(STORED, path)})
    assert decided(same, STORED, policy=EVERYTHING) == Unchanged(STORED)


@pytest.mark.parametrize("policy", [EVERYTHING, FROM_ERP, FROM_CHAT])
@pytest.mark.parametrize("blank", [None, "", (), frozenset()])
def test_a_blank_never_erases(policy: Policy, blank: object):
    texts = dict.fromkeys(("name", "trade_name", "email", "fixed_note"), blank)
    assert decided(candidate(texts), STORED, policy=policy) == Unchanged(STORED)
    assert decided(candidate(), STORED, policy=policy) == Unchanged(STORED)


def test_a_no_is_not_a_blank():
    decision = decided(candidate(alert_traits=False), STORED, policy=EVERYTHING)
    assert isinstance(decision, Update)
    assert decision.after.alert_traits is False


def test_the_erp_adds_kinds_and_references_and_never_removes():
    decision = decided(
        candidate(kinds=frozenset((Kind.CUSTOMER,)), erp_refs=frozenset((OTHER_REF,))),
        STORED,
        policy=FROM_ERP,
    )
    assert isinstance(decision, Update)
    assert decision.after.kinds == {Kind.PROSPECT, Kind.CUSTOMER}
    assert decision.after.erp_refs == {REF, OTHER_REF}
    assert decision.changes == (
        Change("kinds", STORED.kinds, frozenset((Kind.PROSPECT, Kind.CUSTOMER))),
        Change("erp_refs", STORED.erp_refs, frozenset((REF, OTHER_REF))),
    )


def test_the_erp_wins_in_what_it_owns_and_leaves_the_local_fields_alone():
    decision = decided(candidate(OTHERS), STORED, policy=FROM_ERP)
    assert isinstance(decision, Update)
    assert {change.path for change in decision.changes} == FROM_ERP.fields
    for path in UPDATABLE:
        if path in ("kinds", "erp_refs"):
            expected = value_at(STORED, path) | OTHERS[path]
        else:
            expected = OTHERS[path] if path in FROM_ERP.fields else value_at(STORED, path)
        assert value_at(decision.after, path) == expected


def test_a_chat_never_updates():
    assert decided(candidate(OTHERS), STORED, policy=FROM_CHAT) == Unchanged(STORED)


def test_without_a_right_to_create_only_what_exists_is_touched():
    quick = Policy(may_create=False, may_update=True)
    new = candidate(name="Ana", kinds=frozenset((Kind.CUSTOMER,)))
    assert decided(new, policy=quick) == Refused(new, (Refusal.NOT_IN_REGISTER,))
    assert isinstance(decided(candidate(name="Bia"), STORED, policy=quick), Update)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"name": None}, Refusal.NO_NAME),
        ({"name": ""}, Refusal.NO_NAME),
        ({"tax_id": None}, Refusal.NO_TAX_ID),
        ({"kinds": frozenset()}, Refusal.NO_KIND),
    ],
)
def test_what_cannot_be_created_is_refused_with_its_reason(missing: dict, reason: Refusal):
    one = candidate({"name": "Ana", "kinds": frozenset((Kind.CUSTOMER,))} | missing)
    assert decided(one, policy=EVERYTHING) == Refused(one, (reason,))


def test_every_reason_is_told_at_once():
    one = Candidate(tax_id=None)
    nothing = Policy(may_create=False, may_update=False)
    assert decided(one, policy=nothing) == Refused(
        one,
        (Refusal.NOT_IN_REGISTER, Refusal.NO_NAME, Refusal.NO_TAX_ID, Refusal.NO_KIND),
    )


@pytest.mark.parametrize("path", ["name", "trade_name", "fixed_note"])
@pytest.mark.parametrize("stored", [(), (STORED,)], ids=["new", "known"])
def test_a_value_longer_than_the_register_takes_stops_nobody_and_is_not_stored(
    path: str, stored: tuple[Registration, ...]
):
    too_long = candidate(
        {"name": "Ana", "kinds": frozenset((Kind.CUSTOMER,))} | {path: "a" * 2001}
    )
    decision = decided(too_long, *stored, policy=EVERYTHING)
    if isinstance(decision, Update):
        Registration.model_validate(dict(decision.after))
    else:
        assert isinstance(decision, Refused | Unchanged)


def test_without_a_tax_id_it_is_created_where_that_is_allowed():
    policy = Policy(may_create=True, may_update=True, requires_tax_id=False)
    one = candidate(tax_id=None, name="Ana", kinds=frozenset((Kind.CUSTOMER,)), line=2)
    assert isinstance(decided(one, policy=policy), Create)
    # A file makes a name alone once, and finds nobody else by it.
    repeats = SeenKeys()
    reached = replace(one, email="ana@x.com")
    assert [first_line(one, policy, repeats) for one in (one, reached, one)] == [None, None, 2]


def test_the_first_of_a_tax_id_wins_and_the_others_name_its_line():
    lines = [
        candidate(name="Ana", kinds=frozenset((Kind.CUSTOMER,)), line=2),
        candidate(tax_id=OTHER_CPF, name="Bia", kinds=frozenset((Kind.CUSTOMER,)), line=3),
        candidate(name="Carla", line=4),
        candidate(tax_id=CNPJ, name="Loja", kinds=frozenset((Kind.SUPPLIER,)), line=5),
        candidate(name="Dora", line=6),
    ]
    repeats = SeenKeys()
    firsts = [first_line(one, EVERYTHING, repeats) for one in lines]
    assert firsts == [None, None, 2, None, 2]


def test_a_repeated_tax_id_counts_also_when_the_first_was_refused():
    lines = [candidate(line=2), candidate(name="Ana", kinds=frozenset((Kind.CUSTOMER,)), line=3)]
    refused = Refused(lines[0], (Refusal.NO_NAME, Refusal.NO_KIND))
    assert decided(lines[0], policy=EVERYTHING) == refused
    repeats = SeenKeys()
    assert [first_line(one, EVERYTHING, repeats) for one in lines] == [None, 2]
