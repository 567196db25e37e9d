"""The keys that an import has seen, each with its first line, in about twelve bytes per slot.

A dictionary of a million keys takes 130 MB; this table takes 25 to 50 MB. The memory of an import
must stay flat.
"""

from array import array
from hashlib import blake2b
from typing import Final

from bot.domain.tax_id import TaxId

_FIRST_SIZE: Final = 64
_MOST_FULL: Final = 0.6
# An odd multiplier with many bits, which spreads consecutive keys over the table.
_SPREAD: Final = 0x9E3779B97F4A7C15


class SeenKeys:
    """An open-addressing hash table from each key to the line where it was first seen."""

    def __init__(self) -> None:
        self._allocate(_FIRST_SIZE)
        self._count = 0

    def first_line(self, key: int, line: int) -> int | None:
        """Return the line in which this key was first seen; store a new key and return None.

        key: not 0, below 2**64.
        """
        keys, mask = self._keys, self._mask
        place = key * _SPREAD >> 20 & mask
        while found := keys[place]:
            if found == key:
                return self._lines[place]
            place = place + 1 & mask
        keys[place] = key
        self._lines[place] = line
        self._count += 1
        if self._count > self._limit:
            self._grow()
        return None

    def __contains__(self, key: int) -> bool:
        keys, mask = self._keys, self._mask
        place = key * _SPREAD >> 20 & mask
        while found := keys[place]:
            if found == key:
                return True
            place = place + 1 & mask
        return False

    def _allocate(self, size: int) -> None:
        # Not created from bytes, which would need twice the memory for a moment.
        self._keys = array("Q", (0,)) * size
        self._lines = array("I", (0,)) * size
        self._mask = size - 1
        self._limit = int(size * _MOST_FULL)

    def _grow(self) -> None:
        keys, lines = self._keys, self._lines
        self._allocate(2 * len(keys))
        self._count = 0
        for key, line in zip(keys, lines, strict=True):
            if key:
                self.first_line(key, line)


def key_of(tax_id: TaxId) -> int:
    """Return the key of a tax id.

    It is unique for each Brazilian tax id, because the check digits follow from the other
    characters. For a foreign one it is a hash, with a collision once in a hundred million files.
    """
    if tax_id.country == "BR":
        if tax_id.is_company:
            return int(tax_id.number[:12], 36) * 2 + 1
        return int(tax_id.number[:9]) * 2 + 2
    return key_of_text(tax_id.key)


def key_of_text(text: str) -> int:
    """Return a key for any text: a hash of it."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") | 1
