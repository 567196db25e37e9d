"""Tags, and what they and departments have in common: a name one can read in a file."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.domain.search import fold

LABEL_LENGTH: Final = 40
# Circles serve as colours: Telegram's buttons have none of their own.
PALETTE: Final = ("🔴", "🟠", "🟡", "🟢", "🔵", "🟣", "🟤", "⚫", "⚪")

# Python's tables do not tell which characters are emoji. Those of the first plane beside the
# blocks of symbols and dingbats are few; in the others whole blocks are made for them.
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
    """A name that people give and recognise."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: Annotated[str, StringConstraints(min_length=1, max_length=LABEL_LENGTH)]
    emoji: str = ""
    archived: bool = False
    """Not offered any more; who has it keeps it, and another may take its name."""
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
    """What became of a write."""

    DONE = "done"
    TAKEN = "taken"
    """Another one that is not archived has this name, or this group."""
    STALE = "stale"
    """Somebody else has changed it since it was read."""


def label_key(name: str) -> str:
    """Names with one key are one name: files are typed by people."""
    return fold(name)


def read_emoji(text: str) -> str | None:
    """The one emoji that the text is, or None."""
    text = text.strip()
    return text if _EMOJI.fullmatch(text) else None
