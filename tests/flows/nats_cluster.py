"""Three real NATS servers that are one cluster, whose connections to each other can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import permutations
from pathlib import Path

from tests.chaos.faults import Faults
from tests.chaos.tcp_proxy import TcpProxy
from tests.flows.nats import NatsServer
from tests.storage.servers import free_port, until

_CHUNK_BYTES = 1 << 16
_SERVERS = 3


class Wire(TcpProxy):
    """A connection to a server; while it is cut, all that is said waits.

    So nobody learns of it from the connection, as in a network that is split.
    """

    def __init__(self, target: int) -> None:
        super().__init__(target, Faults())
        self._whole = asyncio.Event()
        self._whole.set()

    @property
    def is_used(self) -> bool:
        return bool(self._open)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    async def _pumped(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            await self._whole.wait()
            to.write(chunk)
            await to.drain()


class Cluster:
    """The servers, and a wire for each on which it calls another."""

    def __init__(self, servers: list[NatsServer], wires: dict[tuple[int, int], Wire]) -> None:
        self.servers = servers
        self._wires = wires

    @property
    def urls(self) -> str:
        return ",".join(server.url() for server in self.servers)

    def cut_off(self, number: int) -> None:
        """Part this server from the others; its clients stay connected to it."""
        for ends, wire in self._wires.items():
            if number in ends:
                wire.cut()

    def mend(self) -> None:
        for wire in self._wires.values():
            wire.mend()

    async def end(self) -> None:
        for server in self.servers:
            server.kill()
        self.mend()
        await until(lambda: not any(wire.is_used for wire in self._wires.values()))


@asynccontextmanager
async def nats_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Start three servers, and kill them at the end."""
    async with AsyncExitStack() as stack:
        ports = [free_port() for _ in range(_SERVERS)]
        wires = {
            (caller, called): await stack.enter_async_context(Wire(ports[called]))
            for caller, called in permutations(range(_SERVERS), 2)
        }
        servers = []
        for number, port in enumerate(ports):
            (folder / f"{number}").mkdir()
            server = NatsServer(folder / f"{number}")
            mine = [wire.port for (caller, _), wire in wires.items() if caller == number]
            routes = ", ".join(f'"nats://127.0.0.1:{each}"' for each in mine)
            # What they advertise would lead them past the wires.
            server.configure(
                f"server_name: n{number}\n"
                f"cluster {{ name: c, listen: 127.0.0.1:{port}, advertise: 127.0.0.1:1, "
                f"pool_size: -1, routes: [{routes}] }}\n"
            )
            servers.append(server)
        cluster = Cluster(servers, wires)
        stack.push_async_callback(cluster.end)
        await asyncio.gather(*(server.start() for server in servers))
        yield cluster
