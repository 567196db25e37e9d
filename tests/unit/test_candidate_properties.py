"""Properties of every plan: it is idempotent, and a chat's telephone alone proves nothing."""

from datetime import UTC, datetime

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.candidate import (
    FROM_CHAT,
    FROM_ERP,
    Candidate,
    Create,
    Policy,
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
    Provenance,
    Registration,
    Status,
)
from storage.register.documents import registration_document
from storage.register.raw_registration import RawRegistration
from tests.unit.documents import CPF, STABLE

FROM_CUSTOMER = Provenance(
    at=datetime(2026, 11, 24, tzinfo=UTC), by="chat:5", way=ChangeSource.IDENTIFICATION
)
FROM_IXC = Provenance(
    at=datetime(2026, 11, 25, tzinfo=UTC), by="erp", way=ChangeSource.IDENTIFICATION
)
STORED = CodecOptions(tz_aware=True, tzinfo=UTC)
MOBILE, OTHER_MOBILE = "+5549999998888", "+5549988887777"
REFS = [ErpRef(system="ixc", table="cliente", id=str(n)) for n in range(3)]

texts = st.none() | st.sampled_from(["", "Ana", "Bia", "ana@example.com"])
# Texts that resemble the bytes of a stored document.
like_bytes = st.none() | st.sampled_from(["Ana", "Ana Maria", "name", "\x02email", "a\x04kinds"])
phone = st.none() | st.sampled_from([MOBILE, OTHER_MOBILE, "+554999998888", "+554933334444"])


def candidates_of(texts: st.SearchStrategy[str | None]) -> st.SearchStrategy[Candidate]:
    return st.builds(
        Candidate,
        tax_id=st.just(CPF),
        name=texts,
        trade_name=texts,
        phones=st.builds(Phones, commercial=phone, home=phone, mobile=phone),
        email=texts,
        status=st.none() | st.sampled_from(Status),
        kinds=st.frozensets(st.sampled_from(Kind)),
        tags=st.frozensets(st.sampled_from("abc")),
        traits=st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
        alert_traits=st.none() | st.booleans(),
        priority_departments=st.frozensets(st.sampled_from("abc")),
        fixed_note=texts,
        erp_refs=st.frozensets(st.sampled_from(REFS)),
    )


candidates = candidates_of(texts)
policies = st.sampled_from([FROM_ERP, FROM_CHAT]) | st.builds(
    Policy,
    may_create=st.booleans(),
    may_update=st.booleans(),
    fields=st.frozensets(st.sampled_from(UPDATABLE)),
    adds_to=st.frozensets(st.sampled_from(["kinds", "tags", "erp_refs"])),
    requires_tax_id=st.booleans(),
)
provenances = st.sampled_from([FROM_CUSTOMER, FROM_IXC])


def decided(candidate, known: Registration | None, policy: Policy, provenance: Provenance):
    return decide(candidate, known, policy, provenance=provenance, new_ids=iter(["new"]))


def result(decision) -> Registration | None:
    match decision:
        case Create(registration) | Unchanged(registration) | Update(after=registration):
            return registration
        case Refused():
            return None
    raise AssertionError(decision)


@STABLE
@given(candidates, candidates, policies, provenances)
def test_planning_the_result_again_is_unchanged(first, second, policy, provenance):
    known = result(decided(first, None, policy, FROM_CUSTOMER))
    after = result(decided(second, known, policy, provenance))
    if after is None:
        assert isinstance(decided(second, known, policy, provenance), Refused)
        return
    again = decided(second, after, policy, FROM_IXC)
    if known is None and isinstance(again, Update):
        # A telephone known only from a chat is no longer so when another source repeats it.
        assert [change.path for change in again.changes] == ["chat_phones"]
        after = again.after
        again = decided(second, after, policy, FROM_IXC)
    assert again == Unchanged(after)


@STABLE
@given(candidates, candidates, policies, provenances)
def test_the_changes_are_what_differs_and_nothing_else(first, second, policy, provenance):
    known = result(decided(first, None, Policy(may_create=True, may_update=True), provenance))
    update = decided(second, known, policy, provenance)
    if not isinstance(update, Update):
        return
    assert policy.may_update
    changed = {change.path: change for change in update.changes}
    assert changed.keys() <= policy.fields | {"chat_phones"}
    assert all(change.before != change.after for change in update.changes)
    replayed = known.with_values(
        {path: change.after for path, change in changed.items()}, updated=provenance
    )
    assert replayed == update.after
    undone = update.after.with_values(
        {path: change.before for path, change in changed.items()}, updated=known.updated
    )
    assert undone.model_copy(update={"version": known.version}) == known


