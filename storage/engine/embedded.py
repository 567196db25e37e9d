"""The embedded server of a data directory, shared by all Balcãos that use it.

Whoever comes first starts it, and whoever ends last stops it. It asks for a password that only
the folder's owner can read.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import structlog

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine import server_process
from storage.engine.connection import Database, connected, is_embedded, translated
from storage.engine.server_folder import ServerFolder, User, prepared
from storage.engine.server_process import (
    USER,
    PortTakenError,
    Server,
    find,
    start,
    terminate,
    until_it_answers,
    uri,
)

MEANT_FOR: Final = {"registrations": 20_000, "audit": 50_000}
"""The number of documents up to which the server answers in time, by collection."""
_WATCH_S: Final = 0.5
_SECRET_BYTES: Final = 32

logger = structlog.get_logger()


@asynccontextmanager
async def embedded_server(data_dir: Path, *, restarts: bool = False) -> AsyncIterator[str]:
    """Yield the URI of the server on `data_dir`, which asks for the password in it.

    restarts: start the server again, at the same address, when it ends before the block does.
    Raises RefusedError or TryLaterError with the problem; also inside the block, which is then
    cancelled, when the server ended and cannot be started again.
    """
    folder = prepared(data_dir)
    with folder.user() as user:
        server, secret = await _join(folder, user)
        try:
            if restarts:
                async with _restarting(folder, server):
                    yield uri(server.port, secret)
            else:
                yield uri(server.port, secret)
        finally:
            await _leave(folder, user)


def _lock_s() -> float:
    # The one that holds the lock may have to start a server twice, and to stop one.
    return 3 * server_process.START_S


async def outgrown(database: Database) -> bool:
    """Return True if the embedded server holds more than it is meant for."""
    if not is_embedded(database):
        return False
    for name, limit in MEANT_FOR.items():
        with translated():
            if await database[name].estimated_document_count() > limit:
                return True
    return False


async def _join(folder: ServerFolder, user: User) -> tuple[Server, str]:
    async with folder.locked(_lock_s()):
        is_only_one = user.is_only_one()
        user.join()
        note = folder.note()
        # The clients of the others know only that port.
        port = None if is_only_one or note is None else note.port
        return await _running(folder, port)


async def _running(folder: ServerFolder, port: int | None) -> tuple[Server, str]:
    """Return the server and its secret, after starting it if need be; needs the folder's lock.

    port: the only one that serves.
    """
    secret = await _secret(folder)
    server = find(folder)
    if server is not None and not server.has_auth:
        # An earlier version has left it behind.
        await terminate(server)
        server = None
    if server is None:
        return await start(folder, secret=secret, port=port), secret
    if port not in (None, server.port):
        raise PortTakenError(
            "the embedded server has another port now", problem=Problem.EMBEDDED_PORT
        )
    try:
        await until_it_answers(server, folder, secret)
    except TryLaterError:
        if port is not None:
            raise
        # Nobody else uses it, so it is not just busy.
        await terminate(server)
        server = await start(folder, secret=secret)
    return server, secret


async def _secret(folder: ServerFolder) -> str:
    """Return the secret; create it with the server's user, if there is none.

    The user can be created only while the server asks for no password. The secret is stored last:
    where that is missing, all is done again.
    """
    with folder.usable():
        stored = folder.secret()
    if stored is not None:
        return stored
    if (open_to_all := find(folder)) is not None:
        await terminate(open_to_all)
    secret = token_urlsafe(_SECRET_BYTES)
    server = await start(folder, secret=None)
    try:
        async with connected(uri(server.port, None), "admin") as admin:
            with translated():
                found = await admin.command("usersInfo", USER)
                command = "updateUser" if found["users"] else "createUser"
                await admin.command(command, USER, pwd=secret, roles=["root"])
    finally:
        await terminate(server, at_once=True)
        folder.forget_note()
    with folder.usable():
        folder.write_secret(secret)
    return secret


async def _leave(folder: ServerFolder, user: User) -> None:
    try:
        async with folder.locked(_lock_s()):
            if not user.is_only_one():
                return
            if (server := find(folder)) is not None:
                await terminate(server)
            folder.forget_note()
    except TryLaterError:
        # Another process is about to use the server, and stops it later.
        logger.warning("embedded server left to the process that holds its lock")


@asynccontextmanager
async def _restarting(folder: ServerFolder, server: Server) -> AsyncIterator[None]:
    """Start the server again whenever it is gone; cancel the block when that cannot be done."""
    block = asyncio.current_task()
    failed: list[AppError] = []

    async def watch() -> None:
        try:
            await _watch(folder, server)
        except RefusedError as error:
            failed.append(error)
            if block is not None:
                block.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not failed:
            raise
        if block is not None:
            block.uncancel()
    finally:
        watching.cancel()
        await asyncio.wait((watching,))
    if failed:
        raise failed[0]


async def _watch(folder: ServerFolder, server: Server) -> None:
    """Start the server again at its port, whenever it is gone.

    Raises RefusedError when it cannot be started at that port.
    """
    while True:
        await asyncio.sleep(_WATCH_S)
        if server.is_alive():
            continue
        logger.warning("embedded server is gone, starting it again", pid=server.pid)
        try:
            async with folder.locked(_lock_s()):
                server, _ = await _running(folder, server.port)
        except TryLaterError as error:
            logger.warning("embedded server not started yet", error=str(error))
