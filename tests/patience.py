"""How long tests wait: for what has a sign of its own so long that only what hangs reaches it.

pytest's own limit (pyproject.toml) is above it: what hangs says first what it was waiting for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bot.runtime.jobs import broker
from erp import registry
from erp.client import Limits
from storage.engine import connection, embedded

HANG_S: Final = 300.0
HANG_MS: Final = int(HANG_S * 1000)


async def until(true: Callable[[], object]) -> None:
    """Return once something else that this loop runs has made it true."""
    async with asyncio.timeout(HANG_S):
        while not true():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


def be_patient() -> None:
    """Give database, broker and ERP the same time, in this process and until it ends.

    Balcão gives them up after seconds, as a person waits; here they may only be slow, because
    the machine is busy. A test of giving up says itself for how long.
    """
    given: list[tuple[Any, str, float]] = [
        (connection, "_SERVER_SELECTION_MS", HANG_MS),
        (connection, "_SOCKET_MS", HANG_MS),
        (embedded, "_START_S", HANG_S),
        (broker, "_ANSWER_S", HANG_S),
    ]
    for module, name, value in given:
        assert hasattr(module, name), name
        setattr(module, name, value)
    for kind, adapter in tuple(registry._OURS.items()):
        registry._OURS[kind] = replace(adapter, limits=patient(adapter.limits))


def patient(limits: Limits) -> Limits:
    """The same limits of an ERP, with time for every answer."""
    return replace(limits, connect_s=HANG_S, read_s=HANG_S, attempt_s=HANG_S, total_s=HANG_S)
