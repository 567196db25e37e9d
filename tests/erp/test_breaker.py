import asyncio
import contextlib

import pytest

from bot.domain.errors import AppError, RefusedError, TryLaterError, UnreadableError
from erp.answer import ErrorPageError
from erp.breaker import Breaker
from tests.erp.conftest import Clock


def failing(breaker: Breaker, error: BaseException) -> None:
    with pytest.raises(type(error)), breaker.watching("ERP x"):
        raise error


def give_up_after(seconds: float, breaker: Breaker, clock: Clock) -> None:
    with contextlib.suppress(asyncio.CancelledError), breaker.watching("ERP x"):
        clock.now += seconds
        raise asyncio.CancelledError


def is_paused(breaker: Breaker) -> bool:
    try:
        with breaker.watching("ERP x"):
            raise UnreadableError("reached")
    except UnreadableError:
        return False
    except TryLaterError:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, pause_s=30, slow_s=3, clock=clock)


def test_it_pauses_after_failures_in_a_row_and_says_for_how_long(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(3):
        failing(breaker, TryLaterError("down"))
    clock.now += 10
    with pytest.raises(TryLaterError) as refused, breaker.watching("ERP x"):
        pytest.fail("the call went through")
    assert refused.value.retry_after_s == 20


def test_a_success_in_between_starts_the_count_again(breaker: Breaker) -> None:
    for _ in range(5):
        failing(breaker, TryLaterError("down"))
        failing(breaker, TryLaterError("down"))
        with breaker.watching("ERP x"):
            pass
    assert not is_paused(breaker)


def test_after_the_pause_one_failure_is_enough_for_the_next(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(3):
        failing(breaker, TryLaterError("down"))
    clock.now += 30
    failing(breaker, TryLaterError("still down"))
    assert is_paused(breaker)


def test_after_the_pause_one_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        failing(breaker, TryLaterError("down"))
    clock.now += 30
    with breaker.watching("ERP x"):
        pass
    failing(breaker, TryLaterError("down"))
    assert not is_paused(breaker)


@pytest.mark.parametrize("error", [RefusedError("401"), UnreadableError("broken")])
def test_an_answer_that_helps_nobody_is_still_an_answer(breaker: Breaker, error: AppError) -> None:
    for _ in range(4):
        failing(breaker, error)
    assert not is_paused(breaker)


def test_error_pages_count_only_when_the_status_says_overload(breaker: Breaker) -> None:
    for _ in range(4):
        failing(breaker, ErrorPageError("page", status=500))
    assert not is_paused(breaker)
    for _ in range(3):
        failing(breaker, ErrorPageError("page", status=504))
    assert is_paused(breaker)


def test_giving_up_on_a_slow_call_is_a_failure_and_a_quick_cancel_is_not(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(4):
        failing(breaker, asyncio.CancelledError())
    assert not is_paused(breaker)
    for _ in range(3):
        give_up_after(5, breaker, clock)
    assert is_paused(breaker)
