"""The form of a registration: its fields as inputs, and what was typed in them.

Each input carries what it had when the form was opened (`was:`), so that saving changes only what
this admin has changed, also where a colleague has changed another field meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from multidict import MultiMapping
from pydantic import SecretStr

from bot.console.request import ConsoleRequest
from bot.console.table import offered
from bot.domain.fields import FIELDS, PASSWORD_HASH, SHAPES, Shape
from bot.domain.phone import show_phone
from bot.domain.portal import PasswordRefusal, read_password
from bot.domain.registration import Kind, Registration, Status, Value, read_value
from bot.domain.tax_id import TaxId
from bot.wording.reading import PASSWORDS, Wrong, read_document, read_field
from bot.wording.values import LABELS
from bot.wording.words import KINDS, STATUSES

WAS: Final = "was:"
# The country stands beside the document, and is changed with it.
_EDITED: Final = tuple(one for one in FIELDS if one.is_edited and one.path != "country")
_REQUIRED: Final = frozenset(field.path for field in FIELDS if field.is_required)
_TICKS: Final = (Shape.KINDS, Shape.TAGS, Shape.DEPARTMENTS)
_WIDGETS: Final = {
    Shape.NOTE: "area",
    Shape.STATUS: "menu",
    Shape.YES_OR_NO: "menu",
    Shape.PASSWORD_HASH: "password",
    Shape.TAX_ID: "document",
    **dict.fromkeys(_TICKS, "ticks"),
}
_TYPES: Final = {Shape.PHONE: "tel", Shape.EMAIL: "email"}
HINTS: Final = {
    "tax_id": "Com ou sem pontuação.",
    "traits": "Separe com vírgulas.",
    "fixed_note": "Aparece no começo de cada atendimento.",
    PASSWORD_HASH: "De 8 a 128 caracteres. Fica só um código, que não volta a ser a senha.",
}
_ABROAD: Final = "Com o código do país: +351 912 345 678"
_YES_OR_NO: Final = {"yes": "Sim", "": "Não"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of the form."""

    path: str
    label: str
    widget: str
    """`line`, `area`, `menu`, `ticks`, `document` or `password`."""
    values: tuple[str, ...]
    """What it holds: one text, or each ticked value."""
    was: tuple[str, ...]
    options: Mapping[str, str]
    type: str = "text"
    country: str = "BR"
    """Of a document."""
    country_was: str = "BR"
    hint: str = ""
    wrong: str = ""
    """The fault of what was typed."""
    is_required: bool = False
    can_clear: bool = False
    """True for a password that is set."""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def id(self) -> str:
        return f"field-{self.path.replace('.', '-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was changed in the form."""

    values: Mapping[str, Value]
    wrong: Mapping[str, str]
    """A sentence about each field that cannot be read."""
    changed: frozenset[str]
    """The paths of all fields that are not as they were."""


async def inputs_of(asked: ConsoleRequest, registration: Registration) -> list[Input]:
    """Return the fields as they are on record."""
    tags, departments = (
        await asked.services.tags.all(),
        await asked.services.departments.all(),
    )
    options: dict[Shape, Mapping[str, str]] = {
        Shape.KINDS: {kind.value: label for kind, label in KINDS.items()},
        Shape.STATUS: {status.value: label for status, label in STATUSES.items()},
        Shape.YES_OR_NO: _YES_OR_NO,
        Shape.TAGS: offered(tags, registration.tags),
        Shape.DEPARTMENTS: offered(departments, registration.priority_departments),
    }
    inputs = []
    for field in _EDITED:
        values = _typed_form(field.path, registration)
        hint = HINTS.get(field.path, "")
        if field.shape is Shape.PHONE and registration.country != "BR":
            hint = _ABROAD
        inputs.append(
            Input(
                path=field.path,
                label=LABELS[field.path],
                widget=_WIDGETS.get(field.shape, "line"),
                values=values,
                was=values,
                options=options.get(field.shape, {}),
                type=_TYPES.get(field.shape, "text"),
                country=registration.country,
                country_was=registration.country,
                hint=hint,
                is_required=field.is_required,
                can_clear=field.path == PASSWORD_HASH
                and registration.portal.password_hash is not None,
            )
        )
    return inputs


