"""Telephone numbers: stored as E.164, compared without the ninth digit of Brazilian mobiles."""

import re
import unicodedata
from itertools import accumulate
from typing import Final

import phonenumbers

from bot.domain.normal_form import normalized

_BRAZIL: Final = re.compile(r"\+55([0-9]{2})([0-9]{4,5})([0-9]{4})")
# The area codes that exist (Anatel); those beside them are country codes, or slips.
_AREA: Final = "1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9]"
# Area code and number: a mobile has nine digits and begins with 9; older mobiles and landlines
# have eight.
_NATIONAL: Final = re.compile(rf"(?:{_AREA})(?:9[0-9]{{8}}|[2-9][0-9]{{7}})")
# The form of nearly every number in a file: (49) 99999-8888, or digits only.
_WRITTEN: Final = re.compile(
    rf"\(?({_AREA})\)? ?(9[0-9]{{4}}|[2-8][0-9]{{3}}|9[0-9]{{3}}(?=-))-?([0-9]{{4}})"
)
# Mobiles of eight digits began with 6 to 9; landlines begin with 2 to 5 and never had the ninth.
_NINTH_DIGIT: Final = re.compile(r"\+55([1-9][1-9])9([6-9][0-9]{7})")
# A number as long as a Brazilian one, or longer by a slip, that may be one: not a foreign one
# whose plus sign is missing, although many area codes are country codes too.
_MAYBE_BRAZILIAN: Final = re.compile(rf"[0-9]{{0,11}}|0*(?:{_AREA})[2-9][0-9]*")
_INTERNATIONAL: Final = re.compile(r"[1-9][0-9]{6,14}")
_CARRIER: Final = re.compile(r"[1-9][0-9](?=[1-9][1-9][0-9]{8,9}$)")
# Numbers without area code that are the same in all of Brazil: 0800 591 2345, 4004-1234.
_NATIONWIDE: Final = re.compile(r"0([3589]00[0-9]{6,7})|(40(?:0[0-9]|20)[0-9]{4}|3003[0-9]{4})")
_WITH_CODE: Final = re.compile(r"0?([3589]00[0-9]{6,7})|(40(?:0[0-9]|20)[0-9]{4}|3003[0-9]{4})")
_SHOWN_NATIONWIDE: Final = re.compile(r"\+55(?:([3589]00)([0-9]{6,7})|(4[0-9]{3}|3003)([0-9]{4}))")
# Digits with the punctuation of telephones, and the "xx" that stands for any carrier.
_RUN: Final = re.compile(r"[+(]*[0-9](?:[ \t().\-/\u2010-\u2015\u2212]*[0-9])*", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+")
_XX: Final = re.compile(r"(\(?\b0) ?[xX*]{2}\)? ?(?=\(?[1-9])")
_EXTENSION: Final = re.compile(
    r"[\s,;(/-]*(?:\b|(?<=[0-9]))(?:"
    r"(?:ramal|ramais)[\s.:(-]*(?:n[º°.o]*\s*)?[0-9]{1,5}(?:(?:\s*[/,]\s*|\s+e\s+)[0-9]{1,5})*"
    r"|(?:rml|rm|ram|ext(?:ens[aã]o)?|r|x)[\s.:]*[0-9]{1,5}"
    r")\)?$",
    re.IGNORECASE,
)
# What is said of a number that is not, or no longer, of the person.
_NOT_THEIRS: Final = re.compile(
    r"\b(?:errad|antig|inexist|cancelad|desativad|desligad|inativ|bloquead"
    r"|n[aã]o (?:us|lig|exist|atend|funciona|é|e |pertence|dele|dela|chama|recebe))",
    re.IGNORECASE,
)
# A number format of a spreadsheet shows decimals; they are no digits of a telephone.
_DECIMALS: Final = re.compile(r"(\+?[0-9]{8,})[.,]0+|([0-9]{1,3}(?:\.[0-9]{3})+),0+")
# No cell with one telephone is longer; a longer text could take long to search.
_LONGEST: Final = 200
_SEVERAL: Final = re.compile(r"##+|[/;|,&\n]|\s(?:e|ou)\s")


def read_phone(text: str, *, country: str = "BR") -> str | None:
    """Return the number in E.164 (`+5549999998888`), or None when the text is not exactly one
    valid number.

    text: in any form that people and ERPs write. A number without country code belongs to
    `country`; zeros and carrier codes before a Brazilian area code are accepted, and words beside
    the number. An extension is taken off. Other digits beside the number, and digits that are not
    grouped as a number of their length is, give None: they could be another number.
    Source: Anatel's numbering plan for Brazil; for other countries phonenumbers, the port of
    Google's libphonenumber.
    """
    if country == "BR" and (written := _WRITTEN.fullmatch(text)):
        return "+55" + "".join(written.groups())
    if len(text) > _LONGEST:
        return None
    text = normalized("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
    if decimals := _DECIMALS.fullmatch(text):
        text = decimals[1] or decimals[2]
    text = _XX.sub(r"\1 ", _EXTENSION.sub("", text))
    runs = _RUN.findall(text)
    if len(runs) != 1 or _NOT_THEIRS.search(text):
        return None
    run: str = runs[0]
    digits = "".join(_DIGITS.findall(run))
    has_plus = run.lstrip("(").startswith("+")
    if has_plus and not digits.startswith("55"):
        return _foreign(text, None) if len(digits) > 7 else None
    if has_plus or country == "BR":
        if brazilian := _brazilian(run, has_code=has_plus):
            return brazilian
        # ERPs and Telegram's contacts write the country code without a plus sign. A number with
        # brackets or hyphens is a national one.
        is_foreign = text.isdecimal() and not _MAYBE_BRAZILIAN.fullmatch(text)
        return _foreign(f"+{text}", None) if is_foreign else None
    return _foreign(text, country)


def read_contact_phone(number: str) -> str | None:
    """Return the telephone of a contact in E.164, or None when its length is impossible.

    Telegram writes it in international form, often without the plus sign. So it is never read as
    a national number: Peru's 51 987 654 321 has the digits of a mobile of Porto Alegre.
    """
    digits = "".join(_DIGITS.findall(normalized("NFKC", number)))
    return f"+{digits}" if _INTERNATIONAL.fullmatch(digits) else None


def read_phones(text: str, *, country: str = "BR") -> list[str]:
    """Return the numbers of a cell, each once: one, or several that are separated by `##`, `/`,
    `;`, a comma, a line break, `e` or `ou`; none if any part is not exactly one valid number."""
    one = read_phone(text, country=country)
    if one is not None:
        return [one]
    parts = [part for part in _SEVERAL.split(text) if part.strip()]
    if len(parts) < 2:
        return []
    phones = [read_phone(part, country=country) for part in parts]
    return list(dict.fromkeys(phone for phone in phones if phone)) if all(phones) else []


def _brazilian(run: str, *, has_code: bool) -> str | None:
    """Return the number of a run of digits and punctuation."""
    groups = _DIGITS.findall(run)
    needs_area = False
    written = digits = "".join(groups)
    if digits.startswith("00"):
        digits, has_code = digits[2:], True
    nationwide = _NATIONWIDE
    if digits.startswith("55") and (has_code or len(digits) > 11):
        digits, nationwide = digits[2:], _WITH_CODE
    elif has_code:
        return None
    if found := nationwide.fullmatch(digits):
        return f"+55{found[1] or found[2]}"
    if nationwide is _WITH_CODE:
        digits = digits.lstrip("0")
    elif digits.startswith("0"):
        national = digits.lstrip("0")
        digits = _CARRIER.sub("", national)
        if digits != national and digits[0] == "9" and len(digits) == 10:
            # `0499999998888` is a mobile of area 49 with a digit too many, and no number of area
            # 99 behind a carrier, unless its groups say so.
            needs_area = True
    if not _NATIONAL.fullmatch(digits):
        return None
    before = len(written) - len(digits) + 2
    breaks = {end - before for end in accumulate(map(len, groups))}
    if needs_area and 0 not in breaks:
        return None
    if -1 in breaks and max(map(len, groups)) > 1:
        # Half an area code: `(4) 999998888` lacks a digit there.
        return None
    return f"+55{digits}" if _is_grouped(digits[2:], breaks) else None


def _is_grouped(number: str, breaks: set[int]) -> bool:
    """Return True if a number without area code is grouped as one of its length is.

    breaks: the places after which something else than a digit stands; 0 is that after the area
    code. In `(49) 99999-888` a digit is missing, in `(49) 9999-8888 - 7` another one has come in.
    """
    inside = {place for place in breaks if 0 < place < len(number)}
    if len(number) == 9:
        return not inside or 5 in inside or inside == {1} or inside == {3, 6}
    if not inside:
        # Eight digits of a mobile in one piece behind an area code lack their ninth.
        return not (0 in breaks and number[0] == "9")
    return 4 in inside


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
    """Return the number for display: (49) 99999-8888, 0800 591 2345, or international if it is not
    Brazilian."""
    if nationwide := _SHOWN_NATIONWIDE.fullmatch(e164):
        prefix, number, short, rest = nationwide.groups()
        return f"{short}-{rest}" if short else f"0{prefix} {number[:3]} {number[3:]}"
    if brazilian := _BRAZIL.fullmatch(e164):
        return f"({brazilian[1]}) {brazilian[2]}-{brazilian[3]}"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
