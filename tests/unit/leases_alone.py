"""Leases in memory; `tests/storage/test_states_and_locks.py` holds them to what the stored do."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.lease import Lease


@dataclass(slots=True)
class _Stored:
    owner: str
    until: datetime
    number: int
    wanted: bool = False
    wake: bool = False


class LeasesAlone:
    def __init__(self) -> None:
        self._stored: dict[str, _Stored] = {}
        self.number = 0

    async def acquire(
        self,
        key: str,
        owner: str,
        *,
        now: datetime,
        lease: timedelta,
        above: int = 0,
        wake: bool = False,
    ) -> Lease | None:
        there = self._stored.get(key)
        if there and there.owner != owner and now <= there.until:
            there.wake = wake and (there.wake or not there.wanted)
            there.wanted = True
            return None
        self.number = max(self.number, above) + 1
        self._stored[key] = _Stored(owner, now + lease, self.number)
        return Lease(self.number, is_takeover=there is not None and there.owner != owner)

    async def renew(
        self, keys: Sequence[str], owner: str, *, now: datetime, lease: timedelta
    ) -> list[str]:
        mine = self._of(keys, owner)
        for key in mine:
            self._stored[key].until = now + lease
        return mine

    async def wanted(self, owner: str) -> dict[str, bool]:
        return {
            key: there.wake
            for key, there in self._stored.items()
            if there.owner == owner and there.wanted
        }

    async def looked(self, keys: Sequence[str], owner: str) -> None:
        for key in self._of(keys, owner):
            if self._stored[key].wake:
                self._stored[key].wanted = self._stored[key].wake = False

    async def release(
        self, keys: Sequence[str], owner: str, numbers: Collection[int] | None = None
    ) -> None:
        for key in self._of(keys, owner):
            if numbers is None or self._stored[key].number in numbers:
                del self._stored[key]

    async def owner_of(self, key: str) -> str | None:
        return self._stored[key].owner if key in self._stored else None

    async def owners(self) -> list[tuple[str, str]]:
        return [(key, there.owner) for key, there in self._stored.items()]

    def _of(self, keys: Sequence[str], owner: str) -> list[str]:
        return [key for key in keys if key in self._stored and self._stored[key].owner == owner]
