"""Names and addresses as people type them, and what a registration proves."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.fields import FIELDS, SHAPES, Shape
from bot.domain.registration import (
    ChangeSource,
    ErpRef,
    ErpValue,
    Kind,
    Phones,
    Provenance,
    Registration,
    Status,
    read_email,
    read_name,
    read_value,
)
from storage.register.documents import plain
from tests.unit.documents import CPF, STABLE

STAMP = Provenance(at=datetime(2026, 11, 24, 12, tzinfo=UTC), by="admin:1", way=ChangeSource.CHAT)
LATER = Provenance(at=datetime(2026, 11, 25, 12, tzinfo=UTC), by="admin:2", way=ChangeSource.CHAT)


def registration(**values: object) -> Registration:
    required = {
        "id": "r1",
        "tax_id": CPF,
        "name": "Ana",
        "kinds": frozenset((Kind.CUSTOMER,)),
        "created": STAMP,
        "updated": STAMP,
    }
    return Registration.model_validate(required | values)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ana", "Ana"),
        ("  José   da\tSilva \n", "José da Silva"),
        ("Ana\nMaria", "Ana Maria"),
        ("Ana\r\nMaria", "Ana Maria"),
        ("Ana\u2028Maria\u2029Souza\x85Lima", "Ana Maria Souza Lima"),
        ("Ana\u00a0Maria\u3000Souza", "Ana Maria Souza"),
        ("Ana\u202egro", "Anagro"),
        ("\u2066Ana\u2069 \u200fMaria\u200e", "Ana Maria"),
        ("A\u200bn\u2060a\ufeff", "Ana"),
        ("Ana\x00\x07\x1b[31m", "Ana[31m"),
        ("Ana\ud800", "Ana"),
        ("O'Brien & Filhos <Ltda>", "O'Brien & Filhos <Ltda>"),
        ("José", "José"),
        ("Zé 🇧🇷", "Zé 🇧🇷"),
        ("محمد", "محمد"),
        ("", ""),
        (" \n\t ", ""),
        ("\u200b\u202e\x00", ""),
    ],
)
def test_a_name_is_one_readable_line(typed: str, name: str):
    assert read_name(typed) == name


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧", "👩🏽‍🔧", "❤️", "🏳️‍🌈"])
def test_emoji_in_a_name_stay_readable(emoji: str):
    shown = read_name(f"Ana {emoji} Souza")
    assert shown.startswith("Ana ")
    assert shown.endswith(" Souza")
    assert [c for c in emoji if unicodedata.category(c) == "So" and c not in shown] == []


@pytest.mark.parametrize("blank", ["\u3164", "\u115f", "\uffa0", "\u2800"])
def test_a_name_of_characters_that_nobody_sees_is_empty(blank: str):
    assert read_name(blank * 3) == ""


def test_a_name_has_two_hundred_characters_at_most():
    assert read_name("a" * 200) == "a" * 200
    assert read_name("a" * 201) == "a" * 200
    assert read_name("a" * 199 + " bc") == "a" * 199


@STABLE
@given(st.text())
def test_reading_a_name_gives_what_a_registration_takes_and_twice_is_the_same(text: str):
    name = read_name(text)
    assert read_name(name) == name
    assert len(name) <= 200
    assert not any(unicodedata.category(c)[0] == "C" for c in name)
    assert name == " ".join(name.split())
    if name:
        assert registration(name=name).name == name


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana.Souza+loja@Example.COM.br\n", "ana.souza+loja@example.com.br"),
        ("josé@exemplo.com.br", "josé@exemplo.com.br"),
        ("a@b.co", "a@b.co"),
        ("", None),
        ("ana", None),
        ("ana@", None),
        ("ana@servidor", None),
        ("@example.com", None),
        ("ana@example.c", None),
        ("ana@example.com.", None),
        ("ana souza@example.com", None),
        ("<ana@example.com>", None),
        ("a@example.com,b@example.com", None),
        ("a@example.com; b@example.com", None),
        ("a@b@example.com", None),
        ("a" * 65 + "@example.com", None),
        ("a@" + "b" * 250 + ".com", None),
        ("não tem", None),
    ],
)
def test_an_address_is_read_in_lower_case_or_not_at_all(typed: str, address: str | None):
    assert read_email(typed) == address


@STABLE
@given(st.text() | st.from_regex(r"[^@\s]+@[a-z.]+", fullmatch=True))
def test_reading_an_address_never_raises_and_twice_is_the_same(text: str):
    address = read_email(text)
    assert address is None or read_email(address) == address


def test_a_registration_is_reached_at_each_telephone_on_record():
    phones = Phones(commercial="+554933334444", home="+554933335555", mobile="+5549999998888")
    known = registration(phones=phones)
    assert known.phones.all() == ("+5549999998888", "+554933335555", "+554933334444")
    assert all(known.is_reached_at(phone) for phone in phones.all())
    assert known.is_reached_at("+554999998888")
    assert not known.is_reached_at("+5549999998889")
    assert not known.is_reached_at("+5548999998888")
    assert not known.is_reached_at("")


def test_a_telephone_that_only_a_chat_gave_proves_nothing():
    mobile = "+5549999998888"
    said = registration(phones=Phones(mobile=mobile), chat_phones=frozenset((mobile,)))
    assert not said.is_reached_at(mobile)
    assert not said.is_reached_at("+554999998888")
    known = registration(
        phones=Phones(mobile=mobile, home="+554933335555"), chat_phones=frozenset((mobile,))
    )
    assert known.is_reached_at("+554933335555")
    assert not known.is_reached_at(mobile)


def test_a_registration_without_telephones_is_reached_nowhere():
    assert not registration().is_reached_at("+5549999998888")


def test_other_values_make_the_next_version_and_leave_the_rest():
    before = registration(
        phones=Phones(home="+554933335555", mobile="+5549999998888"), email="a@b.co"
    )
    after = before.with_values(
        {"name": "Bia", "phones.mobile": "+5549988887777", "kinds": frozenset((Kind.SUPPLIER,))},
        updated=LATER,
    )
    assert after.version == before.version + 1
    assert after.updated == LATER
    assert after.created == STAMP
    assert after.name == "Bia"
    assert after.phones == Phones(home="+554933335555", mobile="+5549988887777")
    assert after.kinds == {Kind.SUPPLIER}
    assert after.email == "a@b.co"
    assert before.name == "Ana"
    assert before.phones.mobile == "+5549999998888"


@pytest.mark.parametrize("path", [one.path for one in FIELDS if one.shape is not Shape.PASSWORD])
def test_each_field_can_be_set_by_its_path(path: str):
    new = {
        Shape.TAX_ID: CPF,
        Shape.STATUS: Status.INACTIVE,
        Shape.KINDS: frozenset((Kind.SUPPLIER,)),
        Shape.TAGS: frozenset("a"),
        Shape.DEPARTMENTS: frozenset("a"),
        Shape.PHONES: frozenset(("+5549999998888",)),
        Shape.TAX_IDS: frozenset((CPF.key,)),
        Shape.UNITED: frozenset(("a",)),
        Shape.TRAITS: ("x",),
        Shape.YES_OR_NO: True,
        Shape.ERP_REFS: frozenset((ErpRef(system="ixc", id="7"),)),
        Shape.ERP_VALUES: frozenset((ErpValue(path="email", value=None),)),
    }.get(SHAPES[path], "x")
    after = registration().with_values({path: new}, updated=LATER)
    assert after.value(path) == new
    # The form in which the audit stores the value reads back as the value.
    assert read_value(path, plain(new)) == new


def test_a_value_of_the_wrong_type_is_refused():
    with pytest.raises(ValidationError):
        registration().with_values({"kinds": "customer"}, updated=LATER)


@pytest.mark.parametrize(
    "values",
    [{"name": ""}, {"name": "a" * 201}, {"fixed_note": "a" * 2001}, {"kinds": ["friend"]}],
)
def test_what_breaks_a_rule_is_no_registration(values: dict[str, object]):
    with pytest.raises(ValidationError):
        registration(**values)


def test_printing_a_registration_hides_its_tax_id():
    printed = f"{registration()!r} {registration()}"
    assert CPF.number not in printed
    assert CPF.masked not in printed
