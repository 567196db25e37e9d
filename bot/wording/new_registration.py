"""What an admin has entered so far of a new registration, in its three steps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from bot.domain.candidate import Candidate
from bot.domain.phone import read_phone
from bot.domain.registration import Kind, Phones, read_email, read_name
from bot.domain.tax_id import TaxId, read_tax_id

_LANDLINE: Final = re.compile(r"\+55[0-9]{2}[2-5][0-9]{7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """What was entered; the names are those under which a dialog stores the values."""

    country: str = "BR"
    company: bool = False
    name: str | None = None
    tax_id: str | None = None
    """A `TaxId.key`."""
    phone: str | None = None
    """In E.164."""
    email: str | None = None
    kinds: list[str] = field(default_factory=list)
    alert: bool = False
    traits: list[str] = field(default_factory=list)
    priority: bool = False
    departments: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    asked: str | None = None
    """The field that the admin chose to enter next."""
    known: str | None = None
    """The id of the registration that has this tax id already."""

    @property
    def document(self) -> TaxId | None:
        return TaxId.of_key(self.tax_id) if self.tax_id else None

    @property
    def document_label(self) -> str:
        """The name of the document for this country and kind of person."""
        if self.country != "BR":
            return "Documento"
        return "CNPJ" if self.company else "CPF"

    @property
    def asked_for(self) -> str | None:
        """The field that the next text fills: the chosen one, else the first missing one."""
        if self.asked or not self.name:
            return self.asked or "name"
        return None if self.tax_id else "tax_id"

    @property
    def missing(self) -> str:
        """The names of the fields that step 1 still needs; empty if there are none."""
        names = {
            "o nome": self.name,
            f"o {self.document_label}": self.tax_id,
            "o tipo de cadastro": self.kinds,
        }
        return ", ".join(name for name, value in names.items() if not value)

    @property
    def is_blank(self) -> bool:
        """True if nothing was entered."""
        return replace(self, asked=None, known=None) == NewRegistration()

    def candidate(self) -> Candidate:
        """Return the values as a candidate, without those of a switch that is off."""
        return Candidate(
            tax_id=self.document,
            name=self.name,
            phones=self._phones(),
            email=self.email,
            kinds=frozenset(map(Kind, self.kinds)),
            tags=frozenset(self.tags),
            traits=tuple(self.traits) if self.alert else (),
            alert_traits=self.alert,
            priority_departments=frozenset(self.departments) if self.priority else frozenset(),
            fixed_note=self.note,
        )

    def _phones(self) -> Phones:
        """Return the telephone in the field of its kind."""
        if not self.phone or not _LANDLINE.fullmatch(self.phone):
            return Phones(mobile=self.phone)
        return Phones(commercial=self.phone) if self.company else Phones(home=self.phone)


def searched_for(text: str) -> NewRegistration:
    """Return what the text of a search in vain says of the one who is added then."""
    tax_id = read_tax_id(text)
    if isinstance(tax_id, TaxId):
        return NewRegistration(tax_id=tax_id.key, company=tax_id.is_company)
    if (email := read_email(text)) or (phone := read_phone(text)):
        return NewRegistration(email=email) if email else NewRegistration(phone=phone)
    name = read_name(text)
    has_digit = any(map(str.isdigit, name))
    return NewRegistration(name=None if has_digit else name or None)


def entered(data: Mapping[str, Any]) -> NewRegistration:
    """Return what an open wizard holds."""
    names = {one.name for one in fields(NewRegistration)}
    return NewRegistration(**{name: data[name] for name in names if name in data})
