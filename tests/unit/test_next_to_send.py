"""The choice of the next messages to send in a chat."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.outgoing import (
    TEXT_LENGTH,
    File,
    Outgoing,
    OutgoingKind,
    Priority,
    next_to_send,
    telegram_length,
)
from bot.runtime.sending.chat_queue import ChatQueue
from tests.storage.records import NOW

FILE = File(type="photo", file_id="f1", has_spoiler=False, show_caption_above_media=False)


def item(number: int, conversation: str = "a", **values: Any) -> Outgoing:
    required = {
        "id": str(number),
        "chat_id": -100,
        "conversation_id": conversation,
        "what": OutgoingKind.TEXT,
        "priority": Priority.CUSTOMER,
        "order": number,
        "put_at": NOW,
        "length": 10,
    }
    return Outgoing.model_validate(required | values)


CARD = {"what": OutgoingKind.CARD, "priority": Priority.CARD}
REFRESH = {"what": OutgoingKind.REFRESH, "priority": Priority.PROGRESS}
COPY = {"what": OutgoingKind.COPY}
SAY = {"what": OutgoingKind.SAY, "priority": Priority.ANSWER}


def order(
    items: Sequence[Outgoing], *, is_late: bool = False, is_whole: bool = True
) -> list[list[str]]:
    """Return the ids in sending order, one list per batch."""
    waiting, left = list(items), []
    while batch := next_to_send(waiting, is_late=is_late, is_whole=lambda _: is_whole):
        left.append([one.id for one in batch])
        waiting = [one for one in waiting if one not in batch]
    return left


def test_cards_first_then_customers_then_answers_then_edits():
    items = [
        item(1, "a", **REFRESH),
        item(2, "b", **SAY),
        item(3, "c"),
        item(4, "d", **CARD),
        item(5, "e", **CARD),
        item(6, "d"),
    ]
    assert order(items) == [["4"], ["5"], ["3"], ["6"], ["2"], ["1"]]


def test_within_a_conversation_nothing_overtakes():
    items = [item(1, **SAY), item(2), item(3, **COPY), item(4, "b")]
    assert order(items) == [["4"], ["1"], ["2"], ["3"]]


def test_only_when_late_texts_of_one_customer_become_one():
    items = [item(1), item(2, "b"), item(3), item(4, **COPY), item(5), item(6)]
    assert order(items) == [["1"], ["2"], ["3"], ["4"], ["5"], ["6"]]
    assert order(items, is_late=True) == [["1", "3"], ["2"], ["4"], ["5", "6"]]


def test_texts_of_attendants_stay_apart_even_when_late():
    items = [item(1, priority=Priority.ANSWER), item(2, priority=Priority.ANSWER)]
    assert order(items, is_late=True) == [["1"], ["2"]]


def test_a_reply_stays_a_reply():
    items = [item(1), item(2, reply_to=7), item(3)]
    assert order(items, is_late=True) == [["1"], ["2", "3"]]


def test_no_message_becomes_longer_than_telegram_takes():
    items = [item(1, length=4000), item(2, length=90), item(3, length=90, header="x" * 9)]
    assert order(items, is_late=True) == [["1", "2"], ["3"]]


def test_an_album_leaves_whole_and_only_then():
    items = [
        item(n, what=OutgoingKind.PART, album="x" if n < 4 else "y", file=FILE)
        for n in range(1, 6)
    ]
    items += [item(6), item(7, "b")]
    assert order(items, is_whole=False) == [["7"]], "others need not wait for it, its own do"
    assert order(items) == [["1", "2", "3"], ["4", "5"], ["6"], ["7"]]


def test_an_album_has_ten_at_most():
    items = [item(n, what=OutgoingKind.PART, album="x", file=FILE) for n in range(12)]
    assert [len(batch) for batch in order(items)] == [10, 2]


def test_length_is_telegrams():
    assert telegram_length("ação") == 4
    assert telegram_length("🔴") == 2


kinds = st.sampled_from([{}, CARD, REFRESH, COPY, SAY, {"reply_to": 5}])


@given(
    st.lists(st.tuples(st.sampled_from("abc"), kinds, st.integers(1, TEXT_LENGTH))),
    st.booleans(),
)
def test_everything_leaves_once_and_in_order(
    wanted: list[tuple[str, dict[str, Any], int]], is_late: bool
):
    items = [
        item(number, conversation, **({"length": length} | values))
        for number, (conversation, values, length) in enumerate(wanted)
    ]
    left = [int(one) for batch in order(items, is_late=is_late) for one in batch]
    assert sorted(left) == list(range(len(items)))
    for conversation in "abc":
        of_it = [
            n
            for n in left
            if items[n].conversation_id == conversation
            and items[n].what not in (OutgoingKind.CARD, OutgoingKind.REFRESH)
        ]
        assert of_it == sorted(of_it)


def test_a_refresh_does_not_take_the_buttons_from_an_earlier_message():
    """Each does what the other would not; a second one of the same is redundant."""
    for waiting, new, is_redundant in ((0, 0, True), (0, 7, False), (7, 0, False), (7, 7, True)):
        queue = ChatQueue()
        queue.items["1"] = item(1, **REFRESH, below=waiting)
        assert queue.makes_redundant(item(2, **REFRESH, below=new)) is is_redundant
