"""Log redaction, the last safeguard: tokens, documents and telephones are masked."""

import uuid

import pytest
from hypothesis import given

from bot.domain.phone import show_phone
from bot.domain.tax_id import TaxId
from bot.runtime.logs import hide_personal_data, scrub
from tests.unit.documents import CNPJ, CPF, STABLE, tax_ids
from tests.unit.phones import landlines, mobiles

TOKEN = "7000000001:AAabcdefghijklmnopqrstuvwxyz_-12345"


@STABLE
@given(tax_ids)
def test_documents_are_covered_masked_and_in_normal_form(tax_id: TaxId):
    for written in (tax_id.masked, tax_id.number):
        for text in (written, f"cliente {written}!", f"cpf={written}", f"['{written}']"):
            assert written not in scrub(text)


@pytest.mark.parametrize(
    "written",
    [
        "390 533 447 05",
        "390533447-05",
        "390.533.447 - 05",
        "CPF39053344705",
        "cpf39053344705",
        "cpf-390.533.447-05",
        "cpf_39053344705",
        "39053344705_cliente",
        "３９０５３３４４７０５",
        "12.345.678/0001-95",
        "12345678/0001-95",
        "12 345 678 0001 95",
        "12.abc.345/01de-35",
        "12abc34501de35",
        "12ABC345/01DE-35",
        "12 ABC 345 01DE 35",
        "12.ABC.345/01DE35",
    ],
)
def test_documents_are_covered_in_the_other_forms_that_are_read(written: str):
    assert written not in scrub(f"olá {written} fim")


@STABLE
@given(mobiles | landlines)
def test_telephones_are_covered_in_many_forms(phone: str):
    area, rest = phone[3:5], phone[5:]
    forms = [
        phone,
        phone[1:],
        phone[3:],
        show_phone(phone),
        f"+55 {show_phone(phone)}",
        f"{area} {rest[:-4]} {rest[-4:]}",
        f"({area}){rest}",
        f"0{area}{rest}",
        f"+55 ({area}) {rest[0]} {rest[1:-4]}-{rest[-4:]}",
    ]
    for form in forms:
        assert form not in scrub(f"fone: {form}, ok")
        assert rest[-4:] not in scrub(f"tel:{form}")


@pytest.mark.parametrize("form", ["+1 650-253-0000", "+351 912 345 678", "+5491123456789"])
def test_foreign_telephones_are_covered(form: str):
    assert form not in scrub(f"fone {form}")


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"token={TOKEN}",
        f"'{TOKEN}'",
        f"https://api.telegram.org/bot{TOKEN}/getMe",
        f"https://api.telegram.org/file/bot{TOKEN}/photos/file_1.jpg",
        f"POST /bot{TOKEN}/sendMessage",
    ],
)
def test_bot_tokens_are_covered(text: str):
    assert TOKEN.partition(":")[2] not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00.123456+00:00",
        "2026-11-24 12:00:00",
        "2026-11-24 12:00:00.123456+00:00",
        "f6699495-8c0f-4fd6-a3d8-e0d3088c1753",
        "46dc475af9a548478fc4ae0315e680c0",
        "12345678-1234-4234-9234-123456789012",
        "took 0.42 s",
        "took 0.123456789 s",
        "1234.567 ms",
        "http://127.0.0.1:54321/healthz",
        "192.168.100.200:8080",
        "chat -1001234567890",
        "version 3.31.0 of 2026",
        "line 1234567",
    ],
)
def test_what_an_operator_needs_stays_readable(text: str):
    assert scrub(text) == text


def test_every_new_id_stays_readable():
    ids = [uuid.UUID(int=n * 0x1234567890ABCDEF1234567890ABCDEF % 2**128) for n in range(2000)]
    assert [i.hex for i in ids if scrub(i.hex) != i.hex] == []


def test_numbers_and_the_time_stay_as_they_are():
    event = {
        "chat": 5551234567,
        "group": -1001234567890,
        "update": 987654321012,
        "took_s": 0.123456789012,
        "timestamp": "2026-11-24T12:00:00.123456Z",
        "ok": True,
        "nothing": None,
    }
    assert hide_personal_data(None, "info", dict(event)) == event


def test_every_text_of_an_event_is_covered():
    event = hide_personal_data(
        None,
        "info",
        {
            "event": f"cpf {CPF.masked}",
            "a": CNPJ.masked,
            "b": "+5549999998888",
            "exception": TOKEN,
        },
    )
    assert event == {
        "event": "cpf <number>",
        "a": "<document>",
        "b": "<number>",
        "exception": "<token>",
    }


@pytest.mark.parametrize(
    "value",
    [[CPF.masked], (CPF.masked,), {"cpf": CPF.masked}, {CPF.masked}, [{"a": [CPF.masked]}]],
    ids=["list", "tuple", "dict", "set", "nested"],
)
def test_texts_inside_other_values_are_covered(value: object):
    event = hide_personal_data(None, "info", {"event": "x", "value": value})
    assert CPF.masked not in repr(event)


def test_the_words_of_an_exception_given_as_a_value_are_covered():
    event = hide_personal_data(None, "info", {"event": "x", "error": ValueError(CPF.masked)})
    assert CPF.masked not in repr(event)
