"""CPF, CNPJ and foreign tax ids: one normal form, and a reason for every refusal.

The normal form is upper-case without punctuation: 11 digits for a CPF, 14 characters for a CNPJ
with letters allowed in the first 12. It is stored, compared and indexed in this form.

Source: python-stdnum (stdnum.br.cpf, stdnum.br.cnpj); Receita Federal, IN 2.229/2024 for letters.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from operator import mul
from typing import Final, Self

from stdnum import get_cc_module
from stdnum.br import cnpj as stdnum_cnpj
from stdnum.br import cpf as stdnum_cpf
from stdnum.exceptions import ValidationError

from bot.domain.normal_form import normalized

CPF_LENGTH: Final = 11
CNPJ_LENGTH: Final = 14
FOREIGN_LENGTH: Final = range(3, 41)
# Telegram's own limit for a message; it also bounds the time of a search.
_LONGEST_TEXT: Final = 4096

_CPF_SHAPE: Final = re.compile(r"[0-9]{11}")
_CNPJ_SHAPE: Final = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
# A Brazilian mobile number without country code: area code, then a 9, then eight digits.
_MOBILE_SHAPE: Final = re.compile(r"[1-9][1-9]9[0-9]{8}")
_PHONE_LENGTHS: Final = range(10, 14)
# Letters and digits joined by the punctuation of documents.
_TOKEN: Final = re.compile(r"[0-9A-Z]+(?:[.\-/_\u2010-\u2015\u2212]+[0-9A-Z]+)*")
_ATOM: Final = re.compile(r"[0-9A-Z]+")
# Digits with spaces or punctuation between them: "390 533 447 05", "390,533,447-05".
_DIGIT_RUN: Final = re.compile(r"[0-9](?:[\s.,/\-_()\u2010-\u2015\u2212]*[0-9])*")
# "cpf39053344705": a name directly before the digits would be read as letters of a CNPJ.
_GLUED_NAME: Final = re.compile(r"(?:CPF|CNPJ|BR)(?=[0-9])")
# A text with fewer digits is not meant as a CNPJ: "condominio-1234" is an address.
_DIGITS_OF_A_CNPJ: Final = 5
# A protocol number has as many digits as a CNPJ, and customers copy it into their messages.
_PROTOCOL: Final = re.compile(r"20[0-9]{6}-[0-9]{6}")
_HEAD_OFFICE: Final = "0001"
_NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Z]+")
_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?\s*E\s*[+-]?[0-9]+")
# A number format of a spreadsheet shows decimals, a sign between thousands, and a currency.
_DECIMALS: Final = re.compile(
    r"(?:R\$\s*)?([0-9]+|[0-9]{1,3}([., ])[0-9]{3}(?:\2[0-9]{3})*)(?!\2)[.,](0+)"
)
# The form of nearly every cell: bare, or with the punctuation of a CPF or a CNPJ.
_WRITTEN: Final = re.compile(
    r"[0-9]{11}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"
    r"|[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2}"
)
_OF_ONE_DIGIT: Final = frozenset(
    digit * length for digit in "0123456789" for length in (CPF_LENGTH, CNPJ_LENGTH)
)
# For each group of three of a CPF's nine digits: 1,000 times their weighted sum plus their plain
# sum.
_CPF_SUMS: Final = [
    {
        f"{a}{b}{c}": 1_000 * (a * weight + b * (weight - 1) + c * (weight - 2)) + a + b + c
        for a, b, c in product(range(10), repeat=3)
    }
    for weight in (10, 7, 4)
]
_CNPJ_WEIGHTS: Final = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


@dataclass(frozen=True, slots=True)
class TaxId:
    """One valid document. Create it with the readers below, which validate it.

    `number` is the normal form. Two documents are equal when country and number are equal.
    """

    number: str
    country: str = "BR"

    @property
    def key(self) -> str:
        """Return country and number in one string, as stored and indexed: `BR:39053344705`."""
        return f"{self.country}:{self.number}"

    @classmethod
    def of_key(cls, key: str) -> Self:
        """Return the tax id that has this `key`."""
        country, _, number = key.rpartition(":")
        return cls(number, country or "BR")

    @property
    def is_company(self) -> bool:
        """Return True if this is a CNPJ; a foreign document always gives False."""
        return self.country == "BR" and len(self.number) == CNPJ_LENGTH

    @property
    def label(self) -> str:
        """Return the document's name: CPF, CNPJ or, for other countries, `Documento (PT)`."""
        if self.country != "BR":
            return f"Documento ({self.country})"
        return "CNPJ" if self.is_company else "CPF"

    @property
    def masked(self) -> str:
        """Return the whole number with punctuation: 390.533.447-05 or 12.ABC.345/01DE-35."""
        n = self.number
        if self.country != "BR":
            return n
        if self.is_company:
            return f"{n[:2]}.{n[2:5]}.{n[5:8]}/{n[8:12]}-{n[12:]}"
        return f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}"

    @property
    def hidden(self) -> str:
        """Return the number with all but its middle masked, for logs and unverified chats.

        A foreign number shows its last two characters, or none if it is short.
        """
        n = self.number
        if self.country != "BR":
            # The last two characters would be most of a short number.
            return "*" * (len(n) - 2) + n[-2:] if len(n) > 5 else "*" * len(n)
        if self.is_company:
            return f"**.{n[2:5]}.{n[5:8]}/****-**"
        return f"***.{n[3:6]}.{n[6:9]}-**"

    def __str__(self) -> str:
        return self.hidden

    def __repr__(self) -> str:
        # The dataclass's own `repr` would put the whole number into tracebacks and logs.
        return f"TaxId({self.country} {self.hidden})"


