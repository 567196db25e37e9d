"""Reads an HTTP answer: returns its JSON document, or raises the error that fits the answer.

| answer                       | becomes                                   |
| ---------------------------- | ----------------------------------------- |
| 408, 425, 429, 5xx           | TryLaterError, with Retry-After if given  |
| 401                          | UnauthorizedError (a RefusedError)        |
| 3xx and any other 4xx        | RefusedError                              |
| 2xx with HTML                | ErrorPageError (a TryLaterError)          |
| 2xx that is not JSON         | UnreadableError                           |

Errors never quote the answer: it may hold documents, passwords and tokens.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bot.domain.errors import RefusedError, TryLaterError, UnreadableError

_TRY_LATER: Final = frozenset((408, 425, 429))
_OVERLOAD: Final = frozenset((429, 502, 503, 504))


class ErrorPageError(TryLaterError):
    """An HTML page instead of JSON: a fault of the server, or a request that it cannot handle."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.is_overload = status in _OVERLOAD


class UnauthorizedError(RefusedError):
    """The key of this request is not accepted, or no longer accepted."""


def read_answer(label: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the JSON document of an answer.

    label: names the request in the error; no secrets, no personal data.
    Raises TryLaterError, RefusedError or UnreadableError, as the table above says.
    """
    check_answer(label, status, headers, body)
    return parse(label, body)


def check_answer(label: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Check that an answer may be JSON; raise the error in the table above if not."""
    is_page = body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    if status in _TRY_LATER or status >= 500:
        text = f"{label}: HTTP {status}" + (" with HTML instead of JSON" if is_page else "")
        retry_after_s = read_retry_after(headers.get("Retry-After", ""))
        if is_page:
            raise ErrorPageError(text, status=status, retry_after_s=retry_after_s)
        raise TryLaterError(text, retry_after_s=retry_after_s)
    if status == 401:
        raise UnauthorizedError(f"{label}: HTTP {status}")
    if not 200 <= status < 300:
        raise RefusedError(f"{label}: HTTP {status}")
    if is_page:
        raise ErrorPageError(f"{label}: HTTP {status} with HTML instead of JSON", status=status)


def parse(label: str, body: bytes) -> Any:
    """Return the JSON document; raises UnreadableError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{label}: the answer is not JSON") from nameless(error)


def read_retry_after(text: str) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None when it cannot be read.

    text: a number of seconds or an HTTP date, by this machine's clock.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


class LibraryError(Exception):
    """Replaces an error whose own text may quote a URL, headers or a body."""


def nameless(error: BaseException) -> LibraryError:
    """Return a cause to chain instead of `error`: its type and traceback without its text."""
    return LibraryError(type(error).__name__).with_traceback(error.__traceback__)
