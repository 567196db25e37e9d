"""A sync that is killed again and again leaves the same register as an undisturbed one."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cnpj
from bot.demo.ixc import IxcEmulator
from bot.demo.ixc.records import customer, supplier
from bot.domain.job import SyncMode
from storage.register.verify import verify
from tests.jobs.kills import Moments, opened, workers
from tests.jobs.kills import database as database
from tests.jobs.kills import mongodb_uri as mongodb_uri
from tests.jobs.sync import SyncRunner, cpf, people, syncing

pytestmark = pytest.mark.embedded

ROWS = 1_500
KILLS = 6


class Begun(SyncRunner):
    """A runner that begins syncs without working on them."""

    async def _work(self, job_id: int) -> None:
        """Do nothing: a worker process will find the job."""


@pytest.fixture
async def ixc() -> AsyncIterator[IxcEmulator]:
    rows = people(ROWS)
    # Some documents have several records, pages apart, and some records have none.
    rows += [customer(9_000 + n, f"Outra {n}", cpf(n), ativo="N") for n in range(1, 40, 3)]
    rows += [customer(9_500 + n, f"Sem {n}", "") for n in range(5)]
    suppliers = [supplier(1 + n, f"Pessoa {n} ME", cpf(n)) for n in range(2, 40, 3)]
    suppliers += [supplier(500, "Cabos", make_cnpj("112223330001").masked)]
    async with IxcEmulator(rows, suppliers) as emulator:
        yield emulator


async def test_kills_leave_a_sync_as_if_there_had_been_none(
    database: Any, mongodb_uri: str, tmp_path: Path, ixc: IxcEmulator
):
    chance = random.Random(KILLS)  # noqa: S311 - the same every time
    async with syncing(database, tmp_path, ixc, kind=Begun) as runner:
        begun = await runner.begin(SyncMode.FULL, by="admin:1")
        moments = Moments(runner, begun.id)
        async with workers(mongodb_uri, runner, ixc.url) as some:
            await some.killed_when(await moments.claimed())
            while some.kills < KILLS:
                await some.killed_when(await moments.batches(chance.randint(1, 4)))
            job = await some.finishes(begun.id)
        killed = await runner.register()
        assert (await verify(database, lambda _: None)).broken == ()
        mark = (await runner.syncs.get("ixc")).full_mark
    async with opened(mongodb_uri) as second, syncing(second, tmp_path, ixc) as undisturbed:
        twin = await undisturbed.synced()
        assert by_document(killed) == by_document(await undisturbed.register())
        assert mark == (await undisturbed.syncs.get("ixc")).full_mark
    assert job.counts.created == twin.counts.created == ROWS + 1
    assert job.counts.refused == twin.counts.refused == 5
    assert job.counts.rows == twin.counts.rows


def by_document(register: dict[str, Any]) -> dict[str, Any]:
    """Return the registrations by tax id, with only the fields that no random id affects."""
    return {
        one["tax_id"]: {
            key: value
            for key, value in one.items()
            if key in ("name", "phones", "email", "status", "kinds", "erp_refs", "trade_name")
        }
        for one in register.values()
    }