class Reason(StrEnum):
    """The reasons why a text is not accepted as a tax id."""

    NOTHING = "nothing_like_a_number"
    LENGTH = "wrong_length"
    CHECK_DIGITS = "check_digits"
    REPEATED = "repeated_digits"
    AMBIGUOUS = "ambiguous"
    SCIENTIFIC = "scientific_notation"
    DECIMALS = "decimals"
    COUNTRY_RULE = "country_rule"


@dataclass(frozen=True, slots=True)
class NotATaxId:
    """A refusal and its reason; `length` is the number of characters of the number found."""

    reason: Reason
    length: int = 0


# Not frozen, because that would double the cost of creating one, and files have hundreds of
# thousands.
@dataclass(slots=True)
class CellTaxId:
    """A document read from a spreadsheet cell; `repaired` if lost zeros were restored."""

    tax_id: TaxId
    repaired: bool = False


def check(number: str) -> TaxId | NotATaxId:
    """Return the tax id if a CPF or CNPJ in normal form is valid, or the refusal."""
    if _CPF_SHAPE.fullmatch(number):
        valid = stdnum_cpf.is_valid(number)
    elif _CNPJ_SHAPE.fullmatch(number):
        valid = stdnum_cnpj.is_valid(number)
    else:
        return NotATaxId(Reason.LENGTH, len(number))
    if number == number[0] * len(number):
        return NotATaxId(Reason.REPEATED, len(number))
    return TaxId(number) if valid else NotATaxId(Reason.CHECK_DIGITS, len(number))


def read_tax_id(text: str) -> TaxId | NotATaxId:
    """Return the one CPF or CNPJ in a typed text, or the refusal; never raises.

    Two different documents are refused as ambiguous. An 11-digit mobile number beside a valid
    document is treated as a telephone.

    text: free text; punctuation, spaces, line breaks and words around the number are allowed, and
    so are full-width digits.
    """
    if (tax_id := _alone(text)) is not None:
        return tax_id
    text = _plain(text)
    numbers = _numbers_in(text)
    if not numbers:
        length = _longest_number(text)
        return NotATaxId(Reason.LENGTH, length) if length else NotATaxId(Reason.NOTHING)
    judged = {number: check(number) for number in numbers}
    meant = [
        verdict
        for number, verdict in judged.items()
        if isinstance(verdict, TaxId) or not _MOBILE_SHAPE.fullmatch(number)
    ] or list(judged.values())
    return meant[0] if len(meant) == 1 else NotATaxId(Reason.AMBIGUOUS)


def has_decimals(cell: str) -> bool:
    """Return True if a cell looks like a number with two or more decimals, all of them zero."""
    found = _DECIMALS.fullmatch(cell)
    return found is not None and len(found[3]) > 1


def without_decimals(cell: str) -> str:
    """Return the cell without decimals that are zero; they are no digits of a document."""
    found = _DECIMALS.fullmatch(cell)
    return found[1] if found else cell


