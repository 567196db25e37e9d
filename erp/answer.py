"""Reads an HTTP answer: returns its JSON document, or raises the error that fits the answer.

| answer                               | becomes                                  |
| ------------------------------------ | ---------------------------------------- |
| 408, 425, 429, 5xx                   | TryLaterError, with Retry-After if given |
| 401                                  | UnauthorizedError (a RefusedError)       |
| 301, 308, what the adapter names     | RefusedError                             |
| any other 3xx and 4xx                | UnknownRefusalError (a TryLaterError)    |
| HTML where none of these says more   | ErrorPageError (a TryLaterError)         |
| 2xx that is not JSON                 | UnreadableError                          |

A status is a refusal only where it is known to mean that the request or its credentials are wrong:
a proxy, a firewall or a server that restarts answers with 403 and 404 too.

Errors never quote the answer: it may hold documents, passwords and tokens.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from erp.fields import Fields, mapping

_TRY_LATER: Final = frozenset((408, 425, 429))
_OVERLOAD: Final = frozenset((429, 502, 503, 504))
_MOVED: Final = frozenset((301, 308))


class ErrorPageError(TryLaterError):
    """An HTML page instead of JSON: a fault of the server, or a request that it cannot handle."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.is_overload = status in _OVERLOAD


class UnauthorizedError(RefusedError):
    """The key of this request is not accepted, or no longer accepted."""


class MaybeExpiredError(UnknownRefusalError):
    """A refusal for an unknown reason, which may be that the key has expired."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of an ERP as it came; the table above says which errors its methods raise."""

    label: str
    """Names the request in errors; no secrets, no personal data."""
    status: int
    headers: Mapping[str, str]
    body: bytes
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Statuses with which this ERP is known to refuse, each with its meaning."""

    @property
    def retry_after_s(self) -> float | None:
        """The seconds that the answer asks to wait, if it does."""
        return read_retry_after(self.headers.get("Retry-After", ""))

    def check(self) -> None:
        """Check that the answer may be JSON."""
        is_page = self.body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
        text = f"{self.label}: HTTP {self.status}" + (
            " with HTML instead of JSON" if is_page else ""
        )
        if self.status == 401:
            raise UnauthorizedError(f"{self.label}: HTTP {self.status}")
        if self.status in self.refusals:
            raise RefusedError(f"{self.label}: HTTP {self.status}: {self.refusals[self.status]}")
        if self.status in _MOVED:
            raise RefusedError(f"{self.label}: HTTP {self.status}: the address is another one")
        is_later = self.status in _TRY_LATER or self.status >= 500
        if is_page and (is_later or not 300 <= self.status < 400):
            raise ErrorPageError(text, status=self.status, retry_after_s=self.retry_after_s)
        if is_later:
            raise TryLaterError(text, retry_after_s=self.retry_after_s)
        if not 200 <= self.status < 300:
            raise UnknownRefusalError(f"{text}, for an unknown reason")

    def parse(self) -> object:
        """Return the JSON document of the body, whatever the status."""
        try:
            document: object = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"{self.label}: the answer is not JSON") from nameless(error)
        return document

    def json(self) -> object:
        """Return the JSON document of an answer without an error."""
        self.check()
        return self.parse()

    def fields(self) -> Fields:
        """Return the JSON document of an answer without an error, which is an object."""
        return mapping(self.label, self.json())

    def text_at(self, *path: str) -> str:
        """Return the text at this path of names, whatever the status; empty for anything else."""
        try:
            value = self.parse()
        except UnreadableError:
            return ""
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else ""


def rpc_result(label: str, answer: Fields) -> object:
    """Return the result in an answer of JSON-RPC that holds no error."""
    if "result" not in answer:
        raise UnreadableError(f"{label}: neither result nor error in the answer")
    return answer["result"]


def read_answer(answer: HttpAnswer) -> Any:
    """Return the JSON document of an answer, or raise the error in the table above."""
    return answer.json()


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
