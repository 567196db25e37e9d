"""Use cases: create, rename, archive and find labels (tags and departments)."""

import uuid
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypedDict, TypeVar, Unpack

from bot.domain.label import (
    LABEL_LENGTH,
    Label,
    Tag,
    Written,
    label_key,
    read_emoji,
)
from bot.domain.opening_hours import OpeningHours
from bot.domain.registration import read_name
from bot.usecases.ports import LabelStore

L = TypeVar("L", bound=Label)


class Refusal(Enum):
    """Reasons for which a label is not created or changed."""

    NO_NAME = "no_name"
    """The name has no letter and no digit: nobody could type it in a file."""
    TOO_LONG = "too_long"
    NO_EMOJI = "no_emoji"
    """The text is not exactly one emoji."""
    TAKEN = "taken"
    STALE = "stale"
    """The label was changed since it was read."""
    LAST = "last"
    """It is the only department that is not archived."""
    LAST_WITH_GROUP = "last_with_group"
    """It is the only department that has a group of attendants."""
    ARCHIVED = "archived"


class _NewValues(TypedDict, total=False):
    """New values of a label; only a department has a group and hours."""

    name: str
    emoji: str
    archived: bool
    group_id: int | None
    hours: OpeningHours


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Generic[L]):
    """The operations on one kind of label.

    A method that changes a label takes it as it was shown, and returns `Refusal.STALE` when the
    stored one has another version.
    """

    store: LabelStore[L]
    model: type[L]

    async def all(self) -> tuple[L, ...]:
        """Return all labels by name, archived ones too; they may be some seconds old."""
        return await self.store.all()

    async def latest(self) -> tuple[L, ...]:
        """Return the same list as `all`, read from the database now."""
        return await self.store.latest()

    async def get(self, label_id: str) -> L | None:
        """Return the label with this id, read from the database now, or None."""
        return next((label for label in await self.latest() if label.id == label_id), None)

    async def by_name_or_id(self, text: str) -> L | None:
        """Return the label with this id, or with this name, or None.

        Case and accents of the name do not matter. An archived label is found too, but of several
        with the name the one that is not archived is preferred.
        """
        labels = await self.all()
        text = text.strip()
        if by_id := next((label for label in labels if label.id == text), None):
            return by_id
        key = label_key(text)
        named = [label for label in labels if key and label.key == key]
        return min(named, key=lambda label: label.archived, default=None)

    async def check_name(self, text: str, *, but: str | None = None) -> str | Refusal:
        """Return the name as it would be stored, or the reason against it.

        but: the id of a label that may have the name already.
        """
        name = read_name(text)
        if not label_key(name):
            return Refusal.NO_NAME
        if len(name) > LABEL_LENGTH:
            return Refusal.TOO_LONG
        key = label_key(name)
        others = (one for one in await self.latest() if one.id != but and not one.archived)
        return Refusal.TAKEN if any(one.key == key for one in others) else name

    async def create(self, name: str, emoji: str = "") -> L | Refusal:
        checked = await self.check_name(name)
        if isinstance(checked, Refusal):
            return checked
        shown = _emoji(emoji)
        if isinstance(shown, Refusal):
            return shown
        label = self.model(id=uuid.uuid4().hex, name=checked, emoji=shown)
        return label if await self.store.add(label) else Refusal.TAKEN

    async def rename(self, label: L, name: str) -> L | Refusal:
        checked = await self.check_name(name, but=label.id)
        if isinstance(checked, Refusal):
            return checked
        return await self._changed(label, name=checked)

    async def set_emoji(self, label: L, text: str) -> L | Refusal:
        """Set the emoji of a label.

        text: one emoji, or empty for none.
        """
        shown = _emoji(text)
        if isinstance(shown, Refusal):
            return shown
        return await self._changed(label, emoji=shown)

    async def archive(self, label: L) -> L | Refusal:
        return await self._changed(label, archived=True)

    async def restore(self, label: L) -> L | Refusal:
        """Make an archived label active again, unless another one has its name by now."""
        return await self._changed(label, archived=False)

    async def _changed(self, label: L, **values: Unpack[_NewValues]) -> L | Refusal:
        stored = next((one for one in await self.store.latest() if one.id == label.id), None)
        if stored is None:
            return Refusal.STALE
        if all(getattr(stored, name) == value for name, value in values.items()):
            return stored  # done before, or by another admin with the same intent
        if stored.version != label.version:
            return Refusal.STALE
        # Based on the stored label: the shown one may have values that were only filled in.
        after = stored.model_copy(update={**values, "version": stored.version + 1})
        match await self.store.change(stored, after):
            case Written.DONE:
                return after
            case Written.TAKEN:
                return Refusal.TAKEN
            case Written.STALE:
                return Refusal.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags(Labels[Tag]):
    model: type[Tag] = Tag


def _emoji(text: str) -> str | Refusal:
    if not text:
        return ""
    return read_emoji(text) or Refusal.NO_EMOJI
