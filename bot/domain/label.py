"""Labels: the common part of tags and departments, with a name that files can contain."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.domain.search import fold

LABEL_LENGTH: Final = 40
# Circles are used as colours, because Telegram's buttons have no colours.
PALETTE: Final = ("🔴", "🟠", "🟡", "🟢", "🔵", "🟣", "🟤", "⚫", "⚪")

# Python's `unicodedata` has no emoji property, so they are listed here. In the first plane, few
# characters outside the blocks of symbols and dingbats are emoji; in the others, whole blocks are.
_PICTURE: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf"
    "\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f004\U0001f0cf\U0001f170-\U0001f19a\U0001f201-\U0001f251\U0001f300-\U0001faff]"
)
_PART: Final = f"{_PICTURE}\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI: Final = re.compile(
    f"{_PART}(?:\u200d{_PART}){{0,6}}"
    "|[\U0001f1e6-\U0001f1ff]{2}"  # flags of countries
    "|\U0001f3f4[\U000e0020-\U000e007f]{3,7}"  # flags of regions
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
)


class Label(BaseModel):
    """A named label: a tag or a department."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: Annotated[str, StringConstraints(min_length=1, max_length=LABEL_LENGTH)]
    emoji: str = ""
    archived: bool = False
    """Archived labels are no longer offered.

    Registrations that have one keep it. A new label may have the same name.
    """
    version: int = 1

    @property
    def shown(self) -> str:
        return f"{self.emoji} {self.name}".strip()

    @property
    def key(self) -> str:
        return label_key(self.name)


class Tag(Label):
    """Etiqueta: a label on registrations."""


class Written(StrEnum):
    """The result of a write."""

    DONE = "done"
    TAKEN = "taken"
    """Another label that is not archived has this name or this group."""
    STALE = "stale"
    """Compare-and-set failed: the label was changed since it was read."""


def label_key(name: str) -> str:
    """Return the key by which names are compared, because names in files vary in spelling."""
    return fold(name)


def read_emoji(text: str) -> str | None:
    """Return the text, stripped, if it is exactly one emoji, or None."""
    text = text.strip()
    return text if _EMOJI.fullmatch(text) else None
