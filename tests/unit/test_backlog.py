"""What waits is read once for many who ask, and its trouble hides no other metric."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backlog import Backlog
from bot.domain.errors import TryLaterError
from bot.runtime.backlog import BacklogFigures
from bot.runtime.metrics import Metrics

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BACKLOG = Backlog(
    updates=3,
    updates_since=NOW - timedelta(seconds=40),
    set_aside=1,
    undelivered=2,
    jobs={("import", "failed"): 1, ("sync", "running"): 2},
    jobs_waiting=0,
    jobs_since=None,
)


class Register:
    def __init__(self, trouble: Exception | None = None, *, hangs: bool = False) -> None:
        self.reads = 0
        self._trouble = trouble
        self._hangs = hangs

    async def read(self) -> Backlog:
        self.reads += 1
        if self._hangs:
            await asyncio.Event().wait()
        if self._trouble:
            raise self._trouble
        return BACKLOG


def shown(figures: BacklogFigures) -> list[str]:
    metrics = Metrics(asked_to_wait=lambda: 0, tasks={})
    metrics.add(figures)
    lines = metrics.text().decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


async def test_many_who_ask_at_once_cost_one_look():
    register = Register()
    figures = BacklogFigures(register.read, lambda: NOW)
    assert "balcao_database_up" not in " ".join(shown(figures))
    await asyncio.gather(*(figures.look() for _ in range(5)))
    await figures.look()
    assert register.reads == 1
    assert {
        "balcao_database_up 1.0",
        "balcao_inbox_waiting 3.0",
        "balcao_inbox_oldest_seconds 40.0",
        "balcao_inbox_set_aside 1.0",
        "balcao_outbox_failed 2.0",
        'balcao_jobs{kind="import",state="failed"} 1.0',
        'balcao_jobs{kind="sync",state="running"} 2.0',
        "balcao_jobs_waiting 0.0",
        "balcao_jobs_oldest_seconds 0.0",
    } <= set(shown(figures))
    later = BacklogFigures(register.read, lambda: NOW, fresh_s=0.0)
    await later.look()
    await later.look()
    assert register.reads == 3


@pytest.mark.parametrize(
    "register",
    [Register(TryLaterError("away")), Register(KeyError("kind")), Register(hangs=True)],
    ids=["away", "strange", "hangs"],
)
async def test_trouble_is_one_figure_and_hides_no_other(register: Register):
    figures = BacklogFigures(register.read, lambda: NOW, patience_s=0.001)
    await figures.look()
    lines = shown(figures)
    assert "balcao_database_up 0.0" in lines
    assert "balcao_outbox_waiting 0.0" in lines
    assert not [line for line in lines if line.startswith(("balcao_inbox", "balcao_jobs"))]
