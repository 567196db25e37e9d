"""Hundreds of look-ups through an ERP that shows each kind of fault in turn.

No customer is taken for another, nothing crashes and every look-up ends. The circuit breaker's
pause, in which a dead ERP gets no requests, begins and ends.
"""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import structlog

from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import Row, customer, supplier
from bot.demo.people import DemoPerson
from bot.domain.phone import show_phone
from bot.domain.tax_id import TaxId
from bot.usecases.customer.identify import Found, LookUp, LookupOutcome, NotConsulted, Unknown
from bot.usecases.register.apply_candidate import ApplyCandidate
from erp.breaker import Breaker
from erp.client import Limits, open_session
from erp.ixc import Ixc
from handlers.customer import texts
from storage.register.registrations import Registrations
from tests.erp.conftest import Clock as Seconds
from tests.erp.conftest import make_ixc
from tests.flows.conftest import Clock, Telegram, serving
from tests.patience import HANG_S, patient

pytestmark = pytest.mark.embedded

# Each state comes twice for each of the tables.
LOOK_UPS = 300
AT_ONCE = 5
PAUSE_S = 60.0
# The chat's time-out is far shorter than the client's: only it ends a slow look-up here.
IMPATIENT_S = 0.05
LIMITS = patient(Limits(attempts=2, wait_initial_s=0.001, wait_max_s=0.002, wait_jitter_s=0.001))
SLOW, DROPPED, WELL, LEFT_ALONE = "slow", "dropped connections", "well", "left alone"
TROUBLES = {
    SLOW: faults.slow(30),
    DROPPED: faults.DOWN,
    "somebody else's records": faults.OTHER_DOCUMENTS,
    "HTML": faults.html(200),
    "HTML with 500": faults.html(500),
    "429": faults.status(429, retry_after="120"),
    "500": faults.status(500),
    "broken JSON": faults.BROKEN_JSON,
}
# `LEFT_ALONE` is the state during the pause, so it must follow a fault that begins one.
IN_TURN = [
    SLOW,
    DROPPED,
    LEFT_ALONE,
    *(name for name in TROUBLES if name not in (SLOW, DROPPED)),
    WELL,
]
# One table may fail alone: a person who is only a supplier must not count as unknown.
TABLES = (None, "cliente", "fornecedor")
CHATS = len(TABLES) * len(IN_TURN)
NAME = re.compile(r"Pessoa \w+")
NOT_CONSULTED = "ERP não consultado"


@dataclass(frozen=True, slots=True)
class Person:
    """A person whose name contains the document, so that a mix-up is visible."""

    number: int
    tax_id: TaxId
    tables: tuple[str, ...]
    """The ERP tables that hold the person; empty for strangers."""

    @property
    def name(self) -> str:
        return f"Pessoa {self.tax_id.number}"

    @property
    def phone(self) -> str:
        return f"+55499{80_000_000 + self.number}"

    def row(self, table: str) -> Row:
        phone = show_phone(self.phone)
        document = self.tax_id.masked if self.number % 2 else self.tax_id.number
        if table == "cliente":
            return customer(self.number, self.name, document, telefone_celular=phone)
        return supplier(self.number, self.name, document, celular=phone)


def made(number: int) -> Person:
    cnpj = number % 5 == 0
    tax_id = make_cnpj(f"{number:08}0001") if cnpj else make_cpf(300_000_000 + number)
    tables = (("cliente",), ("fornecedor",), ("cliente", "fornecedor"), ())[number % 4]
    return Person(number, tax_id, tables)


@dataclass(frozen=True, slots=True)
class Ill:
    """The faulty ERP, its client, and the clock of the circuit breaker."""

    erp: IxcEmulator
    ixc: Ixc
    seconds: Seconds
    logged: list[Any]

    def fill(self, people: Sequence[Person]) -> None:
        for table in ("cliente", "fornecedor"):
            self.erp.tables[table] = [p.row(table) for p in people if table in p.tables]

    def become(self, state: str, *, table: str | None = None) -> None:
        """Put the ERP into this state.

        table: the only table with the fault; dropped connections affect all tables.
        """
        self.erp.heal()
        if state != LEFT_ALONE:
            self.seconds.now += PAUSE_S + 1
        if state in TROUBLES:
            self.erp.fail(TROUBLES[state], table=None if state == DROPPED else table)

        self.logged.clear()
        self.erp.requests.clear()

    def judge_pause(self, state: str) -> None:
        """Check that the pause began, held or ended as the state requires.

        Call it after look-ups were tried.
        """
        begun = any(line["event"] == "erp.paused" for line in self.logged)
        if state == DROPPED:
            assert begun
        elif state == LEFT_ALONE:
            assert not self.erp.requests
        elif state == WELL:
            assert self.erp.requests
            assert not begun


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@asynccontextmanager
async def ill_erp(logged: list[Any], *, failures: int) -> AsyncIterator[Ill]:
    """Start the ERP and its client.

    failures: failures in a row after which the circuit breaker pauses.
    """
    seconds = Seconds()
    breaker = Breaker(failures=failures, pause_s=PAUSE_S, clock=seconds)
    async with IxcEmulator() as erp, open_session() as session:
        ixc = make_ixc(session, erp.url, limits=LIMITS, breaker=breaker)
        yield Ill(erp, ixc, seconds, logged)


