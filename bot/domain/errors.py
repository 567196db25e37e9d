"""Our errors, grouped by what the caller can do next.

Each edge (storage, ERP, Telegram) translates the errors of its library into one of these, with
`from`; nothing else crosses an edge. The message is English, for logs, and holds no personal
data; sentences for people are chosen by whoever shows them.
"""

from enum import StrEnum


class Problem(StrEnum):
    """What stands in the way of a command, so that whoever shows it can say what to do."""

    DATABASE_URI = "database_uri"
    DATABASE_PASSWORD = "database_password"  # noqa: S105 - the name of a problem
    DATABASE_GONE = "database_gone"
    DATABASE_BROKEN = "database_broken"
    DATABASE_TOO_SIMPLE = "database_too_simple"
    DATA_DIR_READ_ONLY = "data_dir_read_only"
    DATA_DIR_NOT_A_FOLDER = "data_dir_not_a_folder"
    DATA_DIR_CORRUPT = "data_dir_corrupt"
    DISK_FULL = "disk_full"
    FILE_GONE = "file_gone"
    EMBEDDED_MISSING = "embedded_missing"
    EMBEDDED_FAILED = "embedded_failed"
    HTTP_ADDRESS = "http_address"
    BOT_TOKEN = "bot_token"  # noqa: S105
    GROUP = "group"
    BACKUP_EXISTS = "backup_exists"
    BACKUP_NOT_WRITABLE = "backup_not_writable"
    BACKUP_DISK_FULL = "backup_disk_full"
    BACKUP_NOT_READABLE = "backup_not_readable"
    BACKUP_NOT_ONE = "backup_not_one"
    BACKUP_VERSION = "backup_version"
    BACKUP_DAMAGED = "backup_damaged"
    BACKUP_TOO_LARGE = "backup_too_large"
    BACKUP_DISTURBED = "backup_disturbed"
    RESTORE_NOT_EMPTY = "restore_not_empty"
    RESTORE_UNFINISHED = "restore_unfinished"
    RESTORE_DIFFERS = "restore_differs"


class AppError(Exception):
    """Root of everything Balcão raises on purpose."""

    def __init__(self, message: str, *, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class TryLaterError(AppError):
    """No answer, a time-out, too many requests, a server fault: the same call may work later."""

    def __init__(
        self,
        message: str,
        *,
        problem: Problem | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, problem=problem)
        self.retry_after_s = retry_after_s


class UnconfirmedError(TryLaterError):
    """The call went out and no answer came: it may have been done."""


class LostError(TryLaterError):
    """Another worker has taken the job that this one was doing."""


class RefusedError(AppError):
    """Understood and declined: repeating the call does not help, something must be changed."""


class UnreadableError(AppError):
    """An answer that cannot be parsed: the other side's format is not what we know."""
