"""Protocol numbers of conversations."""

import re
import secrets
from datetime import date, datetime
from zoneinfo import ZoneInfo


def new_protocol(now: datetime, timezone: ZoneInfo) -> str:
    """Return a new protocol number: the local date and six random digits, `20261124-048213`.

    The digits are random so that the number does not reveal how many conversations a company has.
    The storage refuses a number that is already used; the caller then draws another one.
    """
    return f"{now.astimezone(timezone):%Y%m%d}-{secrets.randbelow(1_000_000):06d}"


def protocols_of(day: date) -> tuple[str, str]:
    """Return the range of a local date's protocol numbers: inclusive start, exclusive end."""
    return f"{day:%Y%m%d}-", f"{day:%Y%m%d}."


def read_protocol(text: str) -> str | None:
    """Return the protocol number in a typed text, or None."""
    found = re.search(r"(?<!\d)(\d{8})\s*(?:-\s*)?(\d{6})(?!\d)", text)
    return f"{found[1]}-{found[2]}" if found else None
