"""The audit: one entry for each event of a registration, written once, in a hash chain.

`audit_chain` defines the hashes. Pages are newest first. An entry is indexed by its event and
time, and by its author, event and time, so a page is read in the order of the index. A list of
several events reads one page of each and merges them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pymongo.errors import DuplicateKeyError

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage, Event
from bot.domain.candidate import Change
from bot.domain.registration import Provenance
from storage.engine.connection import Collection, Database, Document, ReadDocument, translated
from storage.engine.key_space import HIGHEST
from storage.engine.ordered import Ordered
from storage.register.audit_chain import hash_of, own_fields, seal_of, state_of
from storage.register.documents import provenance_document, read_registration

PAGE: Final = 8
_AT_ONCE: Final = 500
# The characters of a time up to its seconds, behind what all keys of a list begin with.
_SECOND: Final = 20


class Audit:
    """Reads the audit.

    Entries are never changed or deleted, with one exception: a person's right to be forgotten
    empties the entries of one registration (`storage.people.redaction`).
    """

    def __init__(self, database: Database) -> None:
        self._entries: Collection = database["audit"]
        self._people: Collection = database["people"]
        self._by_event = Ordered(self._entries, "event_moment", characters=_SECOND)
        self._by_person = Ordered(self._entries, "by_moment", characters=_SECOND)
        self._noted: set[str] = set()

    async def audit_of(self, registration_id: str) -> list[AuditEntry]:
        """Return every entry of one registration, newest first."""
        with translated():
            found = await self._entries.find({"registration_id": registration_id}).to_list(None)
        # By version, not by time: clocks differ between machines.
        found.sort(key=lambda entry: entry["version"], reverse=True)
        return [read_entry(document) for document in found]

    async def with_united(self, registration_id: str) -> list[AuditEntry]:
        """Return the entries of the registration and of those that are united into it."""
        found = await self.audit_of(registration_id)
        gone = {id_ for one in found if (id_ := one.gone_id) and id_ != registration_id}
        for other_id in sorted(gone):
            theirs = await self.with_united(other_id)
            own = next((one for one in theirs if one.registration_id == other_id), None)
            if own is not None and own.event is Event.UNITED:
                found += theirs
        found.sort(key=lambda one: (one.provenance.at, one.version), reverse=True)
        return found

    async def united_into(self, registration_id: str) -> str | None:
        """Return the id of the registration that this one is united into, or None."""
        with translated():
            entries = await self._entries.find({"registration_id": registration_id}).to_list(None)
        last = max(entries, key=lambda entry: int(entry["version"]), default=None)
        into = last.get("into") if last else None
        return str(into).rpartition(":")[0] if into else None

    async def entry(self, entry_id: str) -> AuditEntry | None:
        document = await self.stored(entry_id)
        return read_entry(document) if document else None

    async def stored(self, entry_id: str) -> Document | None:
        """Return the entry's document, for other modules of `storage`."""
        with translated():
            document: Document | None = await self._entries.find_one({"_id": entry_id})
        return document

    async def page(
        self, wanted: AuditFilter, *, timezone: ZoneInfo, start: str | None, count: int = PAGE
    ) -> AuditPage:
        """Return entries of the whole register; `start` is a page's `older`, or None for the
        newest."""
        low, high = _bounds(wanted, timezone)
        events = (wanted.event,) if wanted.event else tuple(Event)
        ordered = self._by_person if wanted.by else self._by_event
        prefixes = [_prefix(event, wanted.by) for event in events]
        now = _time_of(datetime.now(UTC))
        slices = await asyncio.gather(
            *(
                ordered.page(
                    start=None if start is None else prefix + start,
                    count=count + 1,
                    low=prefix + low,
                    high=prefix + high,
                    backwards=True,
                    # Only a clock that is ahead stamps later entries.
                    dense=prefix + now,
                )
                for prefix in prefixes
            )
        )
        found = [document for one in slices for document in one.documents]
        found.sort(key=_moment, reverse=True)
        return AuditPage(
            entries=tuple(read_entry(document) for document in found[:count]),
            older=_moment(found[count]) if len(found) > count else None,
        )

    async def each(self, wanted: AuditFilter, *, timezone: ZoneInfo) -> AsyncIterator[AuditEntry]:
        """Yield all entries that match the filter, newest first, read some hundreds at a time."""
        start: str | None = None
        while True:
            page = await self.page(wanted, timezone=timezone, start=start, count=_AT_ONCE)
            for entry in page.entries:
                yield entry
            if page.older is None:
                return
            start = page.older

    async def people(self) -> list[str]:
        """Return each `Provenance.by` of an admin or an ERP that is in the audit."""
        with translated():
            found = await self._people.find({}).to_list(None)
        return sorted(document["_id"] for document in found)

    async def note(self, people: Iterable[str]) -> None:
        """Store the authors of entries; called before the entries, so that no author is missing.

        Chats are left out: they are as many as the customers, and no list offers them.
        """
        for by in {by for by in people if not by.startswith("chat:")} - self._noted:
            # Suppressed: another process has stored the same author at this moment.
            with translated(), suppress(DuplicateKeyError):
                await self._people.replace_one({"_id": by}, {"_id": by}, upsert=True)
            self._noted.add(by)


