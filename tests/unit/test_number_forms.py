"""Number forms and names in sentences: one thing is singular, and times and ERPs have names."""

from zoneinfo import ZoneInfo

import pytest

from bot.domain.file_shape import Mark, MarkKind
from bot.domain.registration import ErpRef
from bot.wording import files
from bot.wording.values import erp_ref
from bot.wording.words import clock_of


@pytest.mark.parametrize("kind", MarkKind)
def test_one_mark_of_a_workbook_is_singular(kind: MarkKind):
    one, many = (files._marked(Mark(kind=kind, count=n, places=("A1",))) for n in (1, 2))
    assert one.split()[1] + "s" == many.split()[1]


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/Sao_Paulo", "horário de Brasília"),
        ("America/Manaus", "horário do Amazonas"),
        ("UTC", "fuso UTC"),
    ],
)
def test_a_time_zone_has_the_name_that_people_use(zone: str, said: str):
    assert clock_of(ZoneInfo(zone)) == said


def test_a_record_of_an_erp_is_named_with_and_without_a_table():
    assert erp_ref(ErpRef(system="ixc", table="cliente", id="103")) == "IXC · cliente nº 103"
    assert erp_ref(ErpRef(system="omie", id="7")) == "Omie · nº 7"
