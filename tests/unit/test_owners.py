"""Who owned a lease, and whether that process is gone."""

import os

import pytest

from bot.runtime.owners import is_dead, owner_of_a_run

OWN = owner_of_a_run()
HERE, PID, RUN = OWN.rsplit("/", 2)
HOST, SPACE, BOOT = HERE.split(":")
GONE = 4194305
PARENT = os.getppid()


def test_a_process_of_this_machine_that_is_gone_is_dead():
    assert is_dead(f"{HERE}/{GONE}/1-x")
    assert is_dead(f"{HERE}/{PID}/{RUN}-earlier")


def test_no_name_of_this_process_is_dead():
    assert not is_dead(OWN)
    assert not is_dead(owner_of_a_run())


def test_a_process_that_got_the_id_of_another_does_not_keep_it_alive():
    assert is_dead(f"{HERE}/{PARENT}/1-x")
    assert not is_dead(f"{HERE}/{PARENT}/x"), "without its start nobody can tell"


@pytest.mark.parametrize(
    "owner",
    [
        f"{HOST}:{SPACE}:another-boot/{GONE}/1-x",
        f"{HOST}:1:{BOOT}/{GONE}/1-x",
        f"other:{SPACE}:{BOOT}/{GONE}/1-x",
        # Of earlier versions.
        f"{HOST}:{SPACE}/{GONE}/x",
        "me",
        "",
        f"{HERE}/x/y",
    ],
)
def test_who_may_live_on_another_machine_is_not_dead(owner: str):
    assert not is_dead(owner)


def test_each_run_has_a_name_of_its_own():
    assert owner_of_a_run() != OWN
    assert owner_of_a_run().rsplit("/", 2)[:2] == [HERE, PID]
