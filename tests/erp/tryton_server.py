"""A real Tryton as a process of its own, on a copy of the database that .ci/tryton prepares.

Tryton is GPL-3: it is asked over HTTP and never imported.
"""

import asyncio
import base64
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from erp.adapter import Credentials
from tests.patience import HANG_S

VERSIONS = ("8.0", "7.0")
_ROOT = Path(os.environ.get("TRYTON_DIR") or "/tmp/balcao-tryton")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrytonServer:
    """A running server; tests call `rpc` as its administrator."""

    version: str
    url: str
    password: str

    @property
    def credentials(self) -> Credentials:
        return Credentials(
            url=self.url, database="erp", username="admin", password=SecretStr(self.password)
        )

    @property
    def face(self) -> str:
        return "rpc/" if self.version == "8.0" else ""

    async def log_in(self, session: aiohttp.ClientSession) -> dict[str, str]:
        """Log in and return the headers of a new session."""
        user, key, *_ = await self._post(
            session, {}, "common.db.login", ["admin", {"password": self.password}, "en"]
        )
        text = f"admin:{user}:{key}"
        return {"Authorization": f"Session {base64.b64encode(text.encode()).decode()}"}

    async def rpc(
        self, session: aiohttp.ClientSession, headers: Mapping[str, str], method: str, *params: Any
    ) -> Any:
        """Call a method of `model.party` and return its result."""
        return await self._post(session, headers, f"model.party.{method}", [*params, {}])

    async def until_ended(
        self, session: aiohttp.ClientSession, headers: Mapping[str, str]
    ) -> None:
        """Return once the server refuses the session because it has expired."""
        body = {"id": 1, "method": "model.party.party.search", "params": [[], 0, 1, None, {}]}
        address = f"{self.url}/erp/{self.face}"
        async with asyncio.timeout(HANG_S):
            while True:
                async with session.post(address, json=body, headers=headers) as response:
                    if response.status == 401:
                        return
                await asyncio.sleep(0.1)

    async def _post(
        self,
        session: aiohttp.ClientSession,
        headers: Mapping[str, str],
        method: str,
        params: list[Any],
    ) -> Any:
        body = {"id": 1, "method": method, "params": params}
        address = f"{self.url}/erp/{self.face}"
        async with session.post(address, json=body, headers=headers) as response:
            response.raise_for_status()
            answer = await response.json()
        assert "result" in answer, answer
        return answer["result"]


def need_tryton(version: str) -> Path:
    """Return the folder of this version. Skip the test if it is missing, but fail it in CI."""
    home = _ROOT / version
    if not (home / "ready").exists():
        why = f"no Tryton {version} in {_ROOT}: .ci/tryton puts it there"
        if os.environ.get("CI"):
            pytest.fail(f"{why}, and CI must ask a real Tryton")
        pytest.skip(why)
    return home


@asynccontextmanager
async def tryton_running(
    version: str, data_dir: Path, **session_settings: int
) -> AsyncIterator[TrytonServer]:
    """Start a server without any parties, and stop it at the end.

    session_settings: options for the section [session] of its configuration.
    """
    home = need_tryton(version)
    shutil.copytree(home / "db", data_dir / "db")
    port = _free_port()
    lines = [
        f"[database]\nuri = sqlite://\npath = {data_dir / 'db'}",
        f"[web]\nlisten = 127.0.0.1:{port}\nroot =",
        "[session]",
        *(f"{name} = {value}" for name, value in session_settings.items()),
    ]
    (data_dir / "trytond.conf").write_text("\n".join(lines) + "\n")
    with (data_dir / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(home / "venv/bin/trytond"),
            *("-c", str(data_dir / "trytond.conf"), "-d", "erp"),
            stdout=log,
            stderr=log,
        )
    server = TrytonServer(
        version=version,
        url=f"http://127.0.0.1:{port}",
        password=(home / "password").read_text(),
    )
    try:
        if not await _is_ready(server, process):
            pytest.fail(f"Tryton did not start:\n{(data_dir / 'log').read_text()[-2000:]}")
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_ready(server: TrytonServer, process: asyncio.subprocess.Process) -> bool:
    body = {"id": 1, "method": "common.server.version", "params": []}
    async with aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(HANG_S):
                while process.returncode is None:
                    try:
                        async with session.post(f"{server.url}/{server.face}", json=body) as it:
                            assert (await it.json())["result"].startswith(server.version)
                            return True
                    except aiohttp.ClientConnectionError:
                        await asyncio.sleep(0.05)
        except TimeoutError:
            pass
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
