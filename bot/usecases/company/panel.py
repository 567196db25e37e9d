"""Use case: read the figures of a period, some hundreds of conversations at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.domain.conversation import Department
from bot.domain.panel import Figures, FigureSums, Opened, Period
from bot.usecases.ports import OpenedConversations, RegisterCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFigures:
    """Reads the figures of the panel.

    The outcome of each conversation's identification follows from what is stored now:

    - not consulted: its look-up in the ERP is still due. When the ERP has answered, it becomes
      one of the others.
    - verified, not identified: as its identity says.
    - new prospect: not verified, and its registration was created in the period from the chat's
      data. A person counts once, with the first conversation of the period.
    - not verified: all others in which a document was typed.

    A customer who typed a document and chose no department has no conversation, and is not
    counted.
    """

    conversations: OpenedConversations
    register: RegisterCounts
    departments: Callable[[], Awaitable[Sequence[Department]]]
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(self, period: Period) -> Figures:
        """Return the figures of the period; passes on an AppError of the database."""
        sums = FigureSums(period, timezone=self.timezone, now=self.clock())
        counted: set[str] = set()
        async for some in self.conversations.opened_in(period):
            inside = [one for one in some if period.holds(self._day(one.opened_at))]
            new = await self._new_prospects(inside, period) - counted
            for one in inside:
                is_new = one.may_be_new_prospect and one.registration_id in new
                sums.add(one, is_new_prospect=is_new)
                if is_new and one.registration_id:
                    new.remove(one.registration_id)
                    counted.add(one.registration_id)
        names = {one.id: one.name for one in await self.departments()}
        return sums.figures(await self.register.counts(), departments=names)

    async def _new_prospects(self, some: Sequence[Opened], period: Period) -> set[str]:
        """Return the ids of the registrations that chats created in the period.

        Only registrations of these conversations are considered.
        """
        ids = {
            one.registration_id for one in some if one.may_be_new_prospect and one.registration_id
        }
        made = await self.register.from_chats(ids)
        return {key for key, at in made.items() if period.holds(self._day(at))}

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.timezone).date()
