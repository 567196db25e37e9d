"""Backups that admins ask for in chat, made beside the handling of updates.

One is made at a time over all replicas. The run is a document with a lease that its maker renews.
An expired lease means that the run was interrupted, and the first replica that sees it notifies
the admin. The file is written to a folder of its own in DATA_DIR, named after the run, so that
what a killed process leaves behind is found and removed.
"""

import asyncio
import errno
import hashlib
import shutil
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from bot.domain.backup import (
    AlreadyOver,
    AlreadyRunning,
    BackupFailed,
    BackupFile,
    BackupMade,
    BackupRun,
    Backups,
    Copied,
    Started,
    Trouble,
)
from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError

LARGEST_BYTES: Final = 50_000_000
"""The largest file that Telegram takes from a bot."""
_LEASE: Final = timedelta(seconds=30)
_ROUND_S: Final = 5.0
_PROGRESS_INTERVAL_S: Final = 3.0
_FOLDER: Final = "chat-backup-"
_TROUBLES: Final = {
    Problem.BACKUP_DISK_FULL: Trouble.DISK_FULL,
    Problem.BACKUP_NOT_WRITABLE: Trouble.NOT_WRITABLE,
    Problem.BACKUP_DISTURBED: Trouble.DISTURBED,
    Problem.DATABASE_GONE: Trouble.DATABASE,
    Problem.DATABASE_BROKEN: Trouble.DATABASE,
    Problem.DISK_FULL: Trouble.DATABASE,
}

logger = structlog.get_logger()


