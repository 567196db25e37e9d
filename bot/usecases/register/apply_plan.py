"""Use case: plan candidates and write them into the register."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from bot.domain.candidate import Candidate, Create, Decision, Policy, Update, plan
from bot.domain.errors import TryLaterError
from bot.domain.registration import Provenance
from bot.domain.seen_keys import SeenKeys
from bot.usecases.ports import Register

# Rounds of planning again; each means that the record was changed between our read and write.
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """The only way into the register for single candidates."""

    register: Register
    new_id: Callable[[], str]

    async def __call__(
        self, candidates: Sequence[Candidate], policy: Policy, provenance: Provenance
    ) -> list[Decision]:
        """Plan and write the candidates; return the decision for each, in order.

        Safe to repeat, also after a crash in the middle: what is stored already stays unchanged.
        A record that was changed meanwhile is read and planned again.
        Raises TryLaterError when that does not end after five rounds, or when the register cannot
        be reached.
        """
        decisions = await self._planned(candidates, policy, provenance)
        open_ones = list(range(len(decisions)))
        for _ in range(_ROUNDS):
            open_ones = [i for i in open_ones if not await self._write(decisions[i])]
            if not open_ones:
                return decisions
            again = [candidates[i] for i in open_ones]
            for i, decision in zip(
                open_ones, await self._planned(again, policy, provenance), strict=True
            ):
                decisions[i] = decision
        raise TryLaterError("a registration changes too quickly to be written")

    async def _planned(
        self, candidates: Sequence[Candidate], policy: Policy, provenance: Provenance
    ) -> list[Decision]:
        by_key = await self.register.by_tax_ids(
            [candidate.tax_id for candidate in candidates if candidate.tax_id]
        )
        existing = [by_key.get(c.tax_id.key) if c.tax_id else None for c in candidates]
        new_ids = (self.new_id() for _ in repeat(None))
        return plan(
            candidates,
            existing,
            policy,
            provenance=provenance,
            new_ids=new_ids,
            repeats=SeenKeys(),
        )

    async def _write(self, decision: Decision) -> bool:
        match decision:
            case Create(registration):
                return await self.register.create(registration)
            case Update():
                return await self.register.update(decision)
            case _:
                return True
