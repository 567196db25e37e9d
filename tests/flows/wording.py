"""Texts and dates of the bot as people read them."""

import re
from zoneinfo import ZoneInfo

from tests.flows.conftest import Clock


def local_date(clock: Clock) -> str:
    return f"{clock().astimezone(ZoneInfo('America/Sao_Paulo')):%d/%m/%Y}"


def plain(text: str) -> str:
    """Return the text as Telegram shows it, without HTML tags."""
    return re.sub(r"</?\w+>", "", text)
