"""The stored state of syncs with an ERP: of two concurrent changes, one succeeds."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.sync import SyncState
from storage.jobs.syncs import Syncs
from tests.storage.records import NOW


@pytest.fixture
def syncs(database: Any) -> Syncs:
    return Syncs(database)


async def test_of_an_erp_never_synced_nothing_is_known_and_nothing_is_stored(
    syncs: Syncs, database: Any
):
    assert await syncs.get("ixc") == SyncState(system="ixc")
    assert await database["syncs"].count_documents({}) == 0


async def test_all_of_it_comes_back(syncs: Syncs):
    state = SyncState(
        system="ixc",
        full_mark=datetime(2026, 2, 10, 14, 3, 22, tzinfo=UTC),
        quick_mark=NOW,
        job=7,
        full_began_at=NOW,
        done_at=NOW,
        looked_at=6,
        is_failing=True,
    )
    written = await syncs.change(state)
    assert written is not None
    assert written.version == 1
    found = await syncs.get("ixc")
    assert found == written
    assert found.full_mark is not None
    assert found.full_mark.tzinfo is not None


async def test_each_erp_has_its_own(syncs: Syncs):
    await syncs.force_update("ixc", job=1)
    await syncs.force_update("omie", job=2)
    assert (await syncs.get("ixc")).job == 1
    assert (await syncs.get("omie")).job == 2


async def test_of_twenty_first_writers_one_comes_first(syncs: Syncs):
    new = await syncs.get("ixc")
    outcomes = await asyncio.gather(*(syncs.change(new, job=n) for n in range(1, 21)))
    [winner] = [one for one in outcomes if one is not None]
    assert await syncs.get("ixc") == winner
    assert (winner.version, winner.job) == (1, outcomes.index(winner) + 1)


async def test_of_twenty_who_read_the_same_one_changes_it(syncs: Syncs):
    read = await syncs.force_update("ixc", job=1)
    outcomes = await asyncio.gather(*(syncs.change(read, job=n) for n in range(2, 22)))
    [winner] = [one for one in outcomes if one is not None]
    assert await syncs.get("ixc") == winner
    assert winner.version == 2


async def test_who_read_before_others_changed_it_changes_nothing(syncs: Syncs):
    old = await syncs.force_update("ixc", job=1)
    now = await syncs.force_update("ixc", job=2)
    assert await syncs.change(old, is_failing=True) is None
    # Nor can a caller change it who never read it.
    assert await syncs.change(SyncState(system="ixc"), job=9) is None
    assert await syncs.get("ixc") == now


async def test_a_change_leaves_the_rest(syncs: Syncs):
    await syncs.force_update("ixc", job=3, full_mark=NOW, is_failing=True)
    await syncs.force_update("ixc", quick_mark=NOW)
    state = await syncs.get("ixc")
    assert (state.job, state.full_mark, state.quick_mark) == (3, NOW, NOW)
    assert state.is_failing
    await syncs.force_update("ixc", full_mark=None)
    assert (await syncs.get("ixc")).full_mark is None


async def test_whoever_changes_it_anyhow_loses_nothing_of_the_others(syncs: Syncs):
    names = ("full_mark", "quick_mark", "done_at", "full_began_at")
    await asyncio.gather(
        *(syncs.force_update("ixc", **{name: NOW}) for name in names),
        syncs.force_update("ixc", job=5),
        syncs.force_update("ixc", looked_at=4),
    )
    state = await syncs.get("ixc")
    assert state.version == 6
    assert [getattr(state, name) for name in names] == [NOW] * 4
    assert (state.job, state.looked_at) == (5, 4)
