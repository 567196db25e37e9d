"""Login attempts: the limit of five holds over any number of replicas at once."""

import asyncio
from typing import Any

from storage.people.login_tries import LoginTries
from tests.storage.records import NOW


async def test_of_many_tries_at_once_five_are_taken(database: Any):
    replicas = [LoginTries(database) for _ in range(4)]
    taken = await asyncio.gather(
        *(
            replicas[number % 4].take("day:chat:5", f"5:{number}", at=NOW, limit=5)
            for number in range(40)
        )
    )
    assert sum(taken) == 5
    assert [await replica.count("day:chat:5") for replica in replicas] == [5] * 4
    assert await replicas[0].take("day:chat:6", "6:1", at=NOW, limit=5)
    assert await replicas[0].count("day:chat:7") == 0


async def test_a_try_that_comes_again_is_no_new_one(database: Any):
    tries = LoginTries(database)
    for number in range(5):
        for _ in range(2):
            assert await tries.take("key", f"5:{number}", at=NOW, limit=5)
    assert not await tries.take("key", "5:9", at=NOW, limit=5)
    assert await tries.take("key", "5:4", at=NOW, limit=5)
    assert await tries.count("key") == 5
