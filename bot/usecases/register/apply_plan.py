"""Use case: candidates enter the register, by a plan and then its writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from bot.domain.candidate import Candidate, Create, Decision, Policy, Update, plan
from bot.domain.errors import TryLaterError
from bot.domain.registration import Provenance
from bot.domain.seen_keys import SeenKeys
from bot.usecases.ports import Register

# Each round means that somebody else wrote the same record between our read and our write.
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """The one path into the register."""

    register: Register
    new_id: Callable[[], str]

    async def __call__(
        self, candidates: Sequence[Candidate], policy: Policy, provenance: Provenance
    ) -> list[Decision]:
        """Plan and write; returns what was done with each candidate, in order.

        Safe to repeat, also after a crash in the middle: what is there already is unchanged.
        A record that somebody else wrote meanwhile is read and planned again. Raises
        TryLaterError when that never ends, or when the register cannot be reached.
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
