"""Telephones: one form for every way of writing, and None for other text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.phone import phone_key, read_contact_phone, read_phone, read_phones, show_phone
from tests.unit.documents import STABLE, full_width
from tests.unit.phones import AREA_CODES, landlines, mobiles

MOBILE = "+5549999998888"
LANDLINE = "+554933334444"


@pytest.mark.parametrize(
    "text",
    [
        "49999998888",
        "49 99999-8888",
        "(49) 99999-8888",
        "(49)99999-8888",
        "(49) 9 9999-8888",
        "(49) 9.9999-8888",
        "49.99999.8888",
        "49-99999-8888",
        "49/99999-8888",
        "049 99999-8888",
        "(049) 99999-8888",
        "0 49 99999-8888",
        "0xx49 99999-8888",
        "(0xx49) 99999-8888",
        "015 49 99999-8888",
        "0 15 49 99999-8888",
        "5549999998888",
        "55 49 99999-8888",
        "+55 49 99999-8888",
        "+55 (49) 99999-8888",
        "+55 (0) 49 99999-8888",
        "+55 (049) 99999-8888",
        " +5549999998888\n",
        "whatsapp 49999998888",
        "tel: 49 99999-8888",
        full_width("49999998888"),
        "49\u00a099999\u20118888",
        "\u202a+55 49 99999-8888\u202c",
    ],
)
def test_every_brazilian_spelling_of_a_mobile_is_one_number(text: str):
    assert read_phone(text) == MOBILE


@given(st.from_regex(r"\(?[0-9]{2}\)? ?[0-9]{4,5}-?[0-9]{4}", fullmatch=True))
def test_the_usual_writing_is_read_as_any_other(text: str):
    assert read_phone(text) == read_phone(f"{text} ".replace("-", "."))


@pytest.mark.parametrize("text", ["49 99999-8888 (Ana)", "49 99999-8888 ramal 12"])
def test_a_word_after_the_number_does_not_make_it_a_foreign_one(text: str):
    assert read_phone(text) in (MOBILE, None)


@pytest.mark.parametrize("text", ["00 55 49 99999-8888", "0055 49 99999-8888"])
def test_a_number_written_for_dialling_from_abroad_does_not_become_a_foreign_one(text: str):
    assert read_phone(text) in (MOBILE, None)


@pytest.mark.parametrize("text", ["4933334444", "(49) 3333-4444", "0xx49 3333-4444", LANDLINE])
def test_every_brazilian_spelling_of_a_landline_is_one_number(text: str):
    assert read_phone(text) == LANDLINE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(55) 99999-8888", "+5555999998888"),
        ("55999998888", "+5555999998888"),
        ("5555999998888", "+5555999998888"),
        ("(55) 3222-1234", "+555532221234"),
        ("5532221234", "+555532221234"),
        ("55 55 3222-1234", "+555532221234"),
    ],
)
def test_the_area_code_55_is_not_taken_for_the_country(text: str, expected: str):
    assert read_phone(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1 650 253 0000", "+16502530000"),
        ("+351 912 345 678", "+351912345678"),
        ("351912345678", "+351912345678"),
        ("+54 9 11 2345-6789", "+5491123456789"),
    ],
)
def test_foreign_numbers_keep_their_country(text: str, expected: str):
    assert read_phone(text) == expected
    assert read_phone(show_phone(expected)) == expected


def test_a_number_without_country_code_belongs_to_the_country_that_was_named():
    assert read_phone("912 345 678", country="PT") == "+351912345678"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "123",
        "190",
        "0000",
        "00000000000",
        "+",
        "+" * 10,
        "1" * 300,
        "não tenho",
        "+5549",
        "(00) 99999-8888",
        "+55 49 999999-8888",
        "49 99999-8888 / 49 98888-7777",
        "\x00",
        "📞",
    ],
)
def test_what_is_no_telephone_gives_none(text: str):
    assert read_phone(text) is None


@pytest.mark.parametrize(
    "text", ["3333-4444", "4333-2222", "3932-1122", "4999-8888", "98888-7777"]
)
def test_a_brazilian_number_without_area_code_does_not_become_a_foreign_one(text: str):
    assert read_phone(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "499999988881",  # Germany's +49, with a digit too many
        "4399999888812",
        "39053344705",  # a CPF with the digits of a number of Italy
        "13055551234",
        "0499999998888",  # not area 99 behind carrier 49
        "(23) 99999-8888",  # no such area code
        "(52) 3333-4444",
        "(4) 999998888",
        "49 99999-8888 (errado)",
        "antigo: 49 99999-8888",
        "não usar 49 99999-8888",
        "(49) 3333-4444 casa 2",
        "49999998888 4933334444",
    ],
)
def test_a_slip_does_not_become_another_number(text: str):
    assert read_phones(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("4933334444r12", "(49) 3333-4444x12", "4933334444 RM 12", "4933334444 ramal nº 12"),
        *("4933334444 ramal (12)", "4933334444 - ramal-12", "4933334444 ramais 12 e 13"),
        *("4933334444 ramal 12/13", "0**49 3333-4444", "0xx(49)3333-4444", "(0xx)49 3333-4444"),
        "0 15 49 3333-4444",
    ],
)
def test_extensions_and_any_carrier_are_taken_off(text: str):
    assert read_phone(text) == LANDLINE


@pytest.mark.parametrize("text", ["(49) 9999-888", "(49) 3333-444", "(49) 999998-8888"])
def test_a_brazilian_number_with_a_digit_too_few_or_many_does_not_become_a_foreign_one(text: str):
    assert read_phone(text) is None


@STABLE
@given(st.text() | st.text(alphabet="0123456789+()-./ x#٣９"))
def test_reading_never_raises_and_gives_e164(text: str):
    phone = read_phone(text)
    assert phone is None or (phone[0] == "+" and phone[1:].isdecimal() and phone.isascii())


@STABLE
@given(mobiles | landlines)
def test_what_is_shown_reads_back(phone: str):
    assert read_phone(show_phone(phone)) == phone
    assert read_phone(phone) == phone
    assert read_phone(phone[1:]) == phone
    assert read_phone(phone[3:]) == phone


@STABLE
@given(mobiles)
def test_the_ninth_digit_splits_nobody(phone: str):
    older = phone[:5] + phone[6:]
    assert phone_key(older) == phone_key(phone)
    assert read_phone(older) == older


@STABLE
@given(mobiles | landlines, mobiles | landlines)
def test_two_telephones_are_one_only_by_the_ninth_digit(one: str, two: str):
    without = {p[:5] + p[6:] if len(p) == 14 else p for p in (one, two)}
    assert (phone_key(one) == phone_key(two)) == (len(without) == 1)


@pytest.mark.parametrize("first", "2345")
def test_a_landline_is_not_the_mobile_that_has_a_nine_in_front_of_it(first: str):
    landline, mobile = f"+5511{first}3331111", f"+55119{first}3331111"
    assert phone_key(landline) != phone_key(mobile)


def test_the_key_of_a_foreign_number_is_the_number():
    assert phone_key("+16502530000") == "+16502530000"
    assert phone_key("+5491123456789") == "+5491123456789"


def test_a_number_is_shown_as_people_read_it():
    assert show_phone(MOBILE) == "(49) 99999-8888"
    assert show_phone(LANDLINE) == "(49) 3333-4444"
    assert show_phone("+16502530000") == "+1 650-253-0000"
    assert show_phone("nada") == "nada"


COUNTRIES = (
    *("1", "7", "20", "27", "31", "33", "34", "39", "44", "47"),
    *("49", "51", "52", "54", "57", "65", "81", "86", "351", "595"),
)
"""Country codes; many are also area codes of Brazil."""


@STABLE
@given(
    st.sampled_from(COUNTRIES),
    st.integers(6, 12),
    mobiles | landlines,
    st.sampled_from(("", "+")),
)
def test_a_foreign_contact_is_no_brazilian_number(code: str, length: int, victim: str, plus: str):
    """The stranger has the digits of a victim's number, in any way that it is written."""
    national = victim.removeprefix("+55")
    forms = {national, national[:2] + national[3:], national[2:], victim[1:], f"0{national}"}
    numbers = {form for form in forms if form.startswith(code)}
    numbers |= {(code + form)[: length + len(code)] for form in forms}
    for number in numbers:
        read = read_contact_phone(plus + number)
        if number.startswith("55"):
            continue
        assert read is None or read == f"+{number}"
        assert read is None or phone_key(read) != phone_key(victim)


@STABLE
@given(mobiles | landlines, st.sampled_from(("", "+")))
def test_a_brazilian_contact_is_read_with_and_without_the_ninth_digit(phone: str, plus: str):
    assert read_contact_phone(plus + phone[1:]) == phone
    if len(phone) == 14:
        older = plus + phone[1:5] + phone[6:]
        assert phone_key(read_contact_phone(older) or "") == phone_key(phone)


@pytest.mark.parametrize("area", AREA_CODES)
def test_the_ninth_digit_is_of_brazil_alone(area: int):
    for rest in ("987654321", "87654321"):
        assert phone_key(f"+{area}{rest}") == f"+{area}{rest}"


@pytest.mark.parametrize("text", ["", "+", "abc", "0", "12345", "1" * 16, "049999998888"])
def test_what_is_no_international_number_is_no_contact(text: str):
    assert read_contact_phone(text) is None


def test_a_contact_may_be_written_with_spaces():
    assert read_contact_phone("+55 49 99999-8888") == MOBILE
    assert read_contact_phone(full_width("5549999998888")) == MOBILE
