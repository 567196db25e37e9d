"""When somebody is reminded of a customer who waits: first the group, later the admins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from bot.domain.conversation import Conversation


class Stage(IntEnum):
    """Who is reminded; each at most once in a wait."""

    GROUP = 1
    ADMINS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindAfter:
    """The waits after which there is a reminder; zero for never."""

    anybody: timedelta
    priority: timedelta
    """In place of `anybody`, for a customer with priority."""
    admins: timedelta

    def due(self, conversation: Conversation, waited: timedelta) -> Iterator[Stage]:
        """Yield the stages that are due and were not reached in this wait.

        waited: how long the department was open during the wait.
        """
        group = self.priority if conversation.priority else self.anybody
        for stage, after in ((Stage.GROUP, group), (Stage.ADMINS, self.admins)):
            if after and waited >= after and conversation.reminders < stage:
                yield stage
