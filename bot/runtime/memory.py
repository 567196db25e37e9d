"""Memory settings of the process: Python's garbage collector and the C allocator."""

import ctypes
import gc
from contextlib import suppress
from typing import Final

# New objects between two collections of the youngest generation. Python's own 700 collects a dozen
# times for each batch of an import, whose objects hold no cycles.
_YOUNG: Final = 20_000
# From glibc's <malloc.h>.
_M_ARENA_MAX: Final = -8


def freeze_gc() -> None:
    """Exclude all present objects from later collections; call it once everything is loaded.

    Otherwise each full collection scans all modules: 50 milliseconds in which nobody is answered,
    and a fifth of an import's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)


def share_one_heap() -> None:
    """Make all threads allocate from one heap; call it before any thread starts.

    glibc gives each thread a heap of its own, and memory freed in one is of no use to the others:
    an import of 60,000 rows, which reads, looks up and writes in threads, took 9 MB more. Threads
    hardly ever wait for each other at the one heap, as Python runs one thread at a time. Other C
    libraries have no such setting.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
