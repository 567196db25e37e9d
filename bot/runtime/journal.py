"""What one update has already done in Telegram, so that a repeat of it does not do it again."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    # It takes seconds to load, and every command loads this module.
    from aiogram.methods import TelegramMethod

_Call = tuple[str, str, int]
"""Method, payload, and how many such calls came before it."""

NOT_DONE: Final = object()


class Journal:
    """The calls of an update, over all attempts to handle it in this process."""

    def __init__(self) -> None:
        self._results: dict[_Call, Any] = {}
        self._unconfirmed: Counter[_Call] = Counter()
        self._made: Counter[tuple[str, str]] = Counter()
        self._is_open = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Note the calls that are made inside the block, and by what it awaits."""
        self._made.clear()
        self._is_open = True
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            # A task that the handler has started goes on in its context.
            self._is_open = False

    @property
    def is_spent(self) -> bool:
        """True if a call was made twice and confirmed neither time: it is not made a third
        time."""
        return any(count > 1 for count in self._unconfirmed.values())

    def begin(self, method: "TelegramMethod[Any]") -> _Call:
        """Return the call's place in the journal."""
        name = method.__api_method__
        payload = json.dumps(
            method.model_dump(warnings=False), default=_named, sort_keys=True, ensure_ascii=False
        )
        call = (name, payload, self._made[name, payload])
        self._made[name, payload] += 1
        return call

    def result(self, call: _Call) -> Any:
        """Return what Telegram has answered in an earlier attempt, or NOT_DONE."""
        return self._results.get(call, NOT_DONE)

    def done(self, call: _Call, result: Any) -> None:
        self._results[call] = result

    def unconfirmed(self, call: _Call) -> None:
        self._unconfirmed[call] += 1


_current: ContextVar[Journal | None] = ContextVar("journal", default=None)


def current_journal() -> Journal | None:
    """Return the journal of the update that is being handled, or None."""
    journal = _current.get()
    return journal if journal and journal._is_open else None


def _named(value: object) -> str:
    """Return a text for a file or a default, which JSON does not know."""
    return (
        f"{type(value).__name__} {getattr(value, 'filename', None) or getattr(value, 'name', '')}"
    )
