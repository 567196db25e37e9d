"""Counts the processes that are started: one for each reading of a workbook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def processes() -> Iterator[Callable[[], int]]:
    """Yield a function that returns how many processes were started since its last call."""
    started, is_open = 0, True

    def hook(event: str, _: tuple[Any, ...]) -> None:
        nonlocal started
        started += is_open and event == "subprocess.Popen"

    def taken() -> int:
        nonlocal started
        count, started = started, 0
        return count

    # A hook cannot be removed.
    sys.addaudithook(hook)
    try:
        yield taken
    finally:
        is_open = False
