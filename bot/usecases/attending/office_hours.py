"""Use case: tell whether a department is closed now, and when it opens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.domain.conversation import Conversation, Department
from bot.domain.opening_hours import Closed
from bot.usecases.ports import Departments


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    departments: Departments
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    @property
    def today(self) -> date:
        return self.clock().astimezone(self.timezone).date()

    def closed(self, department: Department) -> Closed | None:
        """Return when the department opens; None if it is open."""
        return department.hours.closed(self.clock(), self.timezone)

    async def untold(self, conversation: Conversation) -> Closed | None:
        """Return when the conversation's department opens.

        Returns None if it is open, or if this customer was told before.
        """
        if conversation.hours_told:
            return None
        for one in await self.departments.all():
            if one.id == conversation.department_id:
                return self.closed(one)
        return None
