"""The timing mask: an answer takes the same time for every result, so it reveals nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo.documents import make_cpf
from bot.domain.candidate import Candidate
from bot.domain.conversation import Chat, Identification
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.domain.tax_id import TaxId
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.identify import Identify, LookUp
from bot.usecases.customer.timing_mask import TimingMask
from bot.usecases.register.apply_candidate import ApplyCandidate
from tests.virtual_time import in_virtual_time, now

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
REGISTERED, IN_ERP, NOBODY = make_cpf(1), make_cpf(2), make_cpf(3)
ERP_S, WRITE_S, READ_S = 0.3, 0.05, 0.01


async def lasting(work: Callable[[], Awaitable[Any]]) -> float:
    begun = now()
    await work()
    return now() - begun


def spans(*works_s: float) -> list[float]:
    """Return the seconds that work of these lengths takes under one mask, in sequence."""

    async def paced() -> list[float]:
        mask = TimingMask()

        async def work(seconds: float) -> None:
            async with mask.padded():
                await asyncio.sleep(seconds)

        return [await lasting(lambda s=s: work(s)) for s in works_s]

    return in_virtual_time(paced())


def test_everything_takes_as_long_as_the_slowest_of_the_latest_twenty():
    assert spans(0.1, 0.3, *[0.01] * 19, 0.2, 0.01) == pytest.approx(
        [0.1, 0.3, *[0.3] * 19, 0.2, 0.2]
    )


def test_what_is_slower_than_a_second_delays_nobody_beyond_it():
    assert spans(2.0, 0.01, 1.5) == pytest.approx([2.0, 1.0, 1.5])


def test_what_fails_is_not_delayed():
    async def failing() -> float:
        mask = TimingMask()
        async with mask.padded():
            await asyncio.sleep(0.3)

        async def work() -> None:
            with pytest.raises(LookupError):
                async with mask.padded():
                    raise LookupError

        return await lasting(work)

    assert in_virtual_time(failing()) == 0


class Register:
    """A register that takes longer to write than to read."""

    def __init__(self) -> None:
        known = registration(REGISTERED)
        self.known = {known.tax_id.key: known}

    async def by_tax_ids(self, tax_ids: Any) -> dict[str, Registration]:
        await asyncio.sleep(READ_S)
        return {t.key: self.known[t.key] for t in tax_ids if t.key in self.known}

    async def create(self, created: Registration) -> bool:
        await asyncio.sleep(WRITE_S)
        return True


class Erp:
    """An ERP that takes longer than the register."""

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        await asyncio.sleep(ERP_S)
        return candidate(tax_id) if tax_id == IN_ERP else None


class Chats:
    def __init__(self, typed: TaxId = NOBODY) -> None:
        self.typed = typed

    async def get(self, chat_id: int) -> Chat:
        known = "r1" if chat_id == 1 else None
        return Chat(id=chat_id, customer=Identification(tax_id=self.typed, registration_id=known))

    async def put(self, chat: Chat) -> None:
        await asyncio.sleep(READ_S)


def current(chat_id: int, typed: TaxId = NOBODY) -> CurrentChat:
    return CurrentChat(chat_id, Chats(typed), Register())


def candidate(tax_id: TaxId) -> Candidate:
    return Candidate(tax_id=tax_id, name="Ana Souza", kinds=frozenset((Kind.CUSTOMER,)))


def registration(tax_id: TaxId) -> Registration:
    provenance = Provenance(at=NOW, by="admin:1", way=ChangeSource.CHAT)
    return Registration(
        id="r1",
        tax_id=tax_id,
        name="Ana Souza",
        phones=Phones(),
        kinds=frozenset((Kind.CUSTOMER,)),
        created=provenance,
        updated=provenance,
    )


def applying(register: Register) -> ApplyCandidate:
    ids = map(str, count(1))
    return ApplyCandidate(register=register, new_id=lambda: next(ids))


def test_an_identification_takes_as_long_whoever_it_finds():
    async def identified() -> list[float]:
        register = Register()
        identify = Identify(
            look_up=LookUp(
                erp=Erp(),
                registrations=register,
                apply=applying(register),
                clock=lambda: NOW,
            ),
            clock=lambda: NOW,
            timezone=ZoneInfo("America/Sao_Paulo"),
        )
        some = (IN_ERP, NOBODY, REGISTERED, IN_ERP, REGISTERED, NOBODY)
        return [await lasting(lambda t=tax_id: identify(current(1, t))) for tax_id in some]

    found = in_virtual_time(identified())
    # Without the mask, a look-up in the register takes a twentieth of one in the ERP.
    assert found == pytest.approx([found[0]] * 6)
    assert found[0] > ERP_S + WRITE_S
