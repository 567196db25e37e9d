"""Private folders for files in work, which hold people's data.

A process locks its folders as long as it lives: so the next one to start can tell those that a
killed process left, also where several hosts or containers share the data directory.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "upload-"


@asynccontextmanager
async def work_folder(data_dir: Path) -> AsyncIterator[Path]:
    """Yield a new folder, and delete it afterwards."""
    folder, lock = await asyncio.to_thread(_made, data_dir)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        os.close(lock)


def remove_left(data_dir: Path) -> None:
    """Remove the folders that no living process has in work."""
    for folder in data_dir.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = _opened(folder)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def _made(data_dir: Path) -> tuple[Path, int]:
    data_dir.mkdir(parents=True, exist_ok=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data_dir))
        # Another process that starts may remove the folder before it is locked.
        with suppress(FileNotFoundError):
            lock = _opened(folder)
            # Where the disk has no locks, the folder stays after a kill.
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
