"""Use case: identify the person whose document was typed in a chat, and register the person."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, assert_never
from zoneinfo import ZoneInfo

import structlog

from bot.domain.candidate import FROM_ERP, Create, Refused, Unchanged, Update
from bot.domain.conversation import fingerprint
from bot.domain.errors import AppError
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration
from bot.domain.tax_id import TaxId
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.timing_mask import TimingMask
from bot.usecases.ports import CustomerLookup, Registrations
from bot.usecases.register.apply_candidate import ApplyCandidate

DIFFERENT_TAX_IDS_A_DAY: Final = 5
# A customer on a phone waits this long; then the dialog goes on without the ERP's answer.
LOOKUP_BUDGET_S: Final = 5.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither the register nor the ERP knows the document."""


@dataclass(frozen=True, slots=True)
class NotConsulted:
    """The document is not in the register, and the ERP gave no usable answer in time."""


LookupOutcome = Found | Unknown | NotConsulted


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Looks up a document in the register, then in the ERP; registers a customer of the ERP."""

    erp: CustomerLookup | None
    registrations: Registrations
    apply: ApplyCandidate
    clock: Callable[[], datetime]
    budget_s: float = LOOKUP_BUDGET_S

    async def __call__(self, tax_id: TaxId) -> LookupOutcome:
        """Return the registration that has this document, if any.

        Passes on an AppError of the register, never one of the ERP.
        """
        known = (await self.registrations.by_tax_ids([tax_id])).get(tax_id.key)
        if known and (self.erp is None or known.kinds != {Kind.PROSPECT}):
            return Found(known)
        # A prospect is looked up again: he may be a customer in the ERP by now.
        if self.erp is None:
            return Unknown()
        try:
            async with asyncio.timeout(self.budget_s):
                candidate = await self.erp.by_tax_id(tax_id)
        except (AppError, TimeoutError) as error:
            logger.warning("ERP not consulted", tax_id=tax_id.hidden, error=str(error) or "slow")
            return Found(known) if known else NotConsulted()
        if candidate is None:
            return Found(known) if known else Unknown()
        provenance = Provenance(at=self.clock(), by="erp", way=ChangeSource.IDENTIFICATION)
        decision = await self.apply.to(known, candidate, FROM_ERP, provenance)
        match decision:
            case Create(registration) | Unchanged(registration) | Update(after=registration):
                return Found(registration)
            case Refused(reasons=reasons):
                # For instance a record without a usable name: the attendants still see the person.
                logger.warning("ERP record refused", reasons=[str(reason) for reason in reasons])
                return Found(known) if known else Unknown()
            case _:
                assert_never(decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Links a chat to the document that was typed in it."""

    look_up: LookUp
    clock: Callable[[], datetime]
    timezone: ZoneInfo
    timing_mask: TimingMask = field(default_factory=TimingMask)

    async def note(self, current: CurrentChat, tax_id: TaxId) -> bool:
        """Count the document against the chat's daily limit and store it as the one typed.

        Returns False if the chat has typed too many different documents today.
        Must run before the look-up. Takes the same time for every document.
        """
        chat = await current.get()
        today = self.clock().astimezone(self.timezone).date().isoformat()
        attempts = chat.attempts if chat.attempts_on == today else ()
        mark = fingerprint(tax_id)
        if mark not in attempts:
            attempts = (*attempts, mark)
        too_many = len(attempts) > DIFFERENT_TAX_IDS_A_DAY
        if too_many:
            logger.warning("too many tax ids in a day", chat=chat.id, tax_id=tax_id.hidden)
        typed = replace(
            chat.customer, tax_id=None if too_many else tax_id, registration_id=None
        ).unproven()
        await current.put(
            replace(
                chat,
                customer=typed,
                lookup_owed=not too_many,
                attempts=attempts[: DIFFERENT_TAX_IDS_A_DAY + 1],
                attempts_on=today,
            )
        )
        return not too_many

    async def __call__(self, current: CurrentChat) -> None:
        """Link the chat to the registration of its document if there is one.

        The look-up stays due (`lookup_owed`) when the ERP did not answer.
        """
        chat = await current.get()
        if chat.customer.tax_id is None:
            return
        async with self.timing_mask.padded():
            outcome = await self.look_up(chat.customer.tax_id)
            found = outcome.registration if isinstance(outcome, Found) else None
            owed = isinstance(outcome, NotConsulted)
            linked = chat.linked_to(found.id if found else None, lookup_owed=owed)
            await current.put(linked, linked_to=found)