def read_tax_id_cell(cell: str | float, *, decimals: bool = False) -> CellTaxId | NotATaxId:
    """Return the CPF or CNPJ in a spreadsheet cell, or the refusal.

    Lost leading zeros are restored, but only if the check digits then match; the result is marked
    as repaired. Scientific notation is refused, because its lost digits cannot be restored.

    Decimals are no digits. Where the zeros behind a comma could be check digits too
    (`123456797,00`), the cell is refused.

    cell: the text of the cell, or the number that a spreadsheet library returns. decimals: True if
    all cells of the column have decimals, which tells what the zeros are.
    """
    if isinstance(cell, str) and (tax_id := _alone(cell)) is not None:
        # A number that has lost three zeros does not begin with another one.
        if len(cell) == CPF_LENGTH and cell[5:9] == _HEAD_OFFICE and cell[0] != "0":
            return _repaired(cell)
        return CellTaxId(tax_id)
    if isinstance(cell, float):
        if not cell.is_integer() or abs(cell) >= 1e15:
            return NotATaxId(Reason.SCIENTIFIC)
        cell = int(cell)
    text = _plain(str(cell)).strip()
    # A CNPJ with an E as its only letter looks like scientific notation.
    if _SCIENTIFIC.fullmatch(text) and not isinstance(check(text), TaxId):
        return NotATaxId(Reason.SCIENTIFIC)
    if number := _DECIMALS.fullmatch(text):
        return _whole(number, is_certain=decimals)
    # Only plain numbers lose leading zeros: a text with punctuation is complete as typed.
    if text.isdecimal() and len(text) < CNPJ_LENGTH:
        return _repaired(text)
    return _as_cell(read_tax_id(text))


def read_foreign_tax_id(country: str, text: str) -> TaxId | NotATaxId:
    """Return the document of another country, or the refusal.

    That country's VAT rule is applied if there is one. Without a rule, any 3 to 40 letters and
    digits are accepted that are no valid CPF or CNPJ.

    country: ISO 3166 code.
    """
    country = country.upper()
    text = _plain(text).strip()
    if country == "BR":
        return read_tax_id(text)
    rule = get_cc_module(country.lower(), "vat")
    if rule is not None:
        try:
            return TaxId(_compact(rule.validate(text)), country)
        except ValidationError:
            return NotATaxId(Reason.COUNTRY_RULE, len(_compact(text)))
    if _alone(text) is not None:
        # `SC` is Santa Catarina as often as the Seychelles: a Brazilian document is not theirs.
        return NotATaxId(Reason.COUNTRY_RULE, len(_compact(text)))
    number = "".join(c for c in text.upper() if c.isalnum())
    if not number:
        return NotATaxId(Reason.NOTHING)
    if len(number) not in FOREIGN_LENGTH:
        return NotATaxId(Reason.LENGTH, len(number))
    return TaxId(number, country)


def _alone(text: str) -> TaxId | None:
    """Return the document if the whole text is a valid one in a usual format, or None.

    This is the quick path for nearly all documents in files and ERPs. After None, the text may
    still contain a document.
    """
    if _WRITTEN.fullmatch(text):
        number = text.replace(".", "").replace("-", "").replace("/", "")
        if _checks(number):
            return TaxId(number)
    return None


def _checks(number: str) -> bool:
    """Return True if 11 or 14 characters in normal form are a valid document.

    It gives the same answer as `check` in a quarter of the time; files have hundreds of thousands
    of documents.
    """
    if number in _OF_ONE_DIGIT:
        return False
    if len(number) == CPF_LENGTH:
        high, middle, low = _CPF_SUMS
        total, plain = divmod(high[number[:3]] + middle[number[3:6]] + low[number[6:9]], 1_000)
        first = total * 10 % 11 % 10
        # The second sum has each weight of the nine digits plus one, hence the plain sum, and the
        # first check digit with a weight of 2.
        second = (total + plain + 2 * first) * 10 % 11 % 10
        return number[9:] == f"{first}{second}"
    # The value of a letter or digit is its code minus the code of "0" (IN 2.229/2024).
    values = [code - 48 for code in number.encode()]
    first = -sum(map(mul, values, _CNPJ_WEIGHTS[1:])) % 11 % 10
    second = -(sum(map(mul, values, _CNPJ_WEIGHTS[:12])) + 2 * first) % 11 % 10
    return bool(values[-2] == first and values[-1] == second)


def _whole(number: re.Match[str], *, is_certain: bool) -> CellTaxId | NotATaxId:
    digits, zeros = _compact(number[1]), number[3]
    read = _repaired(digits) if len(digits) < CNPJ_LENGTH else _as_cell(check(digits))
    if is_certain or len(zeros) == 1:
        return read
    with_zeros = len(digits + zeros) <= CNPJ_LENGTH and _repaired(digits + zeros)
    if not isinstance(with_zeros, CellTaxId):
        return read
    return NotATaxId(Reason.DECIMALS)


def _as_cell(found: TaxId | NotATaxId) -> CellTaxId | NotATaxId:
    return found if isinstance(found, NotATaxId) else CellTaxId(found)


