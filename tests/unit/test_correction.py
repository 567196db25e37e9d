"""Corrections by hand against the ERP: the old value of the ERP leaves them, a new one wins."""

from datetime import UTC, datetime

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import FROM_ERP, Candidate, Change, Policy, Unchanged, Update, decide
from bot.domain.correction import KEPT, corrected
from bot.domain.registration import (
    ChangeSource,
    ErpRef,
    ErpValue,
    Kind,
    Phones,
    Provenance,
    Registration,
)
from bot.domain.undo import Reverted, undo_entry
from storage.register.documents import change_document, registration_document
from storage.register.raw_registration import RawRegistration
from tests.unit.documents import CPF
from tests.unit.test_candidate_properties import STORED as OPTIONS

A, B, C = "+5549988880001", "+5549988880002", "+5549988880003"
A_SHORT = "+554988880001"
AT = datetime(2026, 11, 24, tzinfo=UTC)
FROM_FILE = Policy(may_create=True, may_update=True, confirms_phones=False)
AUTHORS = {
    "erp": Provenance(at=AT, by="erp", way=ChangeSource.SYNC, job="1"),
    "user": Provenance(at=AT, by="user:5", way=ChangeSource.CHAT),
    "admin": Provenance(at=AT, by="admin:1", way=ChangeSource.CHAT),
    "file": Provenance(at=AT, by="admin:1", way=ChangeSource.IMPORT, job="2"),
}


class Record:
    """A registration from the ERP whose mobile is written by several, with its audit."""

    def __init__(self, mobile: str | None = A, *, is_linked: bool = True) -> None:
        refs = frozenset((ErpRef(system="ixc", id="7"),) if is_linked else ())
        self.now = Registration(
            id="r1",
            tax_id=CPF,
            name="Ana",
            phones=Phones(mobile=mobile),
            kinds=frozenset((Kind.CUSTOMER,)),
            erp_refs=refs,
            created=AUTHORS["erp"],
            updated=AUTHORS["erp"],
        )
        self.history: list[AuditEntry] = []

    def writes(self, who: str, mobile: str | None) -> None:
        if who in ("user", "admin"):
            changes = corrected(
                self.now, {"phones.mobile": mobile}, self.history, confirms_phones=who == "admin"
            )
        else:
            policy = FROM_ERP if who == "erp" else FROM_FILE
            one = Candidate(tax_id=CPF, phones=Phones(mobile=mobile))
            decision = decide(one, self.now, policy, provenance=AUTHORS[who], new_ids=())
            raw = RawRegistration(bson.encode(registration_document(self.now)), OPTIONS)
            if raw.has(one, policy):
                assert isinstance(decision, Unchanged)
            changes = decision.changes if isinstance(decision, Update) else ()
        if not changes:
            return
        values = {change.path: change.after for change in changes}
        self.now = self.now.with_values(values, updated=AUTHORS[who])
        stored = [change_document(one) for one in changes]
        entry = AuditEntry(
            id=f"r1:{self.now.version}",
            registration_id="r1",
            version=self.now.version,
            event=Event.CHANGED,
            provenance=AUTHORS[who],
            name="Ana",
            changes=tuple(Change(one["path"], one["before"], one["after"]) for one in stored),
        )
        self.history.insert(0, entry)

    @property
    def mobile(self) -> str | None:
        return self.now.phones.mobile

    @property
    def proves(self) -> bool:
        return self.mobile in self.now.proving_phones()


