"""Use case: an admin adds one registration by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.candidate import Candidate, Create, Policy, Refusal, Refused, Update
from bot.domain.registration import ChangeSource, Provenance, Registration
from bot.usecases.ports import Register
from bot.usecases.register.apply_candidate import ApplyCandidate

# This use case only adds; an existing registration is opened and edited instead.
_BY_HAND: Final = Policy(may_create=True, may_update=False)


@dataclass(frozen=True, slots=True)
class Added:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Exists:
    """The tax id is in the register; nothing was changed."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class NotAdded:
    reasons: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRegistration:
    """Adds a registration through `ApplyCandidate`, like every other source."""

    register: Register
    clock: Callable[[], datetime]

    async def __call__(
        self, candidate: Candidate, *, registration_id: str, by: str
    ) -> Added | Exists | NotAdded:
        """Add the registration under an id that the caller has chosen before.

        Safe to repeat: the second call finds the registration of the first.
        """
        apply = ApplyCandidate(register=self.register, new_id=lambda: registration_id)
        provenance = Provenance(at=self.clock(), by=by, way=ChangeSource.CHAT)
        decision = await apply(candidate, _BY_HAND, provenance)
        if isinstance(decision, Refused):
            return NotAdded(decision.reasons)
        if isinstance(decision, Update):
            raise RuntimeError("this policy updates nothing")
        if isinstance(decision, Create):
            return Added(decision.registration)
        there = decision.registration
        return Added(there) if there.id == registration_id else Exists(there)
