"""Telephone numbers: stored as E.164, compared so that Brazil's ninth digit splits nobody."""

import re
from typing import Final

import phonenumbers

_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_BRAZIL: Final = re.compile(r"\+55([0-9]{2})([0-9]{4,5})([0-9]{4})")
_BRAZIL_KEYED: Final = re.compile(r"\+55([1-9][1-9])9?([0-9]{8})")


def read_phone(text: str, *, country: str = "BR") -> str | None:
    """Return the number in E.164 (`+5549999998888`), or None when it is not one.

    text: as people and ERPs write it. Numbers without country code belong to `country`; zeros and
    carrier codes before a Brazilian area code are understood.
    Source: phonenumbers, the port of Google's libphonenumber.
    """
    text = text.strip()
    for candidate in (text, "+" + _NOT_DIGITS.sub("", text)):
        # ERPs and Telegram's contacts write the country code without its plus sign.
        try:
            number = phonenumbers.parse(candidate, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number) and _has_area_code(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def phone_key(e164: str) -> str:
    """What two writings of one telephone have in common: a Brazilian mobile with or without the
    ninth digit gives the same key."""
    brazilian = _BRAZIL_KEYED.fullmatch(e164)
    return f"+55{brazilian[1]}{brazilian[2]}" if brazilian else e164


def show_phone(e164: str) -> str:
    """The number as people read it: (49) 99999-8888, or international when it is not Brazilian."""
    if brazilian := _BRAZIL.fullmatch(e164):
        return f"({brazilian[1]}) {brazilian[2]}-{brazilian[3]}"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def hide_phone(e164: str) -> str:
    """The number with all but the last two digits covered, for logs."""
    return "*" * max(len(e164) - 2, 0) + e164[-2:]


def _has_area_code(number: phonenumbers.PhoneNumber) -> bool:
    # libphonenumber calls a Brazilian number of eight digits possible (local dialling only).
    return number.country_code != 55 or len(str(number.national_number)) in (10, 11)
