"""One change to many registrations: previewed, made in batches, and taken back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.bulk_change import BulkAction, BulkOptions, Skip
from bot.domain.data_subject import ANONYMISED_NAME
from bot.domain.export import ExportOptions
from bot.domain.job import Job, JobState, JobTrouble
from bot.domain.registration import Status
from bot.domain.search import Query
from bot.usecases.jobs.begin_change import BadValue
from bot.usecases.jobs.change_many import ChangeMany
from storage.register.verify import verify
from tests.jobs.conftest import HEADER, VIP, JobRunner
from tests.jobs.kills import (
    Begun,
    Moments,
    assert_whole,
    content,
    opened,
    prefill,
    there_of,
    workers,
)
from tests.jobs.rows import row, stored
from tests.jobs.test_undo import edit
from tests.storage.servers import short_lived

TAG = (BulkAction.ADD_TAG, VIP.id)
ACTIVE = Query(statuses=frozenset((Status.ACTIVE,)))


def told(job: Job) -> dict[str, Any]:
    return job.counts.model_dump(exclude_defaults=True)


async def tagged(runner: JobRunner) -> set[int]:
    found = await runner.database["registrations"].find({"tags": VIP.id}).to_list(None)
    return {int(one["name"].split()[1]) for one in found}


async def test_all_are_tagged_and_it_is_taken_back_but_for_what_changed_since(runner: JobRunner):
    await runner.imported([HEADER, *(row(n, etiqueta="VIP" * (n < 3)) for n in range(60))])
    before = await runner.register()
    job = await runner.changing(*TAG)
    assert job.state is JobState.CHECKED
    assert job.preview.model_dump(exclude_defaults=True) == {
        "rows": 60,
        "updated": 57,
        "unchanged": 3,
    }
    assert [(s.path, s.before, s.after) for s in job.samples] == [("tags", [], [VIP.id])] * 3
    assert await runner.register() == before
    # Who comes in later is not among those who were previewed.
    await runner.imported([HEADER, row(70)])
    assert await runner.manage.confirm(job.id)
    done = await runner.job(job.id)
    assert told(done) == {"rows": 60, "updated": 57, "unchanged": 3}
    assert await tagged(runner) == set(range(60))
    assert done.plan_file_id is None
    entries = await runner.database["audit"].find({"stamp.way": "bulk"}).to_list(None)
    assert {(e["stamp"]["job"], e["stamp"]["by"]) for e in entries} == {(job.key, "admin:1")}
    assert len(entries) == 57
    await edit(runner, 5, tags=frozenset())
    await edit(runner, 6, name="Pessoa 6 Corrigida")
    undo = await runner.undone(done)
    assert told(undo) == {"rows": 57, "updated": 56, "unchanged": 1}
    assert await tagged(runner) == {0, 1, 2}
    assert (await stored(runner, 6)).name == "Pessoa 6 Corrigida"
    # The undo of an undo tags again all but whom somebody else has untagged.
    assert told(await runner.undone(undo)) == {"rows": 56, "updated": 56}
    assert await tagged(runner) == set(range(60)) - {5}
    found = await verify(runner.database, lambda _: None)
    assert not found.broken


async def test_each_is_looked_at_again_before_it_is_changed(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(8))])
    job = await runner.changing(*TAG, query=ACTIVE)
    await edit(runner, 1, status=Status.INACTIVE)
    await edit(runner, 2, tags=frozenset((VIP.id,)))
    await edit(runner, 3, name=ANONYMISED_NAME)
    await edit(runner, 4, email="outro@example.com.br")
    gone = (await stored(runner, 5)).id
    await runner.database["registrations"].delete_one({"_id": gone})
    assert await runner.manage.confirm(job.id)
    job = await runner.job(job.id)
    assert told(job) == {
        "rows": 8,
        "updated": 4,
        "unchanged": 1,
        "refused": 3,
        "problems": {"gone": 1, "anonymised": 1, "not_found": 1},
    }
    assert (await stored(runner, 4)).email == "outro@example.com.br"
    report = await runner.work.report(job)
    assert {(one.name, one.reasons[0][1]) for one in report.refused} == {
        ("Pessoa 1", Skip.NOT_FOUND),
        (ANONYMISED_NAME, Skip.ANONYMISED),
        ("", Skip.GONE),
    }
    # Names are not stored: an anonymised person is not searched for in jobs of others.
    batch = await runner.store.batch(job.id, 1)
    assert {one.name for one in batch.refused} == {""}


async def test_chosen_ones_are_deleted_exported_and_brought_back(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(6))])
    before = await runner.register()
    ids = [(await stored(runner, n)).id for n in (1, 2, 3, 2)]
    export = await runner.manage.begin_export(ExportOptions(), by="admin:1", ids=_each(ids))
    assert (await runner.job(export.id)).counts.rows == 3
    job = await runner.changed(BulkAction.DELETE, ids=[*ids, "nobody"])
    assert told(job) == {"rows": 4, "removed": 3, "refused": 1, "problems": {"gone": 1}}
    assert len(await runner.register()) == 3
    assert [(s.path, s.after) for s in job.samples] == [("tax_id", None)] * 3
    assert told(await runner.undone(job)) == {"rows": 3, "restored": 3}
    assert await runner.register() == before


async def test_rights_and_values_are_looked_at_when_it_runs(runner: JobRunner):
    await runner.imported([HEADER, row(1)])
    checked = await runner.changing(*TAG)
    runner.removed_admins.add("admin:1")
    assert await runner.manage.confirm(checked.id)
    for job in (await runner.job(checked.id), await runner.changing(*TAG)):
        assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.NO_RIGHT)
    assert await tagged(runner) == set()
    for options in (
        BulkOptions(action=BulkAction.ADD_TAG, value="nobody", query=Query()),
        BulkOptions(action=BulkAction.ADD_NOTE, query=Query()),
    ):
        assert await runner.begin_change(options, by="admin:1") == BadValue()
    # A search and chosen ones, or neither: who would be meant?
    with pytest.raises(ValueError, match="either"):
        await runner.begin_change(BulkOptions(action=BulkAction.DELETE), by="admin:1")


class Disturbed:
    """The register, in which somebody changes one registration before each write of a batch."""

    def __init__(self, runner: JobRunner, number: int) -> None:
        self._runner = runner
        self._number = number
        self.by_ids = runner.bulk.by_ids
        self.encoded_changes = runner.bulk.encoded_changes

    async def write(self, batch: Any, **what: Any) -> bool:
        ids = {one.entry_id.partition(":")[0] for one in what.get("changes", ())}
        one = await stored(self._runner, self._number)
        if one.id in ids:
            await edit(self._runner, self._number, email=f"v{one.version}@example.com.br")
        return await self._runner.bulk.write(batch, **what)


async def test_who_never_holds_still_is_left_out_and_the_others_are_not(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(20))])
    busy = Disturbed(runner, 7)
    change = ChangeMany(register=busy, search=runner.run.search)  # type: ignore[arg-type]
    object.__setattr__(runner.run, "change_many", change)
    job = await runner.changed(*TAG)
    assert told(job) == {"rows": 20, "updated": 19, "refused": 1, "problems": {"busy": 1}}
    assert await tagged(runner) == set(range(20)) - {7}
    assert told(await runner.undone(job)) == {"rows": 19, "updated": 19}


async def test_an_import_of_the_same_rows_beside_it_loses_nothing(
    database: Any, tmp_path: Path, runner: JobRunner
):
    await runner.imported([HEADER, *map(row, range(160))])
    changing = await runner.changing(*TAG)
    second = JobRunner(database, tmp_path / "other", batch_rows=50)
    second.folder.mkdir()
    rows = [HEADER, *(row(n, email=f"novo{n}@example.com.br") for n in range(160))]
    _, imported = await asyncio.gather(
        runner.manage.confirm(changing.id), second.imported(rows, fields=("email",))
    )
    # Where the two meet too often, one is left for the worker's next round.
    for one, job_id in ((runner, changing.id), (second, imported.id)):
        while (await one.job(job_id)).needs_work:
            await one.work.work(job_id)
    assert told(await runner.job(changing.id)) == {"rows": 160, "updated": 160}
    assert (await second.job(imported.id)).counts.updated == 160
    documents = (await runner.register()).values()
    assert all(one["tags"] == [VIP.id] for one in documents)
    assert all(one["email"].startswith("novo") for one in documents)
    await assert_whole(database)


async def _each(ids: list[str]) -> AsyncIterator[list[str]]:
    for one in ids:
        yield [one]


@pytest.mark.embedded
async def test_kills_leave_nobody_out_and_change_nobody_twice(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    async with (
        short_lived(tmp_path_factory.mktemp("data")) as uri,
        opened(uri) as database,
    ):
        runner = Begun(database, tmp_path)
        there = there_of(6_000)
        await prefill(database, there)
        options = BulkOptions(action=BulkAction.ADD_NOTE, value="Nova", query=Query())
        begin = replace(runner.begin_change, wake=runner._nobody, clock=runner.manage.clock)
        begun = await begin(options, by="admin:1")
        assert isinstance(begun, Job)
        checked = await runner.worked(begun)
        assert await runner.manage.confirm(checked.id)
        async with workers(uri, runner) as some:
            await some.killed_when(await Moments(runner, checked.id).batches(2))
            job = await some.finishes(checked.id)
        assert job.state is JobState.DONE
        assert told(job) == {"rows": len(there), "updated": len(there)}
        found = (await content(database)).values()
        assert {(one["fixed_note"], one["version"]) for one in found} == {("Nova", 2)}
        assert len(found) == len(there)
        await assert_whole(database)
