"""The checks of tests/flows/flood.py, on hand-made transcripts and on a real flood."""

from collections.abc import Sequence

import pytest

from bot.demo.bot_api import BotApiEmulator
from tests.flows.flood import (
    Mark,
    Message,
    arrive,
    crowd,
    lags,
    marks_in,
    pour,
    troubles,
    watching,
)

PEOPLE = crowd(2)
GROUP = -1001000000001
SENT = [Mark(who, nth) for who in range(2) for nth in range(3)]


def card(who: int) -> Message:
    text = f"🟡 Cliente {who:02}\n{PEOPLE[who].tax_id}"
    return {"text": text, "reply_markup": {"inline_keyboard": []}}


def said(*marks: str) -> Message:
    """Return one message that joins the texts of these marks."""
    return {"text": "\n".join(f"[{mark}] sem internet" for mark in marks)}


GOOD = [
    card(0),
    said("00-00"),
    card(1),
    said("01-00", "01-01"),
    said("00-01"),
    said("01-02"),
    said("00-02"),
]


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        (GOOD, []),
        ([*GOOD, said("00-02")], []),
        ([*GOOD, said("00-00")], []),
        ([*GOOD, {"text": "ok", "reply_to_message": said("00-00")}], []),
        ([*GOOD[:2], {"caption": "[00-01] foto"}, *GOOD[2:4], *GOOD[5:]], []),
        (GOOD[:-1], ["[00-02] is lost"]),
        ([*GOOD, said("00-02"), said("00-02")], ["[00-02] is there 3 times"]),
        ([*GOOD, said("01-03")], ["[01-03] was never sent"]),
        (
            [*GOOD[:3], said("01-01", "01-00"), *GOOD[4:]],
            ["[01-00] stands below [01-01]"],
        ),
        (
            [*GOOD[:4], said("00-02"), said("01-02"), said("00-01")],
            ["[00-01] stands below [00-02]"],
        ),
        (GOOD[1:], ["customer 00 has no card"]),
        ([*GOOD[1:], card(0)], ["customer 00 has texts above their card"]),
        ([card(1), *GOOD[1:2], card(0), *GOOD[3:]], ["customer 00 has texts above their card"]),
        ([], [f"{mark} is lost" for mark in SENT]),
    ],
)
def test_the_reader_finds_what_is_wrong_and_nothing_else(
    messages: Sequence[Message], found: list[str]
) -> None:
    assert troubles(messages, SENT, PEOPLE) == found


def test_lags_are_counted_from_sending_to_the_first_sight() -> None:
    sent = {Mark(0, number): float(number) for number in range(21)}
    seen = {mark: at + at / 10 for mark, at in sent.items() if mark.number < 20}
    found = lags(sent, seen)
    assert (found.count, found.missing) == (20, 1)
    assert found.median_s == pytest.approx(0.95)
    assert found.p95_s == pytest.approx(1.805)
    assert found.longest_s == pytest.approx(1.9)
    assert lags(sent, {}).missing == 21


async def test_a_crowd_writes_in_order_and_is_seen_where_it_is_relayed() -> None:
    people = crowd()
    assert len({person.tax_id for person in people}) == 30
    async with BotApiEmulator() as emulator:
        for person in people:
            emulator.add_user(
                person.user_id, person.first_name, person.last_name, phone=person.phone
            )
        emulator.add_user(1, "Bia")
        emulator.add_group(GROUP, "Atendimento", members=(1,))
        async with watching(emulator, GROUP) as seen:
            arrive(emulator, people)
            sent = await pour(emulator, people, each=10, within_s=0.0)
            assert len(sent) == 300
            for number, person in enumerate(people):
                hello, document, contact, *texts = emulator.messages(person.user_id)
                assert (hello["text"], document["text"]) == ("/start", person.tax_id)
                assert contact["contact"]["user_id"] == person.user_id
                written = [marks_in(message) for message in texts]
                assert written == [[Mark(number, nth)] for nth in range(10)]
                emulator.send_text(1, GROUP, "\n".join(str(mark) for [mark] in written))
            await emulator.until(lambda: len(seen) == 300)
        assert lags(sent, seen).missing == 0
