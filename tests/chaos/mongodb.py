"""A proxy before MongoDB's wire protocol, which loses, delays and refuses single commands."""

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import bson

from tests.chaos.plan import MARKED, Fault, What
from tests.chaos.tcp_proxy import TcpProxy, first_of, reset

_HEADER: Final = struct.Struct("<iiii")
_OP_MSG: Final = 2013
_READS: Final = frozenset(("find", "aggregate", "count", "getMore", "distinct"))
_WRITES: Final = frozenset(
    ("insert", "update", "delete", "findAndModify", "commitTransaction", "bulkWrite")
)
# Without these a client does not even begin; only `DOWN` is about them.
_OF_CONNECTIONS: Final = frozenset(
    (
        *("hello", "ismaster", "isMaster", "saslStart", "saslContinue", "ping", "buildInfo"),
        *("endSessions", "killCursors", "abortTransaction"),
    )
)


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    collection: str

    @property
    def targets(self) -> frozenset[str]:
        """Return the names that the plan can call this command by."""
        if self.name in _OF_CONNECTIONS or not self.name:
            return frozenset()
        kind = "reads" if self.name in _READS else "writes" if self.name in _WRITES else "others"
        return frozenset(("all", kind, self.collection, f"{kind} {self.collection}"))


class MongodbProxy(TcpProxy):
    """Passes on what clients say to the server at `port`."""

    async def passes_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        spoilt: dict[int, Fault] = {}
        await first_of(
            self._asked(reader, writer, up_writer, spoilt),
            self._answered(up_reader, writer, spoilt),
        )

    async def _asked(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up: asyncio.StreamWriter,
        spoilt: dict[int, Fault],
    ) -> None:
        while message := await _message(reader):
            targets = command_in(message).targets
            request_id = _HEADER.unpack_from(message)[1]
            fault = self.faults.on(targets, is_after=False)
            if fault is not None:
                match fault.what:
                    case What.DELAY:
                        await asyncio.sleep(fault.value)
                    case What.CODE:
                        writer.write(_refusal(fault.value, request_id))
                        continue
                    case What.CLOSE:
                        return
                    case _:
                        reset(writer)
                        return
            if (later := self.faults.on(targets, is_after=True)) is not None:
                spoilt[request_id] = later
            up.write(message)
            await up.drain()

    async def _answered(
        self, up: asyncio.StreamReader, writer: asyncio.StreamWriter, spoilt: dict[int, Fault]
    ) -> None:
        while message := await _message(up):
            answers = _HEADER.unpack_from(message)[2]
            fault = spoilt.pop(answers, None)
            if fault is not None and fault.what is What.CODE:
                message = _refusal(fault.value, answers)
            elif fault is not None:
                if fault.what is not What.CLOSE:
                    reset(writer)
                return
            writer.write(message)
            await writer.drain()


def command_in(message: bytes) -> Command:
    """Return the command of a message of the wire protocol; empty if it is of an older kind."""
    if _HEADER.unpack_from(message)[3] != _OP_MSG:
        return Command("", "")
    at = _HEADER.size + 4
    while at < len(message):
        kind = message[at]
        [length] = struct.unpack_from("<i", message, at + 1)
        if kind == 0:
            document: Mapping[str, Any] = bson.decode(message[at + 1 : at + 1 + length])
            name = next(iter(document), "")
            collection = document.get("collection") if name == "getMore" else document.get(name)
            return Command(name, collection if isinstance(collection, str) else "")
        at += 1 + length
    return Command("", "")


def _refusal(code: int, answers: int) -> bytes:
    """Return an error as servers send it: with a document of ours in its text."""
    said = f"refused: {{ text: '{MARKED}' }}"
    document = {"ok": 0.0, "errmsg": said, "code": code, "codeName": f"Code{code}"}
    body = struct.pack("<I", 0) + b"\0" + bson.encode(document)
    return _HEADER.pack(_HEADER.size + len(body), 0, answers, _OP_MSG) + body


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Return one whole message; empty when the other end has closed."""
    try:
        header = await reader.readexactly(_HEADER.size)
        return header + await reader.readexactly(_HEADER.unpack(header)[0] - _HEADER.size)
    except (asyncio.IncompleteReadError, OSError):
        return b""
