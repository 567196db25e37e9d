"""Imports over three NATS servers: a server and a worker are killed, and the network is split.

PARTITION_S gives the seconds of the split; without it, it lasts until a job was done meanwhile.
"""

import os
import time
from pathlib import Path
from typing import Any, Final

import nats
import pytest

from bot.domain.job import Job
from bot.runtime.jobs.jetstream import JetStream
from tests.flows.nats_cluster import Cluster, nats_cluster
from tests.jobs.kills import Moments, until, workers
from tests.jobs.kills import database as database
from tests.jobs.kills import mongodb_uri as mongodb_uri
from tests.jobs.taker import Taker
from tests.jobs.worker import BATCH_ROWS

PARTITION_S: Final = float(os.environ.get("PARTITION_S", "0"))
ROWS: Final = 4 * BATCH_ROWS

pytestmark = pytest.mark.embedded


async def leader_of(cluster: Cluster, name: str) -> int:
    """Return which server leads the stream, once two others have a copy of it."""
    client = await nats.connect(cluster.urls.split(","))
    leader = ""

    async def has_copies() -> bool:
        nonlocal leader
        try:
            of = (await client.jetstream(timeout=1).stream_info(f"{name}_jobs")).cluster
        except nats.errors.Error:
            return False
        leader = (of and of.leader) or ""
        copies = (of and of.replicas) or []
        return bool(leader) and [copy.current for copy in copies] == [True, True]

    await until(has_copies)
    await client.close()
    return int(leader[1:])


def server_of(bot: Taker, cluster: Cluster) -> int:
    """Return which server the bot is connected to."""
    broker = bot.carrying._broker
    assert broker is not None
    assert isinstance(broker._broker, JetStream)
    url = broker._broker.client.connected_url
    assert url is not None
    return [server.port for server in cluster.servers].index(url.port)


async def stream_of_an_older_version(cluster: Cluster, name: str) -> None:
    async def is_made() -> bool:
        try:
            await client.jetstream(timeout=1).add_stream(
                name=f"{name}_jobs", subjects=[f"{name}.jobs"], retention="workqueue"
            )
        except nats.errors.Error:
            # The servers have not found each other yet.
            return False
        return True

    client = await nats.connect(cluster.urls.split(","))
    await until(is_made)
    await client.close()


async def test_neither_a_killed_server_or_worker_nor_a_split_loses_or_doubles_a_row(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    (tmp_path / "nats").mkdir()
    async with nats_cluster(tmp_path / "nats") as cluster:
        await stream_of_an_older_version(cluster, database.name)
        bot = Taker(database, tmp_path, batch_rows=BATCH_ROWS, broker_url=cluster.urls)
        rows: dict[int, int] = {}

        async def begun() -> Job:
            job = await bot.file(len(rows) * ROWS, ROWS, by="admin:1")
            rows[job.id] = ROWS
            return job

        async def is_done(*jobs: Job) -> None:
            await until(lambda: bot.is_over(*jobs))

        async def is_there() -> bool:
            return bot.carrying.away is None

        async with (
            workers(mongodb_uri, bot, broker_url=cluster.urls) as worker,
            workers(mongodb_uri, bot, broker_url=cluster.urls) as second,
        ):
            first = await begun()
            await worker.start(halts_at=2)
            await until((await Moments(bot, first.id).written(1)).has_come)
            async with bot.at_work():
                await until(is_there)
                killed = await leader_of(cluster, database.name)
                cluster.servers[killed].kill()
                await worker.kill()
                others = [await begun(), await begun()]
                # It finds that the first one is dead.
                await second.start()
                await is_done(first, *others)
                await cluster.servers[killed].start()
                await until(is_there)
                cluster.cut_off(server_of(bot, cluster))
                since = time.monotonic()
                await is_done(await begun())
                while time.monotonic() - since < PARTITION_S:
                    await is_done(await begun())
                cluster.mend()
                await until(is_there)
                await is_done(await begun())
    await bot.assert_done_once(rows)
