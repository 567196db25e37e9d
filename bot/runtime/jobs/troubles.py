"""The reasons for which a job fails, by the error that ended its work."""

import errno
from collections.abc import Mapping
from typing import Final

import structlog

from bot.domain.errors import AppError, Problem
from bot.domain.file_refusal import FileRefused
from bot.domain.job import FileTrouble, JobTrouble
from bot.domain.job_change import JobChange, failed

_PROBLEMS: Final[Mapping[Problem | None, JobTrouble]] = {
    Problem.DISK_FULL: JobTrouble.DISK_FULL,
    Problem.FILE_GONE: JobTrouble.FILE_GONE,
    Problem.BACKUP_DISK_FULL: JobTrouble.DISK_FULL,
    Problem.BACKUP_NOT_WRITABLE: JobTrouble.NOT_WRITABLE,
    Problem.BACKUP_DISTURBED: JobTrouble.DISTURBED,
}
_OF_SYSTEM: Final[Mapping[int | None, JobTrouble]] = {
    errno.ENOSPC: JobTrouble.DISK_FULL,
    errno.EDQUOT: JobTrouble.DISK_FULL,
    errno.EACCES: JobTrouble.NOT_WRITABLE,
    errno.EROFS: JobTrouble.NOT_WRITABLE,
    errno.ENOTDIR: JobTrouble.NOT_WRITABLE,
}

logger = structlog.get_logger()


def change_of(error: Exception) -> JobChange:
    """Return the change of a job that this error has ended, and log the error."""
    match error:
        case FileRefused():
            change = failed(JobTrouble.FILE)
            change["file_trouble"] = FileTrouble(
                reason=error.reason.value, line=error.line, names=error.names, found=error.found
            )
            return change
        case AppError():
            logger.warning("job failed", error=str(error))
            return failed(_PROBLEMS.get(error.problem, JobTrouble.DATABASE))
        case OSError():
            logger.warning("job failed", error=error.strerror)
            return failed(_OF_SYSTEM.get(error.errno, JobTrouble.UNKNOWN))
        case _:
            logger.error("job failed", exc_info=error)
            return failed(JobTrouble.UNKNOWN)
