"""Backups: the one that is running, and the results of the latest ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

COMMAND_LINE: Final = "command"
"""`BackupMade.by` of a backup made from the command line."""


class Trouble(StrEnum):
    """The reason why no backup file arrived in the admin's chat."""

    DISK_FULL = "disk_full"
    NOT_WRITABLE = "not_writable"
    DATABASE = "database"
    DISTURBED = "disturbed"
    TOO_LARGE = "too_large"
    """The backup was made, but it is larger than Telegram accepts from a bot."""
    BLOCKED = "blocked"
    """The admin blocked the bot."""
    NO_RIGHT = "no_right"
    """The user who asked for it is no longer an admin."""
    TELEGRAM = "telegram"
    INTERRUPTED = "interrupted"
    """The bot was stopped or killed while it made the backup."""
    UNKNOWN = "unknown"


class BackupRun(BaseModel):
    """A running backup. Only one runs at a time, whatever the number of replicas."""

    model_config = ConfigDict(frozen=True)

    id: str
    admin_id: int
    message_id: int
    """The message in the admin's chat that shows the progress."""
    began_at: datetime
    until: datetime
    """End of the lease, renewed by the process that makes the backup.

    When this time has passed, the backup is no longer being made.
    """


class BackupMade(BaseModel):
    """A finished backup: in the admin's chat, or written by the command line."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    by: str
    """`admin:<id>` or `COMMAND_LINE`."""
    at: datetime
    size_bytes: int


class BackupFailed(BaseModel):
    """A backup that was not delivered."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    by: str
    at: datetime
    trouble: Trouble


class Backups(BaseModel):
    """The running backup, and the latest delivered and the latest failed one."""

    model_config = ConfigDict(frozen=True)

    running: BackupRun | None = None
    made: BackupMade | None = None
    failed: BackupFailed | None = None

    def is_over(self, run_id: str) -> bool:
        """Return True if this run is the latest delivered or the latest failed backup."""
        return any(over and over.run_id == run_id for over in (self.made, self.failed))


@dataclass(frozen=True, slots=True)
class Copied:
    """Progress of a backup within one collection; `of` is the estimated number of documents."""

    documents: int
    of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """A complete backup file on disk."""

    path: Path
    size_bytes: int
    sha256: str
    counts: Mapping[str, int]
    """Number of documents, by collection."""


@dataclass(frozen=True, slots=True)
class Started:
    """The backup has started; its message will show the progress and the result."""


@dataclass(frozen=True, slots=True)
class AlreadyRunning:
    run: BackupRun


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """This button was pressed before, and the backup that it started is over."""
