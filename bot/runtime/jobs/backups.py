"""Backups that admins ask for in chat, made beside the handling of updates.

One at a time over all replicas: the run is a document whose maker puts its end off again and
again. One that nobody puts off any more was interrupted, and whichever replica sees it tells the
admin. The file lives in a folder of its own in DATA_DIR, named after the run, so that what a kill
leaves behind is known and removed.
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
"""What Telegram takes from a bot."""
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
    """Writes everything into a new file."""

    async def __call__(
        self, out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        """How many documents of each collection; raises an AppError, and leaves no file then."""
        ...


class Runs(Protocol):
    """Where replicas agree on who makes a backup."""

    async def all(self) -> Backups: ...

    async def running(self) -> BackupRun | None: ...

    async def begin(self, run: BackupRun) -> bool:
        """Whether it is the one that is being made now; False while there is another."""
        ...

    async def renew(self, run: BackupRun, *, until: datetime) -> bool:
        """Whether it was still as it is in `run`; its end is `until` now."""
        ...

    async def finish(self, run_id: str, outcome: BackupMade | BackupFailed) -> None: ...


class BackupNotifier(Protocol):
    """The admin's chat. Nothing is raised: what cannot be said is logged."""

    async def began(self, run: BackupRun) -> None: ...

    async def progress(self, run: BackupRun, copied: Mapping[str, Copied]) -> None: ...

    async def deliver(self, run: BackupRun, file: BackupFile) -> Trouble | None:
        """Why the file did not reach the admin, or None."""
        ...

    async def failed(self, run: BackupRun, trouble: Trouble, *, size_bytes: int) -> bool:
        """Whether the admin knows, or never can; False when it is worth another try."""
        ...


class MakeBackups:
    """Makes them, one at a time, for as long as `run_forever` runs."""

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
        """name: of the file that is begun at a time. admin_ids: who may have it, asked again
        when it is made. progress_interval_s: between two words on progress."""
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
        """Begin one that is shown in this message; returns at once.

        The message stands for the wish: asked twice from one message, one is made.
        """
        await self._tell_interrupted()
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
        """Whether the message stands for a backup that is being made, or was."""
        known, run_id = await self._runs.all(), _run_id(admin_id, message_id)
        return known.is_over(run_id) or bool(known.running and known.running.id == run_id)

    async def run_forever(self) -> None:
        """Put the end of ours off and tell who was interrupted; ours ends with this."""
        try:
            while True:
                try:
                    await self._renew()
                    await self._tell_interrupted()
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
            return  # it ended meanwhile
        if kept:
            self._mine = run.model_copy(update={"until": until})
        elif self._task is not None:
            logger.error("backup lost to another replica")
            self._task.cancel()

    async def _tell_interrupted(self) -> None:
        left = await asyncio.to_thread(lambda: [*self._data_dir.glob(f"{_FOLDER}*")])
        # Read after the folders: a folder that is there by now has its run there, too.
        run = await self._runs.running()
        ours, now = self._mine, self._clock()
        is_over = run is not None and run.until <= now and (ours is None or ours.id != run.id)
        living = {one.id for one in (ours, None if is_over else run) if one}
        for folder in left:
            if folder.name.removeprefix(_FOLDER) not in living:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if run is None or not is_over:
            return
        # Whoever tells holds it for a moment, so that one replica does.
        if await self._runs.renew(run, until=now + self._lease) and await self._notifier.failed(
            run, Trouble.INTERRUPTED, size_bytes=0
        ):
            await self._runs.finish(run.id, _failed(run, Trouble.INTERRUPTED, now))

    async def _work(self, run: BackupRun) -> None:
        try:
            outcome = await self._make(run)
            await self._until_stored(lambda: self._runs.finish(run.id, outcome))
        except asyncio.CancelledError:
            # Told at the next start; not reachable now, it is so when the lease runs out.
            with suppress(AppError):
                await self._runs.renew(self._mine or run, until=run.began_at)
            raise
        finally:
            self._mine = self._task = None

    async def _make(self, run: BackupRun) -> BackupMade | BackupFailed:
        """What became of it, of which the admin knows by then."""
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
