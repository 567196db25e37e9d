"""The shares that processes have of the messages a second that one bot may send.

Each process renews its entry, a heartbeat, and states how much it wants. Who is alone has
everything. Else each live process that receives updates keeps one message a second, so that it is
never silent, and the rest goes to those who want it: first what each of them sends, or of that
the same part for each, then equal parts. What nobody wants nobody has, so it can be taken at once.
`docs/decisions/shared-limits.md`
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

LIVE: Final = timedelta(seconds=5)
"""A process counts as live for this long after it has renewed its entry."""
LEAST: Final = 1
"""The share of a live process that has nothing to send but may have at any moment."""
# The pace of messages leaves this part of the limit unused: see `TELEGRAM_LIMITS`.
_MARGIN: Final = 15
# A little more than the second in which the messages of a share count.
_SECOND: Final = timedelta(seconds=1.1)
# A process that cannot reach the database sends at most `LEAST` a second; so long it is counted.
# What it has sent to groups counts against their limit for as long.
_CUT_OFF: Final = timedelta(seconds=61)
_CYCLE: Final = 1 << 16
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Share(BaseModel):
    """One process's entry."""

    model_config = ConfigDict(frozen=True)

    owner: str
    until: datetime
    units: int = 0
    """Messages a second that it may send."""
    wants: int = LEAST
    cooling: int = 0
    """Units given back in which it has sent messages within the last second."""
    cools_at: datetime = EVER
    groups: dict[str, bytes] = {}
    """By a group's id, when messages left for it: see `pack_times`."""

    def held(self, now: datetime) -> int:
        """Return the messages a second that it may send now."""
        if now < self.until + _SECOND:
            return self.units
        return min(self.units, LEAST) if now < self.until + _CUT_OFF else 0

    def taken(self, now: datetime) -> int:
        """Return the messages a second that nobody else may send now."""
        return self.held(now) + (self.cooling if now < self.cools_at else 0)

    def gone(self, now: datetime) -> "Share":
        """Return the entry of a process that runs no longer."""
        if now >= self.until:
            return self
        cooling, cools_at = self.taken(now), now + _SECOND
        return self.model_copy(
            update={"until": now, "units": 0, "cooling": cooling, "cools_at": cools_at}
        )


class Wait(BaseModel):
    """A wait that Telegram has asked for."""

    model_config = ConfigDict(frozen=True)

    place: str
    """A chat's id, the name of a method, or `ALL_CHATS`."""
    until: datetime


class Shares(BaseModel):
    """The shares of one bot's processes, and the waits that all of them keep."""

    model_config = ConfigDict(frozen=True)

    shares: tuple[Share, ...] = ()
    waits: tuple[Wait, ...] = ()

    def units_of(self, owner: str) -> int:
        return next((one.units for one in self.shares if one.owner == owner), 0)

    def renewed(
        self,
        owner: str,
        *,
        total: int,
        wants: int,
        sent: Sequence[timedelta],
        groups: Mapping[str, bytes],
        gone: Collection[str],
        now: datetime,
    ) -> "Shares":
        """Return the shares after a heartbeat of the owner; equal ones if nothing needs storing.

        total: of all processes. wants: 0 if it can wait for its first message. sent: the ages of
        its messages of the last second, latest first. groups: as in `Share`. They are stored only
        if there is somebody to read them. gone: owners that are known to run no longer.
        """
        mine = self._of(owner, now)
        others = [
            one.gone(now) if one.owner in gone else one
            for one in self.shares
            if one.owner != owner and now < one.until + _CUT_OFF
        ]
        is_alone = not any(now < one.until for one in others)
        wants = LEAST if is_alone else wants
        least = min(wants, LEAST)
        units = max(_fair(owner, wants, others, total=total, now=now), least)
        cooling, cools_at = mine.cooling, mine.cools_at
        if units < (held := mine.held(now)):
            cooling, cools_at = _cooling(units, sent, now)
        elif units > held:
            free = total - sum(one.taken(now) for one in others)
            # Who has just come need not wait for the others' next heartbeat.
            spare = free + total // _MARGIN
            units = max(held, min(units, free), min(least, spare))
            cooling = max(held + cooling - units, 0)
        renewed = mine.model_copy(
            update={
                "units": units,
                "wants": wants,
                "cooling": cooling,
                "cools_at": cools_at,
                "groups": {} if is_alone else dict(groups),
            }
        )
        if renewed != mine or mine.until - now < LIVE / 2:
            renewed = renewed.model_copy(update={"until": now + LIVE})
        shares = (*others, renewed)
        is_same = len(shares) == len(self.shares) and all(one in self.shares for one in shares)
        return self if is_same else self.model_copy(update={"shares": shares})

    def left(
        self, owner: str, *, sent: int, groups: Mapping[str, bytes], now: datetime
    ) -> "Shares":
        """Return the shares after the owner has ended, which has sent so many messages within the
        last second."""
        others = tuple(one for one in self.shares if one.owner != owner)
        last = Share(
            owner=owner, until=now, cooling=sent, cools_at=now + _SECOND, groups=dict(groups)
        )
        return self.model_copy(update={"shares": (*others, last)})

    def waiting(self, new: Sequence[Wait], now: datetime) -> "Shares":
        """Return the shares with these waits, without those that are over."""
        until = {one.place: one.until for one in self.waits if now < one.until}
        for one in new:
            until[one.place] = max(one.until, until.get(one.place, EVER))
        waits = tuple(Wait(place=place, until=at) for place, at in sorted(until.items()))
        return self if waits == self.waits else self.model_copy(update={"waits": waits})

    def _of(self, owner: str, now: datetime) -> Share:
        return next(
            (one for one in self.shares if one.owner == owner), Share(owner=owner, until=now)
        )