async def test_hundreds_of_look_ups_find_nobody_else_and_always_end(
    logged: list[Any], database: Any, clock: Clock
) -> None:
    people = [made(number) for number in range(1, LOOK_UPS + 1)]
    register = Registrations(database)
    ids = map(str, itertools.count(1))
    async with ill_erp(logged, failures=5) as ill:
        ill.fill(people)
        look_up = LookUp(
            erp=ill.ixc,
            registrations=register,
            apply=ApplyCandidate(register=register, new_id=lambda: next(ids)),
            clock=clock,
            budget_s=HANG_S,
        )
        impatient = replace(look_up, budget_s=IMPATIENT_S)
        ends: Counter[tuple[str, type[LookupOutcome]]] = Counter()
        owed: list[Person] = []
        states = itertools.product(TABLES, IN_TURN)
        for some, (table, state) in zip(batches(people), itertools.cycle(states), strict=False):
            ill.become(state, table=table)
            outcomes = await all_of(impatient if state == SLOW else look_up, some)
            ends.update((state, type(outcome)) for outcome in outcomes)
            owed += [p for p, end in zip(some, outcomes, strict=True) if end == NotConsulted()]
            ill.judge_pause(state)
        assert sum(ends.values()) == LOOK_UPS
        for state in TROUBLES:
            assert ends[state, NotConsulted], f"{state} was no trouble"
        assert not ends[LEFT_ALONE, Found] + ends[LEFT_ALONE, Unknown]
        assert ends[WELL, Found]
        assert ends[WELL, Unknown]
        assert not ends[WELL, NotConsulted], "it is asked again after every pause"

        # Once the ERP is well, every look-up gets the right answer.
        ill.become(WELL)
        for some in batches(owed):
            assert NotConsulted() not in await all_of(look_up, some)
        assert not ill.erp.inserted
    stored = await register.by_tax_ids([person.tax_id for person in people])
    assert {key: found.name for key, found in stored.items()} == {
        person.tax_id.key: person.name for person in people if person.tables
    }
    assert await register.count() == len(stored)


def batches(people: Sequence[Person]) -> Iterator[Sequence[Person]]:
    return (people[first : first + AT_ONCE] for first in range(0, len(people), AT_ONCE))


async def all_of(look_up: LookUp, people: Sequence[Person]) -> list[LookupOutcome]:
    """Run all look-ups at once and return their outcomes; an exception fails the test."""
    outcomes = await asyncio.gather(*(look_up(person.tax_id) for person in people))
    for person, outcome in zip(people, outcomes, strict=True):
        judge(person, outcome)
    return outcomes


def judge(person: Person, outcome: LookupOutcome) -> None:
    match outcome:
        case Found(registration):
            assert person.tables, "a stranger was taken for somebody"
            assert registration.tax_id == person.tax_id
            assert registration.name == person.name
            assert registration.phones.mobile == person.phone
        case Unknown():
            assert not person.tables, "somebody the ERP knows was called unknown"
        case NotConsulted():
            pass


async def test_in_chat_the_group_is_told_of_everybody_and_of_nobody_else(
    logged: list[Any], telegram: BotApiEmulator, database: Any, clock: Clock
) -> None:
    persons = [made(number) for number in range(1, CHATS + 1)]
    async with AsyncExitStack() as stack:
        ill = await stack.enter_async_context(ill_erp(logged, failures=1))
        ill.fill(persons)
        bot = serving(Telegram(telegram), database, clock=clock, erp_url=ill.erp.url, erp=ill.ixc)
        people = await stack.enter_async_context(bot)
        states = itertools.product(TABLES, IN_TURN)
        for person, (table, state) in zip(persons, states, strict=True):
            ill.become(state, table=table)
            give_up_after(people, IMPATIENT_S if state == SLOW else HANG_S)
            card = await arrives(people, person)
            assert set(NAME.findall(card)) <= {person.name}
            ill.judge_pause(state)
            if state == WELL:
                assert (person.name in card) is bool(person.tables)
                assert NOT_CONSULTED not in card
            elif state == LEFT_ALONE:
                assert NOT_CONSULTED in card

        assert any(NOT_CONSULTED in card["text"] for card in people.cards)
        ill.become(WELL)
        give_up_after(people, HANG_S)
        clock.advance(timedelta(minutes=2))
        await people.balcao.retry_lookups()
        await people.settled()
        cards = [card["text"] for card in people.cards]
        for person, card in zip(persons, cards, strict=True):
            assert person.tax_id.masked in card
            assert NOT_CONSULTED not in card
            assert set(NAME.findall(card)) == ({person.name} if person.tables else set())
    assert not [line for line in logged if line["log_level"] in ("error", "critical")]


def give_up_after(people: Telegram, seconds: float) -> None:
    """Set the time-out of look-ups in chats."""
    assert people.balcao is not None
    data = people.balcao.dispatcher.workflow_data
    reception = data["reception"]
    look_up = replace(reception.identify.look_up, budget_s=seconds)
    identify = replace(reception.identify, look_up=look_up)
    data["reception"] = replace(reception, identify=identify)


async def arrives(people: Telegram, person: Person) -> str:
    """Go from the first message to an open conversation; return the text of its card."""
    before = len(people.cards)
    whom = DemoPerson(
        user_id=7000 + person.number,
        first_name="Alguém",
        phone=person.phone,
        tax_id=person.tax_id.masked,
        shows="",
    )
    customer = people.customer(whom)
    await customer.is_in_conversation()
    if customer.read[-1].endswith((texts.ASK_NAME, texts.ASK_COMPANY)):
        await customer.says("Carla Dias")
    assert "<protocol>" in customer.read[-1]
    [card] = people.cards[before:]
    assert person.tax_id.masked in card["text"]
    return str(card["text"])
