"""A CPF or CNPJ is read from any text that a person wrote around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj as stdnum_cnpj
from stdnum.br import cpf as stdnum_cpf

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.tax_id import NotATaxId, Reason, TaxId, check, read_tax_id
from tests.unit.documents import (
    ALPHANUMERIC,
    CNPJ,
    CPF,
    OTHER_CPF,
    STABLE,
    cnpjs,
    cpfs,
    digit_cnpjs,
    full_width,
    tax_ids,
    with_separators,
)

MOBILE = "49999998888"
PUNCTUATION = ["", ".", "-", "/", "_", "–", "—", "‑", "−"]
SPACE = [" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2009", "\u3000", ". ", " - ", "/\n"]
BEFORE = ["", "meu cpf é ", "CNPJ: ", "cnpj nº ", "Olá!\n", "é (", "cpf", "📄 ", "Segue:\n\n", '"']
AFTER = ["", ", ok?", ".", "!", ")", "\nObrigado", " 👍", " é o meu", ";", '"', "\u200f"]


def separated(tax_ids: st.SearchStrategy[TaxId], separators: list[str]) -> st.SearchStrategy:
    """Draw a document and a spelling of it, with any separators anywhere."""
    return tax_ids.flatmap(
        lambda tax_id: st.lists(
            st.sampled_from(separators),
            min_size=len(tax_id.number) - 1,
            max_size=len(tax_id.number) - 1,
        ).map(lambda chosen: (tax_id, with_separators(tax_id.number, chosen)))
    )


@STABLE
@given(separated(cpfs | digit_cnpjs, PUNCTUATION + SPACE), st.sampled_from(BEFORE))
def test_digits_are_read_through_any_punctuation_and_spacing(written, before):
    tax_id, text = written
    assert read_tax_id(before + text) == tax_id


@STABLE
@given(separated(cnpjs, PUNCTUATION))
def test_letters_are_read_through_any_punctuation(written):
    tax_id, text = written
    assert read_tax_id(text) == tax_id
    assert read_tax_id(text.lower()) == tax_id


@STABLE
@given(separated(cnpjs, PUNCTUATION + SPACE))
def test_letters_are_read_through_any_spacing(written):
    tax_id, text = written
    assert read_tax_id(text) == tax_id


@STABLE
@given(tax_ids, st.booleans(), st.sampled_from(BEFORE[:-4]), st.sampled_from(AFTER))
def test_words_around_are_passed_over(tax_id: TaxId, masked: bool, before: str, after: str):
    assert read_tax_id(f"{before} {tax_id.masked if masked else tax_id.number}{after}") == tax_id


@STABLE
@given(tax_ids)
def test_full_width_characters_are_read(tax_id: TaxId):
    assert read_tax_id(full_width(tax_id.number)) == tax_id
    assert read_tax_id(full_width(tax_id.masked)) == tax_id


@STABLE
@given(tax_ids)
def test_the_normal_form_and_the_key_read_back(tax_id: TaxId):
    assert check(tax_id.number) == tax_id
    assert tax_id.number == tax_id.number.upper()
    assert tax_id.number.isalnum()
    assert tax_id.key == f"BR:{tax_id.number}"


@STABLE
@given(st.text() | st.text(alphabet="0123456789ABCxyz .-/\n_(),+é０１٣²½Ⅷ\u200b\u202e"))
def test_reading_never_raises_and_what_it_finds_is_valid(text: str):
    found = read_tax_id(text)
    assert found == check(found.number) if isinstance(found, TaxId) else found.reason in Reason


@pytest.mark.parametrize(
    "text",
    ["1" * 200_000, "1 " * 100_000, "A1" * 100_000, "1.-" * 80_000, "ﷺ" * 50_000, "\n" * 200_000],
)
def test_a_huge_text_is_refused_and_not_worked_on_for_long(text: str):
    assert isinstance(read_tax_id(text), NotATaxId)


def near(number: str, at: int, character: str) -> str:
    return number[:at] + character + number[at + 1 :]


@STABLE
@given(st.text("0123456789", min_size=11, max_size=11))
def test_eleven_digits_are_judged_as_python_stdnum_does(number: str):
    expected = stdnum_cpf.is_valid(number) and len(set(number)) > 1
    assert isinstance(check(number), TaxId) == expected
    assert isinstance(read_tax_id(number), TaxId) == expected


@STABLE
@given(cpfs, st.integers(0, 10), st.sampled_from("0123456789"))
def test_a_cpf_with_one_digit_changed_is_judged_as_python_stdnum_does(tax_id, at, digit):
    number = near(tax_id.number, at, digit)
    assert isinstance(check(number), TaxId) == (
        stdnum_cpf.is_valid(number) and len(set(number)) > 1
    )


@STABLE
@given(st.text(ALPHANUMERIC, min_size=14, max_size=14))
def test_fourteen_characters_are_judged_as_python_stdnum_does(number: str):
    expected = stdnum_cnpj.is_valid(number) and len(set(number)) > 1
    assert isinstance(check(number), TaxId) == expected


@STABLE
@given(cnpjs | digit_cnpjs, st.integers(0, 13), st.sampled_from(ALPHANUMERIC))
def test_a_cnpj_with_one_character_changed_is_judged_as_python_stdnum_does(tax_id, at, character):
    number = near(tax_id.number, at, character)
    assert isinstance(check(number), TaxId) == (
        stdnum_cnpj.is_valid(number) and len(set(number)) > 1
    )


def test_the_official_example_is_read_and_shown_with_its_letters():
    found = read_tax_id("12.ABC.345/01DE-35")
    assert found == TaxId("12ABC34501DE35")
    assert found.masked == "12.ABC.345/01DE-35"
    assert found.hidden == "**.ABC.345/****-**"
    assert found.label == "CNPJ"
    assert found.is_company


def test_a_cpf_is_shown_masked_and_hidden():
    found = read_tax_id("meu cpf é 390.533.447-05, ok?")
    assert found == TaxId("39053344705")
    assert found.masked == "390.533.447-05"
    assert found.hidden == "***.533.447-**"
    assert found.label == "CPF"
    assert not found.is_company


@pytest.mark.parametrize(
    "word", ["CPF-", "CPF.", "cpf/", "Cpf_", "CNPJ-", "cnpj.", "doc-", "sim-"]
)
@pytest.mark.parametrize("tax_id", [CPF, CNPJ], ids=["cpf", "cnpj"])
def test_a_word_tied_to_the_number_by_punctuation_is_no_part_of_it(word: str, tax_id: TaxId):
    assert read_tax_id(word + tax_id.masked) == tax_id


@pytest.mark.parametrize("tax_id", [CPF, CNPJ], ids=["cpf", "cnpj"])
def test_a_word_that_follows_the_full_stop_without_a_space_is_no_part_of_it(tax_id: TaxId):
    assert read_tax_id(f"{tax_id.masked}.Obrigado") == tax_id


def test_a_cnpj_whose_letters_spell_cpf_is_read():
    tax_id = make_cnpj("12CPF34501DE")
    assert read_tax_id(tax_id.masked) == tax_id
    assert read_tax_id(tax_id.number) == tax_id


@pytest.mark.parametrize("invisible", ["\u200b", "\u200e", "\u2060", "\u00ad", "\ufeff"])
def test_invisible_characters_that_came_with_a_copied_number_do_not_matter(invisible: str):
    assert read_tax_id(f"{invisible}390.533{invisible}.447-05{invisible}") == CPF


@pytest.mark.parametrize(
    "text",
    [
        f"{CPF.masked} {MOBILE}",
        f"{MOBILE}, cpf {CPF.masked}",
        f"{CPF.number}\n(49) 99999-8888",
        f"CPF {CPF.masked} fone +55 49 99999-8888",
        f"{CNPJ.masked} {MOBILE}",
        f"390 533 447 05, {MOBILE}",
        "390 533 447 05 ou 49 99999-8888",
        f"{CPF.masked} {MOBILE} 11988887777",
    ],
)
def test_a_mobile_number_beside_a_document_is_not_ambiguous(text: str):
    assert read_tax_id(text) in (CPF, CNPJ)


@pytest.mark.parametrize(
    "text",
    [
        f"{CPF.masked} {OTHER_CPF.masked}",
        f"{CPF.number} e {OTHER_CPF.number}",
        f"{CPF.masked}\n{CNPJ.masked}",
        f"{CPF.number},{OTHER_CPF.number}",
        f"{CPF.masked} 11122233300",
        "390 533 447 05\n111 222 333 96",
        "390 533 447 05 e 12 ABC 345 01DE 35",
    ],
)
def test_two_different_numbers_are_ambiguous(text: str):
    assert read_tax_id(text) == NotATaxId(Reason.AMBIGUOUS)


@STABLE
@given(tax_ids, tax_ids)
def test_two_documents_are_ambiguous_and_the_same_one_twice_is_not(one: TaxId, two: TaxId):
    expected = one if one == two else NotATaxId(Reason.AMBIGUOUS)
    assert read_tax_id(f"{one.masked} ou {two.number}") == expected
    assert read_tax_id(f"{one.number} ou {one.masked}") == one


def test_made_up_documents_are_the_same_each_time():
    assert make_cpf(390533447) == CPF
    assert make_cnpj("12abc34501de") == CNPJ
