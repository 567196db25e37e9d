"""The folder of the embedded server: its secret, its note of a running server, and its locks."""

import asyncio
import errno
import fcntl
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bot.domain.errors import Problem, RefusedError, TryLaterError

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,}")
_LOCK_ROUND_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Note:
    """What is stored about the running server, for later processes."""

    pid: int
    port: int
    has_auth: bool


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The folder `database` in the data directory, which only its owner may read."""

    path: Path

    @property
    def files(self) -> Path:
        """The server's own files."""
        return self.path / "files"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @property
    def _note(self) -> Path:
        return self.path / "server.json"

    @property
    def _secret(self) -> Path:
        return self.path / "secret"

    def note(self) -> Note | None:
        """Return the note, or None if there is none that can be read."""
        try:
            note = json.loads(self._note.read_text())
            # A version that knew no password wrote no "auth".
            return Note(int(note["pid"]), int(note["port"]), note.get("auth") is True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write_note(self, note: Note) -> None:
        text = json.dumps({"pid": note.pid, "port": note.port, "auth": note.has_auth})
        self._replace(self._note, text)

    def forget_note(self) -> None:
        # The note of a server that has ended does no harm.
        with suppress(OSError):
            self._note.unlink()

    def secret(self) -> str | None:
        """Return the password of the server's user, or None as long as it has none."""
        try:
            secret = self._secret.read_text()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            return None
        return secret if _SECRET.fullmatch(secret) else None

    def write_secret(self, secret: str) -> None:
        self._replace(self._secret, secret)

    def _replace(self, path: Path, text: str) -> None:
        """Write the file so that a kill or a power cut leaves the old one or the new one."""
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    @asynccontextmanager
    async def locked(self, wait_s: float) -> AsyncIterator[None]:
        """Be the only process that starts, joins or stops the server.

        Raises TryLaterError when another one does so for longer than `wait_s`.
        """
        with self.usable():
            lock = (self.path / "balcao.lock").open("w")
        with lock:
            try:
                async with asyncio.timeout(wait_s):
                    while not _locked(lock, fcntl.LOCK_EX):  # noqa: ASYNC110 - a lock sets no event
                        await asyncio.sleep(_LOCK_ROUND_S)
            except TimeoutError as error:
                raise TryLaterError(
                    "another process holds the lock of the embedded server",
                    problem=Problem.EMBEDDED_HELD,
                ) from error
            yield

    @contextmanager
    def user(self) -> Iterator["User"]:
        """Open the file whose lock tells who uses the server."""
        with self.usable():
            file = (self.path / "users.lock").open("w")
        with file:
            yield User(file)

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Translate errors of our own files in the folder. Raises RefusedError."""
        try:
            yield
        except OSError as error:
            raise RefusedError(
                f"a file in {self.path} cannot be used ({error.strerror})",
                problem=_of_disk(error, Problem.DATA_DIR_CORRUPT),
            ) from error


@dataclass(frozen=True, slots=True)
class User:
    """One use of the server. Both methods need the folder's lock; closing the file ends the use.

    The system ends it too when the process is killed.
    """

    _file: IO[str]

    def is_only_one(self) -> bool:
        """Return True if nobody else uses the server, and then hold the lock alone."""
        return _locked(self._file, fcntl.LOCK_EX)

    def join(self) -> None:
        """Be one of the users; nobody has the lock alone without the folder's lock."""
        fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def prepared(data_dir: Path) -> ServerFolder:
    """Return the folder after making it and trying to write to it. Raises RefusedError."""
    path = data_dir.resolve() / "database"
    try:
        # The data is personal: no other user of the machine may read it.
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        probe = path / ".write-test"
        probe.write_text("x")
        # Another process may have removed it.
        probe.unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedError(
            f"the data directory {data_dir} is not a folder",
            problem=Problem.DATA_DIR_NOT_A_FOLDER,
        ) from error
    except OSError as error:
        raise RefusedError(
            f"the data directory {data_dir} cannot be written ({error.strerror})",
            problem=_of_disk(error, Problem.DATA_DIR_READ_ONLY),
        ) from error
    return ServerFolder(path)


def _of_disk(error: OSError, otherwise: Problem) -> Problem:
    return Problem.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else otherwise


def _locked(file: IO[str], kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    return False
