"""Reads Telegram's objects also where they hold what our library does not know.

Telegram adds fields, variants and values at any time, and older Bot API servers lack new fields.
The library refuses a whole object for one of them. Here the part that it cannot read is left out.
"""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeGuard

from aiogram import Bot
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

# Telegram's names for flags; one that is missing does not hold.
_FLAG: Final = re.compile(r"(?:is|can|has|supports|allows|are|was)_")
# One object holds few faults, as Telegram adds one thing at a time; each costs one more reading.
_FAULTS: Final = 64


class NotReadableError(Exception):
    """The object lacks what is needed to read any of it."""


@functools.lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    # pydantic keeps a model's reader only while something refers to it, and building one takes
    # milliseconds.
    return TypeAdapter(kind)


def read(kind: Any, data: Any, bot: Bot | None) -> Any:
    """Return the data as an object of this type, without the parts that cannot be read.

    Raises NotReadableError, with no text of the data, if nothing useful is left.
    """
    adapter, context = _adapter(kind), {"bot": bot}
    for _ in range(_FAULTS):
        try:
            return adapter.validate_python(data, context=context)
        except ValidationError as error:
            fault, place = _fault(
                error.errors(include_url=False, include_context=False, include_input=False), data
            )
        except RecursionError:
            break
        data = _mended(data, _path(data, place), place, is_missing=fault == _MISSING)
        if data is _NOTHING:
            break
    raise NotReadableError


_NOTHING: Final = object()
_MISSING: Final = "missing"

_Path = tuple[str | int, ...]


def _fault(errors: Sequence[ErrorDetails], data: Any) -> tuple[str, _Path]:
    """Return kind and place of the fault to mend first.

    Of a union pydantic tells the faults of each variant. The one that is meant has no fault in the
    field that names the variant; if there is none, the fault is the whole value.
    """
    first = errors[0]
    place = first["loc"]
    depth = len(_path(data, place, whole=False))
    if depth >= len(place) - (first["type"] == _MISSING):
        return first["type"], place
    union = place[:depth]
    variants: dict[str | int, list[ErrorDetails]] = {}
    for error in errors:
        if error["loc"][:depth] == union and len(error["loc"]) > depth:
            variants.setdefault(error["loc"][depth], []).append(error)
    for faults in variants.values():
        if not any(
            len(fault["loc"]) == depth + 1
            or (fault["type"] == "literal_error" and len(fault["loc"]) == depth + 2)
            for fault in faults
        ):
            return faults[0]["type"], faults[0]["loc"]
    return "variant", union


def _path(data: Any, place: Sequence[str | int], *, whole: bool = True) -> _Path:
    """Return the place as keys of the data; pydantic's names of variants are no keys.

    whole: False to stop at the first step that is no key.
    """
    path: list[str | int] = []
    for step in place:
        is_key = isinstance(data, dict) and step in data
        if is_key or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            data = data[step]
            path.append(step)
        elif not whole:
            break
    return tuple(path)


def _mended(data: Any, path: _Path, place: Sequence[str | int], *, is_missing: bool) -> Any:
    """Return a copy without the value at the path, or with what it lacks."""

    def mend(node: Any) -> Any:
        if is_missing and isinstance(node, dict):
            name = str(place[-1])
            if (value := _default(name, node)) is not _NOTHING:
                return {**node, name: value}
        return _NOTHING

    return _replaced(data, path, mend)


def _default(name: str, node: dict[str, Any]) -> Any:
    """Return what stands for a missing field: enough to know who wrote where."""
    number = node.get("id")
    if _FLAG.match(name):
        return False
    if name == "date" and "message_id" in node:
        return 0
    if name == "first_name" and is_id(number):
        return str(number)
    if name == "type" and is_id(number):
        return "private" if number > 0 else "supergroup"
    return _NOTHING


def _replaced(data: Any, path: _Path, change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(data)
    copied = data.copy()
    value = _replaced(data[path[0]], path[1:], change)
    if value is _NOTHING:
        del copied[path[0]]
    else:
        copied[path[0]] = value
    return copied


def is_id(value: object) -> TypeGuard[int]:
    """Return True for a number that Telegram may use as an id."""
    return isinstance(value, int) and not isinstance(value, bool)