def read_entry(document: Document) -> AuditEntry:
    deleted = document.get("deleted")
    return AuditEntry(
        id=document["_id"],
        registration_id=document["registration_id"],
        version=document["version"],
        # The oldest entries have neither event nor name; all of them are changes.
        event=Event(document.get("event", Event.CHANGED)),
        provenance=Provenance.model_validate(document["stamp"]),
        name=document.get("name", ""),
        changes=tuple(
            Change(change["path"], change["before"], change["after"])
            for change in document.get("changes", ())
        ),
        deleted=read_registration(deleted) if deleted else None,
        into=document.get("into"),
        is_redacted=bool(document.get("blanked")),
    )


def created(document: Document) -> Document:
    """Return the entry for a new registration with this document."""
    return _made(document, Event.CREATED, document["created"], previous="", found="")


def changed(
    found: Document,
    document: Document,
    changes: list[Document],
    event: Event = Event.CHANGED,
    *,
    state: str | None = None,
) -> Document:
    """Return the entry for a change from `found` to `document`.

    state: the state hash of the document, if it is known.
    """
    return _made(
        document,
        event,
        document["updated"],
        previous=seal_of(found),
        found=state_of(found),
        state=state,
        more={"changes": changes},
    )


def deleted(found: Document, provenance: Provenance) -> Document:
    """Return the entry for a deletion; it keeps everything that is deleted."""
    return _made(
        found | {"version": found["version"] + 1},
        Event.DELETED,
        provenance_document(provenance),
        previous=seal_of(found),
        found=state_of(found),
        state=state_of(found),
        more={"deleted": own_fields(found)},
    )


def gone_into(found: Document, provenance: Provenance, into: str) -> Document:
    """Return the entry for a registration that was united into the one with the entry `into`."""
    return _made(
        found | {"version": found["version"] + 1},
        Event.UNITED,
        provenance_document(provenance),
        previous=seal_of(found),
        found=state_of(found),
        state=state_of(found),
        more={"deleted": own_fields(found), "is_gone": True, "into": into},
    )


def restored(deletion: Document, document: Document) -> Document:
    """Return the entry for a restoration from this deletion, or from this union."""
    return _made(
        document,
        Event.RESTORED,
        document["updated"],
        previous=str(deletion.get("hash", "")),
        found=state_of(deletion["deleted"]),
    )


def anonymised(
    document: Document,
    provenance: Document,
    *,
    previous: str,
    found: str,
    state: str | None = None,
    was_broken: Document | None = None,
) -> Document:
    """Return the entry that follows the redacted ones.

    state: the state hash if the registration was deleted before; None hashes the document.
    was_broken: the fault that the chain had before; anonymising must not heal it.
    """
    more: Document = {"is_gone": True} if state else {}
    if was_broken:
        more["was_broken"] = was_broken
    return _made(
        document,
        Event.ANONYMISED,
        provenance,
        previous=previous,
        found=found,
        state=state,
        more=more,
    )


def filed(entry: ReadDocument) -> Document:
    """Return the fields by which lists find an entry."""
    moment = f"{_time_of(entry['stamp']['at'].astimezone(UTC))}:{entry['_id']}"
    event = Event(entry["event"])
    return {
        "event_moment": _prefix(event, None) + moment,
        "by_moment": _prefix(event, entry["stamp"]["by"]) + moment,
    }


def _made(
    document: Document,
    event: Event,
    provenance: Document,
    *,
    previous: str,
    found: str,
    state: str | None = None,
    more: Document | None = None,
) -> Document:
    entry = {
        # A natural key: a version is written once, so its entry cannot exist twice.
        "_id": f"{document['_id']}:{document['version']}",
        "registration_id": document["_id"],
        "version": document["version"],
        "event": str(event),
        "stamp": provenance,
        "name": document["name"],
        "previous": previous,
        "found": found,
        "state": state or state_of(document),
        **(more or {}),
    }
    entry["hash"] = hash_of(entry)
    return entry | filed(entry)


def _time_of(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}"


def _prefix(event: Event, by: str | None) -> str:
    return f"{by}/{event}/" if by else f"{event}/"


def _moment(document: Document) -> str:
    return str(document["event_moment"]).partition("/")[2]


def _bounds(wanted: AuditFilter, timezone: ZoneInfo) -> tuple[str, str]:
    first, last = wanted.first_day, wanted.last_day
    low = _day_begins(first, timezone) if first else ""
    # No day follows the last day of the calendar.
    bounded = last is not None and last < date.max
    high = _day_begins(last + timedelta(days=1), timezone) if last and bounded else HIGHEST
    return low, high


def _day_begins(day: date, timezone: ZoneInfo) -> str:
    try:
        at = datetime.combine(day, time(), timezone).astimezone(UTC)
    except OverflowError:  # earlier than the first time in UTC
        return ""
    return f"{at:%Y-%m-%dT%H:%M:%S}.000"
