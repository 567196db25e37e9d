"""Use cases: an admin unites two registrations of one person, and undoes that."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain.audit import AuditEntry, Event
from bot.domain.conversation import Chat
from bot.domain.errors import TryLaterError
from bot.domain.registration import ChangeSource, Provenance, Registration
from bot.domain.tax_id import TaxId
from bot.domain.union import UnionPlan, plan_separation, plan_union
from bot.usecases.ports import AuditLog, LinkedChats, Registrations, Relinking, Unions
from bot.usecases.register.edit_registration import Gone, TaxIdTaken

# Rounds of trying again; each means that one was changed between our read and write.
_ROUNDS: Final = 5

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class United:
    registration: Registration
    goes_id: str
    """The id of the one that went, by which the union is undone."""


@dataclass(frozen=True, slots=True)
class PairChanged:
    """One of the two was changed since they were shown; the admin compares them again."""


@dataclass(frozen=True, slots=True)
class DocumentNeeded:
    """Both have a document, and nobody has said which one stays."""

    documents: tuple[TaxId, TaxId]


@dataclass(frozen=True, slots=True)
class Separated:
    stayed: Registration
    restored: Registration
    kept: tuple[str, ...]
    """Fields of the one that stayed that were changed since, and are as they were changed."""


@dataclass(frozen=True, slots=True)
class NotUnited:
    """There is no such union any more: it was undone before."""


@dataclass(frozen=True, slots=True)
class UnitedFurther:
    """The one that stayed is itself united into another one; that has to be undone first."""

    into: Registration


@dataclass(frozen=True, slots=True)
class NoCopy:
    """The person was anonymised since: nothing is left to separate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveChats:
    """Moves chats and conversations from one registration to another; safe to repeat."""

    chats: LinkedChats
    relinking: Relinking
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while it is changed."""

    async def to_united(self, goes_id: str, stays_id: str, *, held: int | None) -> None:
        """held: the chat whose lock the caller holds already."""
        for chat in await self.chats.of_registration(goes_id):
            await self._change(chat, lambda one: one.moved_to(stays_id), goes_id, held)
        await self.relinking.to_united(goes_id, stays_id)

    async def back(self, goes_id: str, stays_id: str, *, held: int | None) -> None:
        for chat in await self.chats.of_registration(stays_id):
            if chat.united_from[-1:] == (goes_id,):
                await self._change(chat, Chat.moved_back, stays_id, held)
        await self.relinking.back(goes_id, stays_id)

    async def _change(
        self, seen: Chat, change: Callable[[Chat], Chat], linked_to: str, held: int | None
    ) -> None:
        async with nullcontext() if seen.id == held else self.holding(seen.id):
            now = await self.chats.get(seen.id)
            is_linked = now is not None and now.customer.registration_id == linked_to
            if now is not None and is_linked and now.united_from == seen.united_from:
                await self.chats.put(change(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class UniteRegistrations:
    registrations: Registrations
    unions: Unions
    move: MoveChats
    clock: Callable[[], datetime]

    async def plan(
        self,
        stays_id: str,
        goes_id: str,
        *,
        taken: frozenset[str] = frozenset(),
        document: str | None = None,
    ) -> UnionPlan | Gone:
        """Return what a union would do, and write nothing."""
        stays = await self.registrations.by_id(stays_id)
        goes = await self.registrations.by_id(goes_id)
        if stays is None or goes is None or (stays.id, goes.id) != (stays_id, goes_id):
            return Gone()
        return plan_union(stays, goes, taken=taken, document=document)

    async def __call__(
        self,
        stays_id: str,
        goes_id: str,
        *,
        read_versions: tuple[int, int],
        admin_id: int,
        taken: frozenset[str] = frozenset(),
        document: str | None = None,
    ) -> United | PairChanged | DocumentNeeded | Gone:
        """Unite the two, unless one has changed since it was shown. Safe to repeat.

        read_versions: of the one that stays, and of the one that goes.
        taken, document: as for `plan_union`.
        admin_id: the caller holds the lock of the admin's own chat.
        """
        for _ in range(_ROUNDS):
            stays = await self.registrations.by_id(stays_id)
            goes = await self.registrations.by_id(goes_id)
            if stays is None or goes is None or stays_id == goes_id:
                return Gone()
            if stays.id == goes.id == stays_id and goes_id in stays.united:
                # Done before, perhaps by a call that was killed: what is left is done now.
                await self.move.to_united(goes_id, stays_id, held=admin_id)
                return United(stays, goes_id)
            if (stays.id, goes.id) != (stays_id, goes_id):
                return PairChanged()
            if (stays.version, goes.version) != read_versions:
                return PairChanged()
            plan = plan_union(stays, goes, taken=taken, document=document)
            if plan.documents and document not in [one.key for one in plan.documents]:
                return DocumentNeeded(plan.documents)
            provenance = _provenance(self.clock(), admin_id)
            update = plan.update(provenance)
            if await self.unions.unite(update, goes, provenance):
                await self.move.to_united(goes_id, stays_id, held=admin_id)
                logger.info("registrations united", by=provenance.by)
                return United(update.after, goes_id)
        raise TryLaterError("registrations change too quickly to be united")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparateRegistrations:
    registrations: Registrations
    unions: Unions
    audit: AuditLog
    move: MoveChats
    clock: Callable[[], datetime]

    async def __call__(
        self, goes_id: str, *, admin_id: int
    ) -> Separated | NotUnited | UnitedFurther | TaxIdTaken | NoCopy | Gone:
        """Undo the union by which this registration went. Safe to repeat.

        Gone: the registration that stayed was deleted; it has to be restored first.
        """
        for _ in range(_ROUNDS):
            entries = await self.audit.audit_of(goes_id)
            gone = next((one for one in entries if one.event is Event.UNITED and one.into), None)
            if gone is None or gone.into is None:
                return NotUnited()
            stays_id = gone.into.rpartition(":")[0]
            if gone is not entries[0]:
                # Undone before, perhaps by a call that was killed in the middle.
                await self.move.back(goes_id, stays_id, held=admin_id)
                return NotUnited()
            now = await self.registrations.by_id(stays_id)
            if now is None:
                return Gone()
            if now.id != stays_id:
                return UnitedFurther(now)
            done = await self._try(now, gone, admin_id)
            if done is not None:
                if isinstance(done, Separated):
                    await self.move.back(goes_id, stays_id, held=admin_id)
                    logger.info("union undone", by=f"admin:{admin_id}")
                return done
        raise TryLaterError("registrations change too quickly to be separated")

    async def _try(
        self, now: Registration, gone: AuditEntry, admin_id: int
    ) -> Separated | TaxIdTaken | NoCopy | None:
        united = await self.audit.entry(gone.into or "")
        provenance = _provenance(self.clock(), admin_id)
        plan = plan_separation(now, united, gone, provenance) if united else None
        if plan is None:
            return NoCopy()
        keys = map(TaxId.of_key, plan.restored.tax_keys)
        for there in (await self.registrations.by_tax_ids(keys)).values():
            if there.id != now.id:
                return TaxIdTaken(there)
        if await self.unions.separate(plan.update, plan.restored):
            return Separated(plan.update.after, plan.restored, plan.kept)
        return None


def _provenance(at: datetime, admin_id: int) -> Provenance:
    return Provenance(at=at, by=f"admin:{admin_id}", way=ChangeSource.CHAT)