def with_typed(inputs: Sequence[Input], form: MultiMapping[str], typed: Typed) -> list[Input]:
    """Return the inputs with what was typed in those that were changed, and what is wrong."""
    return [
        replace(
            one,
            values=() if one.widget == "password" else tuple(form.getall(one.path, [])),
            country=form.get("country", one.country),
            wrong=typed.wrong.get(one.path, ""),
        )
        if one.path in typed.changed
        else one
        for one in inputs
    ]


async def read_form(
    asked: ConsoleRequest, form: MultiMapping[str], registration: Registration
) -> Typed:
    """Return what was changed; blank fields become empty values."""
    values: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    changed = set()
    for field in _EDITED:
        path = field.path
        if field.shape is Shape.PASSWORD_HASH or (path not in form and WAS + path not in form):
            continue
        now, was = form.getall(path, []), form.getall(WAS + path, [])
        is_moved = path == "tax_id" and form.get("country") != form.get(f"{WAS}country")
        if sorted(now) == sorted(was) and not is_moved:
            continue
        changed.add(path)
        country = form.get("country", registration.country)
        read = _read(path, now, country=country)
        if path == "tax_id" and not any(now) and not any(was):
            values["country"] = country
        elif isinstance(read, Wrong):
            wrong[path] = read.sentence
        else:
            values[path] = read
    if password := form.get("password", ""):
        changed.add(PASSWORD_HASH)
        username, document = values.get("portal.username"), values.get("tax_id")
        read_one = read_password(
            SecretStr(password),
            username=username if isinstance(username, str) else registration.portal.username,
            tax_id=document if isinstance(document, TaxId) else registration.tax_id,
        )
        if isinstance(read_one, PasswordRefusal):
            wrong[PASSWORD_HASH] = PASSWORDS[read_one]
        elif not wrong:
            values[PASSWORD_HASH] = await asked.services.hash_password(read_one)
    elif "no_password" in form:
        changed.add(PASSWORD_HASH)
        values[PASSWORD_HASH] = None
    return Typed(values=values, wrong=wrong, changed=frozenset(changed))


def _read(path: str, now: Sequence[str], *, country: str) -> Value | Wrong:
    shape = SHAPES[path]
    if shape in _TICKS:
        if path == "kinds" and not now:
            return Wrong("Marque pelo menos um tipo de cadastro.")
        return read_value(path, list(now))
    text = now[0] if now else ""
    if shape in (Shape.STATUS, Shape.YES_OR_NO):
        return read_value(path, text)
    if not text.strip():
        blank = Wrong(
            f"{LABELS[path]}: não pode ficar vazio. Para manter o de antes, feche sem salvar."
        )
        return blank if path in _REQUIRED else read_value(path, "")
    if path == "tax_id":
        return read_document(text, country=country)
    read = read_field(path, text, country=country)
    return read if isinstance(read, Wrong) else read_value(path, read)


def _typed_form(path: str, registration: Registration) -> tuple[str, ...]:
    """Return the value as the form has it."""
    value, shape = registration.value(path), SHAPES[path]
    if shape is Shape.PASSWORD_HASH:
        return ()
    if shape is Shape.KINDS:
        return tuple(kind.value for kind in Kind if kind in registration.kinds)
    if isinstance(value, frozenset):
        return tuple(sorted(map(str, value)))
    if isinstance(value, Status):
        return (value.value,)
    if isinstance(value, bool):
        return ("yes" if value else "",)
    if isinstance(value, tuple):
        return (", ".join(map(str, value)),)
    if isinstance(value, TaxId):
        return (value.masked,)
    text = str(value or "")
    return (show_phone(text) if text and shape is Shape.PHONE else text,)
