"""Our errors, grouped by what the caller can do next.

Each adapter (storage, ERP, Telegram) translates the errors of its library into one of these, with
`from`; no other error leaves an adapter. The message is in English, for logs, and has no personal
data. The code that shows an error to a person chooses the sentence.
"""

from enum import StrEnum


class Problem(StrEnum):
    """The cause of a failed command, from which the caller chooses the advice to show."""

    DATABASE_URI = "database_uri"
    DATABASE_OPTION = "database_option"
    DATABASE_PASSWORD = "database_password"  # noqa: S105 - the name of a problem
    DATABASE_GONE = "database_gone"
    DATABASE_REFUSES = "database_refuses"
    DATABASE_BROKEN = "database_broken"
    DATABASE_TOO_SIMPLE = "database_too_simple"
    DATA_NEWER = "data_newer"
    DATA_DIR_READ_ONLY = "data_dir_read_only"
    DATA_DIR_NOT_A_FOLDER = "data_dir_not_a_folder"
    DATA_DIR_CORRUPT = "data_dir_corrupt"
    DISK_FULL = "disk_full"
    FILE_GONE = "file_gone"
    EMBEDDED_MISSING = "embedded_missing"
    EMBEDDED_FAILED = "embedded_failed"
    EMBEDDED_GONE = "embedded_gone"
    EMBEDDED_HELD = "embedded_held"
    EMBEDDED_PORT = "embedded_port"
    EMBEDDED_SECRET = "embedded_secret"  # noqa: S105
    HTTP_ADDRESS = "http_address"
    PUBLIC_ADDRESS = "public_address"
    BOT_TOKEN = "bot_token"  # noqa: S105
    WEBHOOK_URL = "webhook_url"
    TELEGRAM_GONE = "telegram_gone"
    TELEGRAM_STRANGE = "telegram_strange"
    GROUP = "group"
    BACKUP_EXISTS = "backup_exists"
    BACKUP_NOT_WRITABLE = "backup_not_writable"
    BACKUP_DISK_FULL = "backup_disk_full"
    BACKUP_NOT_READABLE = "backup_not_readable"
    BACKUP_NOT_ONE = "backup_not_one"
    BACKUP_VERSION = "backup_version"
    BACKUP_NEWER = "backup_newer"
    BACKUP_DAMAGED = "backup_damaged"
    BACKUP_TOO_LARGE = "backup_too_large"
    BACKUP_DISTURBED = "backup_disturbed"
    RESTORE_NOT_EMPTY = "restore_not_empty"
    RESTORE_UNFINISHED = "restore_unfinished"
    RESTORE_DIFFERS = "restore_differs"
    BROKER_GONE = "broker_gone"
    BROKER_REFUSES = "broker_refuses"
    ERP_CERTIFICATE = "erp_certificate"
    ERP_CERTIFICATE_DATE = "erp_certificate_date"
    ERP_CERTIFICATE_NAME = "erp_certificate_name"


class AppError(Exception):
    """The root of all errors that Balcão raises on purpose."""

    def __init__(self, message: str, *, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class TryLaterError(AppError):
    """No answer, a time-out, too many requests or a server error: a later retry may work."""

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
    """The request was sent and no answer came: it may have taken effect."""


class UnknownRefusalError(TryLaterError):
    """The request was declined for a reason that we do not know: it was not done.

    A later retry may work. If others succeed meanwhile, the request itself may be at fault.
    """


class TakenError(TryLaterError):
    """Another process has the lease, or no process may ask now."""


class LostError(TryLaterError):
    """Another process may have taken over the work of this one.

    newer: the number of its lease, where that is known.
    """

    def __init__(self, message: str, *, newer: int = 0) -> None:
        super().__init__(message)
        self.newer = newer


class RefusedError(AppError):
    """The request was understood and declined: a retry does not help, something must change."""


class UnreadableError(AppError):
    """The answer cannot be parsed: its format is not the one that we know."""
