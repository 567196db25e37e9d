"""A proxy before a MongoDB server that answers chosen commands itself, as a server in trouble
does."""

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import bson

_HEADER: Final = struct.Struct("<iiii")
_OP_MSG: Final = 2013


@dataclass(slots=True)
class Wire:
    """The proxy's port, and what it answers to which (command, collection)."""

    port: int = 0
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def answering(self, *commands: tuple[str, str], **answer: Any) -> Iterator[None]:
        """Answer these commands with `answer` inside the block; "*" is any collection."""
        self.answers |= dict.fromkeys(commands, answer)
        try:
            yield
        finally:
            for one in commands:
                del self.answers[one]

    def refusing(self, code: int, *commands: tuple[str, str]) -> Any:
        """Refuse these commands with this code inside the block."""
        return self.answering(*commands, ok=0.0, code=code, errmsg="refused by the proxy")

    def answer_to(self, message: bytes) -> bytes | None:
        """Return the proxy's own answer to a message, None if the server is to answer."""
        _, request, _, kind = _HEADER.unpack_from(message)
        if kind != _OP_MSG:
            return None
        # Flags, then sections; the first is the command itself, of kind 0, in pymongo's messages.
        size = struct.unpack_from("<i", message, 21)[0]
        command = bson.decode(message[21 : 21 + size])
        name, collection = next(iter(command.items()))
        for key in ((name, collection), (name, "*")):
            if key in self.answers:
                self.refused.append((name, collection))
                body = b"\0\0\0\0\0" + bson.encode(self.answers[key])
                return _HEADER.pack(_HEADER.size + len(body), 0, request, _OP_MSG) + body
        return None


@contextmanager
def wire_before(port: int) -> Iterator[Wire]:
    """Start the proxy before the server at this port of this machine.

    It runs in a thread of its own, as the driver blocks the event loop when it closes.
    """
    wire, loop = Wire(), asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection("127.0.0.1", port)
        back = asyncio.create_task(_copy(upstream, writer))
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    message = await _message(reader)
                    if answer := wire.answer_to(message):
                        writer.write(answer)
                    else:
                        to_server.write(message)
        finally:
            back.cancel()
            to_server.close()
            writer.close()

    async def run(began: threading.Event) -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire.port = server.sockets[0].getsockname()[1]
        began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        server.close()

    began = threading.Event()
    running = loop.create_task(run(began))
    thread = threading.Thread(target=loop.run_until_complete, args=(running,))
    thread.start()
    began.wait()
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(running.cancel)
        thread.join()
        loop.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(_HEADER.size)
    return head + await reader.readexactly(_HEADER.unpack(head)[0] - _HEADER.size)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            writer.write(await _message(reader))
