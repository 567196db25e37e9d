"""Time-outs of tests: tests wait for an event, with a limit that only a hang reaches.

pytest's own limit (pyproject.toml) is higher, so that a hang is first reported where it waits.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bot.runtime.jobs import broker, jetstream
from erp import registry
from erp.client import Limits
from storage.engine import client_options, server_process

HANG_S: Final = 300.0
HANG_MS: Final = int(HANG_S * 1000)


async def until(true: Callable[[], object]) -> None:
    """Return once `true()` holds; another task of this loop must make it so."""
    async with asyncio.timeout(HANG_S):
        while not true():  # noqa: ASYNC110 - the awaited condition sets no event
            await asyncio.sleep(0)


def be_patient() -> None:
    """Raise the time-outs of database, broker and ERP to this limit, until the process ends.

    Balcão gives up after seconds, because a person waits. Here an answer may be slow only because
    the machine is busy. A test of a time-out sets its own.
    """
    given: list[tuple[Any, str, float]] = [
        (client_options, "SERVER_SELECTION_MS", HANG_MS),
        (client_options, "CONNECT_MS", HANG_MS),
        (client_options, "SOCKET_MS", HANG_MS),
        (client_options, "MAJORITY_MS", HANG_MS),
        (client_options, "SHORT_S", HANG_S),
        (server_process, "START_S", HANG_S),
        (broker, "ANSWER_S", HANG_S),
        (jetstream, "ANSWER_S", HANG_S),
    ]
    for module, name, value in given:
        assert hasattr(module, name), name
        setattr(module, name, value)
    for kind, adapter in tuple(registry._OURS.items()):
        registry._OURS[kind] = replace(adapter, limits=patient(adapter.limits))


def patient(limits: Limits) -> Limits:
    """Return the ERP's limits with all time-outs raised to `HANG_S`."""
    return replace(limits, connect_s=HANG_S, read_s=HANG_S, attempt_s=HANG_S, total_s=HANG_S)
