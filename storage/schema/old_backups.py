"""Backups as they were stored before they were jobs: the running one and the latest two."""

from bot.domain.job import COMMAND_LINE, Job, JobKind, JobState, JobTrouble, Progress, Source
from storage.engine.connection import Collection, Database, Document, translated
from storage.jobs.jobs import Jobs

_COLLECTION = "backups"


async def convert_old_backups(database: Database) -> None:
    """Store each as a job and delete it; only one process may do so at a time.

    The running one is a running job: a worker makes it anew once its lease has expired. A run
    whose outcome is stored has ended, and a kill has only kept it from being removed.
    """
    collection: Collection = database[_COLLECTION]
    jobs = Jobs(database)
    with translated():
        documents = await collection.find({}).to_list(None)
    outcomes = {one[kind]["run_id"] for one in documents if (kind := one["_id"]) != "run"}
    for document in sorted(documents, key=lambda one: _job(one).created_at):
        job = _job(document)
        is_over = document["_id"] == "run" and document["run"]["id"] in outcomes
        # A process may have been killed between the two writes.
        known = await jobs.backups()
        is_known = any((one.by, one.created_at) == (job.by, job.created_at) for one in known)
        if not is_over and not is_known:
            await jobs.add(job)
        with translated():
            await collection.delete_one({"_id": document["_id"]})


def _job(document: Document) -> Job:
    kind = document["_id"]
    found = document[kind]
    if kind == "run":
        return Job(
            kind=JobKind.BACKUP,
            state=JobState.RUNNING,
            by=f"admin:{found['admin_id']}",
            created_at=found["began_at"],
            began_at=found["began_at"],
            progress=Progress(chat_id=found["admin_id"], message_id=found["message_id"]),
            owner=f"backup/0/{found['id']}",
            until=found["until"],
        )
    admin_id, _, message_id = found["run_id"].partition("-")
    name = f"balcao-{found['at']:%Y-%m-%d-%H%M}.backup"
    return Job(
        kind=JobKind.BACKUP,
        state=JobState.FAILED if kind == "failed" else JobState.DONE,
        by=found["by"] if message_id else COMMAND_LINE,
        created_at=found["at"],
        ended_at=found["at"],
        progress=Progress(chat_id=int(admin_id), message_id=int(message_id))
        if message_id
        else None,
        results=(Source(file_id="", name=name, size_bytes=found["size_bytes"]),)
        if kind == "made"
        else (),
        trouble=JobTrouble(found["trouble"]) if kind == "failed" else None,
    )
