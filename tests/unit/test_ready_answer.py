"""Ready answers: their short words, and texts that read well with and without a name."""

import pytest

from bot.domain.card import Card
from bot.domain.conversation import Identification, VerifiedBy
from bot.domain.ready_answer import (
    ANSWER_LENGTH,
    ReadyAnswer,
    asked_word,
    fill,
    find,
    is_too_long,
    name_on,
    nearest,
    of_department,
    read_word,
    unknown_places,
)
from tests.storage.records import NOW, conversation, registration
from tests.unit.documents import CNPJ

PROTOCOL = "20261124-048213"


def answer(word: str, department_id: str | None = None, html: str = "x") -> ReadyAnswer:
    return ReadyAnswer(
        id=f"{word}{department_id}", word=word, html=html, department_id=department_id
    )


@pytest.mark.parametrize(
    ("html", "named", "nameless"),
    [
        ("Olá, {nome}! Segue.", "Olá, Ana! Segue.", "Olá! Segue."),
        ("Olá {nome}! Segue.", "Olá Ana! Segue.", "Olá! Segue."),
        ("Olá, {nome}, tudo bem?", "Olá, Ana, tudo bem?", "Olá, tudo bem?"),
        ("Oi {nome}, tudo bem?", "Oi Ana, tudo bem?", "Oi, tudo bem?"),
        ("Oi, {nome} tudo bem?", "Oi, Ana tudo bem?", "Oi, tudo bem?"),
        ("Bom dia, {nome}\nSegue", "Bom dia, Ana\nSegue", "Bom dia\nSegue"),
        ("{nome}, segue o boleto.", "Ana, segue o boleto.", "Segue o boleto."),
        ("{nome}! é hoje.", "Ana! é hoje.", "É hoje."),
        ("{nome}:\no boleto", "Ana:\no boleto", "O boleto"),
        ("Pronto. {nome}, até logo!", "Pronto. Ana, até logo!", "Pronto. Até logo!"),
        ("👋 {nome}, oi", "👋 Ana, oi", "👋 Oi"),
        ("Segue, {nome}, o boleto", "Segue, Ana, o boleto", "Segue o boleto"),
        (
            "Aguardo o retorno {nome}, até já",
            "Aguardo o retorno Ana, até já",
            "Aguardo o retorno, até já",
        ),
        (
            "Obrigado pelo contato, {nome}.",
            "Obrigado pelo contato, Ana.",
            "Obrigado pelo contato.",
        ),
        ("Prezado(a) {nome},\nsegue", "Prezado(a) Ana,\nsegue", "Prezado(a) cliente,\nsegue"),
        ("Cara Sra. {nome}, olá", "Cara Sra. Ana, olá", "Cara cliente, olá"),
        ("Boa tarde, Sr(a). {nome}!", "Boa tarde, Sr(a). Ana!", "Boa tarde!"),
        ("A fatura de {nome} vence", "A fatura de Ana vence", "A fatura vence"),
        ("Está em nome de {nome}.", "Está em nome de Ana.", "Está em seu nome."),
        ("Mandei para {nome} ontem", "Mandei para Ana ontem", "Mandei para você ontem"),
        ("Olá, <b>{nome}</b>! Segue", "Olá, <b>Ana</b>! Segue", "Olá! Segue"),
        ("Olá, <b>{nome}!</b> Segue", "Olá, <b>Ana!</b> Segue", "Olá<b>!</b> Segue"),
        ("<b>{nome}, olá</b>", "<b>Ana, olá</b>", "<b>Olá</b>"),
        ("{ NOME }, o nº é { Protocolo }", f"Ana, o nº é {PROTOCOL}", f"O nº é {PROTOCOL}"),
        ("Sem lugar: {x} & {1}", "Sem lugar: {x} & {1}", "Sem lugar: {x} & {1}"),
        ("Oi, {nome}! Certo, {nome}?", "Oi, Ana! Certo, Ana?", "Oi! Certo?"),
    ],
)
def test_it_reads_well_with_a_name_and_without(html: str, named: str, nameless: str):
    assert fill(html, name="Ana", protocol=PROTOCOL) == named
    assert fill(html, name=None, protocol=PROTOCOL) == nameless


