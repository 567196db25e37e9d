"""Backups as the versions before stored them are read once, and are jobs from then on."""

import asyncio
from datetime import timedelta
from typing import Any

from bot.domain.backup import latest_backups
from bot.domain.job import COMMAND_LINE, JobKind, JobState, JobTrouble, Progress
from storage.jobs.jobs import Jobs
from storage.schema.old_backups import convert_old_backups
from tests.storage.records import NOW, after

RUN = {
    "_id": "run",
    "run": {
        "id": "4001-12",
        "admin_id": 4001,
        "message_id": 12,
        "began_at": after(days=3),
        "until": after(days=3, seconds=30),
    },
}
MADE = {
    "_id": "made",
    "made": {"run_id": "4002-7", "by": "admin:4002", "at": after(days=1), "size_bytes": 12_345},
}
FAILED = {
    "_id": "failed",
    "failed": {
        "run_id": "4001-9",
        "by": "admin:4001",
        "at": after(days=2),
        "trouble": "interrupted",
    },
}
BY_COMMAND = {
    "_id": "made",
    "made": {"run_id": "", "by": "command", "at": NOW, "size_bytes": 12_345},
}


async def test_each_is_a_job_in_the_order_of_time(database: Any):
    await database["backups"].insert_many([RUN, MADE, FAILED])
    await convert_old_backups(database)
    assert await database["backups"].find_one({}) is None
    running, failed, made = await Jobs(database).backups()
    assert {job.kind for job in (running, failed, made)} == {JobKind.BACKUP}
    assert (made.state, made.by, made.ended_at) == (JobState.DONE, "admin:4002", after(days=1))
    assert [file.size_bytes for file in made.results] == [12_345]
    assert made.progress == Progress(chat_id=4002, message_id=7)
    assert (failed.state, failed.trouble) == (JobState.FAILED, JobTrouble.INTERRUPTED)
    assert (running.state, running.by) == (JobState.RUNNING, "admin:4001")
    assert running.progress == Progress(chat_id=4001, message_id=12)
    assert latest_backups([running, failed, made]).running == running


async def test_the_running_one_is_left_to_its_maker_until_its_lease_is_over(database: Any):
    await database["backups"].insert_one(RUN)
    await convert_old_backups(database)
    store = Jobs(database)
    [job] = await store.active()
    lease = timedelta(seconds=30)
    began, over = after(days=3, seconds=29), after(days=3, seconds=31)
    assert not await store.leases.acquire(job.id, "new", now=began, lease=lease)
    assert await store.leases.acquire(job.id, "new", now=over, lease=lease)


async def test_a_run_whose_outcome_is_stored_is_not_made_again(database: Any):
    run = {"_id": "run", "run": {**RUN["run"], "id": MADE["made"]["run_id"]}}
    await database["backups"].insert_many([run, MADE])
    await convert_old_backups(database)
    [job] = await Jobs(database).backups()
    assert job.state is JobState.DONE


async def test_one_of_the_command_line_has_no_message(database: Any):
    await database["backups"].insert_one(BY_COMMAND)
    await convert_old_backups(database)
    [made] = await Jobs(database).backups()
    assert (made.by, made.progress) == (COMMAND_LINE, None)


async def test_a_process_that_was_killed_between_two_writes_leaves_no_second_job(database: Any):
    await database["backups"].insert_many([RUN, MADE])
    await convert_old_backups(database)
    await database["backups"].insert_many([RUN, MADE])
    await asyncio.gather(convert_old_backups(database))
    assert len(await Jobs(database).backups()) == 2
