"""Use case: begin the import of a file, look at it again, and read it by a person's answers."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.columns import fields_of
from bot.domain.errors import Problem, RefusedError
from bot.domain.file_shape import FileShape, Inspected, Question, Reading
from bot.domain.job import Job
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.ports import InspectFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    manage: ManageJobs
    inspect: InspectFile
    work_folder: Callable[[], AbstractAsyncContextManager[Path]]
    """Makes a private folder for a file in work, which is deleted afterwards."""

    async def begin(
        self, path: Path, *, name: str, by: str, file_id: str | None = None
    ) -> tuple[Job, Inspected]:
        """Begin the import of a file, as this admin usually imports; raises FileRefused.

        file_id: of the file if it is stored already.
        """
        inspected = await self.inspect(path, name=name)
        options = await self.manage.options_for(by, tuple(fields_of(inspected.columns)))
        job = await self.manage.begin_import(
            path, name=name, by=by, options=options, shape=inspected.shape, file_id=file_id
        )
        return job, inspected

    async def begin_stored(self, file_id: str, *, name: str, by: str) -> tuple[Job, Inspected]:
        """Begin the import of a file that is stored already; raises FileRefused."""
        async with self.work_folder() as folder:
            path = folder / "file"
            await self.manage.files.fetch(file_id, path)
            return await self.begin(path, name=name, by=by, file_id=file_id)

    async def again(self, job: Job, reading: Reading | None = None) -> Inspected:
        """Inspect the file of an import again, as it was read or by other answers.

        Raises FileRefused, and RefusedError (FILE_GONE) once the file is not kept any more.
        """
        if job.source is None or not job.source.file_id:
            raise RefusedError("the file is not kept any more", problem=Problem.FILE_GONE)
        async with self.work_folder() as folder:
            path = folder / "file"
            await self.manage.files.fetch(job.source.file_id, path)
            shape = None if reading else job.shape
            return await self.inspect(path, name=job.source.name, shape=shape, reading=reading)

    async def answer(self, job: Job, answered: Mapping[str, str]) -> tuple[Job, Inspected] | None:
        """Read the file by an answer; return None when it is too late for that.

        answered: a field of `Reading` and its value; an encoding that is blank is the one that
            was found. Raises the errors of `again`.
        """
        if job.shape is None or job.import_options is None:
            raise RefusedError("the file is not kept any more", problem=Problem.FILE_GONE)
        if answered.get("encoding") == "":
            answered = {"encoding": job.shape.encoding or ""}
        inspected = await self.again(job, _reading_of(job.shape).model_copy(update=answered))
        # What was mended stood in cells that may be others now.
        options = job.import_options.model_copy(update={"mended": ()})
        if inspected.shape.header != job.shape.header:
            fields = tuple(fields_of(inspected.columns))
            fitted = await self.manage.options_for(job.by, fields)
            options = fitted.model_copy(update={"accepted": options.accepted})
        chosen = await self.manage.choose(job.id, options, shape=inspected.shape)
        return None if chosen is None else (chosen, inspected)


def _reading_of(shape: FileShape) -> Reading:
    asks = {Question.ENCODING, Question.MOJIBAKE}.intersection(shape.questions)
    return Reading(
        encoding=None if asks else shape.encoding, quotes=shape.quotes, sheet=shape.sheet
    )
