"""How Python's garbage collector is set for a process that serves."""

import gc

# Objects made between two looks at the youngest; Python's own 700 looks a dozen times at each
# batch of an import, whose objects hold no cycles.
_YOUNG = 20_000


def settle() -> None:
    """Take what is there now out of every later collection; called once everything is loaded.

    Else each full collection goes through all modules: 50 milliseconds in which nobody is
    answered, and a fifth of an import's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
