"""The machine itself: its plans can be had again, and its faults are what they are called."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import AutoReconnect, OperationFailure

from bot.demo.bot_api import BotApiEmulator
from tests.chaos.faults import Faults
from tests.chaos.mongodb import MongodbProxy
from tests.chaos.plan import Fault, What, Where, plan
from tests.chaos.telegram import TelegramProxy
from tests.chaos.wall_clock import HAS_COMPILER, WallClock, library


def of(where: Where, what: What, *, on: str = "all", value: int = 0, is_after: bool = False):
    fault = Fault(at_s=0, for_s=1e9, where=where, what=what, on=on, value=value, is_after=is_after)
    faults = Faults((fault,))
    faults.begin()
    return faults


def test_a_seed_is_one_plan():
    assert plan(7, 60) == plan(7, 60)
    assert plan(7, 60) != plan(8, 60)
    assert str(plan(7, 60)) == str(plan(7, 60))


def test_all_kinds_are_in_sixty_plans():
    found = {fault.what for seed in range(60) for fault in plan(seed, 60).faults}
    assert found == set(What)


@pytest.mark.parametrize(
    ("what", "value", "is_after"),
    [
        (What.HTML, 502, False),
        (What.HTML, 504, True),
        (What.NO_JSON, 1, True),
        (What.RESET, 0, False),
        (What.RESET, 0, True),
        (What.CLOSE, 0, True),
        (What.HALF, 0, True),
        (What.SERVER_ERROR, 500, True),
        (What.VARIANT, 0, True),
    ],
)
async def test_a_call_is_done_or_not_and_its_answer_is_lost_either_way(
    telegram: BotApiEmulator, what: What, value: int, is_after: bool
):
    telegram.add_user(1, "Ana", started=True)
    faults = of(Where.TELEGRAM, what, on="sends", value=value, is_after=is_after)
    async with TelegramProxy(telegram.url, faults, marks={}) as proxy:
        async with aiohttp.ClientSession() as client:
            said = None
            try:
                form = {"chat_id": "1", "text": "k100k"}
                url = f"{proxy.url}/bot{telegram.token}/sendMessage"
                async with client.post(url, data=form) as answer:
                    said = await answer.json(content_type=None)
            except (aiohttp.ClientError, ValueError):
                pass
        assert bool(telegram.messages(1)) is is_after
        [call] = proxy.calls
    assert (call.is_done, call.words, call.is_unconfirmed) == (is_after, ("k100k",), is_after)
    if what is What.VARIANT:
        assert "galaxy" in said["result"]["forward_origin"]["type"]
    else:
        assert not (said or {}).get("ok")


async def test_mongodb_refuses_one_collection_by_a_code(mongodb_uri: str, database):
    faults = of(Where.MONGODB, What.CODE, on="writes inbox", value=8000)
    async with behind(mongodb_uri, faults) as client:
        there = client[database.name]
        await there["outbox"].insert_one({"_id": 1})
        assert await there["inbox"].find_one({}) is None
        with pytest.raises(OperationFailure) as refused:
            await there["inbox"].insert_one({"_id": 1})
    assert refused.value.code == 8000
    assert await database["inbox"].find_one({}) is None
    assert await database["outbox"].count_documents({}) == 1


async def test_mongodb_does_it_and_the_answer_is_lost(mongodb_uri: str, database):
    faults = of(Where.MONGODB, What.RESET, on="writes inbox", is_after=True)
    async with behind(mongodb_uri, faults) as client:
        with pytest.raises(AutoReconnect):
            await client[database.name]["inbox"].insert_one({"_id": 1})
    assert await database["inbox"].count_documents({}) == 1


class behind:  # noqa: N801 - read as a word
    """A client whose words go through the proxy."""

    def __init__(self, uri: str, faults: Faults) -> None:
        self._uri, port = uri, urlsplit(uri).port
        assert port is not None
        self._port, self._proxy = port, MongodbProxy(port, faults)

    async def __aenter__(self):
        await self._proxy.__aenter__()
        self._client = AsyncIOMotorClient(
            self._uri.replace(f":{self._port}/", f":{self._proxy.port}/")
        )
        return self._client

    async def __aexit__(self, *failed: object) -> None:
        self._client.close()
        await self._proxy.__aexit__(*failed)


@pytest.mark.skipif(not HAS_COMPILER, reason="needs cc")
def test_only_the_wall_clock_moves_and_only_for_who_asks(tmp_path: Path):
    clock = WallClock(tmp_path / "clock")
    clock.set(-3600)
    said = (
        "import datetime, time; "
        "print(time.time(), time.monotonic(), datetime.datetime.now(datetime.UTC).timestamp())"
    )
    wrong, right = (
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", said],
            env={**os.environ, "LD_PRELOAD": str(library(tmp_path)), **asked},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for asked in ({"CHAOS_CLOCK": str(clock.file)}, {})
    )
    for late, now in ((wrong[0], right[0]), (wrong[2], right[2])):
        assert 0 <= float(now) - float(late) - 3600 < 1800
    assert 0 <= float(right[1]) - float(wrong[1]) < 1800
