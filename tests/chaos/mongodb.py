"""A proxy before MongoDB's wire protocol, which loses, delays and refuses single commands."""

import asyncio
from typing import Final

from tests.chaos.plan import MARKED, Fault, What
from tests.chaos.tcp_proxy import TcpProxy, first_of, reset
from tests.op_msg import answer, answered_id, command_of, id_of, read_message

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


def targets_of(name: str, collection: str) -> frozenset[str]:
    """Return the names that the plan can call this command by."""
    if name in _OF_CONNECTIONS or not name:
        return frozenset()
    kind = "reads" if name in _READS else "writes" if name in _WRITES else "others"
    return frozenset(("all", kind, collection, f"{kind} {collection}"))


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
        while message := await read_message(reader):
            targets = targets_of(*command_of(message))
            request_id = id_of(message)
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
        while message := await read_message(up):
            answers = answered_id(message)
            fault = spoilt.pop(answers, None)
            if fault is not None and fault.what is What.CODE:
                message = _refusal(fault.value, answers)
            elif fault is not None:
                if fault.what is not What.CLOSE:
                    reset(writer)
                return
            writer.write(message)
            await writer.drain()


def _refusal(code: int, answers: int) -> bytes:
    """Return an error as servers send it: with a document of ours in its text."""
    said = f"refused: {{ text: '{MARKED}' }}"
    document = {"ok": 0.0, "errmsg": said, "code": code, "codeName": f"Code{code}"}
    return answer(document, to=answers)
