"""For how long conversations are kept, and what the last daily deletion did."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class RetentionRun(BaseModel):
    """One day's deletion of what was kept long enough."""

    model_config = ConfigDict(frozen=True)

    day: str
    """Local, ISO."""
    began_at: datetime
    ended_at: datetime | None = None
    """None while it goes on, or when it was killed."""
    conversations: int = 0
    messages: int = 0
    """Which message of a group stood for whose."""
