"""Jobs go on while NATS is away, from the start or later, and it is used again when it is back."""

from pathlib import Path
from typing import Any

import pytest

from tests.flows.nats import NatsServer
from tests.jobs.kills import until
from tests.jobs.taker import Taker

AWAY = "this process works on the jobs that it finds in the database"


async def test_without_nats_a_process_works_on_what_the_database_has(
    database: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("bot.runtime.jobs.jetstream.ANSWER_S", 0.3)

    server = NatsServer(tmp_path)
    one = Taker(database, tmp_path, batch_rows=100, broker_url=server.url(), round_s=0.01)
    carrying = one.carrying

    async def is_there() -> bool:
        return carrying.away is None

    async def is_away() -> bool:
        return carrying.away is not None

    async def is_said() -> bool:
        return AWAY in caplog.text

    try:
        async with one.at_work():
            first = await one.file(0, 5, by="admin:1")
            await until(lambda: one.is_over(first))
            await until(is_said)
            assert carrying.away is not None
            assert "jobs are taken from the database" in carrying.remarks["broker"]
            await server.start()
            await until(is_there)
            assert carrying.remarks == {}
            second = await one.file(100, 5, by="admin:1")
            await until(lambda: one.is_over(second))
            assert server.ids == 1
            server.kill()
            await until(is_away)
            third = await one.file(200, 5, by="admin:1")
            await until(lambda: one.is_over(third))
            await server.start()
            await until(is_there)
    finally:
        server.kill()
    await one.assert_done_once(dict.fromkeys((first.id, second.id, third.id), 5))
    said = [record.getMessage() for record in caplog.records]
    assert sum(AWAY in one for one in said) == 2
    assert sum("new jobs go over it" in one for one in said) == 2