@STABLE
@given(candidates, candidates, provenances)
def test_no_set_loses_anything_to_the_erp(first, second, provenance):
    known = result(decided(first, None, Policy(may_create=True, may_update=True), provenance))
    after = result(decided(second, known, FROM_ERP, provenance))
    if known is not None:
        assert after.kinds >= known.kinds
        assert after.erp_refs >= known.erp_refs


def prospect() -> Registration:
    """Return a prospect who introduced himself in a chat."""
    said = Candidate(
        tax_id=CPF, name="Ana", phones=Phones(mobile=MOBILE), kinds=frozenset((Kind.PROSPECT,))
    )
    decision = decided(said, None, FROM_CHAT, FROM_CUSTOMER)
    assert isinstance(decision, Create)
    return decision.registration


def test_the_telephone_of_a_chat_proves_nothing_until_another_source_has_it():
    said = prospect()
    assert said.chat_phones == {MOBILE}
    assert not said.is_reached_at(MOBILE)
    again = decided(
        Candidate(tax_id=CPF, phones=Phones(mobile=MOBILE)), said, FROM_CHAT, FROM_CUSTOMER
    )
    assert again == Unchanged(said)


@pytest.mark.parametrize("where", ["commercial", "home", "mobile"])
@pytest.mark.parametrize("written", [MOBILE, "+554999998888"])
def test_another_source_confirms_the_telephone_of_a_chat(where: str, written: str):
    known = Candidate(tax_id=CPF, phones=Phones(**{where: written}), erp_refs=frozenset(REFS[:1]))
    update = decided(known, prospect(), FROM_ERP, FROM_IXC)
    assert isinstance(update, Update)
    assert update.after.is_reached_at(MOBILE)


def test_another_telephone_from_the_erp_does_not_confirm_the_one_of_the_chat():
    known = Candidate(tax_id=CPF, phones=Phones(home=OTHER_MOBILE))
    update = decided(known, prospect(), FROM_ERP, FROM_IXC)
    assert isinstance(update, Update)
    assert update.after.is_reached_at(OTHER_MOBILE)
    assert not update.after.is_reached_at(MOBILE)


def test_what_the_erp_says_while_a_chat_is_identified_is_proven():
    known = Candidate(
        tax_id=CPF,
        name="Ana",
        phones=Phones(mobile=MOBILE),
        kinds=frozenset((Kind.CUSTOMER,)),
        erp_refs=frozenset(REFS[:1]),
    )
    created = decided(known, None, FROM_ERP, FROM_IXC)
    assert isinstance(created, Create)
    assert created.registration.chat_phones == frozenset()
    assert created.registration.is_reached_at(MOBILE)


@given(
    first=candidates | candidates_of(like_bytes),
    one=candidates | candidates_of(like_bytes),
    policy=policies,
)
def test_the_quick_answer_never_hides_a_change(first: Candidate, one: Candidate, policy: Policy):
    everything = Policy(may_create=True, may_update=True)
    known = result(decided(first, None, everything, FROM_IXC))
    if known is None:
        return
    stored = RawRegistration(bson.encode(registration_document(known)), STORED)
    decision = decided(one, known, policy, FROM_IXC)
    if policy.may_update and stored.has(one, policy):
        assert isinstance(decision, Unchanged)
    assert (stored.tax_key, stored.version) == (CPF.key, known.version)
    # The quick comparison of bytes finds nearly all candidates that change nothing.
    if isinstance(decision, Unchanged) and not (
        known.chat_phones or one.erp_refs or policy.adds_to
    ):
        assert stored.has_bytes_of(one, policy) or not policy.may_update


@given(one=candidates, policy=policies, provenance=provenances)
def test_who_is_created_is_as_valid_as_if_it_had_been_validated(
    one: Candidate, policy: Policy, provenance: Provenance
):
    decision = decided(one, None, policy, provenance)
    if isinstance(decision, Create):
        made = decision.registration
        assert set(made.__dict__) == set(Registration.model_fields)
        assert Registration.model_validate(dict(made)) == made
        assert made.model_copy(update={"name": "Outra"}).name == "Outra"
