"""What a registration must have to be found, as checks of a document and as filters of a query."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.registration import Kind, Status
from bot.domain.search import Query
from storage.engine.connection import Document
from storage.engine.ordered import HIGHEST, element_between
from storage.register.search_fields import INACTIVE, KIND, LEFT_ERP, PRIORITY, TAG


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that a registration must have."""

    holds: Callable[[Document], bool]
    """Checks a registration's document."""
    indexed: Document | None = None
    """The filter with an index."""
    other: Document | None = None
    """The filter beside one with an index; None where the server allows only one."""
    lacking: "Condition | None" = None
    """Holds for those that do not have it; only where nearly all have it, so that they are
    counted by who does not."""


def key(beginning: str, *, embedded: bool) -> Condition:
    """Return the condition that a key begins like this."""
    return Condition(
        holds=lambda document: any(word.startswith(beginning) for word in document["words"]),
        indexed=element_between("words", beginning, beginning + HIGHEST, embedded=embedded),
    )


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
    words = [one.indexed for one in conditions if one.other is None and one.indexed]
    query: Document = {"$and": words} if len(words) > 1 else dict(words[0]) if words else {}
    uses_index = bool(words)
    for one in conditions:
        if one.other is not None:
            query |= one.indexed if one.indexed and not uses_index else one.other
            uses_index = uses_index or one.indexed is not None
    return query


def _labels(labels: list[str], other: Document) -> Condition:
    wanted = frozenset(labels)
    return Condition(
        lambda document: not wanted.isdisjoint(document["words"]),
        {"words": _one_of(labels)},
        other,
    )


def _one_of(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else {"$in": list(values)}
