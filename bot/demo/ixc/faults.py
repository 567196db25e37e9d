"""Faults of the emulated IXC, as values to switch on and off."""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto


class Trouble(Enum):
    DOWN = auto()
    SLOW = auto()
    HELD = auto()
    HTML = auto()
    MESSAGE = auto()
    STATUS = auto()
    BROKEN_JSON = auto()
    OTHER_DOCUMENTS = auto()
    SAME_PAGE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault; the functions below build them."""

    trouble: Trouble
    status: int = 200
    seconds: float = 0.0
    message: str = ""
    retry_after: str | None = None
    held: asyncio.Event | None = None


DOWN = Fault(trouble=Trouble.DOWN)
"""The connection is closed without an answer."""
BROKEN_JSON = Fault(trouble=Trouble.BROKEN_JSON)
"""The answer ends in the middle."""
OTHER_DOCUMENTS = Fault(trouble=Trouble.OTHER_DOCUMENTS)
"""The filter is ignored: the answer has rows, but not the requested ones."""
SAME_PAGE = Fault(trouble=Trouble.SAME_PAGE)
"""The page number is ignored: every page is the first one."""
IP_NOT_ALLOWED = Fault(
    trouble=Trouble.MESSAGE, message="Seu IP não está liberado para efetuar login!"
)


def held(until: asyncio.Event) -> Fault:
    """Answers rightly, once this is set."""
    return Fault(trouble=Trouble.HELD, held=until)


def slow(seconds: float) -> Fault:
    """Return a fault that delays the correct answer."""
    return Fault(trouble=Trouble.SLOW, seconds=seconds)


def html(status: int = 200) -> Fault:
    """Return a fault that answers with IXC's HTML page, which it sends for errors of any kind."""
    return Fault(trouble=Trouble.HTML, status=status)


def message(text: str) -> Fault:
    """Return a fault that answers HTTP 200 with an IXC error message in the body."""
    return Fault(trouble=Trouble.MESSAGE, message=text)


def status(code: int, *, retry_after: str | None = None) -> Fault:
    """Return a fault that answers with an HTTP status only."""
    return Fault(trouble=Trouble.STATUS, status=code, retry_after=retry_after)
