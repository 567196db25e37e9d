"""Verification of the audit: reads registrations and their entries side by side, in windows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from bot.domain.audit import Event
from bot.domain.errors import TryLaterError
from storage.engine.connection import Collection, Database, ReadDocument, translated
from storage.engine.scan import raw, scan_with_audit
from storage.register.audit import filed
from storage.register.audit_chain import hash_of, state_of

_READINGS: Final = 10
# The errors that a tampered field can cause in code that expects another type.
_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError, BSONError)


class Fault(StrEnum):
    """A fault in one registration's chain."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_MISSING = "entry_missing"
    REGISTRATION_CHANGED = "registration_changed"
    REGISTRATION_MISSING = "registration_missing"
    """The registration is gone, and no entry says that it was deleted."""
    REGISTRATION_BACK = "registration_back"
    """The registration exists, although its last entry says that it was deleted."""


@dataclass(frozen=True, slots=True)
class Broken:
    registration_id: str
    fault: Fault
    version: int | None = None
    """The entry's version. For a changed registration, None or the version of the entry that found
    it so."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The numbers of documents read; those with `before_chain` were stored before the chain
    existed."""

    registrations: int
    entries: int
    registrations_before_chain: int
    entries_before_chain: int
    broken: tuple[Broken, ...]
    """The first fault of each registration that does not match its audit."""


async def verify(database: Database, report: Callable[[int], None]) -> Verified:
    """Compare every registration with its chain; the bot may go on writing meanwhile.

    report: gets the number of registrations read so far.
    """
    registrations = entries = old_registrations = old_entries = 0
    broken: list[Broken] = []
    async for documents, audit in scan_with_audit(database):
        by_id: dict[str, tuple[list[RawBSONDocument], list[RawBSONDocument]]] = {}
        for document in documents:
            by_id.setdefault(document["_id"], ([], []))[0].append(document)
        for entry in audit:
            by_id.setdefault(entry["registration_id"], ([], []))[1].append(entry)
        for registration_id, (found, chain) in by_id.items():
            there = found[0] if found else None
            # A write between the two reads looks like a fault, too, so read it again.
            if _fault(registration_id, there, chain) and (
                fault := await fault_of(database, registration_id)
            ):
                broken.append(fault)
            old_registrations += there is not None and "seal" not in there
            old_entries += sum("hash" not in entry for entry in chain)
        registrations += len(documents)
        entries += len(audit)
        report(registrations)
    return Verified(registrations, entries, old_registrations, old_entries, tuple(broken))


async def fault_of(database: Database, registration_id: str) -> Broken | None:
    """Return the fault in one registration's chain, or None."""
    registrations: Collection = raw(database["registrations"])
    audit: Collection = raw(database["audit"])
    for _ in range(_READINGS):
        with translated():
            before = await registrations.find_one({"_id": registration_id})
            chain = await audit.find({"registration_id": registration_id}).to_list(None)
            after = await registrations.find_one({"_id": registration_id})
        if (before and before.raw) == (after and after.raw):
            return _fault(registration_id, after, chain)
    raise TryLaterError("a registration changes too quickly to be verified")


def _fault(
    registration_id: str, document: ReadDocument | None, audit: Iterable[ReadDocument]
) -> Broken | None:
    """Return the first fault, or None."""
    entries = sorted(audit, key=_version)
    chained = [entry for entry in entries if "hash" in entry]
    if not chained:
        return _without_entries(registration_id, document)
    before: ReadDocument | None = None
    for entry in entries:
        if "hash" not in entry and before is None:
            continue  # from before the chain
        if (fault := _entry_fault(entry, before)) is not None:
            return Broken(registration_id, *fault)
        before = entry
    return (
        _end_fault(registration_id, document, chained[-1])
        or _redaction_fault(registration_id, entries)
        or _fault_from_before(registration_id, chained)
    )


def _redaction_fault(registration_id: str, entries: Sequence[ReadDocument]) -> Broken | None:
    """Return a fault unless exactly the entries before the last anonymisation are empty."""
    last = max((_version(e) for e in entries if e.get("event") == Event.ANONYMISED), default=0)
    for entry in entries:
        if bool(entry.get("blanked")) is not (_version(entry) < last):
            return Broken(registration_id, Fault.ENTRY_CHANGED, _version(entry))
    return None


def _fault_from_before(registration_id: str, entries: Sequence[ReadDocument]) -> Broken | None:
    """Return the fault that was found before the entries were emptied, as that does not heal
    it."""
    for entry in entries:
        if broken := entry.get("was_broken"):
            return Broken(registration_id, Fault(broken["fault"]), broken["version"])
    return None


def _entry_fault(entry: ReadDocument, before: ReadDocument | None) -> tuple[Fault, int] | None:
    version = _version(entry)
    try:
        if hash_of(entry) != entry["hash"]:
            return Fault.ENTRY_CHANGED, version
        if not _is_filed(entry):
            return Fault.ENTRY_CHANGED, version
        if before is None:
            # The first entry is a creation, or links to the state that a bulk run left.
            is_first = entry["previous"] == "" or entry["previous"].startswith("s")
            missing, found = not is_first, entry["previous"]
        else:
            missing = (entry["previous"], version) != (before["hash"], before["version"] + 1)
            found = before["state"]
        if missing:
            return Fault.ENTRY_MISSING, version - 1
        if entry["found"] != found:
            return Fault.REGISTRATION_CHANGED, version
    except _MALFORMED:
        return Fault.ENTRY_CHANGED, version
    return None


def _is_filed(entry: ReadDocument) -> bool:
    """Return True if the entry's keys for lists are right."""
    wanted = filed(entry)
    return all(entry.get(key) == wanted[key] for key in ("event_moment", "by_moment"))


def _end_fault(
    registration_id: str, document: ReadDocument | None, last: ReadDocument
) -> Broken | None:
    is_gone = last["event"] == Event.DELETED or bool(last.get("is_gone"))
    if document is None:
        return None if is_gone else Broken(registration_id, Fault.REGISTRATION_MISSING)
    if is_gone:
        return Broken(registration_id, Fault.REGISTRATION_BACK, _version(last))
    if document.get("seal") != last["hash"]:
        if _version(document) > _version(last):
            return Broken(registration_id, Fault.ENTRY_MISSING, _version(last) + 1)
        return Broken(registration_id, Fault.REGISTRATION_CHANGED)
    if _state(document) != last["state"]:
        return Broken(registration_id, Fault.REGISTRATION_CHANGED)
    return None


def _without_entries(registration_id: str, document: ReadDocument | None) -> Broken | None:
    if document is None or "seal" not in document:
        return None  # from before the chain
    if str(document["seal"]).startswith("e"):
        return Broken(registration_id, Fault.ENTRY_MISSING)
    if _state(document) != document["seal"]:
        return Broken(registration_id, Fault.REGISTRATION_CHANGED)
    return None


def _state(document: ReadDocument) -> str | None:
    try:
        return state_of(document)
    except _MALFORMED:
        return None


def _version(document: ReadDocument) -> int:
    version = document.get("version")
    return version if isinstance(version, int) else 0
