"""The faults that are on now, of one place; the proxies ask here before and after each call."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from tests.chaos.plan import Fault, What


class Faults:
    """The faults of one place, and a count of what they have hit."""

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._faults = tuple(faults)
        self._draw = random.Random(seed)  # noqa: S311 - faults that can be had again
        self._clock = clock
        self._began: float | None = None
        self.hit: Counter[str] = Counter()
        """How often each has hit a call."""

    def begin(self) -> None:
        """Start the time of the plan; before that nothing fails."""
        self._began = self._clock()

    def end(self) -> None:
        self._began = None

    def on(self, targets: Collection[str], *, is_after: bool) -> Fault | None:
        """Return the fault that hits this call now; targets: all names that the call goes by."""
        for fault in self._now():
            if fault.is_after == is_after and fault.on in targets and self._is_drawn(fault):
                self.hit[str(fault)] += 1
                return fault
        return None

    @property
    def is_down(self) -> bool:
        return any(fault.what is What.DOWN for fault in self._now())

    def _is_drawn(self, fault: Fault) -> bool:
        return fault.share == 1 or self._draw.random() < fault.share

    def _now(self) -> Iterable[Fault]:
        if self._began is None:
            return ()
        now = self._clock() - self._began
        return (fault for fault in self._faults if fault.at_s <= now < fault.until_s)
