"""How memory is handled in a process that serves: by Python's garbage collector, and by C."""

import ctypes
import gc
from contextlib import suppress
from typing import Final

# Objects made between two looks at the youngest; Python's own 700 looks a dozen times at each
# batch of an import, whose objects hold no cycles.
_YOUNG: Final = 20_000
# Of glibc's <malloc.h>.
_M_ARENA_MAX: Final = -8


def freeze_gc() -> None:
    """Take what is there now out of every later collection; called once everything is loaded.

    Else each full collection goes through all modules: 50 milliseconds in which nobody is
    answered, and a fifth of an import's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)


def share_one_heap() -> None:
    """Have all threads allocate from one place; called before there are any.

    glibc gives each thread one of its own, and what is freed in one is of no use to the others:
    an import of 60,000 rows, which reads, looks up and writes in threads, took 9 MB more. Threads
    hardly ever wait for each other there, as Python runs one at a time anyhow. Other libraries
    have no such setting.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