def _repaired(digits: str) -> CellTaxId | NotATaxId:
    found = []
    if len(digits) <= CPF_LENGTH:
        found.append(check(digits.zfill(CPF_LENGTH)))
    as_cnpj = digits.zfill(CNPJ_LENGTH)
    # A CNPJ that lost three zeros or more is no longer than a CPF, and one in a hundred mistyped
    # CPFs would pass as such a CNPJ. So at this length only head offices (0001) are accepted.
    if len(digits) > CPF_LENGTH or as_cnpj[8:12] == _HEAD_OFFICE:
        found.append(check(as_cnpj))
    valid = [tax_id for tax_id in found if isinstance(tax_id, TaxId)]
    if len(valid) == 1:
        return CellTaxId(valid[0], repaired=valid[0].number != digits)
    if valid:
        return NotATaxId(Reason.AMBIGUOUS)
    if len(digits) == CPF_LENGTH:
        judged = check(digits)
        if isinstance(judged, NotATaxId):
            return judged
    return NotATaxId(Reason.LENGTH, len(digits))


def _plain(text: str) -> str:
    """Return the text in upper case, with narrow characters and without invisible ones."""
    # Normalised, a character can become eighteen.
    text = normalized("NFKC", text[:_LONGEST_TEXT])[:_LONGEST_TEXT].upper()
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _compact(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", text.upper())


def _looks_right(number: str) -> bool:
    return bool(_CPF_SHAPE.fullmatch(number) or _CNPJ_SHAPE.fullmatch(number))


def _is_valid(number: str) -> bool:
    return _looks_right(number) and _checks(number)


def _numbers_in(text: str) -> list[str]:
    """Return the different numbers with the form of a CPF or CNPJ, those in one piece first."""
    found: list[str] = []
    loose: list[list[str]] = [[]]
    for token in _TOKEN.findall(text):
        atoms = _ATOM.findall(token)
        if _PROTOCOL.fullmatch(token) and not _is_valid("".join(atoms)):
            continue
        if number := _number_of(atoms):
            found.append(number)
            loose.append([])
            continue
        if name := _GLUED_NAME.match(atoms[0]):
            atoms[:1] = [name[0], atoms[0][name.end() :]]
        loose[-1] += atoms
    for atoms in loose:
        found += _joined(atoms)
    return list(dict.fromkeys(found))


def _number_of(atoms: list[str]) -> str | None:
    """Return the number in a token, without words joined to its ends (`CPF-390.533.447-05`)."""
    whole = "".join(atoms)
    if _is_valid(whole):
        return whole
    without_name = _GLUED_NAME.sub("", atoms[0], count=1)
    first, last = 0, len(atoms)
    while first < last and atoms[first].isalpha():
        first += 1
    while first < last and atoms[last - 1].isalpha():
        last -= 1
    for number in ("".join([without_name, *atoms[1:]]), "".join(atoms[first:last])):
        if _is_valid(number) or _CPF_SHAPE.fullmatch(number):
            return number
    digits = sum(c.isdecimal() for c in whole)
    return whole if _looks_right(whole) and digits >= _DIGITS_OF_A_CNPJ else None


def _joined(atoms: list[str]) -> Iterator[str]:
    """Yield the numbers whose parts are separate: `390 533 447 05`, `12 ABC 345 01DE 35`."""
    start = 0
    while start < len(atoms):
        # A number never starts in the middle of a run: a run that is too long has no number.
        begins = start == 0 or not atoms[start - 1].isdecimal()
        end = start
        while begins and end < len(atoms) and atoms[end].isdecimal():
            end += 1
        if numbers := _tiled(atoms[start:end]):
            yield from numbers
            start = end
        elif number := _with_letters(atoms, start):
            yield number
            start += 2
        else:
            start += 1


def _tiled(digits: list[str]) -> list[str]:
    """Return the numbers of which a run of digits consists; empty if it consists of none.

    A last part with the length of a telephone is ignored.
    """
    whole = "".join(digits)
    if _looks_right(whole):
        return [whole]
    numbers, part = [], ""
    for piece in digits:
        part += piece
        if len(part) > CNPJ_LENGTH:
            return []
        if _is_valid(part):
            numbers.append(part)
            part = ""
    return numbers if not part or len(part) in _PHONE_LENGTHS else []


def _with_letters(atoms: list[str], start: int) -> str | None:
    # The letters could be words, so the check digits must match here.
    number = ""
    for atom in atoms[start : start + CNPJ_LENGTH]:
        number += atom
        if len(number) >= CNPJ_LENGTH:
            break
    return number if not number.isdecimal() and _is_valid(number) else None


def _longest_number(text: str) -> int:
    """Return the length of the longest part of `text` that looks like a number, or 0."""
    runs = [_compact(run) for run in _DIGIT_RUN.findall(text)]
    mixed = [_compact(token) for token in _TOKEN.findall(text) if token[0].isdecimal()]
    return max((len(n) for n in (*runs, *mixed) if sum(c.isdecimal() for c in n) >= 3), default=0)
