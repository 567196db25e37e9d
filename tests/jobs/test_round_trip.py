"""An export that is imported again changes nothing, with any content of the register."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.export import EXPORT_COLUMNS, Format
from bot.domain.fields import UPDATABLE
from bot.domain.job import Batch, Counts
from bot.domain.label import Label, Tag
from bot.domain.registration import (
    Kind,
    Phones,
    Portal,
    Registration,
    Status,
    read_name,
    read_note,
)
from bot.domain.tax_id import TaxId
from tests.jobs.conftest import JobRunner
from tests.storage.records import provenance, registration

TAGS = (
    Tag(id="t1", name="VIP", emoji="🔴"),
    Tag(id="t2", name="Sul, Norte"),
    Tag(id="t3", name="=Atraso"),
    Tag(id="t4", name="antigo", archived=True),
    Tag(id="t5", name="Antigo"),
)
DEPARTMENTS = (Label(id="d1", name="Suporte"), Label(id="d2", name="Financeiro; Cobrança"))
NAMES = (
    "São João da Conceição",
    "=1+1",
    "+55",
    "-Ana",
    "@ana",
    "'Ana'",
    "'=1",
    "''+",
    '"Bar" do "Zé"; e filhos, Ltda',
    "🦊 Raposa",
    "مريم الحسن",
    "שרה",
    "＝1",
    "1E5",
    "007",
    "TRUE",
    "#N/D",
    "x" * 200,
)
FULL: dict[str, Any] = {
    "trade_name": "=Loja; “Ana”",
    "phones": Phones(commercial="+554933334444", home="+16502530000", mobile="+5549999998888"),
    "email": "ana@example.com.br",
    "portal": Portal(username="-ana.c"),
    "kinds": frozenset(Kind),
    "tags": frozenset(tag.id for tag in TAGS),
    "traits": ("fala alto", "=paga em dia", "“só à tarde”"),
    "alert_traits": True,
    "priority_departments": frozenset(("d1", "d2")),
    "fixed_note": '=1+1\nLigar "antes"; depois\n\n\'-aspas',
}


class WithLabels(JobRunner):
    """A register with tags and departments whose names are hard to write."""

    def __init__(self, database: Any, folder: Path) -> None:
        super().__init__(database, folder, requires_tax_id=False)

        async def tags() -> tuple[Tag, ...]:
            return TAGS

        async def departments() -> tuple[Label, ...]:
            return DEPARTMENTS

        object.__setattr__(self.run, "tags", tags)
        object.__setattr__(self.run, "departments", departments)


@pytest.fixture
def runner(database: Any, tmp_path: Path) -> WithLabels:
    return WithLabels(database, tmp_path)


def everybody() -> list[Registration]:
    tax_ids = (
        make_cpf(1_234_567),
        make_cnpj("12ABC34501DE"),
        TaxId("501442600", "PT"),
        make_cnpj("000000010001"),
    )
    people = [{"name": name} for name in NAMES]
    people += [
        {"name": "Tudo", **FULL},
        {"name": "Inativa", "status": Status.INACTIVE},
        {"name": "Sem documento", "tax_id": None, "phones": Phones(home="+554933334445")},
        {
            "name": "De Portugal",
            "tax_id": None,
            "country": "PT",
            "phones": Phones(mobile="+351912345678"),
        },
    ]
    people += [
        {"name": "Outro documento", "tax_id": one, "country": one.country} for one in tax_ids
    ]
    return [
        registration(**({"id": f"r{n:02}", "tax_id": make_cpf(200_000_000 + n)} | values))
        for n, values in enumerate(people)
    ]


async def round_trip(runner: JobRunner, some: list[Registration], file_format: Format) -> None:
    batch = Batch(job=0, number=1, last_line=0, counts=Counts())
    assert await runner.bulk.write(
        batch, provenance=provenance(), creates=runner.bulk.encoded(some)
    )
    before = await runner.database["registrations"].find({}).sort("_id", 1).to_list(None)
    sent = await runner.exported(format=file_format)
    job = await runner.imported(sent, name=f"cadastros.{file_format}", fields=UPDATABLE)
    report = await runner.work.report(job)
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": len(some),
        "unchanged": len(some),
    }, report
    assert await runner.database["registrations"].find({}).sort("_id", 1).to_list(None) == before
    assert await runner.database["audit"].find_one({}) is None
    assert await runner.exported(format=file_format) == sent


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_everything_goes_out_and_comes_back_unchanged(
    runner: WithLabels, file_format: Format
):
    await round_trip(runner, everybody(), file_format)


@pytest.mark.parametrize("path", [p for p in EXPORT_COLUMNS.values() if p != "tax_id"])
async def test_each_field_alone_comes_back_unchanged(runner: WithLabels, path: str):
    some = [one for one in everybody() if one.tax_id]
    batch = Batch(job=0, number=1, last_line=0, counts=Counts())
    assert await runner.bulk.write(
        batch, provenance=provenance(), creates=runner.bulk.encoded(some)
    )
    # Without its country, a foreign document does not match its registration.
    paths = dict.fromkeys(("tax_id", "country", path))
    job = await runner.imported(await runner.exported(paths=tuple(paths)))
    assert job.counts.unchanged == job.counts.rows == len(some)


texts = st.text(st.characters(codec="utf-8") | st.sampled_from("=+-@'\";,\n\t "), max_size=20)
names = texts.map(read_name).filter(bool)
people = st.lists(
    st.fixed_dictionaries(
        {
            "name": names,
            "trade_name": st.none() | names,
            "fixed_note": st.none() | texts.map(read_note).filter(bool),
            "kinds": st.frozensets(st.sampled_from(Kind), min_size=1),
            "tags": st.frozensets(st.sampled_from([tag.id for tag in TAGS])),
            "priority_departments": st.frozensets(st.sampled_from(("d1", "d2"))),
            "status": st.sampled_from(Status),
            "alert_traits": st.booleans(),
        }
    ),
    min_size=1,
    max_size=8,
)


@given(people=people, file_format=st.sampled_from(("csv", "xlsx")))
@settings(
    derandomize=True,
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_register_comes_back_unchanged(
    runner: WithLabels, people: list[dict[str, Any]], file_format: Format
):
    for name in ("registrations", "job_batches"):
        await runner.database[name].delete_many({})
    some = [
        registration(id=f"r{n}", tax_id=make_cpf(200_000_000 + n), **values)
        for n, values in enumerate(people)
    ]
    await round_trip(runner, some, file_format)
