"""Changes of many registrations at once: what can be asked for, and what it does to one; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.candidate import Change, Update
from bot.domain.data_subject import ANONYMISED_NAME
from bot.domain.label import Label
from bot.domain.registration import (
    NOTE_LENGTH,
    TRAIT_LENGTH,
    TRAITS,
    Kind,
    Provenance,
    Registration,
    Status,
    Value,
    read_note,
    read_traits,
)
from bot.domain.search import StoredQuery, fold


class BulkAction(StrEnum):
    """What can be done to many registrations."""

    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"
    ADD_KIND = "add_kind"
    REMOVE_KIND = "remove_kind"
    STATUS = "status"
    ADD_PRIORITY = "add_priority"
    REMOVE_PRIORITY = "remove_priority"
    ADD_TRAIT = "add_trait"
    REMOVE_TRAIT = "remove_trait"
    ADD_NOTE = "add_note"
    """Adds lines below the fixed note that is there."""
    SET_NOTE = "set_note"
    DELETE = "delete"


PATHS: Final = {
    BulkAction.ADD_TAG: "tags",
    BulkAction.REMOVE_TAG: "tags",
    BulkAction.ADD_KIND: "kinds",
    BulkAction.REMOVE_KIND: "kinds",
    BulkAction.STATUS: "status",
    BulkAction.ADD_PRIORITY: "priority_departments",
    BulkAction.REMOVE_PRIORITY: "priority_departments",
    BulkAction.ADD_TRAIT: "traits",
    BulkAction.REMOVE_TRAIT: "traits",
    BulkAction.ADD_NOTE: "fixed_note",
    BulkAction.SET_NOTE: "fixed_note",
}
"""The path of the field that each action changes; a deletion has none."""


class BulkOptions(BaseModel):
    """The options of a change of many: what to do, and to whom."""

    model_config = ConfigDict(frozen=True)

    action: BulkAction
    value: str = ""
    """The id of a tag or department, a kind, a status, or a text; empty for a deletion."""
    query: StoredQuery | None = None
    """The search that has to find a registration still when it is changed.

    None if each registration was chosen by itself.
    """

    @property
    def summary(self) -> "BulkOptions":
        """The action alone, without texts that may name a person."""
        return BulkOptions(action=self.action)


class Skip(StrEnum):
    """The reasons why a registration stays as it is although it was chosen."""

    GONE = "gone"
    """It was deleted meanwhile."""
    ANONYMISED = "anonymised"
    NOT_FOUND = "not_found"
    """The search does not find it any more."""
    ONLY_KIND = "only_kind"
    """A registration has a kind, so the only one is not removed."""
    TRAITS_FULL = "traits_full"
    NOTE_FULL = "note_full"
    BUSY = "busy"
    """Others have changed it time after time, just when it was to be written."""


@dataclass(frozen=True, slots=True)
class Deletion:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Same:
    """The registration has the value already."""


Planned = Update | Deletion | Same | Skip


def plan_change(
    now: Registration | None, options: BulkOptions, provenance: Provenance, *, is_found: bool
) -> Planned:
    """Return what the change does to one registration; None is one that is deleted.

    is_found: False when the search of the options does not find it any more.
    """
    if now is None:
        return Skip.GONE
    if now.name == ANONYMISED_NAME:
        return Skip.ANONYMISED
    if options.action is BulkAction.DELETE:
        return Deletion(now) if is_found else Skip.NOT_FOUND
    path = PATHS[options.action]
    before = now.value(path)
    after = _after(now, options.action, options.value)
    if after == before:
        return Same()
    if not is_found:
        return Skip.NOT_FOUND
    if isinstance(after, Skip):
        return after
    change = Change(path, before, after)
    return Update(now, now.with_values({path: after}, updated=provenance), (change,))


def is_valid(options: BulkOptions, *, tags: Iterable[Label], departments: Iterable[Label]) -> bool:
    """Return True if the value suits the action; an archived label is only taken away."""
    action, value = options.action, options.value
    match action:
        case BulkAction.ADD_TAG | BulkAction.REMOVE_TAG:
            return _is_label(value, tags, may_be_archived=action is BulkAction.REMOVE_TAG)
        case BulkAction.ADD_PRIORITY | BulkAction.REMOVE_PRIORITY:
            archived = action is BulkAction.REMOVE_PRIORITY
            return _is_label(value, departments, may_be_archived=archived)
        case BulkAction.ADD_KIND | BulkAction.REMOVE_KIND:
            return value in {str(kind) for kind in Kind}
        case BulkAction.STATUS:
            return value in {str(status) for status in Status}
        case BulkAction.ADD_TRAIT | BulkAction.REMOVE_TRAIT:
            traits = read_traits(value)
            return 0 < len(traits) <= TRAITS and max(map(len, traits)) <= TRAIT_LENGTH
        case BulkAction.ADD_NOTE:
            return 0 < len(read_note(value)) <= NOTE_LENGTH
        case BulkAction.SET_NOTE:
            return len(read_note(value)) <= NOTE_LENGTH
        case BulkAction.DELETE:
            return not value


def _is_label(value: str, labels: Iterable[Label], *, may_be_archived: bool) -> bool:
    return any(one.id == value and (may_be_archived or not one.archived) for one in labels)


def _after(now: Registration, action: BulkAction, value: str) -> Value | Skip:
    """Return the new value of the field."""
    match action:
        case BulkAction.ADD_TAG:
            return now.tags | {value}
        case BulkAction.REMOVE_TAG:
            return now.tags - {value}
        case BulkAction.ADD_KIND:
            return now.kinds | {Kind(value)}
        case BulkAction.REMOVE_KIND:
            return now.kinds - {Kind(value)} or Skip.ONLY_KIND
        case BulkAction.STATUS:
            return Status(value)
        case BulkAction.ADD_PRIORITY:
            return now.priority_departments | {value}
        case BulkAction.REMOVE_PRIORITY:
            return now.priority_departments - {value}
        case BulkAction.ADD_TRAIT:
            there = set(map(fold, now.traits))
            new = tuple(trait for trait in read_traits(value) if fold(trait) not in there)
            full = new and len(now.traits) + len(new) > TRAITS
            return Skip.TRAITS_FULL if full else now.traits + new
        case BulkAction.REMOVE_TRAIT:
            gone = set(map(fold, read_traits(value)))
            return tuple(trait for trait in now.traits if fold(trait) not in gone)
        case BulkAction.ADD_NOTE:
            return _with_lines(now.fixed_note, read_note(value))
        case BulkAction.SET_NOTE:
            return read_note(value) or None
        case BulkAction.DELETE:
            raise ValueError("a deletion has no value")


def _with_lines(note: str | None, lines: str) -> str | Skip:
    if not note:
        return lines
    if f"\n{lines}\n" in f"\n{note}\n":
        return note
    longer = f"{note}\n{lines}"
    return longer if len(longer) <= NOTE_LENGTH else Skip.NOTE_FULL
