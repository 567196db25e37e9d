"""Telegram's limits on how fast a bot may write, and what was seen of them."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.bot_api.errors import too_many_requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much is allowed, by default what Telegram says; 0 messages is no limit.

    minute_s, second_s: how long a minute and a second are, so that a test can be quicker.
    """

    per_group: int = 20
    """Messages a minute in one group."""
    per_chat: int = 1
    """Messages a second in one chat, in the long run."""
    burst: int = 3
    """Messages that may come at once in one chat before `per_chat` holds: Telegram names none."""
    overall: int = 30
    """Messages a second in all chats together."""
    minute_s: float = 60.0
    second_s: float = 1.0


NO_LIMIT = Limit(per_group=0, per_chat=0, overall=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The most messages that were let through within one minute or second."""

    group: dict[int, int]
    """A minute, by group."""
    chat: dict[int, int]
    """A second, by chat."""
    overall: int
    """A second, in all chats."""


class Limits:
    """Counts what the bot writes, whether a limit is on or not, and refuses what is over it."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.refused: Counter[tuple[str, str]] = Counter()
        """How many calls were answered 429, by method and chat_id as the caller wrote them."""
        self.set(NO_LIMIT)

    def set(self, limit: Limit) -> None:
        """Hold to `limit` from now on; what was counted before is forgotten."""
        self._limit = limit
        self._overall = _Window(limit.second_s)
        self._by_group: dict[int, _Window] = {}
        self._by_chat: dict[int, _Window] = {}
        self._buckets: dict[int, _Bucket] = {}
        self.refused.clear()

    def count(self, chat_id: int, messages: int = 1) -> None:
        """Count messages sent or edited by one call; raises ApiError 429 when it is too much.

        A call is let through or refused as a whole. One that alone is larger than a limit waits
        until nothing else is counted.
        """
        now, limit = self._clock(), self._limit
        windows = [(self._overall, limit.overall), (self._chat(chat_id), 0)]
        if chat_id < 0:
            windows.append((self._group(chat_id), limit.per_group))
        waits = [window.wait(now, messages, allowed) for window, allowed in windows]
        bucket = self._bucket(chat_id, now)
        if bucket is not None:
            waits.append(bucket.wait(now, messages))
        longest = max(waits)
        if longest > 0:
            raise too_many_requests(max(1, math.ceil(longest)))
        for window, _ in windows:
            window.add(now, messages)
        if bucket is not None:
            bucket.take(messages)

    @property
    def peaks(self) -> Peaks:
        return Peaks(
            group={chat_id: window.peak for chat_id, window in self._by_group.items()},
            chat={chat_id: window.peak for chat_id, window in self._by_chat.items()},
            overall=self._overall.peak,
        )

    def seen(self) -> dict[str, Any]:
        """Refusals and peaks as JSON."""
        peaks = self.peaks
        return {
            "refused": [
                {"method": method, "chat_id": chat_id, "times": times}
                for (method, chat_id), times in self.refused.items()
            ],
            "peaks": {"group": peaks.group, "chat": peaks.chat, "overall": peaks.overall},
        }

    def _group(self, chat_id: int) -> "_Window":
        return self._by_group.setdefault(chat_id, _Window(self._limit.minute_s))

    def _chat(self, chat_id: int) -> "_Window":
        return self._by_chat.setdefault(chat_id, _Window(self._limit.second_s))

    def _bucket(self, chat_id: int, now: float) -> "_Bucket | None":
        limit = self._limit
        if not limit.per_chat:
            return None
        per_s = limit.per_chat / limit.second_s
        return self._buckets.setdefault(chat_id, _Bucket(per_s, limit.burst, now))


class _Window:
    """The messages of the last `length_s` seconds."""

    __slots__ = ("_at", "_length_s", "peak")

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._at: deque[float] = deque()
        self.peak = 0

    def wait(self, now: float, messages: int, allowed: int) -> float:
        """Seconds until so many more fit into what is allowed; 0 allowed is no limit."""
        at = self._at
        while at and at[0] <= now - self._length_s:
            at.popleft()
        over = len(at) + messages - allowed
        if not allowed or over <= 0 or not at:
            return 0.0
        return at[min(over, len(at)) - 1] + self._length_s - now

    def add(self, now: float, messages: int) -> None:
        self._at.extend([now] * messages)
        self.peak = max(self.peak, len(self._at))


class _Bucket:
    """Tokens that come back steadily, up to `burst`; a large call takes more than there are."""

    __slots__ = ("_at", "_burst", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: int, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def wait(self, now: float, messages: int) -> float:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        return (min(messages, self._burst) - self._tokens) / self._per_s

    def take(self, messages: int) -> None:
        self._tokens -= messages
