"""systemd is told when the process is ready, that it lives, and that it stops."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from bot.runtime.service_manager import said_ready
from tests.patience import HANG_S


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
async def test_systemd_is_told_ready_alive_and_stopping(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address = str(tmp_path / "notify") if kind == "a path" else f"@{tmp_path}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if address.startswith("@") else address)
        systemd.setblocking(False)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(HANG_S), said_ready():
            told = [await loop.sock_recv(systemd, 64) for _ in range(3)]
        assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        while (last := systemd.recv(64)) == b"WATCHDOG=1":
            pass
        assert last == b"STOPPING=1"


async def test_without_systemd_or_with_one_that_is_gone_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    async with said_ready():
        pass
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    async with said_ready():
        pass
    assert not (tmp_path / "gone").exists()
