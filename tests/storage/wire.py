"""A proxy before a MongoDB server that answers chosen commands itself, as a server in trouble
does."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests import op_msg
from tests.storage.own_thread import served


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
    """Start the proxy before the server at this port of this machine."""
    wire = Wire()

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

    with served(asyncio.new_event_loop(), serve) as [wire.port]:
        yield wire


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while message := await op_msg.read_message(reader):
        writer.write(message)
