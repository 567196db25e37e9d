"""Registrations: one person or company in the register."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter

from bot.domain.fields import SHAPES, Shape
from bot.domain.phone import phone_key
from bot.domain.tax_id import TaxId

NAME_LENGTH: Final = 200
NOTE_LENGTH: Final = 2000
TRAITS: Final = 20
TRAIT_LENGTH: Final = 60
# Hangul fillers and the empty Braille pattern: invisible, though Unicode's classes for them are
# visible ones.
_BLANKS: Final = dict.fromkeys(map(ord, "\u115f\u1160\u3164\uffa0\u2800"), " ")
_EMAIL: Final = re.compile(
    r"(?!\.)[^@\s<>,;:/\\()\[\]\"]{1,64}(?<!\.)@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]+"
)
# Words in the place of an address: `naotem@naotem.com`, `cliente@sem-email.com.br`.
_NO_ADDRESS: Final = frozenset(
    (
        *("naotem", "nãotem", "naopossui", "nãopossui", "naoinformado", "naoinformada"),
        *("naoconsta", "naoha", "naoexiste", "naousa", "naocadastrado", "naocadastrada"),
        *("sememail", "noemail", "null", "undefined"),
    )
)
_WORDS_OF_NONE: Final = frozenset(("teste", "exemplo", "email", "nao", "sem"))
_MARKS: Final = str.maketrans("", "", "-_.")


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
    BULK = "bulk"


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


class ErpValue(BaseModel):
    """The value that the ERP gave last for a field that was corrected here."""

    model_config = ConfigDict(frozen=True)

    path: str
    value: str | None


Value = (
    str
    | bool
    | TaxId
    | tuple[str, ...]
    | frozenset[Kind]
    | frozenset[str]
    | frozenset[ErpRef]
    | frozenset[ErpValue]
    | None
)
"""The value of one field. Kinds and the status are strings too."""


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
    """Telephones given only by a chat or an attendant.

    They are on record but do not prove an identity.
    """
    erp_values: frozenset[ErpValue] = frozenset()
    """The fields that were corrected by hand: each stays until the ERP's own value changes."""
    lost_refs: frozenset[ErpRef] = frozenset()
    """The records that it had in an ERP that has none of it any more.

    They are not in `erp_refs`. A new reference to the same ERP ends this.
    """
    other_tax_ids: frozenset[str] = frozenset()
    """The documents, by `TaxId.key`, of the registrations that were united into this one."""
    united: frozenset[str] = frozenset()
    """The ids of the registrations that were united into this one; the audit keeps each."""
    created: Provenance
    updated: Provenance
    version: int = 1

    @property
    def tax_keys(self) -> tuple[str, ...]:
        """Return the `TaxId.key` of each document by which it is found, its own first."""
        own = (self.tax_id.key,) if self.tax_id else ()
        return (*own, *sorted(self.other_tax_ids.difference(own)))

    def has_document(self, tax_id: TaxId | None) -> bool:
        """Return True if this is a document of the registration; None if it was united from one
        without, or has none."""
        if tax_id is None:
            return self.tax_id is None or bool(self.united)
        return tax_id == self.tax_id or tax_id.key in self.other_tax_ids

    def is_reached_at(self, phone: str) -> bool:
        """Return True if `phone` (E.164) is on record and proves an identity."""
        return phone_key(phone) in map(phone_key, self.proving_phones())

    def proving_phones(self) -> tuple[str, ...]:
        """Return the telephones on record that the ERP, an admin or a file has given."""
        return tuple(p for p in self.phones.all() if p not in self.chat_phones)

    def goes_first_in(self, department_id: str) -> bool:
        """Return True if this customer has priority in that department."""
        return department_id in self.priority_departments

    def with_values(
        self, values: Mapping[str, object], *, updated: Provenance, version: int | None = None
    ) -> Self:
        """Return the next version, with these new values by path.

        version: a later version than the next one.
        Raises ValueError when the model refuses a value.
        """
        after = dict(vars(self))
        nested: dict[str, dict[str, object]] = {}
        for path, value in values.items():
            name, _, inner = path.partition(".")
            if inner:
                nested.setdefault(name, dict(vars(getattr(self, name))))[inner] = value
            else:
                after[name] = value
        after |= nested | {"updated": updated, "version": version or self.version + 1}
        return type(self).model_validate(after)

    @classmethod
    def of_checked(cls, values: dict[str, object]) -> Self:
        """Return the registration without validation; `values` must be valid for every field.

        Only for an import's many new registrations: docs/decisions/unvalidated-models.md.
        """
        registration = cls.__new__(cls)
        set_attribute = object.__setattr__  # the model's own method refuses: the model is frozen
        set_attribute(registration, "__dict__", values)
        # The set is shared, because pydantic copies it before a change.
        set_attribute(registration, "__pydantic_fields_set__", _ALL_FIELDS)
        set_attribute(registration, "__pydantic_extra__", None)
        set_attribute(registration, "__pydantic_private__", None)
        return registration

    def value(self, path: str) -> Value:
        """Return the value at a path of `bot.domain.fields`."""
        value: Value = attrgetter(path)(self)
        return value


_ALL_FIELDS: Final = set(Registration.model_fields)
_TYPES: Final[Mapping[Shape, TypeAdapter[Value]]] = {
    Shape.STATUS: TypeAdapter(Status),
    Shape.KINDS: TypeAdapter(frozenset[Kind]),
    Shape.TAGS: TypeAdapter(frozenset[str]),
    Shape.DEPARTMENTS: TypeAdapter(frozenset[str]),
    Shape.PHONES: TypeAdapter(frozenset[str]),
    Shape.TAX_IDS: TypeAdapter(frozenset[str]),
    Shape.UNITED: TypeAdapter(frozenset[str]),
    Shape.TRAITS: TypeAdapter(tuple[str, ...]),
    Shape.ERP_REFS: TypeAdapter(frozenset[ErpRef]),
    Shape.ERP_VALUES: TypeAdapter(frozenset[ErpValue]),
}
_TEXT: Final[TypeAdapter[Value]] = TypeAdapter(bool | str | None)


def read_value(path: str, stored: object) -> Value:
    """Return the value of a field from its form in the audit, in a sample or in an open dialog.

    Sets are lists there, and a tax id is its key. A value in the model's form stays as it is. A
    blank one becomes the value of an empty field. Raises ValueError.
    """
    shape = SHAPES.get(path)
    if shape is None:
        return str(stored)
    if shape is Shape.TAX_ID and isinstance(stored, str):
        return TaxId.of_key(stored) if stored else None
    if isinstance(stored, TaxId):
        return stored
    if shape is Shape.YES_OR_NO:
        return bool(stored)
    if shape in _TYPES:
        return _TYPES[shape].validate_python(stored or ())
    return _TEXT.validate_python(stored or None)


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
    """Return the address in lower case, or None when it is invalid or stands for none."""
    text = text.strip().lower()
    # Lone surrogates and control characters cannot be stored or shown.
    fits = len(text) <= 254 and text.isprintable()
    if not fits or not _EMAIL.fullmatch(text) or ".." in text:
        return None
    return None if _stands_for_none(text) else text


def _stands_for_none(email: str) -> bool:
    local, _, host = email.partition("@")
    label = host.partition(".")[0]
    if local.translate(_MARKS) in _NO_ADDRESS or label.translate(_MARKS) in _NO_ADDRESS:
        return True
    if local == label:
        return local in _WORDS_OF_NONE or local == local[0] * len(local)
    return label == "email" and local in ("nao", "sem", "no")
