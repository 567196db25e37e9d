"""Telegram's rate limits for bots, with counters of the observed rates."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.bot_api.errors import too_many_requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Allowed rates, by default Telegram's own; 0 messages means no limit.

    minute_s, second_s: length of a minute and a second, so that a test can be quicker.
    """

    per_group: int = 20
    """Messages per minute in one group."""
    per_chat: int = 1
    """Messages per second in one chat, on average."""
    burst: int = 3
    """Messages that may come at once in one chat before `per_chat` applies; no official number."""
    overall: int = 30
    """Messages per second in all chats together."""
    minute_s: float = 60.0
    second_s: float = 1.0


NO_LIMIT = Limit(per_group=0, per_chat=0, overall=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Peak numbers of accepted messages within one minute or second."""

    group: dict[int, int]
    """Per minute, by group."""
    chat: dict[int, int]
    """Per second, by chat."""
    overall: int
    """Per second, in all chats."""


class Limits:
    """Counts the bot's messages, with or without a limit, and refuses those over it."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.refused: Counter[tuple[str, str]] = Counter()
        """Number of calls answered 429, by method and by chat_id as the caller wrote it."""
        self.set(NO_LIMIT)

    def set(self, limit: Limit) -> None:
        """Apply `limit` from now on; all counters restart."""
        self._limit = limit
        self._overall = _Window(limit.second_s)
        self._by_group: dict[int, _Window] = {}
        self._by_chat: dict[int, _Window] = {}
        self._buckets: dict[int, _Bucket] = {}
        self.refused.clear()

    def count(self, chat_id: int, messages: int = 1) -> None:
        """Count messages sent or edited by one call; raises ApiError 429 if there are too many.

        A call is accepted or refused as a whole. A call that alone exceeds a limit is refused
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
        """Return refusals and peaks as JSON."""
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
    """A sliding window: the messages of the last `length_s` seconds."""

    __slots__ = ("_at", "_length_s", "peak")

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._at: deque[float] = deque()
        self.peak = 0

    def wait(self, now: float, messages: int, allowed: int) -> float:
        """Return the seconds until so many messages are allowed; `allowed` 0 means no limit."""
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
    """A token bucket with `burst` tokens, refilled steadily. A large call may overdraw it."""

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
