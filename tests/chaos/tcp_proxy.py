"""A proxy before any server: it delays what is said, and ends connections."""

import asyncio
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Self

from tests.chaos.faults import Faults
from tests.chaos.plan import What

_LINGER_0: Final = struct.pack("ii", 1, 0)
_CHUNK_BYTES: Final = 1 << 16
_ALL: Final = frozenset(("all",))


class TcpProxy:
    """Passes on what is said to the server at a port of this machine, and its answers."""

    def __init__(self, target: int, faults: Faults) -> None:
        self._target = target
        self.faults = faults
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut_all()
        await self._server.wait_closed()

    def cut_all(self) -> None:
        """Reset all connections."""
        for writer in tuple(self._open):
            reset(writer)

    async def passes_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        """Return when the connection is over, at either end or by a fault."""
        await first_of(
            self._pumped(reader, up_writer, writer), self._pumped(up_reader, writer, writer)
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.is_down:
            reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            reset(writer)
            return
        self._open.add(writer)
        try:
            await self.passes_on(reader, writer, up_reader, up_writer)
        finally:
            self._open.discard(writer)
            for end in (writer, up_writer):
                end.close()

    async def _pumped(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            fault = self.faults.on(_ALL, is_after=False)
            if fault is not None and fault.what is What.DELAY:
                await asyncio.sleep(fault.value)
            elif fault is not None:
                reset(client)
                return
            to.write(chunk)
            await to.drain()


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Return when one of them ends; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a reset: what is on its way is lost too."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it is closed already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    writer.transport.abort()
