"""What a customer's text is: a try at a document, a greeting, a name, or words to be kept."""

import pytest

from bot.domain.customer_words import (
    is_greeting,
    is_only_number,
    is_without_tax_id,
    read_given_name,
    tax_id_alone,
)
from tests.unit.documents import full_width

CPF = "390.533.447-05"
DIGITS = "39053344705"


@pytest.mark.parametrize(
    "text",
    [
        *("oi", "Oiii", "olá!", "Bom dia", "boa tarde, tudo bem?", "👋", "?"),
        *("quero falar com um atendente", "ATENDENTE", "atendimento humano por favor"),
        *("tem alguém aí???", "preciso de ajuda", "uma pessoa, por favor", "suporte"),
    ],
)
def test_a_greeting_or_a_call_for_a_person_is_no_try_at_a_document(text: str):
    assert is_greeting(text)
    assert not is_only_number(text)


@pytest.mark.parametrize("text", ["não sei", "minha internet caiu", "123", "não tenho", CPF])
def test_other_words_are(text: str):
    assert not is_greeting(text)


@pytest.mark.parametrize(
    "text",
    [
        *(CPF, DIGITS, "123", "390.533.447-0", "390 533 447 05", full_width(DIGITS)),
        *(f"oi, meu cpf é {CPF}, ok?", f"CPF: {CPF}.", "12.ABC.345/01DE-35", "12 ABC 345 01DE 35"),
        f"o cnpj da empresa é {CPF}",
    ],
)
def test_a_number_with_no_more_than_its_name_is_an_answer(text: str):
    assert is_only_number(text)


@pytest.mark.parametrize(
    "text",
    [
        *("oi", "", "não tenho", "minha internet caiu"),
        *(f"meu cpf é {CPF} e estou sem internet", f"{CPF} boleto", "a fatura veio 129,90"),
    ],
)
def test_more_words_are_kept(text: str):
    assert not is_only_number(text)


@pytest.mark.parametrize(
    "text",
    [
        *(CPF, DIGITS, f" {CPF}\n", f"cpf {DIGITS}", f"CPF: {CPF}", f"é o CNPJ {CPF}"),
        *(f"o cpf da minha mãe é {CPF}", f"cpf nº {CPF}, e a internet caiu", f"cpf\n{CPF}"),
    ],
)
def test_a_document_that_stands_alone_or_behind_its_name_is_taken(text: str):
    found = tax_id_alone(text)
    assert found
    assert found.masked == CPF


@pytest.mark.parametrize(
    "text",
    [
        *(f"meu celular é {DIGITS}", f"liga no {DIGITS}", f"protocolo {DIGITS} de ontem"),
        *(f"não sei o cpf, liga no {DIGITS}", f"{DIGITS} é meu zap", "oi", "123", ""),
        f"o cpf eu não lembro agora mas o telefone é {DIGITS}",
    ],
)
def test_another_number_is_left_alone(text: str):
    assert tax_id_alone(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Rita Moreira", "Rita Moreira"),
        ("  Bruno   Tavares ", "Bruno Tavares"),
        ("José Antônio da Conceição", "José Antônio da Conceição"),
        ("Oi, sou a Rita", "Rita"),
        ("meu nome é Bruno", "Bruno"),
        ("Me chamo Ana Bia", "Ana Bia"),
        ("Olavo", "Olavo"),
        ("Oiticica", "Oiticica"),
        ("D'Ávila", "D'Ávila"),
        ("João 23", "João 23"),
        *((text, "") for text in ("tem alguém aí???", "oi", "Boa tarde", "sim", "ok", "12345")),
        *((text, "") for text in ("", "👋", "quem é você?", "minha internet caiu", "não")),
        *((text, "") for text in ("preciso de um boleto", "quero cancelar", "cadê o técnico")),
        ("a " * 9, ""),
    ],
)
def test_a_name_is_told_from_other_words(text: str, name: str):
    assert read_given_name(text, is_company=False) == name


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("Padaria 3 Irmãos, falo com Zé", True),
        ("Quero Mais Doces Ltda, Ana", True),
        ("Internet do Sul SA e meu nome é Rita", True),
        ("tem alguém aí???", False),
        ("bom dia", False),
    ],
)
def test_companies_have_other_names(text: str, is_name: bool):
    assert bool(read_given_name(text, is_company=True)) is is_name


@pytest.mark.parametrize("name", ["Bom Dia Ltda, com a Cláudia", "Olá Turismo", "Boa Noite Motel"])
@pytest.mark.parametrize("greeting", ["", "oi, ", "Bom dia! Aqui é o "])
def test_a_company_may_have_a_greeting_in_its_name(name: str, greeting: str):
    assert read_given_name(f"{greeting}{name}", is_company=True).endswith(name)
    assert read_given_name(f"{greeting}Padaria Sol", is_company=True) == "Padaria Sol"


@pytest.mark.parametrize("text", ["Continuar sem CPF", "sem cpf", "Sem o CNPJ.", "sem CPF"])
def test_going_on_without_a_document_can_be_written(text: str):
    assert is_without_tax_id(text)
    assert not is_without_tax_id(f"estou {text}")
