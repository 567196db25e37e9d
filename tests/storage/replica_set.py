"""A replica set of two members, as a driver sees it: proxies before one server.

One is the primary; the other answers as a secondary does. Tests take the primary away, let another
one be elected, and spoil single answers.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests import op_msg
from tests.storage.own_thread import served

_NAME: Final = "rs0"
_HELLO: Final = frozenset(("hello", "ismaster", "isMaster"))
_OF_CONNECTIONS: Final = frozenset(("saslStart", "saslContinue", "ping", "buildInfo"))
_READS: Final = frozenset(("find", "aggregate", "count", "getMore", "distinct"))
_ENDS: Final = frozenset(("commitTransaction", "abortTransaction"))
_NOT_WRITABLE_PRIMARY: Final = 10107
_NOT_PRIMARY_NO_SECONDARY_OK: Final = 13435
_MEMBERS: Final = 2


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What becomes of the answer to a command."""

    answer: Mapping[str, Any] | None
    """None: the connection is reset."""
    is_after: bool = False
    """True if the command is done all the same."""
    is_added: bool = False
    """True if `answer` is only added to that of the server."""


Command = Mapping[str, Any]


def _passes(_: Command) -> Spoilt | None:
    return None


def refusal(code: int, command: Command) -> dict[str, Any]:
    """Return the answer that refuses a command with this code, with the labels that it gets."""
    is_end = next(iter(command)) in _ENDS
    is_inside = "autocommit" in command and not is_end
    labels = ["TransientTransactionError"] if is_inside else []
    if "txnNumber" in command and not is_inside:
        labels = ["RetryableWriteError"]
    return {"ok": 0.0, "code": code, "errmsg": "refused by the test", "errorLabels": labels}


class ReplicaSet:
    """rule: what becomes of a command that the primary gets; None if it is answered as usual."""

    def __init__(self, server_uri: str) -> None:
        self.rule: Callable[[Command], Spoilt | None] = _passes
        self.primary: int | None = 0
        self._term = 1
        self._server_uri = server_uri
        self._server_port = urlsplit(server_uri).port
        self._ports: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._open: list[set[asyncio.StreamWriter]] = [set() for _ in range(_MEMBERS)]
        self._sessions: dict[bytes, Any] = {}
        """The sessions that have an open transaction, by id."""

    @property
    def uri(self) -> str:
        at = urlsplit(self._server_uri)
        user = at.netloc.rpartition("@")[0]
        hosts = f"{user}@{self._hosts}" if user else self._hosts
        return f"mongodb://{hosts}/?replicaSet={_NAME}"

    @property
    def _hosts(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self._ports)

    async def lose_primary(self) -> None:
        """Take the primary away: its connections are reset, its transactions are aborted."""
        lost, self.primary = self.primary, None
        assert lost is not None
        self._loop.call_soon_threadsafe(self._reset, lost)
        await asyncio.to_thread(self._abort_transactions)

    def elect(self, member: int = 1) -> None:
        self._term += 1
        self.primary = member

    def _reset(self, member: int) -> None:
        for writer in tuple(self._open[member]):
            writer.transport.abort()

    def _abort_transactions(self) -> None:
        with MongoClient[dict[str, Any]](self._server_uri) as client, suppress(PyMongoError):
            client["admin"].command("killSessions", list(self._sessions.values()))
        self._sessions.clear()

    def _server_of(self, member: int) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
            self._open[member].add(writer)
            spoilt: dict[int, Spoilt] = {}
            hellos: set[int] = set()
            back = asyncio.create_task(self._answered(up_reader, writer, member, hellos, spoilt))
            # Cancelled: the replica set ends.
            with suppress(asyncio.CancelledError):
                await self._asked(reader, writer, up_writer, member, hellos, spoilt)
            self._open[member].discard(writer)
            back.cancel()
            up_writer.close()
            writer.close()

        return serve

    async def _asked(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up: asyncio.StreamWriter,
        member: int,
        hellos: set[int],
        spoilt: dict[int, Spoilt],
    ) -> None:
        while message := await op_msg.read_message(reader):
            command, number = op_msg.body_of(message), op_msg.id_of(message)
            if next(iter(command)) in _HELLO:
                hellos.add(number)
            elif now := self._spoilt(member, command):
                if now.is_after:
                    spoilt[number] = now
                elif now.answer is None:
                    writer.transport.abort()
                    return
                else:
                    writer.write(op_msg.answer(now.answer, to=number))
                    continue
            up.write(message)

    def _spoilt(self, member: int, command: Command) -> Spoilt | None:
        name = next(iter(command))
        if name in _OF_CONNECTIONS:
            return None
        if member != self.primary:
            is_read = name in _READS
            code = _NOT_PRIMARY_NO_SECONDARY_OK if is_read else _NOT_WRITABLE_PRIMARY
            return Spoilt(refusal(code, command))
        if "autocommit" in command:
            session = command["lsid"]
            if name in _ENDS:
                self._sessions.pop(bytes(session["id"]), None)
            else:
                self._sessions[bytes(session["id"])] = session
        return self.rule(command)

    async def _answered(
        self,
        up: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        member: int,
        hellos: set[int],
        spoilt: dict[int, Spoilt],
    ) -> None:
        while message := await op_msg.read_message(up):
            number = op_msg.answered_id(message)
            if number in hellos:
                message = op_msg.answer(self._as_member(message, member), to=number)
            elif now := spoilt.pop(number, None):
                if now.answer is None:
                    writer.transport.abort()
                    return
                own = op_msg.body_of(message) if now.is_added else {}
                message = op_msg.answer(own | dict(now.answer), to=number)
            writer.write(message)

    def _as_member(self, message: bytes, member: int) -> dict[str, Any]:
        hello = op_msg.body_of(message)
        # Without it the driver asks again and again, instead of waiting for a change.
        hello.pop("topologyVersion", None)
        hosts = self._hosts.split(",")
        is_primary = member == self.primary
        hello |= {
            "setName": _NAME,
            "hosts": hosts,
            "me": hosts[member],
            "isWritablePrimary": is_primary,
            "ismaster": is_primary,
            "secondary": not is_primary,
        }
        if is_primary:
            hello |= {"electionId": ObjectId(f"{self._term:024x}"), "setVersion": 1}
        return hello


@contextmanager
def replica_set_before(server_uri: str) -> Iterator[ReplicaSet]:
    """Start the members before the server."""
    members = ReplicaSet(server_uri)
    handlers = [members._server_of(member) for member in range(_MEMBERS)]
    with served(members._loop, *handlers) as members._ports:
        yield members
