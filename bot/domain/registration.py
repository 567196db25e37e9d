"""Registrations: one person or company in the register, and the fields that the ERP owns."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.domain.phone import phone_key
from bot.domain.tax_id import TaxId

NAME_LENGTH: Final = 200
NOTE_LENGTH: Final = 2000
TRAITS: Final = 20
TRAIT_LENGTH: Final = 60
# Hangul fillers and the empty Braille pattern: invisible, though Unicode's classes for them are
# visible ones.
_BLANKS: Final = dict.fromkeys(map(ord, "\u115f\u1160\u3164\uffa0\u2800"), " ")
_EMAIL: Final = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;.]{2,}")


class Kind(StrEnum):
    """Tipo de registro. A registration may have several kinds."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    SERVICE_PROVIDER = "service_provider"
    PROSPECT = "prospect"


class Status(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class ChangeSource(StrEnum):
    """The way by which a change reached the register."""

    IDENTIFICATION = "identification"
    CHAT = "chat"
    IMPORT = "import"
    SYNC = "sync"
    UNDO = "undo"


class Provenance(BaseModel):
    """The time, author and way of a write; `job` is set when a job did it."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    """`chat:<id>`, `user:<id>` (an attendant), `admin:<id>`, `erp` or, for a job, its `Job.by`.

    It is never a name, so that it may be kept.
    """
    way: ChangeSource
    job: str | None = None


class Phones(BaseModel):
    """Telephones in E.164."""

    model_config = ConfigDict(frozen=True)

    commercial: str | None = None
    home: str | None = None
    mobile: str | None = None

    @classmethod
    def of_checked(
        cls, *, commercial: str | None = None, home: str | None = None, mobile: str | None = None
    ) -> Self:
        """Return the telephones without validation, in half the time; the values must be valid."""
        phones = cls.__new__(cls)
        values = {"commercial": commercial, "home": home, "mobile": mobile}
        _fill(phones, values, _ALL_PHONES)
        return phones

    def all(self) -> tuple[str, ...]:
        """Return the telephones that are set, mobile first."""
        return tuple(p for p in (self.mobile, self.home, self.commercial) if p)


class Portal(BaseModel):
    """The login of the customer portal."""

    model_config = ConfigDict(frozen=True)

    username: str | None = None
    password_hash: str | None = None
    """Argon2id; never shown, logged or exported."""


class ErpRef(BaseModel):
    """The reference from a registration to a record of an ERP."""

    model_config = ConfigDict(frozen=True)

    system: str
    table: str = ""
    """The ERP's table, if the ERP has one per kind, as IXC does.

    The same id in two tables means two records.
    """
    id: str


class Registration(BaseModel):
    """Cadastro. It has only values; `bot.domain.candidate` decides how they may change."""

    model_config = ConfigDict(frozen=True)

    id: str
    country: str = "BR"
    tax_id: TaxId | None
    name: Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH)]
    trade_name: str | None = None
    phones: Phones = Phones()
    email: str | None = None
    portal: Portal = Portal()
    status: Status = Status.ACTIVE
    kinds: frozenset[Kind]
    tags: frozenset[str] = frozenset()
    traits: tuple[str, ...] = ()
    alert_traits: bool = False
    priority_departments: frozenset[str] = frozenset()
    fixed_note: Annotated[str, StringConstraints(max_length=NOTE_LENGTH)] | None = None
    erp_refs: frozenset[ErpRef] = frozenset()
    chat_phones: frozenset[str] = frozenset()
    """Telephones given only by a chat. They are on record but do not prove an identity."""
    created: Provenance
    updated: Provenance
    version: int = 1

    def is_reached_at(self, phone: str) -> bool:
        """Return True if `phone` (E.164) is on record from a source other than a chat."""
        proven = {phone_key(p) for p in self.phones.all() if p not in self.chat_phones}
        return phone_key(phone) in proven

    def goes_first_in(self, department_id: str) -> bool:
        """Return True if this customer has priority in that department."""
        return department_id in self.priority_departments

    def with_values(self, values: dict[str, object], *, updated: Provenance) -> Self:
        """Return the next version, with these new values; the keys are paths of `FIELDS`."""
        own = {path: value for path, value in values.items() if "." not in path}
        for name in ("phones", "portal"):
            inner = {p.split(".")[1]: v for p, v in values.items() if p.startswith(f"{name}.")}
            if inner:
                own[name] = getattr(self, name).model_copy(update=inner)
        return self.model_copy(update=own | {"updated": updated, "version": self.version + 1})

    @classmethod
    def of_checked(cls, values: dict[str, Any]) -> Self:
        """Return the registration without validation; `values` must be valid for every field."""
        registration = cls.__new__(cls)
        _fill(registration, values, _ALL_FIELDS)
        return registration

    def value(self, path: str) -> Any:
        """Return the value at a path of `FIELDS`, or at `country` or `tax_id`."""
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name)
        return value


def _fill(model: BaseModel, values: dict[str, Any], given: set[str]) -> None:
    """Set all fields of a new model, without validation.

    It does the same as pydantic's `model_construct` in a seventh of the time; an import creates
    hundreds of thousands of models.

    values: valid values for every field.
    given: the names of all fields. The set is shared, because pydantic copies it before a change.
    """
    set_attribute = object.__setattr__  # the model's own method refuses, as the model is frozen
    set_attribute(model, "__dict__", values)
    set_attribute(model, "__pydantic_fields_set__", given)
    set_attribute(model, "__pydantic_extra__", None)
    set_attribute(model, "__pydantic_private__", None)


_ALL_FIELDS: Final = set(Registration.model_fields)
_ALL_PHONES: Final = set(Phones.model_fields)
# Every field that a candidate can set, by its path in documents and in the audit.
FIELDS: Final = (
    "name",
    "trade_name",
    "phones.commercial",
    "phones.home",
    "phones.mobile",
    "email",
    "portal.username",
    "portal.password_hash",
    "status",
    "kinds",
    "tags",
    "traits",
    "alert_traits",
    "priority_departments",
    "fixed_note",
    "erp_refs",
)
# The fields that the ERP owns: its values overwrite stored ones. It never changes other fields.
ERP_FIELDS: Final = frozenset(
    (
        "name",
        "trade_name",
        "phones.commercial",
        "phones.home",
        "phones.mobile",
        "email",
        "status",
        "kinds",
        "erp_refs",
    )
)


def read_name(text: str) -> str:
    """Return the name on one line, with at most 200 characters; empty when nothing is left.

    Control characters and repeated spaces are removed.
    """
    return read_line(text)[:NAME_LENGTH].rstrip()


def read_line(text: str) -> str:
    """Return the text on one line, without control characters and repeated spaces.

    The length is not limited.
    """
    # The quick path for nearly every text: all characters are visible and below `_BLANKS`.
    if text.isprintable() and (text.isascii() or max(text) < "\u115f"):
        return " ".join(text.split())
    # Direction overrides and zero-width characters (category C) would let a name rewrite the line.
    text = text.translate(_BLANKS)
    shown = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    return " ".join(shown.split())


def read_note(text: str) -> str:
    """Return the note with its line breaks, of any length; empty when nothing is left."""
    return "\n".join(map(read_line, text.splitlines())).strip()


def read_traits(text: str) -> tuple[str, ...]:
    """Return the traits of a text, each once and in the original spelling.

    They are separated by commas, semicolons or line breaks.
    """
    traits = (read_line(part) for part in re.split(r"[,;\n]", text))
    return tuple(dict.fromkeys(trait for trait in traits if trait))


def read_email(text: str) -> str | None:
    """Return the address in lower case, or None when it is invalid."""
    text = text.strip().lower()
    # Lone surrogates and control characters cannot be stored or shown.
    fits = len(text) <= 254 and text.isprintable()
    return text if fits and _EMAIL.fullmatch(text) else None
