"""A backup that an admin asked for: while it is made, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

COMMAND_LINE: Final = "command"
"""Who made a backup that no admin asked for in chat."""


class Trouble(StrEnum):
    """Why there is no file in the admin's chat."""

    DISK_FULL = "disk_full"
    NOT_WRITABLE = "not_writable"
    DATABASE = "database"
    DISTURBED = "disturbed"
    TOO_LARGE = "too_large"
    """Made, and more than Telegram takes from a bot."""
    BLOCKED = "blocked"
    """The admin blocked the bot."""
    NO_RIGHT = "no_right"
    """Who asked for it is no admin any more."""
    TELEGRAM = "telegram"
    INTERRUPTED = "interrupted"
    """The bot was stopped or killed meanwhile."""
    UNKNOWN = "unknown"


class BackupRun(BaseModel):
    """A backup being made. There is one at a time, whatever the number of replicas."""

    model_config = ConfigDict(frozen=True)

    id: str
    admin_id: int
    message_id: int
    """The message in the admin's chat that shows how far it is."""
    began_at: datetime
    until: datetime
    """Whoever makes it puts this off; when it has passed, nobody makes it any more."""


class BackupMade(BaseModel):
    """A backup that is in somebody's hands."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    by: str
    """`admin:<id>`, or `COMMAND_LINE`."""
    at: datetime
    size_bytes: int


class BackupFailed(BaseModel):
    """A backup that nobody got."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    by: str
    at: datetime
    trouble: Trouble


class Backups(BaseModel):
    """The one that is being made, and the latest of those that are over."""

    model_config = ConfigDict(frozen=True)

    running: BackupRun | None = None
    made: BackupMade | None = None
    failed: BackupFailed | None = None

    def is_over(self, run_id: str) -> bool:
        """Whether this run is one of the latest that are over."""
        return any(over and over.run_id == run_id for over in (self.made, self.failed))


@dataclass(frozen=True, slots=True)
class Copied:
    """How far a backup is with one collection; `of` is about how many there are."""

    documents: int
    of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """A backup, whole and on the disk."""

    path: Path
    size_bytes: int
    sha256: str
    counts: Mapping[str, int]
    """Documents by collection."""


@dataclass(frozen=True, slots=True)
class Started:
    """It is being made; its message will tell."""


@dataclass(frozen=True, slots=True)
class AlreadyRunning:
    run: BackupRun


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """This very button was pressed before, and what it asked for is over."""
