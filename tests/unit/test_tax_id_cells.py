"""Spreadsheets: lost zeros come back, lost digits do not."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.tax_id import (
    CellTaxId,
    NotATaxId,
    Reason,
    TaxId,
    check,
    read_foreign_tax_id,
    read_tax_id,
    read_tax_id_cell,
)
from tests.unit.documents import CNPJ, CPF, STABLE, cnpjs, cpfs, digit_cnpjs, tax_ids

SHORT_CPF = make_cpf(1234567)  # two zeros in front
SHORT_CNPJ = make_cnpj("001234560001")


def as_cells(number: str) -> list[str | float]:
    """Return the number after a spreadsheet has dropped its zeros, in each cell type."""
    lost = int(number)
    return [lost, float(lost), str(lost), f"{lost}.0", f"{lost},0", f" {lost}\n"]


@pytest.mark.parametrize("tax_id", [SHORT_CPF, SHORT_CNPJ], ids=["cpf", "cnpj"])
@pytest.mark.parametrize("form", range(6))
def test_lost_zeros_are_put_back_and_the_row_is_flagged(tax_id: TaxId, form: int):
    assert read_tax_id_cell(as_cells(tax_id.number)[form]) == CellTaxId(tax_id, repaired=True)


@pytest.mark.parametrize("form", range(6))
def test_a_whole_number_is_not_flagged(form: int):
    assert read_tax_id_cell(as_cells(CPF.number)[form]) == CellTaxId(CPF)


@STABLE
@given(tax_ids)
def test_a_cell_reads_as_its_text_does(tax_id: TaxId):
    # A single E between digits is the subject of a test of its own.
    assume(not _looks_scientific(tax_id.number))
    assert read_tax_id_cell(tax_id.number) == CellTaxId(tax_id)
    assert read_tax_id_cell(tax_id.masked) == CellTaxId(tax_id)
    assert read_tax_id_cell(f"'{tax_id.masked}") == CellTaxId(tax_id)


def _looks_scientific(number: str) -> bool:
    mantissa, _, exponent = number.partition("E")
    return mantissa.isdecimal() and exponent.isdecimal()


@STABLE
@given(cpfs | digit_cnpjs)
def test_what_comes_back_is_the_document_or_a_refusal_and_never_another_one(tax_id: TaxId):
    lost = int(tax_id.number)
    for cell in as_cells(tax_id.number):
        found = read_tax_id_cell(cell)
        if isinstance(found, CellTaxId):
            assert isinstance(check(found.tax_id.number), TaxId)
            assert int(found.tax_id.number) == lost
            assert found.repaired == (len(str(lost)) < len(found.tax_id.number))


@STABLE
@given(st.integers(0, 10**14 - 1) | st.integers(0, 10**10))
def test_a_repair_is_never_made_when_the_check_digits_do_not_hold(number: int):
    found = read_tax_id_cell(number)
    assert read_tax_id_cell(str(number)) == found
    assert read_tax_id_cell(float(number)) == found
    if isinstance(found, CellTaxId):
        assert isinstance(check(found.tax_id.number), TaxId)
        assert int(found.tax_id.number) == number


def test_a_cpf_with_a_wrong_digit_is_not_repaired_into_something():
    wrong = int(SHORT_CPF.number) + 1
    assert read_tax_id_cell(wrong) == NotATaxId(Reason.LENGTH, len(str(wrong)))
    assert read_tax_id_cell("39053344706") == NotATaxId(Reason.CHECK_DIGITS, 11)
    assert read_tax_id_cell("0") == NotATaxId(Reason.LENGTH, 1)
    assert read_tax_id_cell("11111111111") == NotATaxId(Reason.REPEATED, 11)


def test_a_text_with_punctuation_is_as_somebody_wrote_it():
    assert read_tax_id_cell("12.345-67") == NotATaxId(Reason.LENGTH, 7)


def test_zeros_that_could_be_those_of_a_cpf_or_of_a_cnpj_are_not_guessed():
    cpf, cnpj = TaxId("00001000136"), make_cnpj("000000010001")
    assert check(cpf.number) == cpf
    assert int(cpf.number) == int(cnpj.number)
    assert read_tax_id_cell(int(cnpj.number)) == NotATaxId(Reason.AMBIGUOUS)
    assert read_tax_id_cell(cnpj.number) == CellTaxId(cnpj)


@pytest.mark.parametrize(
    "cell",
    [
        "2,47095E+13",
        "2.47095E+13",
        "2,47095e+13",
        "2.47095E13",
        "2,47095E+013",
        "247095E+8",
        " 2,47095E+13 ",
        "+2,47095E+13",
        "3,9E+10",
        "4E+10",
        "２,４７０９５E+13",
        "2,47095 E+13",
        "2.47095E+13\u200b",
        2.47095e15,
        1e300,
        -2.47095e16,
        123456789.5,
    ],
)
def test_scientific_notation_has_lost_digits_and_is_refused(cell: str | float):
    assert read_tax_id_cell(cell) == NotATaxId(Reason.SCIENTIFIC)


@pytest.mark.parametrize("cell", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(cell: float):
    assert isinstance(read_tax_id_cell(cell), NotATaxId)


def test_a_cnpj_with_a_single_e_is_not_scientific_notation():
    tax_id = make_cnpj("1234567E0001")
    assert read_tax_id(tax_id.number) == tax_id
    assert read_tax_id_cell(tax_id.masked) == CellTaxId(tax_id)
    assert read_tax_id_cell(tax_id.number) == CellTaxId(tax_id)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("", Reason.NOTHING), (" ", Reason.NOTHING), ("sem cpf", Reason.NOTHING), (5, Reason.LENGTH)],
)
def test_an_empty_or_other_cell_says_what_is_wrong(cell: str | float, reason: Reason):
    found = read_tax_id_cell(cell)
    assert isinstance(found, NotATaxId)
    assert found.reason is reason


@STABLE
@given(st.text() | st.floats() | st.integers(-(10**40), 10**40))
def test_reading_a_cell_never_raises(cell: str | float):
    found = read_tax_id_cell(cell)
    assert isinstance(found, NotATaxId) or isinstance(check(found.tax_id.number), TaxId)


@STABLE
@given(cnpjs)
def test_a_cnpj_with_letters_is_never_called_repaired(tax_id: TaxId):
    found = read_tax_id_cell(tax_id.masked)
    assert found == CellTaxId(tax_id, repaired=False)


@pytest.mark.parametrize(
    ("country", "text", "number"),
    [
        ("PT", "501 442 600", "501442600"),
        ("pt", "PT501442600", "501442600"),
        ("AR", "20-05536168-2", "20055361682"),
        ("ES", "B-58378431", "B58378431"),
        ("DE", "DE 136,695 976", "136695976"),
        ("US", "12-3456789", "123456789"),
        ("us", "ab-c", "ABC"),
        ("US", "１２３", "123"),
        ("US", "x" * 40, "X" * 40),
    ],
)
def test_a_foreign_document_follows_its_own_country(country: str, text: str, number: str):
    found = read_foreign_tax_id(country, text)
    assert found == TaxId(number, country.upper())
    assert found.key == f"{country.upper()}:{number}"
    assert found.label == f"Documento ({country.upper()})"
    assert found.masked == number
    assert not found.is_company


@pytest.mark.parametrize(
    ("country", "text", "refusal"),
    [
        ("PT", "501442601", NotATaxId(Reason.COUNTRY_RULE, 9)),
        ("AR", "20-05536168-3", NotATaxId(Reason.COUNTRY_RULE, 11)),
        ("PT", "", NotATaxId(Reason.COUNTRY_RULE, 0)),
        ("US", "12", NotATaxId(Reason.LENGTH, 2)),
        ("US", "x" * 41, NotATaxId(Reason.LENGTH, 41)),
        ("US", "--", NotATaxId(Reason.NOTHING)),
        ("US", "", NotATaxId(Reason.NOTHING)),
    ],
)
def test_a_foreign_document_is_refused_with_its_reason(country, text, refusal):
    assert read_foreign_tax_id(country, text) == refusal


def test_brazil_is_read_by_brazils_rules():
    assert read_foreign_tax_id("br", f"cpf {CPF.masked}") == CPF
    assert read_foreign_tax_id("BR", CNPJ.number) == CNPJ


@STABLE
@given(st.sampled_from(["PT", "AR", "US", "XX", "GR", "IN", "IS", "DO"]), st.text(max_size=60))
def test_reading_a_foreign_document_never_raises(country: str, text: str):
    found = read_foreign_tax_id(country, text)
    assert isinstance(found, NotATaxId) or found.country == country