class BackUp(Protocol):
    """Writes a backup of everything into a new file."""

    async def __call__(
        self, out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        """Return the number of documents of each collection. Raises an AppError, and then leaves
        no file."""
        ...


class Runs(Protocol):
    """The store in which replicas agree on who makes a backup."""

    async def all(self) -> Backups: ...

    async def running(self) -> BackupRun | None: ...

    async def begin(self, run: BackupRun) -> bool:
        """Store the run as the one being made; return False while there is another."""
        ...

    async def renew(self, run: BackupRun, *, until: datetime) -> bool:
        """Set the end to `until` if the stored run is still equal to `run`; return True if it
        was."""
        ...

    async def finish(self, run_id: str, outcome: BackupMade | BackupFailed) -> None: ...


class BackupNotifier(Protocol):
    """Writes to the admin's chat. It raises nothing: a message that cannot be sent is logged."""

    async def began(self, run: BackupRun) -> None: ...

    async def progress(self, run: BackupRun, copied: Mapping[str, Copied]) -> None: ...

    async def deliver(self, run: BackupRun, file: BackupFile) -> Trouble | None:
        """Send the file; return the reason if it did not reach the admin, else None."""
        ...

    async def failed(self, run: BackupRun, trouble: Trouble, *, size_bytes: int) -> bool:
        """Report the failure; return False when it is worth another try, True when the admin has
        been notified or never can be."""
        ...


class MakeBackups:
    """Makes backups, one at a time, as long as `run_forever` runs."""

    def __init__(
        self,
        *,
        runs: Runs,
        back_up: BackUp,
        notifier: BackupNotifier,
        data_dir: Path,
        name: Callable[[datetime], str],
        admin_ids: Callable[[], Awaitable[Collection[int]]],
        clock: Callable[[], datetime],
        lease: timedelta = _LEASE,
        progress_interval_s: float = _PROGRESS_INTERVAL_S,
        round_s: float = _ROUND_S,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        """name: returns the file name for a start time. admin_ids: returns the ids of those who
        may have the file; called again when it is made. progress_interval_s: between two progress
        messages."""
        self._runs = runs
        self._back_up = back_up
        self._notifier = notifier
        self._data_dir = data_dir
        self._name = name
        self._admin_ids = admin_ids
        self._clock = clock
        self._lease = lease
        self._progress_interval_s = progress_interval_s
        self._round_s = round_s
        self._largest_bytes = largest_bytes
        self._mine: BackupRun | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(
        self, admin_id: int, message_id: int
    ) -> Started | AlreadyRunning | AlreadyOver:
        """Begin a backup that is shown in this message; return at once.

        The message identifies the request: two requests from one message make one backup.
        """
        await self._notify_interrupted()
        known, now = await self._runs.all(), self._clock()
        if known.is_over(_run_id(admin_id, message_id)):
            return AlreadyOver()
        run = BackupRun(
            id=_run_id(admin_id, message_id),
            admin_id=admin_id,
            message_id=message_id,
            began_at=now,
            until=now + self._lease,
        )
        if known.running or not await self._runs.begin(run):
            running = known.running or await self._runs.running()
            return AlreadyRunning(running) if running else AlreadyOver()
        self._mine = run
        self._task = asyncio.create_task(self._work(run), name="backup")
        return Started()

    async def was_begun(self, admin_id: int, message_id: int) -> bool:
        """Return True if a backup of this message is being made, or is over."""
        known, run_id = await self._runs.all(), _run_id(admin_id, message_id)
        return known.is_over(run_id) or bool(known.running and known.running.id == run_id)

    async def run_forever(self) -> None:
        """Renew the lease of this replica's run and notify admins of interrupted runs.

        When this ends, this replica's run is cancelled.
        """
        try:
            while True:
                try:
                    await self._renew()
                    await self._notify_interrupted()
                except AppError as error:
                    logger.warning("backup runs not kept", error=str(error))
                except Exception:
                    logger.exception("backup runs not kept")
                await asyncio.sleep(self._round_s)
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)

    async def _renew(self) -> None:
        if (run := self._mine) is None:
            return
        until = self._clock() + self._lease
        kept = await self._runs.renew(run, until=until)
        if self._mine is not run:
            return  # the run ended meanwhile
        if kept:
            self._mine = run.model_copy(update={"until": until})
        elif self._task is not None:
            logger.error("backup lost to another replica")
            self._task.cancel()

    async def _notify_interrupted(self) -> None:
        left = await asyncio.to_thread(lambda: [*self._data_dir.glob(f"{_FOLDER}*")])
        # Read after the folders: the run of a listed folder was stored before the folder was made.
        run = await self._runs.running()
        ours, now = self._mine, self._clock()
        is_over = run is not None and run.until <= now and (ours is None or ours.id != run.id)
        living = {one.id for one in (ours, None if is_over else run) if one}
        for folder in left:
            if folder.name.removeprefix(_FOLDER) not in living:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if run is None or not is_over:
            return
        # The replica that notifies takes the lease first, so that only one does.
        if await self._runs.renew(run, until=now + self._lease) and await self._notifier.failed(
            run, Trouble.INTERRUPTED, size_bytes=0
        ):
            await self._runs.finish(run.id, _failed(run, Trouble.INTERRUPTED, now))

    async def _work(self, run: BackupRun) -> None:
        try:
            outcome = await self._make(run)
            await self._until_stored(lambda: self._runs.finish(run.id, outcome))
        except asyncio.CancelledError:
            # The lease ends now, so that the admin is notified at the next start; if the database
            # is not reachable, once the lease has expired.
            with suppress(AppError):
                await self._runs.renew(self._mine or run, until=run.began_at)
            raise
        finally:
            self._mine = self._task = None

    async def _make(self, run: BackupRun) -> BackupMade | BackupFailed:
        """Make the backup; return its outcome once the admin has been notified of it."""
        folder, size_bytes = self._data_dir / f"{_FOLDER}{run.id}", 0
        trouble: Trouble | None
        try:
            await self._notifier.began(run)
            _make_folder(folder)
            file = await self._write(run, folder)
            size_bytes = file.size_bytes
            if size_bytes > self._largest_bytes:
                trouble = Trouble.TOO_LARGE
            elif run.admin_id not in await self._admin_ids():
                trouble = Trouble.NO_RIGHT
            else:
                trouble = await self._notifier.deliver(run, file)
        except AppError as error:
            logger.warning("backup failed", error=str(error))
            gone = Trouble.DATABASE if isinstance(error, TryLaterError) else Trouble.UNKNOWN
            trouble = _TROUBLES.get(error.problem, gone) if error.problem else gone
        except Exception:
            logger.exception("backup failed")
            trouble = Trouble.UNKNOWN
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        now = self._clock()
        if trouble is None:
            return BackupMade(run_id=run.id, by=_by(run), at=now, size_bytes=size_bytes)
        logger.warning("backup not delivered", trouble=trouble, size_bytes=size_bytes)
        await self._notifier.failed(run, trouble, size_bytes=size_bytes)
        return _failed(run, trouble, now)

    async def _write(self, run: BackupRun, folder: Path) -> BackupFile:
        copied: dict[str, Copied] = {}
        path = folder / self._name(run.began_at)
        showing = asyncio.create_task(self._show(run, copied))
        try:
            counts = await self._back_up(path, at=run.began_at, report=copied.__setitem__)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        size_bytes, sha256 = await asyncio.to_thread(_measured, path)
        return BackupFile(path=path, size_bytes=size_bytes, sha256=sha256, counts=counts)

    async def _show(self, run: BackupRun, copied: Mapping[str, Copied]) -> None:
        shown: Mapping[str, Copied] = {}
        while True:
            await asyncio.sleep(self._progress_interval_s)
            if copied != shown:
                shown = dict(copied)
                await self._notifier.progress(run, shown)

    async def _until_stored(self, store: Callable[[], Awaitable[Any]]) -> None:
        while True:
            try:
                await store()
                return
            except TryLaterError as error:
                logger.warning("backup's end not stored", error=str(error))
            await asyncio.sleep(self._round_s)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RefusedError(
            f"no folder for the backup ({error.strerror})",
            problem=Problem.BACKUP_DISK_FULL if full else Problem.BACKUP_NOT_WRITABLE,
        ) from error


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _run_id(admin_id: int, message_id: int) -> str:
    return f"{admin_id}-{message_id}"


def _by(run: BackupRun) -> str:
    return f"admin:{run.admin_id}"


def _failed(run: BackupRun, trouble: Trouble, at: datetime) -> BackupFailed:
    return BackupFailed(run_id=run.id, by=_by(run), at=at, trouble=trouble)
