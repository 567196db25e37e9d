"""An enumeration script: many accounts try a list of documents, and record what they see."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc import IxcEmulator
from bot.demo.ixc.records import customer
from bot.demo.people import DemoPerson
from bot.domain.registration import ChangeSource, Kind, Phones, Portal, Provenance, Registration
from bot.domain.tax_id import TaxId
from handlers.customer import texts
from tests.flows.conftest import PROTOCOL, Clock, Customer, Telegram

A_DAY = 5
WRONG = "errada-42"
HERS = "+5549990017777"


class KnownTo(StrEnum):
    TO_THE_REGISTER = "register"
    TO_THE_ERP = "erp"
    TO_NOBODY = "nobody"


class NextStep(StrEnum):
    """The step that the script takes after it has sent a document."""

    NEXT = "next document"
    PHONE = "telephone"
    LOGIN = "user name and password"


@dataclass(frozen=True)
class Probe:
    tax_id: TaxId
    known: KnownTo
    way: NextStep


@dataclass
class Seen:
    """The transcripts and times that the script recorded for documents of one kind."""

    transcripts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that each step took; for benchmarks only, as they need a quiet machine."""


def probes(documents: int, *, logins: int) -> list[Probe]:
    """Return shuffled probes: half are known, and half of the known ones only to the ERP.

    logins: how many documents of the register, and how many unknown ones, try a portal login.
    """
    made, tried = [], Counter[KnownTo]()
    kinds = (
        KnownTo.TO_THE_REGISTER,
        KnownTo.TO_NOBODY,
        KnownTo.TO_THE_ERP,
        KnownTo.TO_NOBODY,
    )
    for number in range(documents):
        known, way = (
            kinds[number % 4],
            NextStep.PHONE if number // 4 % 3 == 0 else NextStep.NEXT,
        )
        if way is NextStep.NEXT and known is not KnownTo.TO_THE_ERP and tried[known] < logins:
            way = NextStep.LOGIN
            tried[known] += 1
        tax_id = (
            make_cnpj(f"{417300000000 + number * 977:012d}")
            # People and companies are asked for the name in other words.
            if number // 12 % 3 == 0
            else make_cpf(417300000 + number * 977)
        )
        made.append(Probe(tax_id, known, way))
    Random(20261124).shuffle(made)  # noqa: S311 - an order, not a secret
    return made


async def put_on_record(
    people: Telegram, erp: IxcEmulator, made: Sequence[Probe], password_hash: str, clock: Clock
) -> None:
    assert people.balcao
    provenance = Provenance(at=clock(), by="admin:1", way=ChangeSource.CHAT)
    for number, probe in enumerate(made):
        if probe.known is KnownTo.TO_THE_REGISTER:
            registration = Registration(
                id=f"{number:032x}",
                tax_id=probe.tax_id,
                name=f"Cliente {number}",
                phones=Phones(mobile="+5549990018888", home="+554933335555"),
                kinds=frozenset((Kind.CUSTOMER,)),
                portal=Portal(username="ana.b", password_hash=password_hash),
                created=provenance,
                updated=provenance,
            )
            assert await people.balcao.registrations.create(registration)
        elif probe.known is KnownTo.TO_THE_ERP:
            row = customer(5000 + number, f"Cliente {number}", probe.tax_id.masked)
            erp.tables["cliente"].append(row | {"telefone_celular": "(49) 99001-8888"})


@dataclass
class Spy:
    """One Telegram account of the script."""

    customer: Customer
    seen: dict[KnownTo, Seen]

    async def tries(self, probe: Probe) -> None:
        emulator = self.customer.telegram.emulator
        await self.customer.telegram.settled()
        calls = len(emulator.calls)
        match probe.way:
            case NextStep.NEXT:
                await self._says("document", probe, probe.tax_id.masked)
            case NextStep.PHONE:
                await self._says("document", probe, probe.tax_id.masked)
                await self._does("phone", probe, lambda me: emulator.send_contact(me, me))
                await self._says("again", probe, "/start")
            case NextStep.LOGIN:
                await self._says("document", probe, probe.tax_id.masked)
                await self._says("login", probe, texts.PORTAL_LOGIN)
                await self._says("username", probe, "ana.b")
                await self._says("password", probe, WRONG)
                await self._says("again", probe, "/start")
        shown = [
            f"{call.method} {_anonymous(call.params)}"
            for call in list(emulator.calls)[calls:]
            if str(call.params.get("chat_id")) == str(self.customer.id)
        ]
        self.seen[probe.known].transcripts["\n".join([probe.way, *shown])] += 1

    async def _says(self, step: str, probe: Probe, text: str) -> None:
        emulator = self.customer.telegram.emulator
        await self._does(step, probe, lambda me: emulator.send_text(me, me, text))

    async def _does(self, step: str, probe: Probe, act: Callable[[int], Any]) -> None:
        """Take a step and wait for the first answer only.

        A look-up may still be running when the next step follows.
        """
        read = len(self.customer.read)
        begun = time.perf_counter()
        act(self.customer.id)
        await self.customer.telegram.emulator.until(lambda: len(self.customer.read) > read)
        took = time.perf_counter() - begun
        self.seen[probe.known].seconds.setdefault(step, []).append(took)


def _anonymous(params: dict[str, Any]) -> str:
    """Return the parameters without chat id, message id and protocol number."""
    kept = {n: v for n, v in sorted(params.items()) if n not in ("chat_id", "message_id")}
    return PROTOCOL.sub("<protocol>", str(kept))


async def try_all(people: Telegram, made: Sequence[Probe]) -> dict[KnownTo, Seen]:
    """Try all probes, `A_DAY` from each chat; return what the script saw, by kind."""
    seen = {known: Seen() for known in KnownTo}
    for number in range(0, len(made), A_DAY):
        spy = Spy(account(people, number), seen)
        await spy.customer.says("oi")
        for probe in made[number : number + A_DAY]:
            await spy.tries(probe)
    return seen


def account(people: Telegram, number: int) -> Customer:
    person = DemoPerson(
        user_id=700_000 + number, first_name="Espião", phone=HERS, tax_id="", shows=""
    )
    return people.customer(person)
