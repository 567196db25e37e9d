"""What systemd is told of this process, where it started it: that it is ready, lives and stops."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def said_ready() -> AsyncIterator[None]:
    """Say that the start is over and, inside the block, that the event loop turns; then the stop.

    Does nothing without `NOTIFY_SOCKET`. Source: sd_notify(3), sd_watchdog_enabled(3).
    """
    _say("READY=1")
    living = asyncio.create_task(_say_alive(), name="watchdog")
    try:
        yield
    finally:
        living.cancel()
        _say("STOPPING=1")


async def _say_alive() -> None:
    # The variables are inherited, and then speak of another process.
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    patience_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    while patience_s:
        _say("WATCHDOG=1")
        await asyncio.sleep(patience_s / 3)


def _say(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A socket with an abstract name begins with a null byte.
    place = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        telling.sendto(state.encode(), place)
