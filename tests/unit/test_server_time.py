"""The server's time stays right whatever becomes of our own clock."""

from datetime import UTC, datetime, timedelta

from storage.engine.server_time import ServerTime

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Monotonic:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_on_from_the_last_answer():
    ours = Monotonic()
    clock = ServerTime(ours)
    clock.hear(NOON.replace(tzinfo=None))
    ours.now += 90
    assert clock.now() == NOON + timedelta(seconds=90)


def test_an_answer_that_came_late_does_not_set_it_back():
    ours = Monotonic()
    clock = ServerTime(ours)
    clock.hear(NOON)
    ours.now += 90
    clock.hear(NOON)
    assert clock.now() == NOON + timedelta(seconds=90)


def test_it_follows_the_server_forwards_at_once_and_back_after_some_answers():
    ours = Monotonic()
    clock = ServerTime(ours)
    clock.hear(NOON)
    clock.hear(NOON + timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)
    for _ in range(10):
        clock.hear(NOON)
    assert clock.now() == NOON


def test_a_new_primary_is_believed_at_once():
    clock = ServerTime(Monotonic())
    clock.hear(NOON, of="a")
    clock.hear(NOON - timedelta(seconds=30), of="b")
    assert clock.now() == NOON - timedelta(seconds=30)


def test_it_says_by_how_much_our_own_clock_is_wrong():
    ours = Monotonic()
    clock = ServerTime(ours, wall=lambda: NOON.timestamp() + 12)
    clock.hear(NOON)
    assert clock.own_is_ahead() == timedelta(seconds=12)
