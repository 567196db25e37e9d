"""Our errors, grouped by what the caller can do next.

Each edge (storage, ERP, Telegram) translates the errors of its library into one of these, with
`from`; nothing else crosses an edge. The message is English, for logs, and holds no personal
data; sentences for people are chosen by whoever shows them.
"""


class AppError(Exception):
    """Root of everything Balcão raises on purpose."""


class TryLaterError(AppError):
    """No answer, a time-out, too many requests, a server fault: the same call may work later."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusedError(AppError):
    """Understood and declined: repeating the call does not help, something must be changed."""


class UnreadableError(AppError):
    """An answer that cannot be parsed: the other side's format is not what we know."""
