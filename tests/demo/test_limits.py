"""Telegram's rate limits for a bot's messages."""

from collections.abc import Awaitable, Callable

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import BufferedInputFile, InputMediaPhoto
from aiohttp import ClientSession

from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.errors import ApiError
from bot.demo.bot_api.limits import Limit, Limits
from tests.demo.conftest import ANA, FORUM, GROUP

OTHER_GROUP = -1001000000009


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


def limits_of(limit: Limit, clock: Seconds) -> Limits:
    limits = Limits(clock=clock)
    limits.set(limit)
    return limits


def refused_for(limits: Limits, chat_id: int, messages: int = 1) -> int | None:
    """Return the seconds that the call must wait, or None if it was let through."""
    try:
        limits.count(chat_id, messages)
    except ApiError as refusal:
        return refusal.parameters["retry_after"]
    return None


def test_a_group_takes_twenty_in_any_minute_and_each_group_its_own(clock: Seconds) -> None:
    limits = limits_of(Limit(per_chat=0, overall=0), clock)
    for _ in range(10):
        limits.count(GROUP)
    clock.now += 30
    limits.count(GROUP, 10)
    assert refused_for(limits, GROUP) == 30
    assert refused_for(limits, GROUP, 10) == 30
    assert refused_for(limits, GROUP, 11) == 60
    assert refused_for(limits, OTHER_GROUP) is None
    assert refused_for(limits, ANA, 40) is None
    clock.now += 29.5
    assert refused_for(limits, GROUP) == 1
    clock.now += 0.5
    assert refused_for(limits, GROUP, 10) is None
    assert limits.peaks.group == {GROUP: 20, OTHER_GROUP: 1}


def test_a_chat_takes_a_burst_and_then_one_a_second(clock: Seconds) -> None:
    limits = limits_of(Limit(per_group=0, overall=0, burst=3), clock)
    assert [refused_for(limits, ANA) for _ in range(5)] == [None, None, None, 1, 1]
    clock.now += 1
    assert [refused_for(limits, ANA) for _ in range(2)] == [None, 1]
    clock.now += 60
    assert [refused_for(limits, ANA) for _ in range(4)] == [None, None, None, 1]
    assert limits.peaks.chat == {ANA: 3}


def test_all_chats_together_take_thirty_a_second(clock: Seconds) -> None:
    limits = limits_of(Limit(per_group=0, per_chat=0), clock)
    refused = [refused_for(limits, 100 + number) for number in range(32)]
    assert refused == [None] * 30 + [1, 1]
    clock.now += 1
    assert refused_for(limits, ANA) is None
    assert limits.peaks.overall == 30


def test_a_call_larger_than_a_limit_is_let_through_once_nothing_else_counts(
    clock: Seconds,
) -> None:
    limits = limits_of(Limit(per_group=20, per_chat=1, burst=3, overall=30), clock)
    limits.count(GROUP)
    assert refused_for(limits, GROUP, 40) == 60
    clock.now += 60
    assert refused_for(limits, GROUP, 40) is None
    clock.now += 10
    # The 40 messages exceeded the burst of 3 by 37; the next one waits until that is made up.
    assert refused_for(limits, GROUP) == 50


def test_a_minute_can_be_shorter_but_a_wait_is_whole_seconds(clock: Seconds) -> None:
    limits = limits_of(Limit(per_group=2, minute_s=0.3, second_s=0.005, burst=5), clock)
    limits.count(GROUP, 2)
    assert refused_for(limits, GROUP) == 1
    clock.now += 0.31
    assert refused_for(limits, GROUP) is None


def test_peaks_are_seen_without_a_limit_and_begin_anew_with_one(clock: Seconds) -> None:
    limits = Limits(clock=clock)
    for _ in range(50):
        limits.count(GROUP)
        clock.now += 0.5
    assert limits.peaks.group == {GROUP: 50}
    assert limits.peaks.chat == {GROUP: 2}
    limits.set(Limit())
    assert limits.peaks.group == {}


Call = Callable[[Bot], Awaitable[object]]


def _photos(count: int) -> list[InputMediaPhoto]:
    file = BufferedInputFile(b"jpg", "foto.jpg")
    return [InputMediaPhoto(media=file) for _ in range(count)]


@pytest.mark.parametrize(
    ("call", "method"),
    [
        (lambda bot: bot.send_message(FORUM, "oi"), "sendMessage"),
        (lambda bot: bot.send_document(FORUM, BufferedInputFile(b"x", "x")), "sendDocument"),
        (lambda bot: bot.edit_message_text("b", chat_id=FORUM, message_id=1), "editMessageText"),
        (
            lambda bot: bot.edit_message_reply_markup(chat_id=FORUM, message_id=2),
            "editMessageReplyMarkup",
        ),
        (lambda bot: bot.copy_message(FORUM, FORUM, 1), "copyMessage"),
        (lambda bot: bot.copy_messages(FORUM, FORUM, [1, 2]), "copyMessages"),
        (lambda bot: bot.forward_message(FORUM, FORUM, 1), "forwardMessage"),
        (lambda bot: bot.send_media_group(FORUM, _photos(2)), "sendMediaGroup"),
        (lambda bot: bot.create_forum_topic(FORUM, "Ana"), "createForumTopic"),
    ],
)
async def test_every_way_of_writing_counts_and_leaves_nothing_when_refused(
    emulator: BotApiEmulator, bot: Bot, call: Call, method: str
) -> None:
    button = {"inline_keyboard": [[{"text": "Ver", "callback_data": "v"}]]}
    await bot.send_message(FORUM, "a")
    await bot.send_message(FORUM, "a", reply_markup=button)  # type: ignore[arg-type]
    emulator.limit_groups(3)
    for _ in range(2):
        await bot.send_message(FORUM, "x")
    if method not in {"copyMessages", "sendMediaGroup"}:
        await bot.send_message(FORUM, "x")
    before = emulator.messages(FORUM)
    with pytest.raises(TelegramRetryAfter) as refusal:
        await call(bot)
    assert 55 <= refusal.value.retry_after <= 60
    assert emulator.messages(FORUM) == before
    assert emulator.limits.refused == {(method, str(FORUM)): 1}


async def test_an_album_takes_as_much_room_as_it_has_pictures(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.limit(per_chat=0)
    await bot.send_media_group(GROUP, _photos(10))
    sent = await bot.send_media_group(GROUP, _photos(9))
    with pytest.raises(TelegramRetryAfter):
        await bot.copy_messages(GROUP, GROUP, [sent[0].message_id, sent[1].message_id])
    await bot.copy_message(GROUP, GROUP, sent[0].message_id)
    assert emulator.limits.peaks.group == {GROUP: 20}


async def test_the_limits_can_be_switched_and_read_over_http(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    async with ClientSession(emulator.url) as http:
        async with http.post("/demo/api/limit", json={"burst": 1, "second_s": 60}) as response:
            assert response.status == 200
        await bot.send_message(GROUP, "oi")
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(GROUP, "oi")
        async with http.get("/demo/api/limits") as response:
            seen = await response.json()
        assert seen == {
            "refused": [{"method": "sendMessage", "chat_id": str(GROUP), "times": 1}],
            "peaks": {"group": {str(GROUP): 1}, "chat": {str(GROUP): 1}, "overall": 1},
        }
        async with http.post("/demo/api/limit", json={"per_hour": 1}) as response:
            assert response.status == 409
