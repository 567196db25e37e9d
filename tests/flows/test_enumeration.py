"""A script with a list of documents and many accounts cannot find out who is a customer.

The tests compare all that the script is shown: texts, buttons, the number and order of messages,
and every other visible call. The time of an answer is tested in tests/unit/test_timing_mask.py
and measured in benchmarks/enumeration.py.
"""

import pytest

from bot.demo.ixc import IxcEmulator
from handlers.customer import texts
from tests.flows.conftest import Clock, Telegram
from tests.flows.enumeration import (
    A_DAY,
    KnownTo,
    NextStep,
    account,
    probes,
    put_on_record,
    try_all,
)
from tests.flows.wording import plain
from tests.patience import HANG_S

pytestmark = pytest.mark.embedded


async def test_a_hundred_documents_from_twenty_chats_tell_nothing(
    people: Telegram,
    erp: IxcEmulator,
    password_hash: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
):
    # The "typing" sign appears after a second, which on a busy machine can be any answer.
    monkeypatch.setattr("handlers.customer.identification._TYPING_AFTER_S", HANG_S)
    made = probes(100, logins=8)
    assert {(probe.known, probe.way) for probe in made} == {
        (known, way) for known in KnownTo for way in NextStep
    } - {(KnownTo.TO_THE_ERP, NextStep.LOGIN)}
    await put_on_record(people, erp, made, password_hash, clock)
    seen = await try_all(people, made)
    shown = {known: set(seen[known].transcripts) for known in KnownTo}
    assert shown[KnownTo.TO_THE_REGISTER] == shown[KnownTo.TO_NOBODY]
    assert shown[KnownTo.TO_THE_ERP] <= shown[KnownTo.TO_NOBODY]


async def test_one_chat_that_tries_them_all_is_stopped(
    people: Telegram, erp: IxcEmulator, password_hash: str, clock: Clock
):
    """Look up nothing from the sixth document on, even if the chat starts again each time."""
    made = [probe for probe in probes(40, logins=8) if probe.known is not KnownTo.TO_THE_ERP][:16]
    await put_on_record(people, erp, made, password_hash, clock)
    spy = account(people, 0)
    await spy.says("oi")
    for probe in made[:A_DAY]:
        assert await spy.says(probe.tax_id.masked) == plain(texts.ASK_PHONE)
    asked, read = len(erp.requests), len(spy.read)
    for probe in made[A_DAY:]:
        await spy.says(probe.tax_id.masked)
        await spy.says("/sair")
        await spy.says("/start")
    tried = len(made) - A_DAY
    assert spy.read[read:] == spy.read[read:][: len(spy.read[read:]) // tried] * tried
    assert spy.read[read] == texts.WITHOUT_TAX_ID
    assert len(erp.requests) == asked
    assert all("Cliente" not in card["text"] for card in people.cards)
