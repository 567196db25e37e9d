"""The order of outgoing messages: that of the updates that cause them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from bot.domain.outgoing import Outgoing

_UPDATE_ROOM: Final = 1_000


@dataclass(slots=True)
class _Origin:
    update_id: int
    chat: str
    count: int = 0


_origin: ContextVar[_Origin | None] = ContextVar("origin", default=None)


@contextmanager
def caused_by(update_id: int, *, chat: str) -> Iterator[None]:
    """Order the messages put inside the block by this update, over all replicas and clocks.

    chat: the inbox's key of the update's chat, whose lease this process holds.
    """
    token = _origin.set(_Origin(update_id, chat))
    try:
        yield
    finally:
        _origin.reset(token)


def causing_chat() -> str | None:
    """Return the inbox's key of the chat whose update is being handled, or None."""
    origin = _origin.get()
    return origin.chat if origin else None


class Order:
    """Gives each message its place in an order that holds over all replicas and their clocks."""

    def __init__(self) -> None:
        self._latest_update = 0

    def placed(self, item: Outgoing, *, trace: str = "") -> Outgoing:
        """Return a copy placed after the update that causes it, or else after the latest
        update.

        trace: the place of what puts it in a trace.
        """
        origin = _origin.get()
        if origin is None:
            order = self._latest_update * _UPDATE_ROOM + _UPDATE_ROOM - 1
        else:
            self._latest_update = max(self._latest_update, origin.update_id)
            order = origin.update_id * _UPDATE_ROOM + origin.count
            origin.count += 1
        return item.model_copy(update={"order": order, "trace": trace})
