"""What must not be sent yet, and until when: after refusals, in doubt, while Telegram is away."""

import asyncio
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.domain.outgoing import Outgoing

FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
# A message that may have arrived is repeated after this: what cut it short may last.
_REPEAT_S: Final = 5.0


def _pause_s(tries: int) -> float:
    """Return the pause after this many failures in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 20), _LONGEST_PAUSE_S)


@dataclass(slots=True)
class _Lane:
    until: float = 0.0
    refused_at: int | None = None
    """The number of batches that had been sent, to all chats, at the latest refusal."""
    doubt_at: float | None = None
    """The time at which a call for it was not confirmed."""


@dataclass(slots=True)
class _Chat:
    asked_until: float = 0.0
    """Telegram asked to wait until then."""
    away_until: float = 0.0
    """When to try again, unless Telegram answers somebody before that."""
    tries: int = 0
    lanes: dict[str, _Lane] = field(default_factory=dict)

    def until(self) -> float:
        return max(self.asked_until, self.away_until)


class Holds:
    """The chats and the lanes of chats that wait. They outlive the lease on a chat."""

    def __init__(self) -> None:
        self._chats: dict[int, _Chat] = {}
        self._eager: set[int] = set()
        """The chats that go on once Telegram answers anything."""
        self._refused: set[int] = set()
        """The chats that go on once Telegram takes anything from anybody."""
        self._sent = 0
        self._answered_at = -math.inf

    def is_held(self, item: Outgoing) -> bool:
        """Return True if the item must not be sent now."""
        chat = self._chats.get(item.chat_id)
        return chat is not None and self._free_at(chat, item.lane) > _now()

    def free_at(self, chat_id: int, items: Iterable[Outgoing]) -> float:
        """Return the earliest time for one of the items; infinity: once Telegram has answered."""
        chat = self._chats.get(chat_id, _Chat())
        return min((self._free_at(chat, item.lane) for item in items), default=math.inf)

    def _free_at(self, chat: _Chat, lane: str) -> float:
        hold = chat.lanes.get(lane)
        if hold is None:
            return chat.until()
        if hold.doubt_at is not None and hold.doubt_at >= self._answered_at:
            return math.inf
        return max(chat.until(), hold.until)

    def asked_to_wait(self, chat_id: int, seconds: float) -> None:
        """Hold the whole chat for as long as Telegram asked for."""
        chat = self._chats.setdefault(chat_id, _Chat())
        chat.asked_until = max(chat.asked_until, _now() + seconds)

    def away(self, chat_id: int) -> None:
        """Hold the whole chat for a while, or until Telegram answers."""
        self._pause(chat_id)
        self._eager.add(chat_id)

    def _pause(self, chat_id: int) -> None:
        chat = self._chats.setdefault(chat_id, _Chat())
        chat.tries += 1
        chat.away_until = _now() + _pause_s(chat.tries)

    def in_doubt(self, item: Outgoing) -> None:
        """Hold the lane of an unconfirmed message until Telegram has answered something."""
        lane = self._lane(item)
        lane.until, lane.doubt_at = _now() + _REPEAT_S, _now()
        self.away(item.chat_id)

    def refused(self, item: Outgoing) -> bool:
        """Note a refusal for an unknown reason; return True if it counts.

        It counts if others got through since the last one, and only the lane is held then. Else
        nothing shows that Telegram takes anything now, and the whole chat is held.
        """
        lane = self._lane(item)
        counts = lane.refused_at is not None and lane.refused_at < self._sent
        lane.refused_at, lane.doubt_at = self._sent, None
        if counts:
            lane.until = _now() + _pause_s(item.refusals + 2)
        else:
            self._pause(item.chat_id)
            self._refused.add(item.chat_id)
        return counts

    def news(self, item: Outgoing) -> None:
        """Let a chat go on if this new item of a lane without trouble may get through."""
        chat = self._chats.get(item.chat_id)
        if chat and item.lane not in chat.lanes:
            chat.away_until = 0.0

    def unanswered(self) -> None:
        """Note that Telegram is away: then its answer is news to those whom it refused, too."""
        self._eager |= self._refused
        self._refused.clear()

    def answered(self) -> Collection[int]:
        """Note that Telegram has answered; return the chats that may go on."""
        self._answered_at = _now()
        eager, self._eager = self._eager, set()
        for chat_id in eager:
            if chat := self._chats.get(chat_id):
                chat.away_until = 0.0
        return eager

    def sent(self, item: Outgoing) -> Collection[int]:
        """Note that Telegram took the item; return the chats that may go on."""
        self._sent += 1
        if chat := self._chats.get(item.chat_id):
            chat.tries = 0
        self.settled(item)
        self.unanswered()
        return self.answered()

    def settled(self, item: Outgoing) -> None:
        """Forget the trouble with an item that was sent or given up."""
        if chat := self._chats.get(item.chat_id):
            chat.lanes.pop(item.lane, None)
            if not chat.lanes and not chat.tries and chat.until() <= _now():
                del self._chats[item.chat_id]

    def keep(self, chat_id: int, items: Iterable[Outgoing]) -> None:
        """Forget the trouble with items of the chat that no longer wait."""
        if chat := self._chats.get(chat_id):
            lanes = {item.lane for item in items}
            chat.lanes = {lane: hold for lane, hold in chat.lanes.items() if lane in lanes}
            if not lanes and chat.asked_until <= _now():
                del self._chats[chat_id]

    def _lane(self, item: Outgoing) -> _Lane:
        chat = self._chats.setdefault(item.chat_id, _Chat())
        return chat.lanes.setdefault(item.lane, _Lane())


def _now() -> float:
    return asyncio.get_running_loop().time()
