"""A proxy before a MongoDB server that answers chosen commands itself, as a server in trouble
does."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests import op_msg


@dataclass(slots=True)
class Wire:
    """The proxy's port, and what it answers to which (command, collection)."""

    port: int = 0
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    hits: Callable[[], bool] = lambda: True
    """Returns False for a command that the server is to answer all the same."""

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
        name, collection = op_msg.command_of(message)
        for key in ((name, collection), (name, "*")):
            if key in self.answers and self.hits():
                self.refused.append((name, collection))
                return op_msg.answer(self.answers[key], to=op_msg.id_of(message))
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
            while message := await op_msg.read_message(reader):
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


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while message := await op_msg.read_message(reader):
        writer.write(message)
