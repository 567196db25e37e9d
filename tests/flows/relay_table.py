"""The table in docs/relay.md: how each kind of message is relayed.

`test_relay_kinds.py` checks each row; this command writes the table into the page:


python -m tests.flows.relay_table
"""

from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "relay.md"
_BEGIN: Final = "<!-- kinds -->"
_END: Final = "<!-- /kinds -->"

COPIED: Final = "copied"
SENT: Final = "sent as text"
FORWARDED: Final = "forwarded"
REFUSED: Final = "refused, said below it"
MIRRORED: Final = "mirrored"
NO: Final = "–"


class Row(NamedTuple):
    """The results for one kind of message, equal in a plain group and in a forum."""

    to_attendants: str
    to_customer: str
    edited: str
    """The other side's copy after the writer has edited the message."""


_TEXT: Final = Row(SENT, COPIED, MIRRORED)
_CAPTIONED: Final = Row(COPIED, COPIED, MIRRORED)
_FIXED: Final = Row(COPIED, COPIED, NO)
_FORWARDED: Final = Row(FORWARDED, REFUSED, NO)

ROWS: Final[dict[str, Row]] = {
    "text": _TEXT,
    "photo": _CAPTIONED,
    "video": _CAPTIONED,
    "animation": _CAPTIONED,
    "audio": _CAPTIONED,
    "document": _CAPTIONED,
    "voice": _CAPTIONED,
    "video_note": _FIXED,
    "sticker": _FIXED,
    "contact": _FIXED,
    "location": _FIXED,
    "live_location": _FIXED,
    "venue": _FIXED,
    "poll": _FIXED,
    "quiz": _FORWARDED,
    "dice": _FIXED,
    "game": _FIXED,
    "story": _FORWARDED,
    "checklist": _FORWARDED,
    "paid_media": _FORWARDED,
}


def table() -> str:
    """Return the table in Markdown."""
    lines = [
        "| Kind | Customer to attendants | Attendant to customer | Edits, both ways |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {kind.replace('_', ' ')} | {' | '.join(row)} |" for kind, row in ROWS.items()]
    return "\n".join(lines)


def with_table(page: str) -> str:
    """Return the page with its table replaced by the current one."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
