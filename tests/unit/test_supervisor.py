"""A background task that ends or fails is started again, and everybody can see it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import structlog

from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.metrics import Metrics
from bot.runtime.supervisor import Supervisor
from tests.virtual_time import in_virtual_time as run


class Work:
    """Fails as told, then works."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)
        self.began_at: list[float] = []

    async def __call__(self) -> None:
        self.began_at.append(asyncio.get_running_loop().time())
        if not self.ends:
            await asyncio.Event().wait()
        if error := self.ends.pop(0):
            raise error


def failures() -> list[BaseException | None]:
    return [
        TryLaterError("away"),
        ValueError("CPF 390.533.447-05"),
        asyncio.CancelledError(),
        None,
    ]


@pytest.mark.parametrize("n", range(4))
def test_whatever_ends_a_task_it_is_started_again(n: int):
    async def supervised() -> None:
        supervisor, work = Supervisor(steady_s=5), Work(failures()[n])
        task = supervisor.run("x", work)
        await asyncio.sleep(0.1)
        assert supervisor.down == ["x"]
        await asyncio.sleep(4)
        assert len(work.began_at) == 2
        assert supervisor.down == ["x"], "it has not run for long"
        await asyncio.sleep(2)
        assert supervisor.down == []
        assert supervisor.health["x"].restarts == 1
        await supervisor.end(task)
        assert dict(supervisor.health) == {}

    run(supervised())


async def _fails_meanwhile(entered: asyncio.Event) -> None:
    async def fails_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise TryLaterError("away") from error

    entered.set()
    await asyncio.gather(fails_when_cancelled())


async def _swallows(entered: asyncio.Event) -> None:
    entered.set()
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


@pytest.mark.parametrize("work", [_fails_meanwhile, _swallows])
@pytest.mark.parametrize("way", ["run", "repeat"])
def test_a_task_ends_although_something_swallows_its_cancellation(
    work: Callable[[asyncio.Event], Coroutine[None, None, None]], way: str
):
    async def supervised() -> None:
        supervisor, entered = Supervisor(), asyncio.Event()
        if way == "run":
            task = supervisor.run("x", partial(work, entered))
        else:
            task = supervisor.repeat("x", partial(work, entered), every_s=0.0)
        await entered.wait()
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await supervisor.end(task)

    run(supervised())


def test_the_pauses_grow_to_a_limit_and_begin_anew_once_it_has_worked():
    async def supervised() -> None:
        supervisor = Supervisor(first_pause_s=1, longest_pause_s=4)
        errors: list[BaseException | None] = [TryLaterError("away")] * 5
        rounds = Work(*errors, None, TryLaterError("away"), None)
        task = supervisor.repeat("x", rounds, every_s=10)
        await asyncio.sleep(60)
        pauses = [b - a for a, b in zip(rounds.began_at, rounds.began_at[1:], strict=False)]
        assert pauses == [1, 2, 4, 4, 4, 10, 1, 10]
        assert supervisor.down == []
        await supervisor.end(task)

    run(supervised())


def test_a_round_that_works_is_up_and_one_that_fails_is_down():
    async def supervised() -> None:
        supervisor = Supervisor(first_pause_s=1)
        task = supervisor.repeat("x", Work(None, ValueError(), None), every_s=10)
        await asyncio.sleep(19)
        assert supervisor.down == []
        await asyncio.sleep(1.5)
        assert supervisor.down == ["x"]
        await asyncio.sleep(1)
        assert supervisor.down == []
        await supervisor.end(task)

    run(supervised())


def test_a_task_ends_with_the_error_that_it_may_end_with():
    async def supervised() -> None:
        def ends(error: Exception) -> bool:
            return isinstance(error, RefusedError)

        task = Supervisor().run("x", Work(TryLaterError("a"), RefusedError("b")), ends_with=ends)
        with pytest.raises(RefusedError, match="b"):
            await task

    run(supervised())


def test_no_foreign_text_is_logged():
    async def supervised() -> None:
        supervisor = Supervisor()
        task = supervisor.run("x", Work(ValueError("CPF 390.533.447-05")))
        await asyncio.sleep(1)
        await supervisor.end(task)

    with structlog.testing.capture_logs() as lines:
        run(supervised())
    [line] = lines
    assert line["task"] == "x"
    assert "390" not in str({**line, "exc_info": None})


def test_metrics_count_restarts_and_say_what_is_up():
    def of(metrics: Metrics) -> Callable[[str], Any]:
        lines = dict(line.rsplit(" ", 1) for line in metrics.text().decode().splitlines())
        return lambda name: float(lines[name])

    async def supervised() -> None:
        supervisor = Supervisor()
        metrics = Metrics(asked_to_wait=lambda: 0, tasks=supervisor.health)
        tasks = [supervisor.run("x", Work(ValueError())), supervisor.run("y", Work())]
        await asyncio.sleep(0.1)
        value = of(metrics)
        assert value('balcao_task_restarts_total{task="x"}') == 1
        assert value('balcao_task_up{task="x"}') == 0
        assert value('balcao_task_restarts_total{task="y"}') == 0
        assert value('balcao_task_up{task="y"}') == 1
        await supervisor.end(*tasks)

    run(supervised())
