"""What can be wrong with the emulated IXC, as values to switch on and off."""

from dataclasses import dataclass
from enum import Enum, auto


class Trouble(Enum):
    DOWN = auto()
    SLOW = auto()
    HTML = auto()
    MESSAGE = auto()
    STATUS = auto()
    BROKEN_JSON = auto()
    OTHER_DOCUMENTS = auto()
    SAME_PAGE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of trouble; the functions below build them."""

    trouble: Trouble
    status: int = 200
    seconds: float = 0.0
    message: str = ""
    retry_after: str | None = None


DOWN = Fault(trouble=Trouble.DOWN)
"""The connection is cut without an answer."""
BROKEN_JSON = Fault(trouble=Trouble.BROKEN_JSON)
"""The answer ends in the middle."""
OTHER_DOCUMENTS = Fault(trouble=Trouble.OTHER_DOCUMENTS)
"""The filter is ignored: rows come, but not those asked for."""
SAME_PAGE = Fault(trouble=Trouble.SAME_PAGE)
"""The page number is ignored: the first page comes for ever."""
IP_NOT_ALLOWED = Fault(
    trouble=Trouble.MESSAGE, message="Seu IP não está liberado para efetuar login!"
)


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault(trouble=Trouble.SLOW, seconds=seconds)


def html(status: int = 200) -> Fault:
    """IXC's page for errors of any kind."""
    return Fault(trouble=Trouble.HTML, status=status)


def message(text: str) -> Fault:
    """HTTP 200 with an error of IXC's own inside."""
    return Fault(trouble=Trouble.MESSAGE, message=text)


def status(code: int, *, retry_after: str | None = None) -> Fault:
    """A bare HTTP error."""
    return Fault(trouble=Trouble.STATUS, status=code, retry_after=retry_after)
