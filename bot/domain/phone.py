"""Telephone numbers: stored as E.164, compared without the ninth digit of Brazilian mobiles."""

import re
import unicodedata
from typing import Final

import phonenumbers

_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_BRAZIL: Final = re.compile(r"\+55([0-9]{2})([0-9]{4,5})([0-9]{4})")
# Area code and number: a mobile has nine digits and begins with 9; older mobiles and landlines
# have eight.
_NATIONAL: Final = re.compile(r"[1-9][1-9](?:9[0-9]{8}|[2-9][0-9]{7})")
# The form of nearly every number in a file: (49) 99999-8888, or digits only.
_WRITTEN: Final = re.compile(r"\(?([1-9][1-9])\)? ?(9[0-9]{4}|[2-9][0-9]{3})-?([0-9]{4})")
# Mobiles of eight digits began with 6 to 9; landlines begin with 2 to 5 and never had the ninth.
_NINTH_DIGIT: Final = re.compile(r"\+55([1-9][1-9])9([6-9][0-9]{7})")
_INTERNATIONAL: Final = re.compile(r"[1-9][0-9]{6,14}")
_CARRIER: Final = re.compile(r"[1-9][0-9](?=[1-9][1-9][0-9]{8,9}$)")


def read_phone(text: str, *, country: str = "BR") -> str | None:
    """Return the number in E.164 (`+5549999998888`), or None when the text is not a valid number.

    text: in any form that people and ERPs write. A number without country code belongs to
    `country`; zeros and carrier codes before a Brazilian area code are accepted.
    Source: Anatel's numbering plan for Brazil; for other countries phonenumbers, the port of
    Google's libphonenumber.
    """
    if country == "BR" and (written := _WRITTEN.fullmatch(text)):
        return "+55" + "".join(written.groups())
    text = unicodedata.normalize("NFKC", text).strip(" \t\r\n\u202a\u202c\u200e")
    digits = _NOT_DIGITS.sub("", text)
    if text.startswith("+") and not digits.startswith("55"):
        return _foreign(text, None)
    if text.startswith("+") or country == "BR":
        if brazilian := _brazilian(digits, has_code=text.startswith("+")):
            return brazilian
        # ERPs and Telegram's contacts write the country code without a plus sign. A number with
        # brackets or hyphens is a national one.
        return _foreign(f"+{text}", None) if text.isdecimal() and len(text) > 10 else None
    return _foreign(text, country)


def read_contact_phone(number: str) -> str | None:
    """Return the telephone of a contact in E.164, or None when its length is impossible.

    Telegram writes it in international form, often without the plus sign. So it is never read as
    a national number: Peru's 51 987 654 321 has the digits of a mobile of Porto Alegre.
    """
    digits = _NOT_DIGITS.sub("", unicodedata.normalize("NFKC", number))
    return f"+{digits}" if _INTERNATIONAL.fullmatch(digits) else None


def _brazilian(digits: str, *, has_code: bool) -> str | None:
    if digits.startswith("00"):
        digits, has_code = digits[2:], True
    if digits.startswith("55") and (has_code or len(digits) > 11):
        digits = digits[2:].lstrip("0")
    elif has_code:
        return None
    elif digits.startswith("0"):
        digits = _CARRIER.sub("", digits.lstrip("0"))
    return f"+55{digits}" if _NATIONAL.fullmatch(digits) else None


def _foreign(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_key(e164: str) -> str:
    """Return the key by which telephones are compared.

    A Brazilian mobile has the same key with and without the ninth digit.
    """
    return _NINTH_DIGIT.sub(r"+55\1\2", e164)


def show_phone(e164: str) -> str:
    """Return the number for display: (49) 99999-8888, or international if it is not Brazilian."""
    if brazilian := _BRAZIL.fullmatch(e164):
        return f"({brazilian[1]}) {brazilian[2]}-{brazilian[3]}"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
