"""Three fixed plans: while the outside fails in all its ways, nothing is lost or told twice."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.plan import plan
from tests.chaos.processes import Forks
from tests.chaos.run import Result, run
from tests.chaos.wall_clock import HAS_COMPILER
from tests.chaos.wires import HAS_NATS, folder_of

pytestmark = [
    pytest.mark.embedded,
]

# Both kinds of groups, a worker, kills and a wrong clock are among them.
SEEDS: Final = (8, 10, 11)
_SECONDS: Final = 14.0
_AT_ONCE: Final = 2


@pytest.fixture(scope="session")
async def results(
    protected: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[int, "asyncio.Task[Result]"]]:
    """Give the runs by their seed; at most two at a time, as most of a run is waiting."""
    forks = Forks(tmp_path_factory.mktemp("clock"))
    slots = asyncio.Semaphore(_AT_ONCE)

    async def of(seed: int) -> Result:
        made = plan(seed, _SECONDS, has_clock=HAS_COMPILER, has_nats=HAS_NATS)
        async with slots, folder_of(seed, protected) as folder:
            return await run(made, forks, folder)

    tasks = {seed: asyncio.create_task(of(seed)) for seed in SEEDS}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    forks.stop()


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_nor_told_twice(
    seed: int, results: Mapping[int, "asyncio.Task[Result]"]
):
    result = await results[seed]
    # With who said what: a run that chance made is hard to make again.
    assert not result.findings.wrong, f"{result}\n{result.chats}"
