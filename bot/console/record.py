"""One registration: everything on record, its form, and its audit with the ways back."""

from collections.abc import Sequence
from typing import Final, assert_never

from aiohttp import web

from bot.console import record_texts as texts
from bot.console.record_form import Typed, inputs_of, read_form, with_typed
from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.audit import AuditEntry, Event
from bot.domain.fields import FIELDS, PASSWORD_HASH
from bot.domain.registration import Registration, read_value
from bot.usecases.register.edit_registration import (
    AlreadyThere,
    ChangedMeanwhile,
    Edited,
    Gone,
    Removed,
    Restored,
    TaxIdTaken,
    Unchanged,
)
from bot.usecases.register.unite import NoCopy, NotUnited, Separated, UnitedFurther
from bot.wording.countries import all_countries
from bot.wording.duplicates import (
    NO_COPY,
    NOT_UNITED,
    RESTORE_FIRST,
    separated,
    united_further,
)
from bot.wording.values import (
    EMPTY,
    LABELS,
    WAYS,
    Names,
    provenance_line,
    show_value,
    value_of,
    when,
    who,
)
from bot.wording.words import EVENTS

_SHOWN_ENTRIES: Final = 100
_OTHERS: Final = 3
# A password's hash is never brought back: nobody could say what it was.
_TAKEN_BACK: Final = frozenset(
    field.path for field in FIELDS if field.is_edited and field.path != PASSWORD_HASH
) | {"country"}


async def show_record(asked: ConsoleRequest) -> web.StreamResponse:
    return await record_page(asked)


async def record_page(
    asked: ConsoleRequest,
    notice: str = "",
    *,
    registration_id: str = "",
    has_changed: bool = False,
    removed: str = "",
    other: Registration | None = None,
) -> web.Response:
    """Return the record as it is now.

    notice: what has just happened. has_changed: the list beside it is asked for anew. removed: the
    version of the deletion that this admin has just made. other: a registration to open instead.
    """
    services = asked.services
    registration_id = registration_id or asked.http.match_info["id"]
    registration = await services.registrations.by_id(registration_id)
    if registration is not None and registration.id != registration_id:
        # It was united into another one.
        notice, registration_id = notice or texts.united_into(registration), registration.id
    entries, names = await services.audit.with_united(registration_id), await services.names()
    if registration is None and not entries:
        raise web.HTTPNotFound
    response = page(
        "record",
        {
            "id": registration_id,
            "name": registration.name if registration else entries[0].name,
            "version": registration.version if registration else 0,
            "is_gone": registration is None,
            "removed": removed,
            "other": other,
            "notice": notice,
            "fields": _fields(registration, names) if registration else [],
            "created": provenance_line(registration.created, names) if registration else "",
            "entries": [
                entry_shown(
                    entry,
                    names,
                    is_there=registration is not None,
                    of=registration.id if registration else "",
                )
                for entry in entries[:_SHOWN_ENTRIES]
            ],
            "older": max(0, len(entries) - _SHOWN_ENTRIES),
        },
    )
    if has_changed:
        response.headers["HX-Trigger"] = "registerChanged"
    return response


def _fields(registration: Registration, names: Names) -> list[tuple[str, str]]:
    values = [(label, value_of(registration, path, names)) for path, label in LABELS.items()]
    return [(label, value) for label, value in values if value != EMPTY]


async def open_form(asked: ConsoleRequest) -> web.StreamResponse:
    registration = await _registration(asked)
    if registration is None:
        return await record_page(asked, texts.GONE)
    return await _form_page(asked, registration)


async def save(asked: ConsoleRequest) -> web.StreamResponse:
    """Write what was changed in the form, unless a colleague has changed the record since."""
    form, registration = await asked.form(), await _registration(asked)
    if registration is None:
        return await record_page(asked, texts.GONE)
    version = _number(form.get("version", ""))
    typed = await read_form(asked, form, registration)
    if typed.wrong:
        return await _form_page(asked, registration, typed, version=version)
    if not typed.values:
        return await record_page(asked, texts.UNCHANGED)
    outcome = await asked.services.edit(
        registration.id, read_version=version, values=typed.values, by=asked.by
    )
    match outcome:
        case Edited():
            return await record_page(asked, texts.SAVED, has_changed=True)
        case Unchanged():
            return await record_page(asked, texts.UNCHANGED)
        case Gone():
            return await record_page(asked, texts.GONE)
        case TaxIdTaken(existing):
            return await _form_page(asked, registration, typed, version=version, other=existing)
        case ChangedMeanwhile(current):
            entries = await asked.services.audit.audit_of(current.id)
            others = [entry for entry in entries if entry.version > version][:_OTHERS]
            return await _form_page(asked, current, typed, others=others)
        case _:
            assert_never(outcome)


async def remove(asked: ConsoleRequest) -> web.StreamResponse:
    version = _number((await asked.form()).get("version", ""))
    outcome = await asked.services.remove(
        asked.http.match_info["id"], read_version=version, by=asked.by
    )
    match outcome:
        case Removed(entry_id):
            removed = entry_id.rpartition(":")[2]
            return await record_page(asked, texts.REMOVED, has_changed=True, removed=removed)
        case Gone():
            return await record_page(asked, texts.GONE)
        case ChangedMeanwhile():
            return await record_page(asked, texts.CHANGED_MEANWHILE)
        case _:
            assert_never(outcome)


