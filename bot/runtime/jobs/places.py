"""The places of a process for jobs: some for long ones, and one that these leave free."""

from typing import Final

from bot.domain.job import Job
from bot.domain.job_line import Length, length_of

LONG_PLACES: Final = 2
"""More would not be quicker: one batch is planned while another one is written."""
ALL_PLACES: Final = LONG_PLACES + 1


class Places:
    """Who has which place."""

    def __init__(self) -> None:
        self._taken: dict[int, bool] = {}
        """Job ids to True for a place for long jobs."""

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._taken

    def take(self, job: Job) -> bool:
        """Give the job a place; return False if it has one, or none is free for its length."""
        if job.id in self._taken:
            return False
        length, is_long_free = length_of(job), self._is_long_free()
        is_short_free = len(self._taken) - self._long() < ALL_PLACES - LONG_PLACES
        if (length is Length.LONG and not is_long_free) or not (is_long_free or is_short_free):
            return False
        # What may take long had better begin where it can stay.
        stays = is_long_free if length is not Length.SHORT else not is_short_free
        self._taken[job.id] = stays
        return True

    def is_long(self, job_id: int) -> bool:
        """Return True if the job has a place where it may take long; it gets one that is free."""
        if not self._taken[job_id] and self._is_long_free():
            self._taken[job_id] = True
        return self._taken[job_id]

    def leave(self, job_id: int) -> None:
        self._taken.pop(job_id, None)

    def _is_long_free(self) -> bool:
        return self._long() < LONG_PLACES

    def _long(self) -> int:
        return sum(self._taken.values())
