"""A limit on requests in a minute, by whoever asks."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from time import monotonic
from typing import Final

from aiohttp import web

_WINDOW_S: Final = 60.0
_KNOWN: Final = 10_000
"""Of so many the requests are counted at a time: a flood of addresses fills no memory."""


class RequestLimit:
    """Counts requests in fixed windows of a minute."""

    def __init__(self, a_minute: int, *, now_s: Callable[[], float] = monotonic) -> None:
        self._a_minute = a_minute
        self._now_s = now_s
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Count one request; return False if this key has used up its minute."""
        now = self._now_s()
        began, count = self._counted.pop(key, (now, 0))
        if now - began >= _WINDOW_S:
            began, count = now, 0
        self._counted[key] = began, count + 1
        if len(self._counted) > _KNOWN:
            self._counted.popitem(last=False)
        return count < self._a_minute


def address_of(request: web.Request) -> str:
    """Return the address that asks.

    Behind a proxy in the same network that is what this proxy saw: the last entry that it added.
    """
    peer = request.remote or ""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and _is_near(peer):
        return forwarded[-1].rpartition(",")[2].strip()[:64]
    return peer


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