@pytest.mark.parametrize(
    ("written", "mobile", "proves"),
    [
        ("user B", B, False),
        ("user B, erp A, erp A", B, False),
        ("user B, erp A_SHORT", B, False),
        ("user B, erp -", B, False),
        ("user B, erp C", C, True),
        # The ERP has it too: from then on it is an ordinary value of the ERP.
        ("user B, erp B", B, True),
        ("user B, erp B, erp A", A, True),
        ("user B, erp B, user C, erp B", C, False),
        ("user B, erp B, user C, erp A", A, True),
        # An admin confirms it, and the correction stands.
        ("user B, admin B, erp A", B, True),
        ("admin B, erp A", B, True),
        ("admin B, erp C, erp A", A, True),
        ("user B, user C, erp A", C, False),
        ("user B, user C, erp B", B, True),
        # Back to what the ERP says: nothing is left of the correction.
        ("user B, user A", A, True),
        ("user B, user A_SHORT, erp C", C, True),
        ("user -, erp A", None, False),
        ("user -, erp C", C, True),
        # A file's value is not the ERP's: the ERP's old one is known from the audit.
        ("file B, erp A", A, True),
        ("file B, user C, erp A", C, False),
        ("file B, user C, erp B", B, True),
        ("user B, file C, erp A", C, True),
    ],
)
def test_a_correction_stays_until_the_erp_has_news(written: str, mobile: str | None, proves: bool):
    record = Record()
    names = {"A": A, "B": B, "C": C, "A_SHORT": A_SHORT, "-": None}
    for write in written.split(", "):
        who, value = write.split()
        record.writes(who, names[value])
    assert (record.mobile, record.proves) == (mobile, proves)


def test_only_the_field_that_was_corrected_is_kept_from_the_erp():
    record = Record()
    record.writes("user", B)
    one = Candidate(tax_id=CPF, name="Ana Souza", phones=Phones(mobile=A, home=C), email="a@b.co")
    decision = decide(one, record.now, FROM_ERP, provenance=AUTHORS["erp"], new_ids=())
    assert isinstance(decision, Update)
    assert decision.after.phones == Phones(mobile=B, home=C)
    assert (decision.after.name, decision.after.email) == ("Ana Souza", "a@b.co")
    assert "name" not in KEPT
    assert "fixed_note" not in KEPT


def test_without_a_record_in_the_erp_nothing_is_remembered():
    record = Record(is_linked=False)
    record.writes("user", B)
    assert record.now.erp_values == frozenset()
    record.writes("erp", A)
    assert record.mobile == A


def test_where_the_erp_had_nothing_its_first_value_wins():
    record = Record(None)
    record.writes("user", B)
    assert record.now.erp_values == {ErpValue(path="phones.mobile", value=None)}
    record.writes("erp", A)
    assert (record.mobile, record.now.erp_values) == (A, frozenset())


def test_a_number_that_proves_already_is_not_taken_away_by_being_entered_again():
    record = Record()
    record.now = record.now.model_copy(update={"phones": Phones(home=A, mobile=C)})
    record.writes("user", A)
    assert record.now.is_reached_at(A)


def test_an_undone_sync_brings_the_correction_back_with_all_that_is_known_of_it():
    record = Record()
    record.writes("user", B)
    before = record.now
    record.writes("erp", C)
    undone = undo_entry(record.history[0], record.now, AUTHORS["admin"])
    assert isinstance(undone, Reverted)
    after = undone.update.after
    assert (after.phones, after.chat_phones, after.erp_values) == (
        before.phones,
        before.chat_phones,
        before.erp_values,
    )


@given(st.lists(st.tuples(st.sampled_from(list(AUTHORS)), st.sampled_from((A, B, C)))))
def test_only_the_erps_news_end_a_correction(writes: list[tuple[str, str]]):
    """Compared with a model that is told each value of the ERP."""
    record, of_erp, stored, is_kept = Record(), A, A, False
    for who, value in writes:
        if who == "erp" and value == stored != of_erp and not is_kept:
            # The ERP has got a file's value. That writes nothing, so nobody knows it later.
            return
        if who in ("user", "admin"):
            if value != stored:
                stored, is_kept = value, value != of_erp
        elif who == "file":
            stored = value
        else:
            if not is_kept or value != of_erp:
                stored, is_kept = value, False
            of_erp = value
        record.writes(who, value)
        assert record.mobile == stored, writes
        if who == "admin" or (who == "erp" and stored == of_erp):
            assert record.proves, writes
