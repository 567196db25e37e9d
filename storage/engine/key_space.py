"""Keys of an index as numbers, so that a range of them has a width.

Each character of a key is a digit: it stands for the lowest characters of some ranges, in order.
"""

import os
from bisect import bisect_right
from typing import Final

LOWEST: Final = "\1"
"""Below every key."""
HIGHEST: Final = "\U0010ffff"
"""Above every key: no character of a key is higher."""
RANGES: Final = (
    "\1\t !-./0123456789:;A[abcdefghijklmnopqrstuvwxyz{\x80\u0100\u0400\u3000\U00010000"
)
"""Most keys are folded names, so small letters and digits have a range each."""
# So many characters tell two neighbours in a large register apart, but for namesakes.
_DEPTH: Final = 24


class KeySpace:
    """All keys in order.

    ranges: the lowest characters of the ranges.
    """

    def __init__(self, ranges: str) -> None:
        self._ranges = ranges

    def width(self, characters: int) -> int:
        """Return the width of a range of keys that have so many first characters in common."""
        return int(len(self._ranges) ** (_DEPTH - characters))

    def position(self, key: str, shared: str) -> int:
        """Return the place of a key among all that begin with `shared`."""
        position, tail = 0, key.removeprefix(shared)[:_DEPTH].ljust(_DEPTH, self._ranges[0])
        for character in tail:
            digit = max(0, bisect_right(self._ranges, character) - 1)
            position = position * len(self._ranges) + digit
        return position

    def key(self, position: int, shared: str, last: str) -> str:
        """Return the lowest key at a place, or `last` for one beyond all keys.

        Not a short one: up to "m" the Rust server reads every key that begins with m.
        """
        if not 0 <= position < len(self._ranges) ** _DEPTH:
            return last
        characters = []
        for _ in range(_DEPTH):
            position, digit = divmod(position, len(self._ranges))
            characters.append(self._ranges[digit])
        return shared + "".join(reversed(characters))

    def part_way(self, begin: str, end: str, part: float) -> str:
        """Return a key between, as if all of them were evenly spread."""
        shared = os.path.commonprefix([begin, end])  # noqa: RUF071 - of texts, not of paths
        first, last = (self.position(one, shared) for one in (begin, end))
        return self.key(first + int((last - first) * part), shared, end)


def begin_of(bounds: dict[str, str], backwards: bool) -> str:
    """Return the key from which a list is read that has these bounds."""
    return max(bounds.get("$lt", ""), bounds.get("$lte", "")) if backwards else bounds["$gte"]
