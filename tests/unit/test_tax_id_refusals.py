"""Every refusal names its reason, and a document never shows itself by accident."""

import dataclasses
import json
import logging

import pytest
from hypothesis import given

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.tax_id import NotATaxId, Reason, TaxId, check, read_foreign_tax_id, read_tax_id
from tests.unit.documents import CNPJ, CPF, STABLE, cnpjs, cpfs, digit_cnpjs, tax_ids


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "oi", "não sei", "🤷", "....", "//--", "tenho 2", "/start", "a1b2"]
)
def test_a_text_without_a_number_is_nothing_like_one(text: str):
    assert read_tax_id(text) == NotATaxId(Reason.NOTHING)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("123", 3),
        ("390.533.447-0", 10),
        ("390533447050", 12),
        ("cpf 390 533 447", 9),
        ("12.345.678/0001-9", 13),
        ("123456789012345", 15),
        ("12.ABC.345/01DE-3", 13),
        ("12.ABC.345/01DE-355", 15),
        ("12ABC34501DE", 12),
        ("1" * 40, 40),
    ],
)
def test_a_wrong_length_says_how_many_characters_there_are(text: str, length: int):
    assert read_tax_id(text) == NotATaxId(Reason.LENGTH, length)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("390.533.447-06", 11),
        ("390.533.447-15", 11),
        ("12345678901", 11),
        ("12.ABC.345/01DE-36", 14),
        ("12.ABC.346/01DE-35", 14),
        ("12345678000100", 14),
    ],
)
def test_check_digits_that_do_not_match_are_named(text: str, length: int):
    assert read_tax_id(text) == NotATaxId(Reason.CHECK_DIGITS, length)


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("length", [11, 14])
def test_repeated_digits_are_refused_whatever_their_check_digits(digit: str, length: int):
    assert read_tax_id(digit * length) == NotATaxId(Reason.REPEATED, length)
    assert check(digit * length) == NotATaxId(Reason.REPEATED, length)


def test_repeated_digits_are_refused_with_punctuation_too():
    assert read_tax_id("cpf 111.111.111-11") == NotATaxId(Reason.REPEATED, 11)
    assert read_tax_id("00.000.000/0000-00") == NotATaxId(Reason.REPEATED, 14)


@pytest.mark.parametrize(
    "number", ["", "1", "390.533.447-05", "3905334470X", "12abc34501de35", "12ABC34501DEAB", " "]
)
def test_only_a_normal_form_passes_the_check(number: str):
    assert check(number) == NotATaxId(Reason.LENGTH, len(number))


@pytest.mark.parametrize("digits", ["٣٩٠٥٣٣٤٤٧٠٥", "३९०५३३४४७०५", "𝟑𝟗𝟎𝟓𝟑𝟑𝟒𝟒𝟕𝟎𝟓"])
def test_digits_of_other_scripts_never_make_a_second_normal_form(digits: str):
    assert isinstance(check(digits), NotATaxId)
    assert read_tax_id(digits) in (CPF, NotATaxId(Reason.NOTHING))


@STABLE
@given(cpfs)
def test_the_hidden_cpf_keeps_six_digits_of_eleven(tax_id: TaxId):
    n = tax_id.number
    assert tax_id.hidden == f"***.{n[3:6]}.{n[6:9]}-**"
    assert read_tax_id(tax_id.masked) == tax_id


@STABLE
@given(cnpjs | digit_cnpjs)
def test_the_hidden_cnpj_keeps_six_characters_of_fourteen(tax_id: TaxId):
    n = tax_id.number
    assert tax_id.hidden == f"**.{n[2:5]}.{n[5:8]}/****-**"
    assert read_tax_id(tax_id.masked) == tax_id


@pytest.mark.parametrize(
    ("country", "text"),
    [("US", "123"), ("US", "12-3456789"), ("PT", "501442600"), ("SM", "25")],
)
def test_the_hidden_foreign_document_shows_its_last_two_at_most_and_never_all(country, text):
    tax_id = read_foreign_tax_id(country, text)
    assert isinstance(tax_id, TaxId)
    assert tax_id.number not in tax_id.hidden
    assert len(tax_id.hidden.replace("*", "")) <= 2


@STABLE
@given(tax_ids)
def test_a_document_hides_itself_wherever_it_is_printed(tax_id: TaxId):
    holder = dataclasses.make_dataclass("Holder", ["tax_id"])(tax_id)
    record = logging.LogRecord("x", 20, "", 1, "cliente %s %r", (tax_id, tax_id), None)
    printed = (
        str(tax_id),
        repr(tax_id),
        f"{tax_id}",
        f"{tax_id!r:>60}",
        "%s" % tax_id,  # noqa: UP031 - this way too
        "{}".format(tax_id),  # noqa: UP032
        repr([tax_id]),
        repr({"id": tax_id}),
        repr(holder),
        record.getMessage(),
        json.dumps({"a": tax_id}, default=str),
    )
    assert [p for p in printed if tax_id.number in p or tax_id.masked in p] == []
    assert all(tax_id.hidden in p for p in printed)


@pytest.mark.parametrize("n", [-1, 10**9])
def test_no_cpf_is_made_from_more_than_nine_digits(n: int):
    with pytest.raises(ValueError, match="nine digits"):
        make_cpf(n)


@pytest.mark.parametrize("root", ["0" * 12, "12ABC34501D", "12ABC34501DE3"])
def test_no_cnpj_is_made_from_what_begins_none(root: str):
    with pytest.raises(ValueError, match=r"."):
        make_cnpj(root)


def test_documents_are_the_same_when_country_and_number_are():
    assert TaxId("123", "US") != TaxId("123", "AR")
    assert len({CPF, TaxId(CPF.number), CNPJ}) == 2
