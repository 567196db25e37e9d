"""The cells that an export writes, and that the import reads back unchanged."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.export import EXPORT_COLUMNS, ExportOptions, cells, headers, written_names
from bot.domain.guard import guarded
from bot.domain.label import Label, Tag
from bot.domain.registration import (
    TRAIT_LENGTH,
    TRAITS,
    Kind,
    Phones,
    Portal,
    Registration,
    Status,
    read_name,
    read_note,
    read_traits,
)
from bot.domain.row import RowReader
from bot.domain.search import Query
from bot.domain.tax_id import TaxId, read_foreign_tax_id
from tests.storage.records import registration
from tests.unit.documents import CNPJ, STABLE, tax_ids

ALL = tuple(EXPORT_COLUMNS.values())
TAGS = (
    Tag(id="t1", name="VIP", emoji="🔴"),
    Tag(id="t2", name="Fibra"),
    Tag(id="t3", name="Sul, Norte"),
    Tag(id="t4", name="=Atraso"),
    Tag(id="t5", name="antigo", archived=True),
    Tag(id="t6", name="Antigo"),
    Tag(id="t7", name="Água"),
)
DEPARTMENTS = (Label(id="d1", name="Suporte"), Label(id="d2", name="Financeiro; Cobrança"))
NAMES = written_names(TAGS) | written_names(DEPARTMENTS)


def cell(path: str, **values: Any) -> str:
    return cells(registration(**values), ALL, NAMES)[ALL.index(path)]


def test_the_columns_are_those_of_the_template_without_the_password():
    assert ";".join(EXPORT_COLUMNS) == (
        "Nome;cpfCnpj;fantasia;foneComercial;foneResidencial;celular;email;usuario;status;"
        "tipoRegistro;etiqueta;pais;caracteristicas;avisarAtendente;prioridade;observacao"
    )
    assert headers(("tax_id", "name")) == ["cpfCnpj", "Nome"]


def test_a_full_registration_is_one_row():
    full = registration(
        name="Ana & Filhos",
        tax_id=CNPJ,
        trade_name="Loja da Ana",
        phones=Phones(commercial="+554933334444", home="+16502530000", mobile="+5549999998888"),
        email="ana@example.com",
        portal=Portal(username="ana", password_hash="$argon2id$secret"),
        status=Status.INACTIVE,
        kinds=frozenset(Kind),
        tags=frozenset(("t1", "t2", "t3")),
        traits=("fala alto", "paga em dia"),
        alert_traits=True,
        priority_departments=frozenset(("d1", "d2")),
        fixed_note="Ligar antes\nde ir",
    )
    assert cells(full, ALL, NAMES) == [
        "Ana & Filhos",
        "12.ABC.345/01DE-35",
        "Loja da Ana",
        "(49) 3333-4444",
        "+1 650-253-0000",
        "(49) 99999-8888",
        "ana@example.com",
        "ana",
        "I",
        "cliente, fornecedor, prestador de serviço, prospect",
        "Fibra, t3, VIP",
        "BR",
        "fala alto, paga em dia",
        "Sim",
        "d2, Suporte",
        "Ligar antes\nde ir",
    ]


def test_what_is_not_there_is_a_blank_cell():
    bare = dict(zip(ALL, cells(registration(tax_id=None), ALL, NAMES), strict=True))
    filled = {path: text for path, text in bare.items() if text}
    assert filled == {
        "name": "Ana",
        "status": "A",
        "kinds": "cliente",
        "country": "BR",
        "alert_traits": "Não",
    }


def test_cells_come_in_the_order_of_the_paths():
    assert cells(registration(), ("status", "name"), {}) == ["A", "Ana"]


@pytest.mark.parametrize(
    ("label_id", "written"),
    [
        ("t1", "VIP"),
        ("t3", "t3"),
        ("t4", "=Atraso"),
        ("t5", "t5"),
        ("t6", "Antigo"),
        ("gone", "gone"),
    ],
)
def test_a_tag_is_written_by_its_name_where_that_is_read_as_this_tag(label_id: str, written: str):
    assert cell("tags", tags=frozenset((label_id,))) == written


def test_tags_stand_by_name_whatever_their_accents_and_case():
    assert cell("tags", tags=frozenset(("t1", "t2", "t6", "t7"))) == "Água, Antigo, Fibra, VIP"


def test_a_name_that_is_the_id_of_another_label_gives_way_to_it():
    assert written_names((Label(id="a", name="b"), Label(id="b", name="Vendas"))) == {
        "a": "a",
        "b": "Vendas",
    }


def test_two_archived_labels_of_one_name_are_written_by_id():
    both = [Label(id=label_id, name="Rua", archived=True) for label_id in ("a", "b")]
    assert written_names(both) == {"a": "a", "b": "b"}
    assert written_names(both[:1]) == {"a": "Rua"}


@pytest.mark.parametrize(
    ("country", "phone", "shown"),
    [
        ("BR", "+5549999998888", "(49) 99999-8888"),
        ("BR", "+351912345678", "+351 912 345 678"),
        ("PT", "+351912345678", "+351 912 345 678"),
        ("PT", "+5549999998888", "+5549999998888"),
    ],
)
def test_a_telephone_is_shown_as_people_read_it_where_the_import_reads_it_too(
    country: str, phone: str, shown: str
):
    known = registration(
        country=country, tax_id=TaxId("123456789", country), phones=Phones(mobile=phone)
    )
    assert cells(known, ("country", "phones.mobile"), {}) == [country, shown]


def test_without_the_country_a_telephone_is_written_for_a_brazilian_row():
    known = registration(country="PT", tax_id=None, phones=Phones(mobile="+5549999998888"))
    assert cells(known, ("phones.mobile",), {}) == ["(49) 99999-8888"]


@pytest.mark.parametrize(
    "paths", [(), ("portal.password_hash",), ("portal.password",), ("name", "name"), ("x",)]
)
def test_only_fields_that_may_leave_the_register_can_be_chosen(paths: Sequence[str]):
    with pytest.raises(ValidationError):
        ExportOptions(paths=tuple(paths))


def test_options_can_be_kept_as_plain_values():
    chosen = ExportOptions(
        format="xlsx",
        paths=("name", "tags"),
        query=Query(text="ana", kinds=frozenset([Kind.PROSPECT])),
    )
    assert ExportOptions.model_validate_json(chosen.model_dump_json()) == chosen
    assert ExportOptions.model_validate(chosen.model_dump()) == chosen
    assert ExportOptions().paths == ALL


def test_the_password_is_nowhere():
    row = cells(registration(portal=Portal(password_hash="$argon2id$secret")), ALL, NAMES)
    assert not any("argon2" in text for text in row)


# Beginnings that the guard must keep apart, and separators of every kind.
lines = st.text() | st.text(alphabet="=+-@'\t ,;|<r>/ãÁb1\n\"😀\u202e_x0041", max_size=30)
names = lines.map(read_name).filter(bool)
phones = st.none() | st.sampled_from(
    ("+5549999998888", "+554933334444", "+554999998888", "+16502530000", "+351912345678",
     "+5491123456789", "+595981123456", "+558140042000")
)  # fmt: skip
FOREIGN = [
    read_foreign_tax_id(country, text)
    for country, text in (("PT", "501 964 843"), ("US", "A-1/2"), ("AR", "20267565393"))
]
documents = st.none() | tax_ids | st.sampled_from([d for d in FOREIGN if isinstance(d, TaxId)])


def _traits(text: str) -> tuple[str, ...]:
    return tuple(trait for trait in read_traits(text) if len(trait) <= TRAIT_LENGTH)[:TRAITS]


@st.composite
def registrations(draw: st.DrawFn) -> Registration:
    tax_id = draw(documents)
    return registration(
        tax_id=tax_id,
        country=tax_id.country if tax_id else draw(st.sampled_from(("BR", "PT", "US"))),
        name=draw(names),
        trade_name=draw(st.none() | names),
        phones=Phones(commercial=draw(phones), home=draw(phones), mobile=draw(phones)),
        email=draw(st.sampled_from((None, "ana@example.com", "-a@b.co", "+1@b.co", "'=@b.co"))),
        portal=Portal(username=draw(st.sampled_from((None, "ana", "@ana", "-1-", "...")))),
        status=draw(st.sampled_from(Status)),
        kinds=frozenset(draw(st.sets(st.sampled_from(Kind), min_size=1))),
        tags=frozenset(draw(st.sets(st.sampled_from([tag.id for tag in TAGS])))),
        traits=draw(lines.map(_traits)),
        alert_traits=draw(st.booleans()),
        priority_departments=frozenset(draw(st.sets(st.sampled_from(("d1", "d2"))))),
        fixed_note=draw(lines.map(read_note)) or None,
    )


def read_back(row: Sequence[str]) -> dict[str, Any]:
    read = RowReader(ALL, tags=TAGS, departments=DEPARTMENTS)(2, [guarded(text) for text in row])
    assert read.candidate.problems == ()
    assert not read.repaired
    values: dict[str, Any] = {}
    for path in ALL:
        values[path] = read.candidate
        for name in path.split("."):
            values[path] = getattr(values[path], name)
    return values


@STABLE
@given(registrations())
def test_what_is_exported_is_imported_as_the_same(known: Registration):
    assert read_back(cells(known, ALL, NAMES)) == {path: known.value(path) for path in ALL}
