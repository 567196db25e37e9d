"""Injected failures, Telegram's group limit, and waits for messages."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import ANA, GROUP, bot_for


async def test_a_planned_failure_hits_the_named_method_and_chat_once(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.fail_next("sendMessage", 429, retry_after=7, chat_id=GROUP)
    await bot.send_message(ANA, "oi")
    with pytest.raises(TelegramRetryAfter, match="Too Many Requests: retry after 7") as refusal:
        await bot.send_message(GROUP, "oi")
    assert refusal.value.retry_after == 7
    await bot.send_message(GROUP, "oi")


async def test_a_failure_can_come_several_times_and_for_any_method(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.fail_next("*", 502, "Bad Gateway", times=2)
    for _ in range(2):
        with pytest.raises(TelegramServerError, match="Bad Gateway"):
            await bot.get_me()
    await bot.get_me()
    with pytest.raises(ValueError, match="retry_after"):
        emulator.fail_next("getMe", 429)


async def test_a_lost_reply_leaves_the_message_sent(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.fail_next("sendMessage", 500, after=True)
    with pytest.raises(TelegramServerError):
        await bot.send_message(ANA, "oi")
    assert len(emulator.messages(ANA)) == 1


async def test_a_hanging_call_ends_when_the_caller_or_the_emulator_gives_up() -> None:
    emulator = BotApiEmulator()
    await emulator.start()
    bot = bot_for(emulator)
    emulator.fail_next("getMe", hang=True)
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.get_me(request_timeout=0.05)  # type: ignore[arg-type]
    # The emulator may never receive the first call; the test waits until it has the second.
    emulator.fail_next("sendMessage", hang=True)
    hanging = asyncio.create_task(bot.send_message(ANA, "oi"))
    await emulator.until(lambda: emulator.calls_of("sendMessage"))
    await emulator.stop()
    with pytest.raises(TelegramNetworkError):
        await hanging
    await bot.session.close()


async def test_a_slow_call_still_works(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.fail_next("sendMessage", delay_s=0.01)
    assert (await bot.send_message(ANA, "oi")).text == "oi"


async def test_a_group_takes_twenty_messages_a_minute_when_the_limit_is_on(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.limit_groups(20)
    sent = [await bot.send_message(GROUP, str(number)) for number in range(19)]
    await bot.edit_message_text("x", chat_id=GROUP, message_id=sent[0].message_id)
    with pytest.raises(TelegramRetryAfter) as refusal:
        await bot.send_message(GROUP, "demais")
    assert 1 <= refusal.value.retry_after <= 60
    await bot.send_message(ANA, "em particular pode")
    emulator.limit_groups(0)
    await bot.send_message(GROUP, "agora pode")


async def test_what_the_emulator_cannot_do_is_said(bot: Bot) -> None:
    with pytest.raises(TelegramServerError, match="the emulator does not know parse_mode"):
        await bot.send_message(ANA, "*oi*", parse_mode="MarkdownV2")
    with pytest.raises(TelegramBadRequest, match="unsupported parse_mode"):
        await bot.send_message(ANA, "*oi*", parse_mode="BBCode")


async def test_waiting_gives_up_with_the_last_messages(emulator: BotApiEmulator) -> None:
    emulator.send_text(ANA, ANA, "alguém aí?")
    with pytest.raises(TimeoutError, match="alguém aí"):
        await emulator.until(lambda: emulator.messages(ANA)[1], timeout_s=0.01)


async def test_calls_are_kept_but_not_for_ever(emulator: BotApiEmulator, bot: Bot) -> None:
    await bot.send_message(ANA, "oi")
    [call] = emulator.calls_of("sendMessage")
    assert call.params["text"] == "oi"
    assert emulator.calls.maxlen
    emulator.record_calls = False
    await bot.send_message(ANA, "oi")
    assert len(emulator.calls) == 1


async def test_a_chat_keeps_a_bounded_history() -> None:
    emulator = BotApiEmulator(history_limit=3)
    emulator.add_user(ANA, "Ana")
    for number in range(5):
        emulator.send_text(ANA, ANA, str(number))
    assert [message["text"] for message in emulator.messages(ANA)] == ["2", "3", "4"]
