"""Jobs and their batches. Job ids are numbers in a row: the latest are found without an index."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final, Unpack

from bot.domain.errors import TryLaterError
from bot.domain.job import Batch, Job, JobKind
from bot.domain.job_change import JobChange, changed
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.leases import Leases
from storage.engine.repeating import do_again, insert_once, replace_once
from storage.register.bulk import batch_id

_BATCHES_AT_ONCE: Final = 50
_IDS_AT_ONCE: Final = 100
_ROUNDS: Final = 20
_MARKS: Final = ("active", "backup", "has_files")


class Jobs:
    """The stored jobs. Changes are compare-and-set on the version of the job that was read."""

    def __init__(self, database: Database, *, here: Callable[[], str] = str) -> None:
        """here: returns the place of the present work in a trace, as `Job.trace` has it."""
        self._here = here
        self._jobs: Collection = database["jobs"]
        self._batches: Collection = database["job_batches"]
        self._meta: Collection = database["meta"]
        self.leases: Leases[int] = Leases(self._jobs, versioned=True, among={"active": True})
        """A job has the worker that works on it as its owner."""

    async def add(self, job: Job) -> Job:
        """Store the job with the next number and return it; `job.id` is ignored."""
        with translated():
            for _ in range(_ROUNDS):
                number = await self.last_id() + 1
                numbered = self._traced(Job(**{**dict(job), "id": number}))
                is_ours = await insert_once(self._jobs, _document(numbered))
                # If not, another job took this number just now, or a process was killed before it
                # raised the counter.
                await self._count(number)
                if is_ours:
                    return numbered
        raise TryLaterError("jobs are begun too quickly to be numbered")

    async def get(self, job_id: int) -> Job | None:
        with translated():
            document = await self._jobs.find_one({"_id": job_id})
        return _read(document) if document else None

    async def latest(self, count: int, *, before: int | None = None) -> list[Job]:
        """Return the newest jobs first, below the number `before`; some numbers may be missing."""
        high = await self.last_id() if before is None else before - 1
        found: list[Job] = []
        width = count
        while high > 0 and len(found) < count:
            low = max(1, high - width + 1)
            found += reversed(await self.of_ids(range(low, high + 1)))
            # Many numbers may be missing: jobs that changed nothing end early.
            high, width = low - 1, _IDS_AT_ONCE
        return found[:count]

    async def above(self, job_id: int, count: int) -> list[Job]:
        """Return the oldest jobs with higher numbers, newest first."""
        low, last = job_id + 1, await self.last_id()
        found: list[Job] = []
        while low <= last and len(found) < count:
            found += await self.of_ids(range(low, min(low + _IDS_AT_ONCE, last + 1)))
            low += _IDS_AT_ONCE
        return found[:count][::-1]

    async def of_ids(self, ids: range) -> list[Job]:
        """Return the jobs that have these numbers, oldest first."""
        with translated():
            found = await self._jobs.find({"_id": {"$in": list(ids)}}).to_list(None)
        return sorted(map(_read, found), key=lambda job: job.id)

    async def active(self) -> list[Job]:
        """Return the jobs that are being worked on or need work, oldest first."""
        with translated():
            found = await self._jobs.find({"active": True}).to_list(None)
        return sorted(map(_read, found), key=lambda job: job.id)

    async def backups(self) -> list[Job]:
        """Return all jobs that are backups, newest first."""
        with translated():
            found = await self._jobs.find({"backup": True}).to_list(None)
        return sorted(map(_read, found), key=lambda job: -job.id)

    async def change(self, job: Job, **values: Unpack[JobChange]) -> Job | None:
        """Store the job with these values; return it, or None if it was changed since it was
        read."""
        after = changed(job, values)
        if not job.is_active:
            after = self._traced(after)
        with translated():
            is_done = await replace_once(
                self._jobs, {"_id": job.id, "version": job.version}, _document(after)
            )
        return after if is_done else None

    async def force_update(self, job_id: int, **values: Unpack[JobChange]) -> Job | None:
        """Store the job with these values and return it, retrying after concurrent changes.

        Returns None when the job is gone. Raises TryLaterError when it changes too quickly.
        """
        for _ in range(_ROUNDS):
            job = await self.get(job_id)
            if job is None:
                return None
            if after := await self.change(job, **values):
                return after
        raise TryLaterError("a job changes too quickly to be written")

    async def remove(self, job: Job) -> None:
        """Delete the job, unless it has changed since it was read; its number is not used
        again."""
        with translated():
            await self._jobs.delete_one({"_id": job.id, "version": job.version})

    async def batch(self, job_id: int, number: int) -> Batch | None:
        with translated():
            document = await self._batches.find_one({"_id": batch_id(job_id, number)})
        return _read_batch(document) if document else None

    async def batches(self, job_id: int, *, backwards: bool = False) -> AsyncIterator[Batch]:
        """Yield the batches that are done, in order of their numbers."""
        last = await self.last_batch(job_id)
        numbers = list(range(1, last + 1))
        if backwards:
            numbers.reverse()
        for start in range(0, last, _BATCHES_AT_ONCE):
            some = numbers[start : start + _BATCHES_AT_ONCE]
            with translated():
                found = await self._batches.find(
                    {"_id": {"$in": [batch_id(job_id, number) for number in some]}}
                ).to_list(None)
            by_number = {document["number"]: document for document in found}
            for number in some:
                if number in by_number:
                    yield _read_batch(by_number[number])

    async def forget_seen(self, job_id: int) -> None:
        """Delete the keys of the records that a sync has seen, once it has compared them."""
        last = await self.last_batch(job_id)
        for low in range(1, last + 1, _IDS_AT_ONCE):
            numbers = range(low, min(low + _IDS_AT_ONCE, last + 1))
            ids = [batch_id(job_id, number) for number in numbers]
            with translated():
                await self._batches.update_many({"_id": {"$in": ids}}, {"$set": {"seen": b""}})

    async def last_batch(self, job_id: int) -> int:
        """Return the number of the last batch that is done; the numbers have no gaps."""
        job = await self.get(job_id)
        last = job.batches if job else 0
        while await self._is_there(job_id, last + 1):
            last += 1
        return last

    async def with_files(self, *, ended_before: datetime) -> list[Job]:
        """Return the inactive jobs that ended before then and still have files, oldest first."""
        with translated():
            found = await self._jobs.find({"has_files": True}).to_list(None)
        jobs = sorted(map(_read, found), key=lambda job: job.id)
        return [
            job
            for job in jobs
            if not job.is_active and (job.ended_at or job.created_at) < ended_before
        ]

    def _traced(self, job: Job) -> Job:
        """Return the job as it is put into the line here, if it is."""
        return job.model_copy(update={"trace": self._here()}) if job.is_active else job

    async def _is_there(self, job_id: int, number: int) -> bool:
        with translated():
            found = await self._batches.find_one({"_id": batch_id(job_id, number)}, {"_id": 1})
        return found is not None

    async def last_id(self) -> int:
        """Return the highest number that a job was ever given."""
        with translated():
            document = await self._meta.find_one({"_id": "jobs"})
        return int(document["last"]) if document else 0

    async def _count(self, number: int) -> None:
        change = {"$max": {"last": number}}
        await do_again(lambda: self._meta.update_one({"_id": "jobs"}, change, upsert=True))


def _document(job: Job) -> Document:
    document = job.model_dump(exclude={"id"})
    document["_id"] = job.id
    # Present only while true: sparse indexes find the jobs by these fields.
    if job.kind is JobKind.BACKUP:
        document["backup"] = True
    if job.needs_work:
        document["active"] = True
    if job.plan_file_id or any(one.file_id for one in (job.source, *job.results) if one):
        document["has_files"] = True
    return {key: _plain(value) for key, value in document.items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def _read(document: Document) -> Job:
    values = {key: value for key, value in document.items() if key not in _MARKS}
    values["id"] = values.pop("_id")
    return Job.model_validate(values)


def _read_batch(document: Document) -> Batch:
    return Batch.model_validate({k: v for k, v in document.items() if k != "_id"})
