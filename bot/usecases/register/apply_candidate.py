"""Use case: plan one candidate and write it into the register."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.domain.candidate import Candidate, Create, Decision, Policy, Update, decide
from bot.domain.errors import TryLaterError
from bot.domain.registration import Provenance, Registration
from bot.usecases.ports import Register

# Rounds of planning again; each means that the record was changed between our read and write.
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyCandidate:
    """The only way into the register for a single candidate."""

    register: Register
    new_id: Callable[[], str]

    async def __call__(
        self, candidate: Candidate, policy: Policy, provenance: Provenance
    ) -> Decision:
        """Plan and write the candidate; return the decision.

        Safe to repeat, also after a crash in the middle: what is stored already stays unchanged.
        A record that was changed meanwhile is read and planned again.
        Raises TryLaterError when that does not end after five rounds, or when the register cannot
        be reached.
        """
        return await self.to(await self._known(candidate), candidate, policy, provenance)

    async def to(
        self,
        known: Registration | None,
        candidate: Candidate,
        policy: Policy,
        provenance: Provenance,
    ) -> Decision:
        """Do the same from what the caller has just read: no second read unless it has changed.

        known: the registration with the candidate's tax id, or None if there was none.
        """
        for _ in range(_ROUNDS):
            decision = decide(
                candidate, known, policy, provenance=provenance, new_ids=(self.new_id(),)
            )
            if await self._write(decision):
                return decision
            known = await self._known(candidate)
        raise TryLaterError("a registration changes too quickly to be written")

    async def _known(self, candidate: Candidate) -> Registration | None:
        if candidate.tax_id is None:
            return None
        return (await self.register.by_tax_ids([candidate.tax_id])).get(candidate.tax_id.key)

    async def _write(self, decision: Decision) -> bool:
        match decision:
            case Create(registration):
                return await self.register.create(registration)
            case Update():
                return await self.register.update(decision)
            case _:
                return True
