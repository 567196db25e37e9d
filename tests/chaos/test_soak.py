"""The soak, short enough for every run: replicas are killed beside an import."""

import asyncio
from pathlib import Path

import pytest

from storage.engine.embedded import embedded_server
from tests.chaos.processes import Forks
from tests.chaos.soak import Shape, soak

pytestmark = pytest.mark.embedded

SHORT = Shape(
    seconds=16.0,
    replicas=3,
    workers=1,
    departments=6,
    customers=12,
    a_second=5.0,
    rows=2_000,
    kill_every_s=7.0,
    minute_s=6.0,
)


async def test_nothing_is_lost_or_out_of_order_while_replicas_are_killed(tmp_path: Path):
    forks = Forks(tmp_path)
    try:
        async with embedded_server(tmp_path / "data") as uri:
            outcome = await soak(SHORT, forks, tmp_path, uri)
    finally:
        await asyncio.to_thread(forks.stop)
    assert outcome.kills
    assert len(outcome.sent) == SHORT.a_second * SHORT.seconds
    assert not outcome.wrong, "\n".join(outcome.lines())
