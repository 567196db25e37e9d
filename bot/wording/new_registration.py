"""What an admin has entered so far of a new registration, in its three steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bot.domain.candidate import Candidate
from bot.domain.registration import Kind, Phones
from bot.domain.tax_id import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """What was entered; the names are those under which a dialog stores the values."""

    country: str = "BR"
    company: bool = False
    name: str | None = None
    tax_id: str | None = None
    """A `TaxId.key`."""
    kinds: list[str] = field(default_factory=list)
    mobile: str | None = None
    """In E.164."""
    email: str | None = None
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
            kinds=frozenset(map(Kind, self.kinds)),
            phones=Phones(mobile=self.mobile),
            email=self.email,
            tags=frozenset(self.tags),
            traits=tuple(self.traits) if self.alert else (),
            alert_traits=self.alert,
            priority_departments=frozenset(self.departments) if self.priority else frozenset(),
            fixed_note=self.note,
        )


def entered(data: Mapping[str, Any]) -> NewRegistration:
    """Return what an open wizard holds."""
    names = {one.name for one in fields(NewRegistration)}
    return NewRegistration(**{name: data[name] for name in names if name in data})
