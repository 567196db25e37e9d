"""What a registration must have to be found, as checks of a document and as filters of a query."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.registration import Kind, Status
from bot.domain.search import Query
from storage.engine.connection import Document
from storage.engine.key_space import HIGHEST
from storage.engine.ordered import element_between
from storage.register.search_fields import INACTIVE, KIND, LEFT_ERP, PRIORITY, TAG

FIELDS: Final = ("sort_name", "words", "status", "kinds", "tags", "priority_departments")
"""What `Condition.holds` reads, but for those of a document."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Condition:
    """Something that a registration must have. Two are never equal."""

    holds: Callable[[Document], bool]
    """Checks a registration's document."""
    indexed: Document | None = None
    """The filter with an index."""
    other: Document | None = None
    """The filter beside one with an index; None where the server allows only one."""
    lacking: "Condition | None" = None
    """Holds for those that do not have it; only where nearly all have it, so that they are
    counted by who does not."""
    names: tuple[str, str] | None = None
    """The bounds of the place in the list by name, of a condition that is a part of that list."""
    either: "tuple[Condition, Condition] | None" = None
    """It holds if one of these does, and no index is for both."""


def typed(beginning: str, *, embedded: bool) -> Condition:
    """Return the condition that a key begins like this.

    The first word of a name is no key: those whose name begins so are a part of the list by name.
    """
    later = _key(beginning, embedded=embedded)
    if not beginning[0].isalnum():
        return later
    low, high = beginning, beginning + HIGHEST
    names = {"sort_name": {"$gte": low, "$lt": high}}
    begins = Condition(
        lambda document: str(document["sort_name"]).startswith(beginning),
        indexed=names,
        other=names,
        names=(low, high),
    )
    return Condition(
        lambda document: begins.holds(document) or later.holds(document), either=(begins, later)
    )


def parts(conditions: Sequence[Condition]) -> list[list[Condition]]:
    """Return the same as alternatives, each of which has an index for every word.

    One word at most begins the name.
    """
    words = [one.either for one in conditions if one.either]
    rest = [one for one in conditions if not one.either]
    if not words:
        return [rest]
    found = [[later for _, later in words] + rest]
    for place, (begins, _) in enumerate(words):
        others = [later for other, (_, later) in enumerate(words) if other != place]
        found.append([begins, *others, *rest])
    return found


def tagged(tags: Iterable[str]) -> Condition:
    """Return the condition that a registration has one of these tags."""
    ids = sorted(tags)
    return _labels([f"{TAG}{tag}" for tag in ids], {"tags": _one_of(ids)})


def of_filters(query: Query) -> list[Condition]:
    """Return what the filters ask for, the rarest first as a rule."""
    conditions = []
    if query.without_tag:
        # Those without a tag have no key, as they may be nearly all.
        tags = query.tags
        conditions.append(
            Condition(
                lambda document: not document["tags"] or not tags.isdisjoint(document["tags"]),
                other={"tags": _one_of([[], *sorted(tags)])},
            )
        )
    elif query.tags:
        conditions.append(tagged(query.tags))
    if query.departments:
        departments = query.departments
        ids = {"priority_departments": _one_of(sorted(departments))}
        conditions.append(
            Condition(
                lambda document: not departments.isdisjoint(document["priority_departments"]),
                {"words": PRIORITY} | ids,
                ids,
            )
        )
    elif query.priority:
        conditions.append(_labels([PRIORITY], {"priority_departments": {"$ne": []}}))
    if query.left_erp:
        lost = {"lost_refs": {"$exists": True}, "status": str(Status.ACTIVE)}
        conditions.append(_labels([LEFT_ERP], lost))
    inactive = _labels([INACTIVE], {"status": str(Status.INACTIVE)})
    if query.statuses == {Status.INACTIVE}:
        conditions.append(inactive)
    if query.kinds:
        conditions.append(_of_kinds(query.kinds))
    if query.statuses == {Status.ACTIVE}:
        # Those that are active have no key, as nearly all are.
        status = str(Status.ACTIVE)
        conditions.append(
            Condition(lambda d: d["status"] == status, other={"status": status}, lacking=inactive)
        )
    return conditions


def _of_kinds(kinds: frozenset[Kind]) -> Condition:
    wanted, others = sorted(map(str, kinds)), sorted(map(str, {*Kind} - kinds))
    condition = _labels([f"{KIND}{kind}" for kind in wanted], {"kinds": _one_of(wanted)})
    if Kind.CUSTOMER not in kinds or not others:
        return condition
    # Everybody has a kind, so who has none of these has another.
    without = {"kinds": {"$nin": wanted}}
    beside = {"words": _one_of([f"{KIND}{kind}" for kind in others])} | without
    return replace(
        condition,
        lacking=Condition(lambda one: kinds.isdisjoint(one["kinds"]), beside, without),
    )


def all_hold(document: Document, conditions: Iterable[Condition]) -> bool:
    return all(one.holds(document) for one in conditions)


def together(conditions: Sequence[Condition]) -> Document:
    """Return one filter, in which the first condition that has an index uses it."""
    # Some can be nothing but read along the index; else the first that can is.
    keys = [one for one in conditions if one.indexed and one.other is None]
    first = keys or [one for one in conditions if one.indexed][:1]
    filters = [one.indexed for one in first]
    filters += [one.other for one in conditions if one not in first]
    query: Document = {}
    for one in filters:
        # Beside another one, a key at the top is what the Rust server reads along all the same.
        is_beside = bool(query and one and "words" in one)
        if one and query.keys().isdisjoint(one) and not is_beside:
            query |= one
        elif one:
            # Also of two tags, one of which is in the text and the other among the filters.
            query.setdefault("$and", []).append(one)
    return query


def beside(asked: Sequence[Sequence[Condition]]) -> Document | None:
    """Return the filter for what has all conditions of one of these, to be read along another
    index; None where the server allows only one."""
    each: list[Document] = []
    for conditions in asked:
        choices = [[choice.other for choice in one.either or (one,)] for one in conditions]
        if any(None in others for others in choices):
            return None
        each.append({"$and": [_one_filter(list(filter(None, others))) for others in choices]})
    return _one_filter(each)


def _one_filter(filters: Sequence[Document]) -> Document:
    return {"$or": filters} if len(filters) > 1 else filters[0]


def _key(beginning: str, *, embedded: bool) -> Condition:
    between = element_between("words", beginning, beginning + HIGHEST, embedded=embedded)
    return Condition(
        holds=lambda document: any(word.startswith(beginning) for word in document["words"]),
        indexed=between,
        other=None if embedded else between,
    )


def _labels(labels: list[str], other: Document) -> Condition:
    wanted = frozenset(labels)
    return Condition(
        lambda document: not wanted.isdisjoint(document["words"]),
        {"words": _one_of(labels)},
        other,
    )


def _one_of(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else {"$in": list(values)}
