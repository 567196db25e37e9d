"""What a change of many does to one registration, action by action."""

from typing import Any, get_args

import pytest

from bot.domain.bulk_change import (
    BulkAction,
    BulkOptions,
    Deletion,
    Planned,
    Same,
    Skip,
    is_valid,
    plan_change,
)
from bot.domain.candidate import Update
from bot.domain.data_subject import ANONYMISED_NAME
from bot.domain.label import Tag
from bot.domain.registration import NOTE_LENGTH, TRAITS, Kind, Status
from bot.wording.bulk import _DOES, _SAME, _SKIPS, ACTIONS
from tests.storage.records import provenance, registration

FULL = tuple(f"t{n}" for n in range(TRAITS))
ANA: dict[str, Any] = {
    "kinds": frozenset((Kind.CUSTOMER,)),
    "tags": frozenset(("vip",)),
    "traits": ("Idosa", "surda"),
    "priority_departments": frozenset(("vendas",)),
    "fixed_note": "Liga cedo.\nTem cão.",
}
SAME = Same()
A = BulkAction


@pytest.mark.parametrize(
    ("action", "value", "before", "after"),
    [
        (A.ADD_TAG, "novo", {}, {"vip", "novo"}),
        (A.ADD_TAG, "vip", {}, SAME),
        (A.REMOVE_TAG, "vip", {}, set()),
        (A.REMOVE_TAG, "novo", {}, SAME),
        (A.ADD_KIND, "supplier", {}, {Kind.CUSTOMER, Kind.SUPPLIER}),
        (A.ADD_KIND, "customer", {}, SAME),
        (A.REMOVE_KIND, "supplier", {}, SAME),
        (A.REMOVE_KIND, "customer", {}, Skip.ONLY_KIND),
        (A.REMOVE_KIND, "customer", {"kinds": frozenset(Kind)}, set(Kind) - {Kind.CUSTOMER}),
        (A.STATUS, "inactive", {}, Status.INACTIVE),
        (A.STATUS, "active", {}, SAME),
        (A.ADD_PRIORITY, "suporte", {}, {"vendas", "suporte"}),
        (A.REMOVE_PRIORITY, "vendas", {}, set()),
        (A.REMOVE_PRIORITY, "suporte", {}, SAME),
        (A.ADD_TRAIT, "cega, IDOSA", {}, ("Idosa", "surda", "cega")),
        (A.ADD_TRAIT, "idosa", {}, SAME),
        (A.ADD_TRAIT, "idosa", {"traits": FULL}, Skip.TRAITS_FULL),
        (A.ADD_TRAIT, "T0", {"traits": FULL}, SAME),
        (A.REMOVE_TRAIT, "idosa, nenhuma", {}, ("surda",)),
        (A.REMOVE_TRAIT, "nenhuma", {}, SAME),
        (A.ADD_NOTE, "Tem cão.", {}, SAME),
        (A.ADD_NOTE, "Tem", {}, "Liga cedo.\nTem cão.\nTem"),
        (A.ADD_NOTE, "Nova", {"fixed_note": None}, "Nova"),
        (A.ADD_NOTE, "Nova", {"fixed_note": "x" * (NOTE_LENGTH - 4)}, Skip.NOTE_FULL),
        (A.SET_NOTE, "Nova", {}, "Nova"),
        (A.SET_NOTE, "", {}, None),
        (A.SET_NOTE, "", {"fixed_note": None}, SAME),
    ],
)
def test_an_action_changes_one_field_or_says_why_not(
    action: BulkAction, value: str, before: dict[str, Any], after: Any
):
    now = registration(**ANA | before)
    options = BulkOptions(action=action, value=value)
    planned = plan_change(now, options, provenance(), is_found=True)
    outside = plan_change(now, options, provenance(), is_found=False)
    if isinstance(after, Same | Skip):
        assert planned == after
        assert outside == (after if after == SAME else Skip.NOT_FOUND)
        return
    assert isinstance(planned, Update)
    [change] = planned.changes
    assert (change.before, change.after) == (now.value(change.path), after)
    assert planned.after == now.with_values({change.path: after}, updated=provenance())
    assert outside is Skip.NOT_FOUND
    # Once more, it stays as it is.
    assert plan_change(planned.after, options, provenance(), is_found=False) == SAME


@pytest.mark.parametrize("action", BulkAction)
def test_who_is_gone_or_anonymised_is_left_out_whatever_is_done(action: BulkAction):
    options = BulkOptions(action=action, value="x")
    assert plan_change(None, options, provenance(), is_found=False) is Skip.GONE
    nobody = registration(name=ANONYMISED_NAME)
    assert plan_change(nobody, options, provenance(), is_found=True) is Skip.ANONYMISED


def test_a_deletion_deletes_whom_the_search_still_finds():
    options = BulkOptions(action=A.DELETE)
    ana = registration()
    assert plan_change(ana, options, provenance(), is_found=True) == Deletion(ana)
    assert plan_change(ana, options, provenance(), is_found=False) is Skip.NOT_FOUND


@pytest.mark.parametrize(
    ("action", "good", "bad"),
    [
        (A.ADD_TAG, ["vip"], ["", "old", "nobody", "VIP"]),
        (A.REMOVE_TAG, ["vip", "old"], ["", "nobody"]),
        (A.ADD_PRIORITY, ["sales"], ["", "vip", "closed"]),
        (A.REMOVE_PRIORITY, ["sales", "closed"], ["vip"]),
        (A.ADD_KIND, [str(kind) for kind in Kind], ["", "cliente"]),
        (A.REMOVE_KIND, [str(kind) for kind in Kind], [""]),
        (A.STATUS, ["active", "inactive"], ["", "A"]),
        (A.ADD_TRAIT, ["idosa", ", ".join(FULL)], ["", " ,;", "x" * 61, f"mais,{','.join(FULL)}"]),
        (A.REMOVE_TRAIT, ["idosa"], [""]),
        (A.ADD_NOTE, ["x", "x" * NOTE_LENGTH], ["", " \n", "x" * (NOTE_LENGTH + 1)]),
        (A.SET_NOTE, ["x", ""], ["x" * (NOTE_LENGTH + 1)]),
        (A.DELETE, [""], ["x"]),
    ],
)
def test_only_a_value_that_suits_the_action_is_taken(
    action: BulkAction, good: list[str], bad: list[str]
):
    tags = [Tag(id="vip", name="VIP"), Tag(id="old", name="Velha", archived=True)]
    departments = [Tag(id="sales", name="Vendas"), Tag(id="closed", name="X", archived=True)]
    taken = {
        value: is_valid(
            BulkOptions(action=action, value=value), tags=tags, departments=departments
        )
        for value in (*good, *bad)
    }
    assert taken == dict.fromkeys(good, True) | dict.fromkeys(bad, False)


def test_every_action_and_reason_has_its_words():
    assert set(ACTIONS) == set(_SAME) == set(BulkAction)
    assert set(_DOES) == set(BulkAction) - {A.STATUS}
    assert set(_SKIPS) == set(Skip)
    assert Skip in get_args(Planned)
