"""When so many suspects are an alarm, and whose value a field has."""

import pytest

from bot.domain.candidate import Candidate, Change, Policy, Update, decide
from bot.domain.erp_loss import came_from_erp, is_alarming, taken_away
from bot.domain.job import Suspect
from tests.unit.test_correction import AUTHORS, A, B, C, Record

ERP = AUTHORS["erp"]


@pytest.mark.parametrize(
    ("suspected", "rows", "alarming"),
    [
        (0, 0, False),
        (2, 0, False),
        (3, 0, True),
        (2, 10, False),
        (3, 10, True),
        (3, 149, True),
        (3, 150, False),
        (4, 200, False),
        (5, 200, True),
        (6_000, 300_000, False),
        (6_001, 300_000, True),
    ],
)
def test_more_than_two_per_cent_and_more_than_two_are_an_alarm(
    suspected: int, rows: int, alarming: bool
):
    assert is_alarming(suspected, rows) is alarming


@pytest.mark.parametrize(
    ("writers", "of_erp"),
    [
        ((), True),
        (("erp",), True),
        (("file",), False),
        (("file", "erp"), True),
        (("erp", "admin"), False),
        (("erp", "user"), False),
    ],
)
def test_the_last_writer_of_a_value_has_given_it(writers: tuple[str, ...], of_erp: bool):
    record = Record()
    for who, mobile in zip(writers, (B, C), strict=False):
        record.writes(who, mobile)
    assert came_from_erp(record.now, "phones.mobile", record.history) is of_erp
    # With a gap in the audit nobody knows.
    if of_erp and record.history:
        assert not came_from_erp(record.now, "phones.mobile", [])


def test_a_suspect_of_whom_the_second_answer_has_all_loses_nothing():
    record = Record()
    now = record.now
    suspect = Suspect(registration_id=now.id, paths=("phones.mobile",), refs=tuple(now.erp_refs))
    has_all = Candidate(tax_id=now.tax_id, phones=now.phones, erp_refs=now.erp_refs)
    options = {"history": [], "system": "ixc", "provenance": ERP}
    assert taken_away(now, suspect, has_all, **options) is None
    blank = Candidate(tax_id=now.tax_id, erp_refs=now.erp_refs)
    emptied = taken_away(now, suspect, blank, **options)
    assert emptied is not None
    assert emptied.changes == (Change("phones.mobile", A, None),)
    gone = taken_away(now, suspect, None, **options)
    assert gone is not None
    assert (gone.after.erp_refs, gone.after.lost_refs) == (frozenset(), now.erp_refs)
    # Back by a look-up in the chat.
    policy = Policy(may_create=False, may_update=True, adds_to=frozenset(("erp_refs",)))
    back = decide(has_all, gone.after, policy, provenance=ERP, new_ids=())
    assert isinstance(back, Update)
    assert back.after.lost_refs == frozenset()
