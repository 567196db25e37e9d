"""The mapping of columns to fields: by header or by a person, and never by a silent guess."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.columns import (
    FILE_COLUMNS,
    Column,
    Doubt,
    assign,
    doubts_of_values,
    fields_of,
    header_key,
    is_known,
    is_usable,
    known_field,
    map_header,
)
from bot.domain.fields import OTHER_HEADERS, UPDATABLE
from tests.unit.documents import STABLE

HEADER = [
    "Nome",
    "cpfCnpj",
    "fantasia",
    "foneComercial",
    "foneResidencial",
    "celular",
    "email",
    "senha",
    "usuario",
    "status",
    "tipoRegistro",
    "etiqueta",
]
CPFS = [make_cpf(1000 + n) for n in range(20)]
ROWS = [
    [
        f"Ana {'BCDEFGHIJKLMNOPQRSTU'[n]}. Souza",
        cpf.masked,
        f"Loja da {'BCDEFGHIJKLMNOPQRSTU'[n]}.",
        "(49) 3333-4444",
        "",
        f"(49) 99999-88{n:02d}",
        f"a{n}@exemplo.com.br",
        "",
        f"ana{n}",
        "A",
        "cliente",
        "vip",
    ]
    for n, cpf in enumerate(CPFS)
]


def fields(*header: str) -> list[str | None]:
    return fields_of(map_header(header))


def doubts(columns: Sequence[Column]) -> dict[int, Doubt]:
    return {column.index: column.doubt for column in columns if column.doubt}


def test_the_template_begins_with_the_columns_of_the_sheet_people_know():
    assert list(FILE_COLUMNS)[:12] == HEADER


def test_the_template_maps_to_every_field_that_files_have():
    columns = map_header(tuple(FILE_COLUMNS))
    assert fields_of(columns) == list(FILE_COLUMNS.values())
    assert not doubts(columns)
    local = {"portal.password_hash", "erp_refs"}
    assert set(FILE_COLUMNS.values()) - {"tax_id", "country", "portal.password"} == (
        set(UPDATABLE) - local
    )


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("NOME", "name"),
        (" nome ", "name"),
        ("Razão Social", "name"),
        ("RAZAO_SOCIAL", "name"),
        ("CPF/CNPJ", "tax_id"),
        ("cnpj / cpf", "tax_id"),
        ("C.P.F.", "tax_id"),
        ("Nº do CPF", "tax_id"),
        ("Documento", "tax_id"),
        ("Nome Fantasia", "trade_name"),
        ("Fone Comercial", "phones.commercial"),
        ("Telefone", "phones.commercial"),
        ("Tel.", "phones.commercial"),
        ("Fone (residencial)", "phones.home"),
        ("WhatsApp", "phones.mobile"),
        ("E-mail", "email"),
        ("Endereço de e-mail", "email"),
        ("Usuário", "portal.username"),
        ("Login", "portal.username"),
        ("SITUAÇÃO", "status"),
        ("Tipo de registro", "kinds"),
        ("Etiquetas", "tags"),
        ("País", "country"),
        ("Características", "traits"),
        ("Avisar atendente?", "alert_traits"),
        ("Prioridade", "priority_departments"),
        ("Observações", "fixed_note"),
        ("Phone 1 - Value", "phones.mobile"),
        ("E-mail 1 - Value", "email"),
        ("Organization Name", "trade_name"),
        ("Business Phone", "phones.commercial"),
        ("First Name", None),
        ("Sobrenome", None),
        ("Tipo", None),
        ("", None),
        ("—", None),
    ],
)
def test_headers_are_known_by_their_usual_names(header: str, field: str | None):
    assert known_field(header) == field


def test_no_name_stands_for_two_fields():
    owners: dict[str, str] = {}
    names = [(field, name) for name, field in FILE_COLUMNS.items()]
    names += [(f, name) for f, others in OTHER_HEADERS.items() for name in others.split(",")]
    for field, name in names:
        assert owners.setdefault(header_key(name), field) == field


def test_doubtful_columns_have_no_field():
    columns = map_header(["Nome", "", "Cor", "nome", "CPF"])
    assert columns == (
        Column(0, "Nome", "name"),
        Column(1, "", None, Doubt.UNNAMED),
        Column(2, "Cor", None, Doubt.UNKNOWN),
        Column(3, "nome", None, Doubt.DUPLICATE),
        Column(4, "CPF", "tax_id"),
    )


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (("Cliente", "Nome"), 1),
        (("Documento", "CPF/CNPJ"), 1),
        (("WhatsApp", "Celular"), 1),
        (("Telefone", "Telefone 1"), 1),
        (("CPF", "CNPJ"), 0),
        (("Nome", "Razão Social"), 0),
    ],
)
def test_the_better_of_two_names_has_the_field(header: tuple[str, str], chosen: int):
    columns = map_header(header)
    assert columns[chosen].field is not None
    assert columns[1 - chosen].doubt is Doubt.DUPLICATE


def test_the_columns_of_our_own_report_are_ignored_without_a_word():
    columns = map_header(["linha", "Erro", *HEADER])
    assert columns[:2] == (Column(0, "linha", None), Column(1, "Erro", None))
    assert is_known("LINHA")
    assert fields_of(columns)[2:] == list(FILE_COLUMNS.values())[:12]


def test_a_file_with_its_values_in_place_raises_no_doubt():
    columns = map_header(HEADER)
    assert doubts_of_values(columns, ROWS) == columns
    assert doubts_of_values(columns, ROWS[:1]) == columns
    assert doubts_of_values(columns, []) == columns


@pytest.mark.parametrize("count", [1, 2, 20])
def test_values_one_column_to_the_right_are_noticed(count: int):
    columns = map_header([*HEADER, ""])
    shifted = doubts_of_values(columns, [["", *row] for row in ROWS[:count]])
    assert shifted[0].doubt is shifted[1].doubt is shifted[2].doubt is Doubt.SHIFTED
    assert "tax_id" not in fields_of(shifted)
    assert not is_usable(shifted)
    assert shifted[12].doubt is Doubt.UNNAMED


@pytest.mark.parametrize("count", [1, 2, 20])
def test_values_one_column_to_the_left_are_noticed(count: int):
    columns = map_header(HEADER)
    shifted = doubts_of_values(columns, [row[1:] for row in ROWS[:count]])
    assert shifted[0].doubt is shifted[1].doubt is Doubt.SHIFTED
    assert not is_usable(shifted)


def test_values_that_go_astray_further_on_leave_what_is_in_place():
    rows = [[*row[:3], "", *row[3:]] for row in ROWS]
    shifted = doubts_of_values(map_header([*HEADER, ""]), rows)
    assert fields_of(shifted)[:3] == ["name", "tax_id", "trade_name"]
    assert {6, 7} <= set(doubts(shifted))
    assert is_usable(shifted)


def test_a_blank_column_beside_a_nameless_one_with_its_values_is_doubted():
    columns = map_header(["Nome", "E-mail", ""])
    rows = [["Ana Souza", "", f"a{n}@exemplo.com.br"] for n in range(5)]
    assert doubts(doubts_of_values(columns, rows)) == {1: Doubt.SHIFTED, 2: Doubt.UNNAMED}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        pytest.param(["Nome", "CPF"], ["Ana Souza", "não tem"], id="no-documents"),
        pytest.param(["CPF", "Celular"], ["x", "(49) 99999-8888"], id="phones-are-no-documents"),
        pytest.param(
            ["email", "usuario"], ["", "ana@exemplo.com.br"], id="signs-in-with-another-email"
        ),
        pytest.param(
            ["Telefone", "Celular"], ["ramal 12", "(49) 99999-8888"], id="one-phone-of-two"
        ),
        pytest.param(["CPF", "Nome"], ["123", "Ana Souza"], id="wrong-documents"),
        pytest.param(["status", "etiqueta"], ["S", "vip"], id="status-of-another-system"),
    ],
)
def test_dirty_columns_raise_no_doubt(header: list[str], row: list[str]):
    columns = map_header(header)
    assert doubts_of_values(columns, [row] * 20) == columns


@pytest.mark.parametrize("wrong", range(0, 100, 10))
def test_a_partly_dirty_column_raises_no_doubt(wrong: int):
    columns = map_header(["Nome", "CPF", "Outro documento"])
    rows = [
        [
            "Ana Souza",
            "123" if n < wrong else make_cpf(5000 + n).number,
            make_cnpj(f"{n:08d}0001").number,
        ]
        for n in range(100)
    ]
    found = doubts(doubts_of_values(columns, rows))
    assert found == ({2: Doubt.UNKNOWN} if wrong < 90 else {1: Doubt.SHIFTED, 2: Doubt.UNKNOWN})


def test_a_few_wrong_values_do_not_make_an_empty_column_doubtful():
    columns = map_header(["email", "usuario"])
    rows = [["não tem" if n < 3 else "", f"a{n}@exemplo.com.br"] for n in range(50)]
    assert doubts_of_values(columns, rows) == columns


def test_nameless_columns_without_values_are_ignored():
    columns = doubts_of_values(map_header(["Nome", "", "", "Cor"]), [["Ana", " ", "x"], ["Bia"]])
    assert doubts(columns) == {2: Doubt.UNNAMED, 3: Doubt.UNKNOWN}


def test_a_person_assigns_a_column_and_ignores_another():
    columns = map_header(["", "Cor", "Nome"])
    columns = assign(columns, 0, "tax_id")
    columns = assign(columns, 1, None)
    assert columns == (Column(0, "", "tax_id"), Column(1, "Cor", None), Column(2, "Nome", "name"))


def test_assigning_a_field_takes_it_from_the_column_that_had_it():
    columns = assign(map_header(["Nome", "Apelido", "Cor"]), 2, "name")
    assert fields_of(columns) == [None, "trade_name", "name"]
    assert doubts(columns) == {}


def test_ignoring_a_column_takes_nothing_from_the_others():
    columns = map_header(["Nome", "", "Cor"])
    assert assign(columns, 2, None)[:2] == columns[:2]


def test_only_what_there_is_can_be_assigned():
    columns = map_header(["Nome"])
    for index in (-1, 1):
        with pytest.raises(IndexError):
            assign(columns, index, "name")
    with pytest.raises(ValueError, match="no such field"):
        assign(columns, 0, "portal.password_hash")


@pytest.mark.parametrize(
    ("header", "usable"),
    [
        (["Nome"], True),
        (["CPF"], True),
        (["E-mail", "Celular", "Tipo de registro"], False),
        (["", "Cor"], False),
        ([], False),
    ],
)
def test_a_name_or_a_tax_id_is_needed(header: list[str], usable: bool):
    assert is_usable(map_header(header)) is usable


headers = st.lists(
    st.sampled_from([*FILE_COLUMNS, "Razão Social", "CPF", "Cor", "", "linha"])
    | st.text(max_size=9),
    max_size=12,
)
choices = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from([None, *FILE_COLUMNS.values()])), max_size=6
)


@STABLE
@given(headers, choices, st.lists(st.lists(st.text(max_size=9), max_size=12), max_size=4))
def test_no_field_is_in_two_columns(
    header: list[str],
    chosen: list[tuple[int, str | None]],
    rows: list[list[str]],
):
    columns = doubts_of_values(map_header(header), rows)
    for index, field in chosen:
        if index < len(columns):
            columns = assign(columns, index, field)
            assert columns[index] == Column(index, header[index], field)
    kept = fields_of(columns)
    used = [field for field in kept if field]
    assert len(used) == len(set(used))
    assert all(column.doubt is None or column.field is None for column in columns)
    assert [column.header for column in columns] == header
