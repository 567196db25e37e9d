"""How long things are kept that have no setting of their own, and the daily deletion."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

SET_ASIDE_KEPT: Final = timedelta(days=30)
"""An update that was set aside can be handled again for this long."""
UNDELIVERED_KEPT: Final = timedelta(days=7)
"""A message that was not delivered can be sent again for this long."""
STEPS_KEPT: Final = timedelta(days=60)
"""The step of a chat, after its last use: also an admin's half-done draft."""
MEMBERS_KEPT: Final = timedelta(days=180)
"""What Telegram said of a group's member, after it was asked last."""
CHOICES_KEPT: Final = timedelta(days=365)
"""An admin's options, after they were used last."""
CHATS_KEPT: Final = timedelta(days=180)
"""A chat that belongs to no registration and has no conversation."""
JOBS_KEPT: Final = timedelta(days=365)
"""The report of a job, and the possibility to undo it."""
PAIRS_KEPT: Final = timedelta(days=90)
"""A likely double entry, after the search that found it."""
DIFFERENT_KEPT: Final = timedelta(days=730)
"""An admin's word that two registrations are not one person."""
IDLE_JOBS_KEPT: Final = timedelta(days=30)
"""A job that changed nothing, so that the audit does not refer to it."""


class RetentionRun(BaseModel):
    """One day's deletion of conversations whose retention period is over."""

    model_config = ConfigDict(frozen=True)

    day: str
    """The local date, in ISO format."""
    began_at: datetime
    ended_at: datetime | None = None
    """None while the deletion runs, or if it was killed."""
    conversations: int = 0
    messages: int = 0
    """Number of deleted links between messages in groups and in customers' chats."""