async def restore(asked: ConsoleRequest) -> web.StreamResponse:
    """Bring a deleted registration back, from the entry of its deletion."""
    entry_id = await _entry_id(asked)
    outcome = await asked.services.restore(entry_id, by=asked.by)
    match outcome:
        case Restored():
            return await record_page(asked, texts.RESTORED, has_changed=True)
        case AlreadyThere():
            return await record_page(asked, texts.RESTORED_ALREADY)
        case TaxIdTaken(existing):
            return await record_page(asked, texts.taken(existing), other=existing)
        case Gone():
            return await record_page(asked, texts.NO_COPY)
        case _:
            assert_never(outcome)


async def separate(asked: ConsoleRequest) -> web.StreamResponse:
    """Undo the union by which this registration went into another one."""
    goes_id = asked.http.match_info["id"]
    async with asked.services.holding(asked.user_id):
        outcome = await asked.services.separate(goes_id, admin_id=asked.user_id)
    match outcome:
        case Separated():
            return await record_page(asked, separated(outcome), has_changed=True)
        case NotUnited():
            return await record_page(asked, NOT_UNITED)
        case UnitedFurther(into):
            return await record_page(asked, united_further(into), other=into)
        case TaxIdTaken(existing):
            return await record_page(asked, texts.taken(existing), other=existing)
        case NoCopy():
            return await record_page(asked, NO_COPY)
        case Gone():
            return await record_page(asked, RESTORE_FIRST)
        case _:
            assert_never(outcome)


async def take_back(asked: ConsoleRequest) -> web.StreamResponse:
    """Give the fields of one audit entry the values that they had before it."""
    form, entry = await asked.form(), await asked.services.audit.entry(await _entry_id(asked))
    if entry is None or not _can_take_back(entry):
        return await record_page(asked, texts.NO_COPY)
    try:
        outcome = await asked.services.edit(
            entry.registration_id,
            read_version=_number(form.get("version", "")),
            values={
                one.path: read_value(one.path, one.before)
                for one in entry.changes
                if one.path in _TAKEN_BACK
            },
            by=asked.by,
        )
    except ValueError:
        # As the record is now, those values do not go together.
        return await record_page(asked, texts.NOT_TAKEN_BACK)
    match outcome:
        case Edited():
            return await record_page(asked, texts.TAKEN_BACK, has_changed=True)
        case Unchanged():
            return await record_page(asked, texts.UNCHANGED)
        case Gone():
            return await record_page(asked, texts.GONE)
        case TaxIdTaken(existing):
            return await record_page(asked, texts.taken(existing), other=existing)
        case ChangedMeanwhile():
            return await record_page(asked, texts.CHANGED_MEANWHILE)
        case _:
            assert_never(outcome)


def entry_shown(
    entry: AuditEntry, names: Names, *, is_there: bool, of: str = ""
) -> dict[str, object]:
    """Return one audit entry in words: what, when, who, by which way, from what to what.

    is_there: whether its registration is in the register now. of: the registration on the page,
        whose changes can be taken back; those of another one that was united into it cannot.
    """
    provenance = entry.provenance
    return {
        "registration_id": entry.registration_id,
        "name": entry.name,
        "version": entry.version,
        "event": EVENTS[entry.event],
        "when": when(provenance.at, names),
        "who": who(provenance.by, names),
        "way": WAYS[provenance.way],
        "is_redacted": entry.is_redacted,
        "changes": [
            (
                LABELS.get(one.path, one.path),
                show_value(one.path, one.before, names),
                show_value(one.path, one.after, names),
            )
            for one in entry.changes
        ],
        "can_restore": entry.event is Event.DELETED and entry.deleted is not None and not is_there,
        "separates": entry.gone_id if entry.event is Event.UNITED else None,
        "can_take_back": entry.registration_id == of and _can_take_back(entry),
    }


def _can_take_back(entry: AuditEntry) -> bool:
    is_change = entry.event is Event.CHANGED and not entry.is_redacted
    return is_change and any(one.path in _TAKEN_BACK for one in entry.changes)


async def _form_page(
    asked: ConsoleRequest,
    registration: Registration,
    typed: Typed | None = None,
    *,
    version: int | None = None,
    others: Sequence[AuditEntry] = (),
    other: Registration | None = None,
) -> web.Response:
    """Return the form; with what was typed, what is wrong in it, and others' changes."""
    inputs, names = await inputs_of(asked, registration), await asked.services.names()
    if typed is not None:
        inputs = with_typed(inputs, await asked.form(), typed)
    return page(
        "record_form",
        {
            "id": registration.id,
            "name": registration.name,
            "version": registration.version if version is None else version,
            "inputs": inputs,
            "countries": all_countries(),
            "wrong": bool(typed and typed.wrong),
            "other": other,
            "taken": texts.taken(other) if other else "",
            "others": [entry_shown(entry, names, is_there=True) for entry in others],
            "was_password_typed": bool(typed and PASSWORD_HASH in typed.changed),
        },
    )


async def _registration(asked: ConsoleRequest) -> Registration | None:
    return await asked.services.registrations.by_id(asked.http.match_info["id"])


async def _entry_id(asked: ConsoleRequest) -> str:
    entry = (await asked.form()).get("entry", "")
    return f"{asked.http.match_info['id']}:{_number(entry)}"


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise web.HTTPBadRequest
    return int(text)


ROUTES: Final = (
    Route(method="GET", path="/record/{id}", handle=show_record),
    Route(method="GET", path="/record/{id}/form", handle=open_form),
    Route(method="POST", path="/record/{id}", handle=save),
    Route(method="POST", path="/record/{id}/remove", handle=remove),
    Route(method="POST", path="/record/{id}/restore", handle=restore),
    Route(method="POST", path="/record/{id}/take-back", handle=take_back),
    Route(method="POST", path="/record/{id}/separate", handle=separate),
)
