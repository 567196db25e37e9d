"""Proxies in a thread of their own, as the driver blocks the event loop when it closes."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def served(loop: asyncio.AbstractEventLoop, *handlers: Handler) -> Iterator[list[int]]:
    """Let each of these handle the connections to a port of its own, and yield the ports.

    loop: runs in the thread, and is closed at the end.
    """
    ports: list[int] = []
    began = threading.Event()

    async def run() -> None:
        servers = [await asyncio.start_server(one, "127.0.0.1", 0) for one in handlers]
        ports.extend(server.sockets[0].getsockname()[1] for server in servers)
        began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for server in servers:
            server.close()

    running = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(running,))
    thread.start()
    began.wait()
    try:
        yield ports
    finally:
        loop.call_soon_threadsafe(running.cancel)
        thread.join()
        loop.close()
