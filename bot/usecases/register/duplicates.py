"""Use cases: the list of likely double entries, and the two of a pair side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.pairs import Outline, Pair, likeness
from bot.domain.registration import Registration
from bot.domain.union import first_to_stay
from bot.usecases.ports import Conversations, LinkedChats, Pairs, Registrations

PAGE: Final = 6
"""Pairs on one page: each has two names."""
_COUNTED: Final = 50


@dataclass(frozen=True, slots=True)
class ListedPair:
    """A pair with its two registrations as they are now; the one that would stay comes first."""

    pair: Pair
    stays: Registration
    goes: Registration


@dataclass(frozen=True, slots=True)
class DuplicatesPage:
    pairs: tuple[ListedPair, ...]
    next: str | None
    """The cursor of the next page; None on the last page."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is linked to a registration, beyond its fields."""

    conversations: int
    is_more: bool
    """True if there are more conversations than were counted."""
    open: int
    chats: int


@dataclass(frozen=True, slots=True)
class ComparedPair:
    listed: ListedPair
    stays: Holding
    goes: Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class FindDuplicates:
    pairs: Pairs
    registrations: Registrations
    clock: Callable[[], datetime]

    async def page(self, *, start: str | None = None) -> DuplicatesPage:
        """Return one page of the likely pairs, the likeliest first.

        A pair that is none any more, as one was deleted, united or corrected, leaves the list.
        start: the `next` of the page before.
        """
        found: list[ListedPair] = []
        while True:
            page = await self.pairs.page(start=start, count=PAGE - len(found))
            listed = [await self._listed(pair) for pair in page.pairs]
            found += [one for one in listed if one is not None]
            start = page.next
            if start is None or len(found) == PAGE:
                return DuplicatesPage(tuple(found), start)

    async def count(self) -> int:
        """Return how many pairs are listed."""
        return await self.pairs.count()

    async def get(self, pair_id: str) -> ListedPair | None:
        """Return the pair, or None if it is none any more."""
        pair = await self.pairs.get(pair_id)
        return await self._listed(pair) if pair else None

    async def mark_different(self, pair_id: str, *, by: str) -> None:
        """Remember that the two are not the same person: they are not listed again."""
        await self.pairs.mark_different(pair_id, by=by, at=self.clock())

    async def unmark(self, pair_id: str) -> None:
        """Take that back."""
        if pair := await self.pairs.get(pair_id):
            await self.pairs.unmark(pair, at=self.clock())

    async def _listed(self, pair: Pair) -> ListedPair | None:
        one = await self.registrations.by_id(pair.first_id)
        other = await self.registrations.by_id(pair.second_id)
        is_pair = one and other and (one.id, other.id) == (pair.first_id, pair.second_id)
        reasons = likeness(Outline.of(one), Outline.of(other)) if one and other else None
        if one is None or other is None or not is_pair or not reasons:
            await self.pairs.drop(pair.id)
            return None
        stays, goes = first_to_stay(one, other)
        return ListedPair(Pair(pair.first_id, pair.second_id, reasons), stays, goes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePair:
    find: FindDuplicates
    conversations: Conversations
    chats: LinkedChats

    async def __call__(self, pair_id: str) -> ComparedPair | None:
        """Return the two of the pair with what each has, or None if it is no pair any more."""
        listed = await self.find.get(pair_id)
        if listed is None:
            return None
        stays, goes = listed.stays.id, listed.goes.id
        return ComparedPair(listed, await self._holding(stays), await self._holding(goes))

    async def _holding(self, registration_id: str) -> Holding:
        found = await self.conversations.latest_of(registration_id, count=_COUNTED + 1)
        chats = await self.chats.of_registration(registration_id)
        return Holding(
            conversations=min(len(found), _COUNTED),
            is_more=len(found) > _COUNTED,
            open=sum(one.is_open for one in found),
            chats=len(chats),
        )
