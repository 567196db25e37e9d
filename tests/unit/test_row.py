"""Cells of a file: read as they were meant, or refused; never as something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.candidate import CellReason
from bot.domain.cell import as_cell, is_odd, meant
from bot.domain.columns import Doubt, doubts_of_values, map_header
from bot.domain.encodings import OLD, judge, old_text, repaired
from bot.domain.guard import guarded
from bot.domain.registration import Kind, Status, read_name
from bot.domain.row import RowReader, accepted_reasons, is_total
from bot.domain.tax_id import CellTaxId, NotATaxId, Reason, read_tax_id_cell
from tests.unit.documents import STABLE, cpfs

FIELDS = (
    "name",
    "tax_id",
    "phones.commercial",
    "email",
    "status",
    "kinds",
    "country",
    "fixed_note",
)


def read(**cells: str):
    """Return the candidate of a row with these cells, its fields by their last name."""
    places = {field.rpartition(".")[2]: place for place, field in enumerate(FIELDS)}
    row = [""] * len(FIELDS)
    for name, cell in cells.items():
        row[places[name]] = cell
    return RowReader(FIELDS)(2, row).candidate


@pytest.mark.parametrize("decimals", [",00", ".00", ",000"])
@given(tax_id=cpfs)
@STABLE
def test_decimals_never_make_another_document(decimals: str, tax_id):
    cell = f"{int(tax_id.number)}{decimals}"
    assert read_tax_id_cell(cell, decimals=True) in (
        CellTaxId(tax_id, repaired=tax_id.number.startswith("0")),
        NotATaxId(Reason.AMBIGUOUS),
        NotATaxId(Reason.LENGTH, len(str(int(tax_id.number)))),
    )
    alone = read_tax_id_cell(cell)
    assert isinstance(alone, NotATaxId) or alone.tax_id == tax_id


@pytest.mark.parametrize("cell", ["123456797,00", "123.456.797,00", "R$ 123.456.797,00"])
def test_zeros_that_could_be_check_digits_are_decided_by_the_column(cell: str):
    assert read_tax_id_cell(cell) == NotATaxId(Reason.DECIMALS)
    found = read_tax_id_cell(cell, decimals=True)
    assert isinstance(found, CellTaxId)
    assert (found.tax_id.number, found.repaired) == ("00123456797", True)


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ('="Ana"', "Ana"),
        ("'Ana", "Ana"),
        ("'Ana'", "Ana"),
        ('"Ana"', "Ana"),
        ("Jo&atilde;o &amp; Cia", "João & Cia"),
        ("\ufeffAna\u200b", "Ana"),
        ("d'Ávila", "d'Ávila"),
        *((cell, "") for cell in ("#N/D", "#NOME?", "#REF!", "NULL", "\\N", "-", "nan", "FALSO")),
        *((cell, "") for cell in ("None", "n/a", "####", "Err:502", "''", '=""', "'NULL'")),
    ],
)
def test_wrappers_come_off_and_placeholders_are_blank(cell: str, meaning: str):
    assert meant(cell) == meaning
    assert (read(name=cell).name or "") == meaning


@STABLE
@given(st.text() | st.text(alphabet="=+-@'\"#&;\\N ab", max_size=12))
def test_what_an_export_writes_is_read_back(text: str):
    text = read_name(text)
    cell = guarded(as_cell(text))
    assert (meant(cell) if is_odd(cell) else cell) == text


@pytest.mark.parametrize(
    "cell",
    [
        *('=T("Ana")', "=A1", '=HYPERLINK("x","Ana")', "39053344705", "ana@x.com", "01/02/2024"),
        *("(49) 99999-8888", "R$ 10.000,00", "<b>Ana</b>", "Jo?o", "Concei??o", "?rica", "Jo├úo"),
        *("Jo√£o", "JoÆo", "Andr‚", "Mu¤oz", "AndrÚ", "JosÈ", "Lu¡s", "µlvaro", "Gon‡alves"),
    ],
)
def test_what_is_no_name_is_refused_and_comes_back_from_an_export(cell: str):
    assert [one.reason for one in read(name=cell).problems] == [CellReason.NAME]
    assert read(name=guarded(as_cell(cell, is_name=True))).name == cell


@pytest.mark.parametrize(
    "name",
    [
        *("D’Ávila", "d´Ávila", "O'Neil", "Ana – Loja", "Rio–Niterói", "Quem Disse, Berenice?"),
        *("Müller", "Muñoz", "Zoë", "Łukasz", "Ελένη", "王芳", "Straße", "Ørsted", "C&A", "99"),
        *("Loja 24h", "João †", "Conceição “Ceiça” Silva", "1ª Igreja", "Nº 5", "N°5", "Café™"),
        *("iFood", "MÜLLER", "PréMoldados", "Ana <3", "Pão&Cia", "Açaí•Café", "¿Qué?", "A@B"),
    ],
)
def test_unusual_names_are_names(name: str):
    assert (read(name=name).name, read(name=name).problems) == (name, ())


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("name", "Não informado", None),
        ("name", "SEM NOME", None),
        ("name", "xxx", None),
        ("name", "(nulo)", None),
        ("name", "Ana<br/>Silva", "Ana Silva"),
        ("name", "Ana_x000D_", "Ana"),
        ("status", "1.0", Status.ACTIVE),
        ("status", "0,00", Status.INACTIVE),
        ("country", "1058.0", "BR"),
    ],
)
def test_other_wrappers_of_programs(field: str, cell: str, value: object):
    candidate = read(**{field: cell})
    assert (getattr(candidate, field), candidate.problems) == (value, ())


@pytest.mark.parametrize(
    "cell",
    [
        *("#mailto:ana@x.com#", "http://ana@x.com", "ana@x.com/", "ana@x..com", ".ana@x.com"),
        *("naotem@naotem.com", "xxx@xxx.com", "a@a.com", "sem@email.com", "nao_tem@gmail.com"),
        *("cliente@naopossui.com.br", "teste@teste.com", "ana@x.com/bia@x.com"),
    ],
)
def test_what_is_no_email_is_refused(cell: str):
    assert [one.reason for one in read(email=cell).problems] == [CellReason.EMAIL]
    for email in ("ibm@ibm.com", "o'neil@são-paulo.com.br", "noemia@mail.com", "nao@x.com"):
        assert read(email=email).email == email


def test_totals_are_told_by_their_words():
    totals = (
        *("Total geral", "Subtotal:", "Sub-total", "Qtde: 5", "QTD 5", "Quant. 3", "Somatório"),
        *("(2 rows)", "Nº de clientes: 5", "Clientes: 5", "Gerado em 01/01", "Contagem"),
    )
    assert [one for one in totals if not is_total(one)] == []
    people = ("Somália Silva", "No Capricho", "Noel de Souza", "Clientela Ltda", "N. de Souza")
    assert [one for one in people if is_total(one)] == []


def test_a_document_is_of_the_country_that_it_can_be_of():
    row = {"tax_id": "39053344705"}
    # The column of countries has states: Santa Catarina is no Seychelles, Pará no Panama.
    for country in ("SC", "PA", "US"):
        assert [one.reason for one in read(**row, country=country).problems] == [
            CellReason.TAX_ID_COUNTRY
        ]
    assert read(tax_id="BR39053344705").tax_id == read(**row).tax_id
    # Both a CPF and a CNPJ that lost three zeros.
    assert read_tax_id_cell("40188000100") == NotATaxId(Reason.AMBIGUOUS)


def test_an_email_comes_out_of_its_wrapper():
    for cell in ("mailto:ana@x.com", "<ana@x.com>", "ana@x.com;", "\u200bana@x.com"):
        assert read(email=cell).email == "ana@x.com"


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("49999998888##4933334444", ("+5549999998888", "+554933334444")),
        ("(49) 99999-8888 / (49) 3333-4444", ("+5549999998888", "+554933334444")),
        ("(49) 3333-4444; 0800 591 2345", ("+554933334444", "+558005912345")),
        ("4933334444.0", ("+554933334444", None)),
        ("(00) 0000-0000", (None, None)),
    ],
)
def test_the_second_telephone_of_a_cell_goes_into_the_next_field(cell: str, phones):
    candidate = read(commercial=cell)
    assert (candidate.phones.commercial, candidate.phones.home) == phones
    assert candidate.problems == ()


def test_a_telephone_that_has_no_place_is_told():
    reader = RowReader(("phones.commercial", "phones.home", "phones.mobile"))
    row = ["4933334444/4933335555", "4933336666", "49999998888"]
    assert [p.reason for p in reader(2, row).candidate.problems] == [CellReason.PHONES]


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("TRUE", Status.ACTIVE),
        ("VERDADEIRO", Status.ACTIVE),
        ("A - Ativo", Status.ACTIVE),
        ("FALSO", Status.INACTIVE),
        ("Desativado", Status.INACTIVE),
        ("Removido", Status.INACTIVE),
        ("Bloqueado", None),
    ],
)
def test_a_status_is_read_by_its_usual_words(cell: str, status: Status | None):
    candidate = read(status=cell)
    assert candidate.status is status
    assert bool(candidate.problems) == (status is None)


def test_somebody_interested_is_a_prospect():
    candidate = read(status="Interessado")
    assert (candidate.status, candidate.kinds) == (Status.ACTIVE, {Kind.PROSPECT})
    assert read(status="Interessado", kinds="cliente").kinds == {Kind.CUSTOMER}


@pytest.mark.parametrize(
    "cell", ["Cliente/Fornecedor", "cliente e fornecedor", "Cliente | Fornecedor", "Ambos"]
)
def test_kinds_are_read_by_their_labels(cell: str):
    assert read(kinds=cell).kinds == {Kind.CUSTOMER, Kind.SUPPLIER}
    assert read(kinds="prestador_servico").kinds == {Kind.SERVICE_PROVIDER}
    assert read(kinds="Transportadora").problems[0].reason is CellReason.KIND


@pytest.mark.parametrize("cell", ["1058", "1058 - BRASIL", "BRA", "Brazil", "Bra.", "brasileira"])
def test_brazil_has_many_names(cell: str):
    candidate = read(country=cell)
    assert (candidate.country, candidate.problems) == ("BR", ())


@pytest.mark.parametrize(("cell", "code"), [("ARG", "AR"), ("Paraguay", "PY"), ("5860", "PY")])
def test_other_countries_have_codes_too(cell: str, code: str):
    assert read(country=cell).country == code


def test_an_accepted_problem_leaves_the_field_out():
    reader = RowReader(("name", "trade_name"), accepted=accepted_reasons(("trade_name",)))
    row = reader(2, ["Ana", "Bar do Jo?o"])
    assert (row.candidate.trade_name, row.candidate.problems) == (None, ())
    assert [problem.path for problem in row.accepted] == ["trade_name"]
    reader = RowReader(FIELDS, accepted=accepted_reasons(("phone",)))
    row = reader(2, ["Ana", "", "não tem", "não tem", "", "", "", ""])
    assert [problem.path for problem in row.accepted] == ["phones.commercial"]
    assert [problem.path for problem in row.candidate.problems] == ["email"]


def _pieces(text: str) -> dict[str, int]:
    return {text[max(0, n - 1) : n + 2]: 1 for n, c in enumerate(text) if not c.isascii()}


@pytest.mark.parametrize("encoding", OLD)
@pytest.mark.parametrize("names", ["João Conceição", "José Antônio Simões", "ANDRÉ GONÇALVES"])
def test_the_words_tell_the_encoding(encoding: str, names: str):
    judged = judge(_pieces(old_text(names.encode(encoding))))
    assert judged.encoding == encoding
    assert judged.is_certain


@STABLE
@given(st.text(st.characters(codec="utf-8", max_codepoint=0x2FF)))
def test_a_text_that_is_not_read_twice_stays(text: str):
    assert (
        repaired(text.encode("ascii", "ignore").decode())
        == text.encode("ascii", "ignore").decode()
    )


def test_utf8_read_twice_is_repaired():
    for name in ("João", "CONCEIÇÃO", "José – “Bar”"):
        assert repaired(name.encode().decode("cp1252", "replace")) == name or "\ufffd" in (
            name.encode().decode("cp1252", "replace")
        )


def test_a_letter_that_was_lost_is_refused():
    assert [p.reason for p in read(name="Jo\ufffdo").problems] == [CellReason.UNREADABLE]
    assert read(name="João").problems == ()


@pytest.mark.parametrize(
    ("values", "field", "doubt"),
    [
        (("Cliente", "Fornecedor"), "kinds", None),
        (("PF", "PJ"), None, None),
        (("F", "J"), None, Doubt.UNKNOWN),
        (("Cliente", "outro"), None, Doubt.UNKNOWN),
    ],
)
def test_a_column_called_tipo_is_told_by_its_values(values, field, doubt):
    column = doubts_of_values(map_header(("Nome", "Tipo")), [("Ana", one) for one in values])[1]
    assert (column.field, column.doubt) == (field, doubt)
