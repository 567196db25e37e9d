"""The tables in docs/relay.md: how each kind of message is relayed, and which replies are.

`test_relay_kinds.py` and `test_replies.py` check each row; this command writes the tables into
the page:


python -m tests.flows.relay_table
"""

from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "relay.md"
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


GOES: Final = "to the customer"
SAID: Final = "to the customer; that is said once"
STAYS: Final = "nowhere; that is said each time"

REPLIES: Final[dict[str, str]] = {
    "the card": GOES,
    "a message of the customer": GOES,
    "one's own answer": GOES,
    "one's own answer that has not arrived": GOES,
    "a ready answer (by a word)": GOES,
    "a ready answer (by a press)": GOES,
    "a correction of the customer": SAID,
    "another document of the customer": SAID,
    "full card": SAID,
    "claimed from the queue": SAID,
    "identity confirmed": SAID,
    "confirmation taken back": SAID,
    "nothing was transferred": SAID,
    "transferred (the list)": SAID,
    "transferred (below the reason)": SAID,
    "transferred to you": SAID,
    "note saved": SAID,
    "note dropped": SAID,
    "correction saved": SAID,
    "correction that changes nothing": SAID,
    "customer called": SAID,
    "call of a customer who is there": SAID,
    "answer deleted": SAID,
    "list of ready answers, closed": SAID,
    "reminder of a customer with priority": SAID,
    "your reply goes to the customer": SAID,
    "question for the target": STAYS,
    "question for the reason, answered": STAYS,
    "question for the identity": STAYS,
    "question for a note, answered": STAYS,
    "proposed note": STAYS,
    "question for the field to correct": STAYS,
    "question for the right value, answered": STAYS,
    "proposed correction": STAYS,
    "list of ready answers": STAYS,
    "the word of a ready answer": STAYS,
    "no such ready answer": STAYS,
    "a ready answer that has not arrived": STAYS,
    "not delivered": STAYS,
    "your reply goes nowhere": STAYS,
    "queue": STAYS,
    "help": STAYS,
    "a colleague's answer": STAYS,
    "one's own comment": STAYS,
    "a colleague's comment": STAYS,
    "any message of a closed conversation": STAYS,
}
"""What a reply to each message in a group does, in a plain group and in a customer's topic."""


def replies() -> str:
    """Return the second table in Markdown."""
    rows = [f"| {message} | {where} |" for message, where in REPLIES.items()]
    return "\n".join(["| A reply to | goes |", "| --- | --- |", *rows])


def table() -> str:
    """Return the table in Markdown."""
    lines = [
        "| Kind | Customer to attendants | Attendant to customer | Edits, both ways |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {kind.replace('_', ' ')} | {' | '.join(row)} |" for kind, row in ROWS.items()]
    return "\n".join(lines)


def with_table(page: str) -> str:
    """Return the page with its tables replaced by the current ones."""
    for name, shown in (("kinds", table()), ("replies", replies())):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{shown}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