def _cooling(units: int, sent: Sequence[timedelta], now: datetime) -> tuple[int, datetime]:
    """Return how many units above these cool, and until when: messages left in them just now.

    sent: as in `Shares.renewed`.
    """
    cooling = max(len(sent) - units, 0)
    # By then only so many messages as it may send have been sent within a second.
    return cooling, now + _SECOND - sent[units] if cooling else EVER


def _fair(owner: str, wants: int, others: Sequence[Share], *, total: int, now: datetime) -> int:
    """Return what is the owner's if everybody has what they want.

    Where that is too much, each has first what it sends, and then equal parts of the rest; where
    that is too much as well, each a part of what it sends, so that messages wait equally long in
    all of them.
    """
    live = [one for one in others if now < one.until]
    left = total - sum(one.taken(now) for one in others if one not in live)
    if not live:
        return max(left, 0)
    wanted = {one.owner: one.wants for one in live} | {owner: wants}
    needed = {who: _need(wish) for who, wish in wanted.items()}
    if sum(needed.values()) > left:
        return _in_proportion(needed, left)[owner]
    left -= sum(needed.values())
    more = _parts({who: wish - needed[who] for who, wish in wanted.items()}, left)
    return needed[owner] + more[owner]


def _need(wish: int) -> int:
    """Return what a process sends: it wants twice as much, see `Overall.wanted`."""
    return max(wish // 2, min(wish, LEAST))


def _in_proportion(wishes: Mapping[str, int], left: int) -> dict[str, int]:
    """Return what each gets of so many, which are too few: the same part of each wish."""
    parts: dict[str, int] = {}
    rest = sum(wishes.values())
    for wish, who in sorted((wish, who) for who, wish in wishes.items()):
        # What rounding leaves of the small ones is the large ones'.
        parts[who] = max(left, 0) * wish // max(rest, 1)
        left, rest = left - parts[who], rest - wish
    return parts


def _parts(wishes: Mapping[str, int], left: int) -> dict[str, int]:
    """Return what each gets of so many: all that it wishes, or equal parts where that is too
    much."""
    parts: dict[str, int] = {}
    for wish, who in sorted((wish, who) for who, wish in wishes.items()):
        parts[who] = min(wish, max(left, 0) // (len(wishes) - len(parts)))
        left -= parts[who]
    return parts


def pack_times(times: Iterable[datetime]) -> bytes:
    """Return the times in two bytes each, to a tenth of a second."""
    return b"".join((_tenths(at) % _CYCLE).to_bytes(2, "big") for at in times)


def read_ages(packed: bytes, now: datetime) -> list[timedelta]:
    """Return how long ago each of these times is; right for half an hour."""
    pairs = zip(packed[::2], packed[1::2], strict=True)
    tenths = [(_tenths(now) - (high << 8) - low) % _CYCLE for high, low in pairs]
    # One that was rounded up is ahead.
    return [timedelta(seconds=one / 10 if one < _CYCLE // 2 else 0) for one in tenths]


def _tenths(at: datetime) -> int:
    return round(at.timestamp() * 10)
