"""The progress of a backup is shown at most once an interval, and only when it has changed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.domain.backup import BackupRun, Copied
from bot.runtime.jobs.backups import MakeBackups
from tests.virtual_time import in_virtual_time, now

AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
RUN = BackupRun(id="1-1", admin_id=1, message_id=1, began_at=AT, until=AT)


class Notifier:
    def __init__(self) -> None:
        self.said: list[tuple[float, int]] = []

    async def progress(self, run: BackupRun, copied: Mapping[str, Copied]) -> None:
        self.said.append((now(), copied["registrations"].documents))


async def shown() -> list[tuple[float, int]]:
    """Return (seconds, documents) of each report on a backup of ten documents a second for ten
    seconds, and of a minute of rest behind it."""
    notifier, copied, begun = Notifier(), dict[str, Copied](), now()
    needs: dict[str, Any] = dict.fromkeys(("runs", "back_up", "name", "admin_ids", "clock"))
    making = MakeBackups(
        **needs, notifier=notifier, data_dir=Path("/nowhere"), progress_interval_s=3.0
    )
    showing = asyncio.create_task(making._show(RUN, copied))
    for tenth in range(1, 101):
        await asyncio.sleep(0.1)
        copied["registrations"] = Copied(tenth, 100)
    await asyncio.sleep(60.0)
    showing.cancel()
    return [(at - begun, done) for at, done in notifier.said]


def test_progress_is_shown_once_an_interval_and_not_twice():
    said = in_virtual_time(shown())
    assert [round(at, 3) for at, _ in said] == [3.0, 6.0, 9.0, 12.0]
    assert said[-1][1] == 100