def test_a_name_is_data_and_no_second_text():
    hostile = "<b>&{protocolo}"
    assert fill("Olá, {nome}!", name=hostile, protocol="1") == "Olá, &lt;b&gt;&amp;{protocolo}!"


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("boleto", "boleto"),
        (" !Boleto ", "Boleto"),
        ("2avia", "2avia"),
        ("endereço", "endereço"),
        ("enderec\u0327o", "endereço"),
        ("x" * 30, "x" * 30),
        *(
            (bad, None)
            for bad in ("", "!", "b", "x" * 31, "segunda via", "a-b", "a_b", "!!oi", "🙂🙂")
        ),
    ],
)
def test_a_short_word_is_letters_and_digits(typed: str, word: str | None):
    assert read_word(typed) == word


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("!boleto", "boleto"),
        ("  !Boleto\n", "Boleto"),
        ("! boleto", "boleto"),
        ("!", ""),
        ("!segunda-via", "segunda-via"),
        *(
            (said, None)
            for said in ("!!", "!?", "boleto", "!boleto hoje", "Oi!", "", "! \nboleto")
        ),
    ],
)
def test_only_the_word_alone_asks_for_an_answer(message: str, asked: str | None):
    assert asked_word(message) == asked


def test_a_department_has_its_own_and_those_for_all():
    everybodys, own, other = answer("pix"), answer("Pix", "a"), answer("pix", "b")
    hours = answer("horário")
    for answers in ([everybodys, own, other, hours], [hours, other, own, everybodys]):
        assert of_department(answers, "a") == (hours, own)
        assert of_department(answers, "c") == (hours, everybodys)
    assert find(of_department([hours], "a"), "HORARIO") == hours
    assert find([own], "boleto") is None


def test_the_nearest_words_are_named():
    answers = [answer(word) for word in ("boleto", "boletos2via", "pix", "horário", "wifi")]
    assert [one.word for one in nearest(answers, "boletp")] == ["boleto"]
    assert [one.word for one in nearest(answers, "bol")] == ["boleto", "boletos2via"]
    assert [one.word for one in nearest(answers, "HORARIOS")] == ["horário"]
    assert nearest(answers, "contrato") == ()


def test_a_text_must_fit_once_it_is_filled():
    assert not is_too_long("<b>" + "x" * ANSWER_LENGTH + "</b>")
    assert is_too_long("x" * (ANSWER_LENGTH + 1))
    assert is_too_long("{protocolo}" * (ANSWER_LENGTH // 11))
    assert is_too_long("🙂" * (ANSWER_LENGTH // 2 + 1))
    assert unknown_places("{nome} {cpf} <b>{Protocolo}</b> {cpf} { Fone } {1}") == [
        "{cpf}",
        "{ Fone }",
    ]


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("Ana Maria Silva", {}, "Ana"),
        ("ANA MARIA SILVA", {}, "Ana"),
        ("Padaria do Zé Ltda", {"tax_id": CNPJ}, "Padaria do Zé Ltda"),
        ("Zé e Filhos Ltda", {"tax_id": CNPJ, "trade_name": "Padaria do Zé"}, "Padaria do Zé"),
        ("x" * 61, {}, None),
    ],
)
def test_only_a_proven_customer_is_called_by_name(name: str, values: dict, shown: str | None):
    record = registration(id="r", name=name, **values)
    typed = Identification(registration_id="r", name=name)
    proven = typed.verified(VerifiedBy.PHONE, at=NOW)
    for customer, expected in ((proven, shown), (typed, None), (proven.unproven(), None)):
        card = Card(conversation=conversation(customer=customer), registration=record)
        assert name_on(card) == expected
    assert name_on(Card(conversation=conversation(customer=proven), registration=None)) is None
