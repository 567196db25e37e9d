"""The ERP is down, slow or answers nonsense: no customer is stuck or lost."""

import asyncio
from datetime import timedelta

import pytest

from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.registration import Kind
from bot.domain.tax_id import read_tax_id
from handlers.customer import texts
from tests.flows.conftest import BIA, GROUP_ID, Clock, Start, Telegram
from tests.patience import until

TROUBLES = {
    "down": faults.DOWN,
    "error page": faults.html(500),
    "error page with 200": faults.html(200),
    "error inside 200": faults.message("Erro interno"),
    "address not allowed": faults.IP_NOT_ALLOWED,
    "unauthorised": faults.status(401),
    "broken JSON": faults.BROKEN_JSON,
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_in_trouble_the_customer_goes_on_and_the_card_says_so(
    people: Telegram, erp: IxcEmulator, trouble: faults.Fault
):
    erp.fail(trouble)
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    assert await ana.shares_phone() == f"{texts.NOT_CONFIRMED} {texts.ASK_NAME}"
    assert "<protocol>" in await ana.says("Ana")
    assert "ERP não consultado" in people.card["text"]
    assert demo.ANA.tax_id in people.card["text"]
    # The ERP did not say if she is new, so she is not registered as a prospect.
    assert await people.balcao.registrations.count() == 0


async def test_a_slow_erp_is_not_waited_for(start: Start, erp: IxcEmulator):
    async with start(lookup_budget_s=0.05) as people:
        sandra = people.customer(demo.SANDRA)
        await sandra.is_in_conversation()
        await sandra.says("Sandra")
        assert "<protocol>" in sandra.read[-1]
        assert "ERP não consultado" in people.card["text"]


async def test_when_the_erp_answers_at_last_registration_and_card_follow(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("Ana")
    erp.heal()
    assert await people.balcao.retry_lookups() == 0, "not due yet"
    await people.settled()
    clock.advance(timedelta(seconds=6))
    assert await people.balcao.retry_lookups() == 1
    await people.settled()
    card = people.card["text"]
    assert "Ana Beatriz Souza" in card
    assert "confirmado por telefone" in card
    assert "ERP não consultado" not in card
    assert len(people.cards) == 1
    await people.press(BIA, "☑️ Encerrar")
    assert "Ana Beatriz Souza" in await ana.says("/start")


async def test_priority_found_late_is_shown(people: Telegram, erp: IxcEmulator, clock: Clock):
    from bot.domain.candidate import Candidate, Policy
    from bot.domain.registration import ChangeSource, Provenance

    erp.fail(faults.html(500))
    maria = people.customer(demo.MARIA)
    await maria.is_in_conversation()
    await maria.says("Maria")
    erp.heal()
    await people.balcao.apply_candidate(
        Candidate(
            tax_id=read_tax_id(demo.MARIA.tax_id),
            name="Maria",
            kinds=frozenset((Kind.CUSTOMER,)),
            priority_departments=frozenset(("atendimento",)),
        ),
        Policy(may_create=True, may_update=True),
        Provenance(at=clock(), by="admin:1", way=ChangeSource.CHAT),
    )
    clock.advance(timedelta(seconds=6))
    await people.balcao.retry_lookups()
    await people.settled()
    assert "PRIORIDADE" in people.card["text"].splitlines()[0]


async def test_an_unknown_person_is_registered_once_the_erp_says_so(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    bruno = people.customer(demo.STRANGER)
    await bruno.is_in_conversation()
    await bruno.says("Bruno Tavares")
    # The conversation is closed before the retry, and the person is still registered.
    await people.press(BIA, "☑️ Encerrar")
    erp.heal()
    clock.advance(timedelta(seconds=6))
    await people.balcao.retry_lookups()
    await people.settled()
    tax_id = read_tax_id(demo.STRANGER.tax_id)
    found = await people.balcao.registrations.by_tax_ids([tax_id])
    assert found[tax_id.key].name == "Bruno Tavares"
    assert found[tax_id.key].kinds == {Kind.PROSPECT}


async def test_an_erp_that_stays_away_is_asked_ever_more_rarely(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.DOWN)
    bruno = people.customer(demo.STRANGER)
    await bruno.is_in_conversation()
    await bruno.says("Bruno Tavares")
    conversations = people.balcao.retry_lookups.conversations
    pauses = []
    for _ in range(8):
        clock.advance(timedelta(hours=1))
        await people.balcao.retry_lookups()
        await people.settled()
        owed = (await conversations.open_in(bruno.id)).lookup
        pauses.append((owed.next_at - clock.now).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(900, abs=0.1)


async def test_in_the_first_hour_it_is_asked_every_minute_at_least(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("Ana")
    pauses = []
    for _ in range(6):
        clock.advance(timedelta(minutes=1))
        await people.balcao.retry_lookups()
        await people.settled()
        owed = (await people.balcao.retry_lookups.conversations.open_in(ana.id)).lookup
        pauses.append(round((owed.next_at - clock.now).total_seconds()))
    assert pauses == [10, 20, 40, 60, 60, 60]


async def test_an_outage_of_two_days_loses_nobody(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.DOWN)
    bruno = people.customer(demo.STRANGER)
    await bruno.is_in_conversation()
    await bruno.says("Bruno Tavares")
    await people.press(BIA, "✋ Atender")
    conversations = people.balcao.retry_lookups.conversations
    clock.advance(timedelta(days=2))
    await people.balcao.retry_lookups()
    await people.settled()
    assert await people.balcao.registrations.count() == 1
    assert "Prospect" in people.card["text"]
    assert await conversations.owed_lookups(until=clock.now + timedelta(days=9)) == []


async def test_a_prospect_who_has_become_a_customer_is_known_as_one(
    people: Telegram, erp: IxcEmulator
):
    rows, erp.tables["cliente"] = erp.tables["cliente"], []
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("Aninha")
    erp.tables["cliente"] = rows
    await ana.says("/sair")
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    assert "Ana Beatriz Souza" in people.card["text"]
    assert "Cliente" in people.card["text"]


async def test_a_late_answer_after_the_customer_switched_touches_only_the_conversation(
    people: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("Ana")
    await ana.says("/sair")
    erp.heal()
    await ana.says("oi")
    await ana.says(demo.JOSE.tax_id)
    clock.advance(timedelta(seconds=6))
    await people.balcao.retry_lookups()
    await people.settled()
    assert "Ana Beatriz Souza" in people.cards[0]["text"]
    chat = await people.balcao.retry_lookups.chats.get(ana.id)
    assert chat.customer.tax_id == read_tax_id(demo.JOSE.tax_id)


async def test_a_slow_retry_keeps_nobody_waiting(start: Start, erp: IxcEmulator, clock: Clock):
    async with start() as people:
        erp.fail(faults.html(500))
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        await ana.says("Ana")
        erp.heal()
        erp.fail(faults.slow(30))
        clock.advance(timedelta(seconds=6))
        asked = len(erp.requests)
        retry = asyncio.create_task(people.balcao.retry_lookups())
        await until(lambda: len(erp.requests) > asked)
        await ana.says("ainda está aí?")
        assert people.messages(GROUP_ID)[-1]["text"].endswith("ainda está aí?")
        assert not retry.done()
        retry.cancel()
        await asyncio.gather(retry, return_exceptions=True)
