"""getUpdates and webhooks, through a real aiogram Bot."""

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiohttp import ClientSession, web

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import ANA, BRUNO, GROUP, bot_for


async def test_a_long_poll_waits_for_the_first_update(emulator: BotApiEmulator, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await emulator.until(lambda: emulator.calls_of("getUpdates"))
    emulator.send_text(ANA, ANA, "oi")
    [update] = await poll
    assert update.message
    assert update.message.text == "oi"
    assert update.message.from_user
    assert update.message.from_user.full_name == "Ana Souza"


async def test_updates_come_again_until_a_higher_offset_confirms_them(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    for text in ("um", "dois", "três"):
        emulator.send_text(ANA, ANA, text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates()
    assert [update.update_id for update in first] == [1000, 1001]
    assert [update.update_id for update in again] == [1000, 1001, 1002]
    rest = await bot.get_updates(offset=1002)
    assert [update.update_id for update in rest] == [1002]
    assert emulator.pending_updates == 1
    assert emulator.confirmed_update_id == 1001


async def test_a_negative_offset_forgets_all_but_the_last(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    for text in ("um", "dois", "três"):
        emulator.send_text(ANA, ANA, text)
    [last] = await bot.get_updates(offset=-1)
    assert last.message
    assert last.message.text == "três"
    assert emulator.pending_updates == 1


async def test_a_second_get_updates_ends_the_first(emulator: BotApiEmulator, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await emulator.until(lambda: emulator.calls_of("getUpdates"))
    assert await bot.get_updates() == []
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first


async def test_only_allowed_kinds_of_updates_are_queued(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    emulator.send_text(ANA, ANA, "oi")
    assert await bot.get_updates() == []
    await bot.get_updates(allowed_updates=[])
    emulator.send_text(ANA, ANA, "oi")
    assert len(await bot.get_updates()) == 1


class Receiver:
    """A webhook endpoint that gives the answers set by the test."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.headers: dict[str, str] = {}
        self.at: list[float] = []
        self.reply: Any = None
        self.gate: asyncio.Event | None = None
        self.secrets: list[str | None] = []
        self.texts: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        text = update["message"]["text"] if "message" in update else "botão"
        if self.gate is not None and text == "espera":
            await self.gate.wait()
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.texts.append(text)
        self.at.append(asyncio.get_running_loop().time())
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response(self.reply, status=status, headers=self.headers)


@pytest.fixture
async def receiver() -> Any:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    yield receiver, f"http://127.0.0.1:{port}/hook"
    await runner.cleanup()


async def test_a_webhook_gets_updates_with_the_secret_and_again_until_accepted(
    receiver: tuple[Receiver, str],
) -> None:
    endpoint, url = receiver
    async with BotApiEmulator(webhook_second_s=0.0) as emulator:
        emulator.add_user(ANA, "Ana")
        endpoint.statuses = [500, 503]
        emulator.send_text(ANA, ANA, "antes")
        await _call(emulator, "setWebhook", {"url": url, "secret_token": "segredo_1"})
        emulator.send_text(ANA, ANA, "depois")
        await emulator.until(lambda: emulator.pending_updates == 0)
        assert endpoint.texts == ["antes", "antes", "antes", "depois"]
        assert set(endpoint.secrets) == {"segredo_1"}
        info = await _call(emulator, "getWebhookInfo", {})
        assert info["url"] == url
        assert info["last_error_message"].startswith("Wrong response from the webhook: 503")
        # The same again changes nothing; another one forgets the last error.
        await _call(emulator, "setWebhook", {"url": url, "secret_token": "segredo_1"})
        assert "last_error_message" in await _call(emulator, "getWebhookInfo", {})
        await _call(emulator, "setWebhook", {"url": url, "secret_token": "segredo_2"})
        assert "last_error_message" not in await _call(emulator, "getWebhookInfo", {})


async def test_a_webhook_keeps_the_order_within_a_chat_and_not_between_chats(
    receiver: tuple[Receiver, str],
) -> None:
    endpoint, url = receiver
    endpoint.gate = asyncio.Event()
    async with BotApiEmulator() as emulator:
        emulator.add_user(ANA, "Ana")
        emulator.add_user(BRUNO, "Bruno")
        await _call(emulator, "setWebhook", {"url": url})
        button = {"inline_keyboard": [[{"text": "Sim", "callback_data": "s"}]]}
        asked = {"chat_id": ANA, "text": "?", "reply_markup": button}
        emulator.send_text(ANA, ANA, "espera")
        emulator.send_text(ANA, ANA, "depois")
        emulator.send_text(BRUNO, BRUNO, "enquanto isso")
        message = await _call(emulator, "sendMessage", asked)
        emulator.press(ANA, ANA, message["message_id"], text="Sim")
        await emulator.until(lambda: emulator.pending_updates == 2)
        endpoint.gate.set()
        await emulator.until(lambda: emulator.pending_updates == 0)
        assert sorted(endpoint.texts[:2]) == ["botão", "enquanto isso"]
        assert endpoint.texts[2:] == ["espera", "depois"]


async def test_repeats_wait_longer_and_longer_or_as_long_as_the_webhook_asks(
    receiver: tuple[Receiver, str],
) -> None:
    endpoint, url = receiver
    async with BotApiEmulator(webhook_second_s=0.02) as emulator:
        emulator.add_user(ANA, "Ana")
        await _call(emulator, "setWebhook", {"url": url, "max_connections": 1})
        for headers, waits in (({}, (0, 2, 4)), ({"Retry-After": "3"}, (3, 3, 3))):
            endpoint.statuses, endpoint.headers, endpoint.at = [503] * 3, headers, []
            emulator.send_text(ANA, ANA, "oi")
            await emulator.until(lambda: emulator.pending_updates == 0)
            apart = [after - at for at, after in zip(endpoint.at, endpoint.at[1:], strict=False)]
            # At least so long: on a busy machine it is longer.
            assert all(took >= 0.02 * least for took, least in zip(apart, waits, strict=True))


async def test_a_webhook_reply_may_call_a_method(receiver: tuple[Receiver, str]) -> None:
    endpoint, url = receiver
    async with BotApiEmulator() as emulator:
        emulator.add_user(ANA, "Ana")
        endpoint.reply = {"method": "sendMessage", "chat_id": ANA, "text": "olá"}
        await _call(emulator, "setWebhook", {"url": url})
        emulator.send_text(ANA, ANA, "oi")
        message = await emulator.until(lambda: emulator.messages(ANA)[1])
        assert message["text"] == "olá"


async def _call(emulator: BotApiEmulator, method: str, params: dict[str, Any]) -> Any:
    async with (
        ClientSession() as session,
        session.post(f"{emulator.url}/bot{emulator.token}/{method}", json=params) as response,
    ):
        answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]


async def test_get_updates_is_refused_while_a_webhook_is_set(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.send_text(ANA, ANA, "oi")
    await bot.set_webhook("http://127.0.0.1:9/hook", allowed_updates=["message"])
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook"):
        await bot.get_updates()
    await emulator.until(lambda: emulator._server.webhook.info().get("last_error_message"))
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Connection refused"
    assert info.pending_update_count == 1
    assert info.allowed_updates == ["message"]
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_setting_a_webhook_ends_a_long_poll(emulator: BotApiEmulator, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await emulator.until(lambda: emulator.calls_of("getUpdates"))
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await poll


@pytest.mark.parametrize(
    ("url", "secret", "says"),
    [
        ("ftp://a.br", "", "invalid webhook URL specified"),
        ("https://a.br:x", "", "invalid webhook URL specified"),
        ("https://a.br", "não", "secret token contains unallowed characters"),
        ("https://a.br", "a" * 257, "secret token is too long"),
        ("http://a.br", "", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://a.br:8080", "", "bad webhook: Webhook can be set up only on ports 80, 88, 443"),
    ],
)
async def test_a_bad_webhook_is_refused(bot: Bot, url: str, secret: str, says: str) -> None:
    with pytest.raises(TelegramBadRequest, match=says):
        await bot.set_webhook(url, secret_token=secret)
    assert not (await bot.get_webhook_info()).url


async def test_a_webhook_is_set_once_a_second_and_one_that_is_refused_leaves_none() -> None:
    async with BotApiEmulator(webhook_second_s=0.0) as emulator:
        await _call(emulator, "setWebhook", {"url": "http://127.0.0.1:9/hook"})
        with pytest.raises(AssertionError, match="invalid webhook URL"):
            await _call(emulator, "setWebhook", {"url": "ftp://a.br"})
        assert not (await _call(emulator, "getWebhookInfo", {}))["url"]
    async with BotApiEmulator(webhook_second_s=300.0) as emulator:
        await _call(emulator, "setWebhook", {"url": "http://127.0.0.1:9/hook"})
        with pytest.raises(AssertionError, match="retry after 1"):
            await _call(emulator, "setWebhook", {"url": "http://127.0.0.1:9/other"})


async def test_stopping_ends_a_long_poll() -> None:
    emulator = BotApiEmulator()
    await emulator.start()
    bot = bot_for(emulator)
    poll = asyncio.create_task(bot.get_updates(timeout=50))
    await emulator.until(lambda: emulator.calls_of("getUpdates"))
    await emulator.stop()
    assert await poll == []
    await bot.session.close()


async def test_an_edited_message_is_an_update_of_its_own(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = emulator.send_text(ANA, ANA, "390.533.447-06")
    emulator.edit_text(ANA, ANA, sent["message_id"], "390.533.447-05")
    [_, edited] = await bot.get_updates()
    assert edited.edited_message
    assert edited.edited_message.text == "390.533.447-05"
    assert edited.edited_message.message_id == sent["message_id"]
    assert edited.edited_message.edit_date


async def test_the_bot_gets_no_update_for_what_it_says(emulator: BotApiEmulator, bot: Bot) -> None:
    sent = await bot.send_message(ANA, "oi")
    await bot.edit_message_text("olá", chat_id=ANA, message_id=sent.message_id)
    await bot.send_message(GROUP, "oi")
    assert await bot.get_updates() == []
