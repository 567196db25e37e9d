"""Retention: the result of a daily deletion of old conversations."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


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
