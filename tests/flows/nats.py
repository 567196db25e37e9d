"""A real nats-server of a test's own, to be stopped, started again and broken."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.patience import HANG_S
from tests.storage.servers import free_port

NATS_SERVER = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """A server with JetStream; it keeps its port and folder when its process is replaced."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._watched = free_port()
        self.files = folder / "nats"
        self._config = folder / "nats.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, login: str = "") -> str:
        return f"nats://{login}127.0.0.1:{self.port}"

    def configure(self, text: str) -> None:
        """Write the configuration that applies from the next start or reload."""
        self._config.write_text(text)

    async def start(self) -> None:
        """Start the process, and return when it answers."""
        self._config.touch()
        self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - a server, not waited for
            [
                NATS_SERVER,
                *("-js", "-sd", self.files, "-c", self._config),
                *("-a", "127.0.0.1", "-p", str(self.port), "-m", str(self._watched)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with asyncio.timeout(HANG_S):
            while not await self._answers():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        greeting = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return greeting.startswith(b"INFO ")

    @property
    def connections(self) -> int:
        """The number of connected clients."""
        return int(self._told("varz")["connections"])

    @property
    def ids(self) -> int:
        """The number of ids that the stream has ever had."""
        [account] = self._told("jsz?streams=true")["account_details"]
        return sum(stream["state"]["last_seq"] for stream in account["stream_detail"])

    def _told(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._watched}/{path}") as answer:
            return json.load(answer)

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@asynccontextmanager
async def nats_server(folder: Path) -> AsyncIterator[NatsServer]:
    """Start a server, and kill it at the end."""
    server = NatsServer(folder)
    try:
        await server.start()
        yield server
    finally:
        server.kill()
