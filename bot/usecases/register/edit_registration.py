"""Use cases: an admin changes, deletes or restores one registration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.audit import Event
from bot.domain.candidate import Update
from bot.domain.correction import KEPT, corrected
from bot.domain.errors import TryLaterError
from bot.domain.fields import UPDATABLE
from bot.domain.registration import ChangeSource, Provenance, Registration, Value, read_value
from bot.domain.tax_id import TaxId
from bot.usecases.ports import AuditEntries, AuditLog, Register

# Rounds of trying again; each means that the record was changed between our read and write.
_ROUNDS: Final = 5
_EDITABLE: Final = frozenset((*UPDATABLE, "country", "tax_id"))


@dataclass(frozen=True, slots=True)
class Edited:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Unchanged:
    registration: Registration


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile:
    """The stored version is not the one that was read; the admin decides again with `current`."""

    current: Registration


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such registration, or no such audit entry."""


@dataclass(frozen=True, slots=True)
class TaxIdTaken:
    """Another registration has this tax id."""

    existing: Registration


@dataclass(frozen=True, slots=True)
class Removed:
    entry_id: str


@dataclass(frozen=True, slots=True)
class Restored:
    registration: Registration


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    registration: Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRegistration:
    register: Register
    audit: AuditLog
    clock: Callable[[], datetime]

    async def __call__(
        self,
        registration_id: str,
        *,
        read_version: int,
        values: Mapping[str, Value],
        by: str,
        confirms_phones: bool = True,
    ) -> Edited | Unchanged | ChangedMeanwhile | Gone | TaxIdTaken:
        """Write the values unless the record was changed since `read_version`.

        values: by path. A blank value erases the field, unlike one of a candidate. A tax id brings
            its country. The caller must have checked the values.
        confirms_phones: False for an attendant, whose telephones prove no identity.
        Raises ValueError when the caller has not checked them.
        """
        if not values.keys() <= _EDITABLE:
            raise ValueError("there are values that are not edited")
        values = {path: read_value(path, value) for path, value in values.items()}
        tax_id = values.get("tax_id")
        if isinstance(tax_id, TaxId):
            values = {"country": tax_id.country, **values}
        for _ in range(_ROUNDS):
            current = await self.register.by_id(registration_id)
            if current is None:
                return Gone()
            is_kept = current.erp_refs and not KEPT.isdisjoint(values)
            history = await self.audit.audit_of(current.id) if is_kept else []
            changes = corrected(current, values, history, confirms_phones=confirms_phones)
            if not changes:
                return Unchanged(current)
            if current.version != read_version or current.id != registration_id:
                return ChangedMeanwhile(current)
            if isinstance(tax_id, TaxId) and (taken := await self._taken(current, tax_id)):
                return TaxIdTaken(taken)
            provenance = Provenance(at=self.clock(), by=by, way=ChangeSource.CHAT)
            after = current.with_values({c.path: c.after for c in changes}, updated=provenance)
            _check(after)
            if await self.register.update(Update(current, after, changes)):
                return Edited(after)
        raise TryLaterError("a registration changes too quickly to be written")

    async def _taken(self, current: Registration, tax_id: TaxId) -> Registration | None:
        there = (await self.register.by_tax_ids([tax_id])).get(tax_id.key)
        return there if there and there.id != current.id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRegistration:
    register: Register
    clock: Callable[[], datetime]

    async def __call__(
        self, registration_id: str, *, read_version: int, by: str
    ) -> Removed | ChangedMeanwhile | Gone:
        """Delete the registration unless it was changed since `read_version`.

        The audit keeps a full copy.
        """
        for _ in range(_ROUNDS):
            current = await self.register.by_id(registration_id)
            if current is None:
                return Gone()
            if current.version != read_version or current.id != registration_id:
                return ChangedMeanwhile(current)
            provenance = Provenance(at=self.clock(), by=by, way=ChangeSource.CHAT)
            if await self.register.delete(current, provenance):
                return Removed(f"{current.id}:{current.version + 1}")
        raise TryLaterError("a registration changes too quickly to be deleted")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRegistration:
    register: Register
    audit: AuditEntries
    clock: Callable[[], datetime]

    async def __call__(
        self, entry_id: str, *, by: str
    ) -> Restored | TaxIdTaken | AlreadyThere | Gone:
        """Restore the registration that the audit entry of its deletion keeps.

        Its version continues from the version of that entry.
        """
        entry = await self.audit.entry(entry_id)
        if entry is None or entry.event is not Event.DELETED or entry.deleted is None:
            return Gone()
        copy = entry.deleted
        for _ in range(_ROUNDS):
            there = await self.register.by_id(copy.id)
            if there is not None:
                return AlreadyThere(there)
            if copy.tax_id is not None:
                taken = (await self.register.by_tax_ids([copy.tax_id])).get(copy.tax_id.key)
                if taken is not None:
                    # Equal ids: another admin has restored it since we looked for it.
                    return AlreadyThere(taken) if taken.id == copy.id else TaxIdTaken(taken)
            provenance = Provenance(at=self.clock(), by=by, way=ChangeSource.CHAT)
            restored = copy.with_values({}, updated=provenance, version=entry.version + 1)
            if await self.register.bring_back(restored):
                return Restored(restored)
            if await self.audit.entry(f"{copy.id}:{entry.version + 1}"):
                there = await self.register.by_id(copy.id)
                # None: it was deleted again, and that deletion has its own entry.
                return AlreadyThere(there) if there else Gone()
        raise TryLaterError("a registration changes too quickly to be restored")


def _check(after: Registration) -> None:
    """Raise ValueError for values that do not go together."""
    if not after.kinds:
        raise ValueError("a registration has a kind")
    if after.tax_id is not None and after.tax_id.country != after.country:
        raise ValueError("a tax id has the country of its registration")
