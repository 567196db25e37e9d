"""The demo's ERP: a row or two for each of the demo's people, and two kinds of faults."""

from dataclasses import dataclass
from typing import Final

from bot.demo import people
from bot.demo.ixc import faults
from bot.demo.ixc.emulator import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import Row, customer, supplier
from bot.demo.people import DemoPerson

SLOW_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class DemoRecords:
    """Rows of both tables."""

    customers: tuple[Row, ...]
    suppliers: tuple[Row, ...]


def demo_records() -> DemoRecords:
    """Return the rows of the demo's people; the two strangers have none."""
    old_lucia = _person(
        907,
        people.LUCIA,
        ativo="N",
        telefone_celular="(49) 99001-9907",
        ultima_atualizacao="2019-05-06 08:00:00",
    )
    return DemoRecords(
        customers=(
            _person(101, people.ANA),
            customer(
                102,
                _name(people.JOSE),
                "".join(c for c in people.JOSE.tax_id if c.isalnum()),
                telefone_celular="(49) 8801-0002",
                email="jose.conceicao@exemplo.com.br",
            ),
            _person(103, people.MARIA, fone="(49) 3322-0003"),
            _company(104, people.BAKERY, fantasia="Pão Quente do Centro"),
            _company(105, people.FIBRA, fantasia="Fibra <Norte>"),
            _person(106, people.CARLOS, ativo="N"),
            old_lucia,
            _person(107, people.LUCIA, ultima_atualizacao="2026-03-01 10:20:30"),
            _company(108, people.VALE_AZUL, telefone_comercial="(49) 3322-0008"),
            _person(110, people.PAULO),
            _person(111, people.SANDRA),
        ),
        suppliers=(
            supplier(
                201,
                _name(people.VALE_AZUL),
                people.VALE_AZUL.tax_id,
                celular=_national(people.VALE_AZUL),
            ),
            supplier(
                202,
                _name(people.RITA),
                people.RITA.tax_id,
                tipo_pessoa="F",
                celular=_national(people.RITA),
            ),
        ),
    )


def demo_emulator(*, has_page: bool = False, credential: str = CREDENTIAL) -> IxcEmulator:
    """Return the demo's ERP, not started. It fails for Paulo and delays Sandra by `SLOW_S`."""
    rows = demo_records()
    emulator = IxcEmulator(
        rows.customers, rows.suppliers, credential=credential, has_page=has_page
    )
    fail_for_some(emulator)
    return emulator


def fail_for_some(emulator: IxcEmulator) -> None:
    """Switch on the faults that belong to people; they stay when other faults are switched off."""
    emulator.fail(faults.html(500), document=people.PAULO.tax_id)
    # In one table only, so that a look-up takes 8 seconds and not 16.
    emulator.fail(faults.slow(SLOW_S), document=people.SANDRA.tax_id, table="cliente")


def _person(number: int, person: DemoPerson, **values: str) -> Row:
    known = {
        "telefone_celular": _national(person),
        "email": f"cliente{number}@exemplo.com.br",
    }
    return customer(number, _name(person), person.tax_id, **{**known, **values})


def _company(number: int, person: DemoPerson, **values: str) -> Row:
    return _person(number, person, tipo_pessoa="J", **values)


def _name(person: DemoPerson) -> str:
    return f"{person.first_name} {person.last_name}"


def _national(person: DemoPerson) -> str:
    digits = person.phone.removeprefix("+55")
    return f"({digits[:2]}) {digits[2:7]}-{digits[7:]}"
