"""Encodings of text files, judged by what Brazilian names and words contain.

All bytes are valid in the old encodings of one byte a letter, so only the words tell which it was:
`JoÆo` is no name. What cannot be told is asked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

TWICE: Final = "utf-8-2x"
"""UTF-8 that was taken for cp1252 and written as UTF-8 again."""
ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16-le": "Unicode do Excel (UTF-16)",
    "utf-16-be": "Unicode (UTF-16)",
    "cp1252": "Excel (cp1252)",
    "cp850": "MS-DOS (cp850)",
    "mac_roman": "Macintosh (Mac Roman)",
    TWICE: "UTF-8 lido duas vezes, consertado",
}
"""Names of encodings for people."""
OLD: Final = ("cp1252", "cp850", "mac_roman")
"""The encodings of one byte a letter that Excel writes in Brazil; the usual one first."""
_NAMES: Final = {
    **dict.fromkeys(("utf8", "utf"), "utf-8"),
    **dict.fromkeys(("cp1252", "windows1252", "1252", "ansi", "latin1", "iso88591"), "cp1252"),
    **dict.fromkeys(("cp850", "850", "ibm850", "dos", "msdos", "oem"), "cp850"),
    **dict.fromkeys(("macroman", "mac", "macintosh", "macos"), "mac_roman"),
    **dict.fromkeys(("utf16", "utf16le", "unicode"), "utf-16-le"),
    "utf16be": "utf-16-be",
    "utf8sig": "utf-8-sig",
    **dict.fromkeys(("utf82x", "2x", "utf8twice"), TWICE),
}
_LOWER: Final = frozenset("áàâãéêíóôõúüç")
_UPPER: Final = frozenset("ÁÀÂÃÉÊÍÓÔÕÚÜÇ")
_SIGNS: Final = frozenset("ªº°§®©²³½¼¾–—“”‘’…•€«»·´¨")
# What follows these letters in Portuguese; the empty text stands for the end of the word.
_AFTER: Final = {"ã": ("o", "e", "i", "s", "z", "n", "m", ""), "õ": ("e", "")}
_AFTER_C: Final = frozenset("aouãõáóúâôà")
_FITS, _SIGN, _FOREIGN, _BREAKS = 2.0, 1.0, 0.0, -2.0
# UTF-8 bytes of accents, dashes and quotes, as cp1252 shows them. Before a quotation mark or a
# blank the first letter may be the end of a word: “IRMÔ.
_MOJIBAKE: Final = re.compile(
    "[ÃÂ][\x80-\x9f¡-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ˜™š›œžŸ]|Ã[‘’“”•–— ](?=[^\\W\\d_])|â€[\x80-\xbf™œ“”˜¢¦]"
)
_MAYBE_TWICE: Final = re.compile("[\x80-\uffff]{2,}")


def encoding_named(text: str) -> str | None:
    """Return the encoding that a person names (`DOS`, `latin-1`), or None."""
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", text.lower()))


def count_mojibake(text: str) -> int:
    """Return how often UTF-8 that was taken for cp1252 stands in a text."""
    if "Ã" not in text and "Â" not in text and "â€" not in text:
        return 0
    return len(_MOJIBAKE.findall(text))


def repaired(text: str) -> str:
    """Return the text with each piece of UTF-8 that was taken for cp1252 read as UTF-8."""
    return _MAYBE_TWICE.sub(_once, text) if count_mojibake(text) else text


def as_old_bytes(text: str) -> bytes:
    """Return the bytes that `old_text` has read."""
    return b"".join(_OLD_BYTES.get(c) or c.encode("latin-1", "replace") for c in text)


def old_text(data: bytes) -> str:
    """Return bytes as cp1252; those that it does not have become control characters."""
    return data.decode("latin-1").translate(_OLD_TEXT)


@dataclass(frozen=True, slots=True)
class Judged:
    encoding: str
    is_certain: bool
    fits: bool
    """True if anything at all looks like a word."""
    is_broken: bool = False
    """True if nothing looks like a word, and the usual encoding makes signs inside words."""


def judge(pieces: Mapping[str, int]) -> Judged:
    """Return which of the `OLD` encodings a text has.

    pieces: how often each run of characters beyond ASCII occurs, with the character before and
    after it, as `old_text` has read them.
    """
    scores = {name: _score(name, pieces) for name in OLD}
    best = max(OLD, key=lambda name: scores[name][0])
    score, broken = scores[best]
    total = sum(pieces.values())
    rival = max(scores[name][0] for name in OLD if name != best)
    # The usual encoding needs less proof; for the others a single letter that fits is too little.
    needed = 0 if best == OLD[0] else _FITS if total == 1 else total / 2
    return Judged(
        best,
        is_certain=broken * 10 <= total and score > rival + needed,
        fits=score > 0,
        is_broken=score <= 0 and scores[OLD[0]][0] < 0,
    )


def _score(name: str, pieces: Mapping[str, int]) -> tuple[float, int]:
    score, broken = 0.0, 0
    for piece, count in pieces.items():
        text = piece if name == OLD[0] else as_old_bytes(piece).decode(name, "replace")
        fits = [_fit(text, place) for place, c in enumerate(text) if not c.isascii()]
        score += count * sum(fits)
        broken += count * (min(fits, default=0) < 0)
    return score, broken


def _fit(text: str, place: int) -> float:
    """Return how well a character beyond ASCII fits between its neighbours."""
    c, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if c == "\xa0":
        return _FOREIGN if before.isalpha() and after.islower() else _FITS
    if c in _LOWER or c in _UPPER:
        case_breaks = before.islower() if c in _UPPER else after.isupper()
        return _BREAKS if case_breaks else _FITS if _is_spelt(c, before, after) else _FOREIGN
    if c in _SIGNS:
        return _BREAKS if before.isalpha() and after.isalpha() and c not in "’´" else _SIGN
    if c.isalpha() and c < "\u0250" and c not in "ªºµ":
        return _BREAKS if c.isupper() and before.islower() else _FOREIGN
    return _BREAKS


def _is_spelt(c: str, before: str, after: str) -> bool:
    """Return True if a word of Portuguese can have this letter there."""
    if not before.isalpha() and not after.isalpha():
        return c in "àéóÀÉÓ"
    if any(n.isalpha() and not n.isascii() and n.lower() not in _LOWER for n in (before, after)):
        return False
    following = after.lower() if after.isalpha() else ""
    if (letter := c.lower()) == "ç":
        return following in _AFTER_C
    if letter in "áàâ" and before.lower() == "a":
        return False
    return following in _AFTER.get(letter, (following,))


def _once(found: re.Match[str]) -> str:
    try:
        return as_old_bytes(found[0]).decode("utf-8")
    except UnicodeDecodeError:
        return found[0]


def _table() -> Iterable[tuple[int, str]]:
    for byte in range(0x80, 0xA0):
        try:
            yield byte, bytes((byte,)).decode("cp1252")
        except UnicodeDecodeError:
            yield byte, chr(byte)


_OLD_TEXT: Final = dict(_table())
_OLD_BYTES: Final = {c: bytes((byte,)) for byte, c in _OLD_TEXT.items()}
