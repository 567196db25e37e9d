"""Work of a process until it is told to stop."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress

import structlog

logger = structlog.get_logger()


async def run_until_stopped(work: Coroutine[None, None, None]) -> None:
    """Run this until SIGTERM or SIGINT, which cancel it; raises what it raises."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        logger.info("stopping")
        # Also while it still waits for Telegram or the database to start with.
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working
