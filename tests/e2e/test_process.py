"""The process is killed, stopped and started again, and no message is lost."""

import random
import re
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.faults import Raw
from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from handlers.customer import texts
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.e2e.process import balcao_run
from tests.patience import HANG_S

GROUP_ID = -1001000000001
CHATS = 10
WORDS = 6
KILLS = 3


@pytest.fixture
def settings(telegram: BotApiEmulator, erp: IxcEmulator, data_dir: Path) -> dict[str, str]:
    telegram.add_user(4001, "Dora", started=True)
    telegram.add_group(GROUP_ID, "Atendimento", members=(4001,), bot="administrator")
    return {
        "BALCAO_BOT_TOKEN": telegram.token,
        "BALCAO_TELEGRAM_API_URL": telegram.url,
        "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
        "BALCAO_ADMIN_IDS": "4001",
        "BALCAO_DATA_DIR": str(data_dir),
        "BALCAO_ERP_KIND": "ixc",
        "BALCAO_SYNC_INTERVAL_MINUTES": "0",
        "BALCAO_ERP_URL": erp.url,
        "BALCAO_ERP_TOKEN": CREDENTIAL,
        "BALCAO_HTTP_PORT": "0",
        "BALCAO_LOG_LEVEL": "DEBUG",
        "BALCAO_LOG_FORMAT": "json",
    }


# So short a minute is no limit: another test covers the group's rate limit.
NO_LIMITS = 0.001


def _script(chat: int) -> list[str]:
    """Return the ten messages of one customer: four before the conversation, six in it."""
    return [
        "oi",
        make_cpf(200000000 + chat).masked,
        texts.SKIP,
        f"Pessoa {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[chat]}",
        *(f"c{chat} m{number}" for number in range(WORDS)),
    ]


async def test_killed_three_times_every_update_is_handled_in_order(
    telegram: BotApiEmulator, settings: dict[str, str], tmp_path: Path
):
    chance = random.Random(20261124)  # noqa: S311 - moments, not secrets
    for chat in range(CHATS):
        telegram.add_user(6000 + chat, f"Fulano {chat}")
    for step in range(len(_script(0))):
        for chat in range(CHATS):
            telegram.send_text(6000 + chat, 6000 + chat, _script(chat)[step])
    assert telegram.pending_updates == CHATS * (4 + WORDS)

    sent_before = 0
    for _ in range(KILLS):
        async with balcao_run(settings, cwd=tmp_path, minute_s=NO_LIMITS) as process:
            await process.ready()
            target = sent_before + chance.randint(3, 15)
            await telegram.until(lambda at=target: _sent(telegram) >= at, timeout_s=HANG_S)
            await process.end(signal.SIGKILL)
            sent_before = _sent(telegram)
    async with balcao_run(settings, cwd=tmp_path, minute_s=NO_LIMITS) as process:
        await process.ready()
        await telegram.until(lambda: _all_arrived(telegram), timeout_s=HANG_S)
        assert await process.end(signal.SIGTERM) == 0

    for chat, words in _relayed(telegram).items():
        assert words == [f"m{number}" for number in range(WORDS)], f"chat {chat}"
    async with (
        embedded_server(Path(settings["BALCAO_DATA_DIR"])) as uri,
        connected(uri, "balcao") as database,
    ):
        registrations = await database["registrations"].find({}).to_list(None)
        conversations = await database["conversations"].find({}).to_list(None)
        inbox = await database["inbox"].find({}).to_list(None)
    # Nobody has claimed them, so nobody is in the register yet.
    assert not registrations
    assert sorted(conversation["tax_id"] for conversation in conversations) == sorted(
        make_cpf(200000000 + chat).key for chat in range(CHATS)
    )
    assert len(inbox) == CHATS * (4 + WORDS)
    assert all("done_at" in update and "payload" not in update for update in inbox)


async def test_sigterm_finishes_what_is_held_and_leaves_the_rest_for_the_next_start(
    telegram: BotApiEmulator, settings: dict[str, str], tmp_path: Path
):
    telegram.add_user(6000, "Fulano")
    async with balcao_run(settings, cwd=tmp_path, minute_s=NO_LIMITS) as process:
        await process.ready()
        for text in _script(0):
            telegram.send_text(6000, 6000, text)
        await telegram.until(lambda: _sent(telegram) >= 3, timeout_s=HANG_S)
        assert await process.end(signal.SIGTERM) == 0
    assert "Traceback" not in process.log
    async with balcao_run(settings, cwd=tmp_path, minute_s=NO_LIMITS) as process:
        await process.ready()
        await telegram.until(lambda: len(_relayed(telegram)[0]) == WORDS, timeout_s=HANG_S)
        assert await process.end(signal.SIGINT) == 0
    assert _relayed(telegram)[0] == [f"m{number}" for number in range(WORDS)]
    cards = [m for m in telegram.messages(GROUP_ID) if "Protocolo" in m.get("text", "")]
    assert len(cards) == 1


async def test_while_telegram_is_away_it_waits_and_still_stops_when_told(
    telegram: BotApiEmulator, settings: dict[str, str], tmp_path: Path
):
    telegram.fail_next("getMe", 502, "Bad Gateway", times=1000)
    async with balcao_run(settings, cwd=tmp_path) as process:
        await process.says("Telegram does not answer")
        assert await process.end(signal.SIGTERM) == 0
    assert "Traceback" not in process.log


async def test_a_token_that_telegram_does_not_accept_ends_with_one_sentence(
    settings: dict[str, str], tmp_path: Path
):
    settings["BALCAO_BOT_TOKEN"] = "1:wrong"
    async with balcao_run(settings, cwd=tmp_path) as process:
        assert await process.ended() == 1
    assert "o Telegram não aceita este token" in process.log
    assert "Traceback" not in process.log


async def test_no_answer_ends_it_or_leaves_its_text_in_the_log_until_the_token_is_revoked(
    telegram: BotApiEmulator, settings: dict[str, str], tmp_path: Path
):
    ana = demo.ANA
    secrets = ("segredo", ana.tax_id, ana.phone[1:])
    text = f"segredo {ana.tax_id} {ana.phone}".encode()
    odd = (
        Raw(status=502, body=b"<html>" + text),
        Raw(status=401, body=b"<html>" + text),
        Raw(status=200, body=b'{"ok": true, "result": [{"text": "' + text),
        Raw(status=200, body=b'{"ok": true, "result": "' + text + b'"}'),
        Raw(status=200, body=b'["' + text + b'"]'),
        Raw(status=400, body=b'{"ok": false, "error_code": 400, "description": "' + text + b'"}'),
        Raw(status=200, body=b'{"ok": true, "result": []}' + text, sent_bytes=9),
        Raw(sent_bytes=0),
    )
    # Only what is called again after a pause gets fewer.
    for method, some in (("getMe", odd[:4]), ("setMyCommands", odd), ("getUpdates", odd[4:])):
        for raw in some:
            telegram.fail_next(method, raw=raw)
    telegram.add_user(ana.user_id, ana.first_name, ana.last_name, phone=ana.phone)
    async with balcao_run(settings, cwd=tmp_path) as process:
        await process.ready()
        telegram.send_text(ana.user_id, ana.user_id, f"segredo {ana.tax_id} {ana.phone}")
        await telegram.until(lambda: telegram.messages(ana.user_id)[1:], timeout_s=HANG_S)
        assert process.is_running
        telegram.fail_next("*", 401, "Unauthorized", times=1_000)
        telegram.fail_next("getUpdates", 401, "Unauthorized", times=1_000)
        telegram.send_text(ana.user_id, ana.user_id, "segredo")
        assert await process.ended() == 1
    assert process.log.count("o Telegram não aceita este token") == 1
    assert "Traceback" not in process.log
    for secret in secrets:
        assert secret not in process.log


async def test_a_bot_whose_data_becomes_newer_ends_with_one_sentence(
    telegram: BotApiEmulator,
    settings: dict[str, str],
    database: Any,
    mongodb_uri: str,
    tmp_path: Path,
):
    settings |= {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    async with balcao_run(settings, cwd=tmp_path, round_s=0.1) as process:
        await process.ready()
        await database["meta"].update_one({"_id": "schema"}, {"$inc": {"version": 1}})
        assert await process.ended() == 1
    sentence = "Uma versão mais nova do Balcão já atualizou o banco de dados"
    assert process.log.count(sentence) == 1
    assert "Traceback" not in process.log


async def test_a_whole_session_at_debug_leaves_nothing_personal_in_the_log(
    telegram: BotApiEmulator, erp: IxcEmulator, settings: dict[str, str], tmp_path: Path
):
    words = "segredo muito particular"
    everyone = (demo.ANA, demo.STRANGER, demo.PAULO, demo.FIBRA, demo.JOSE)
    async with balcao_run(settings, cwd=tmp_path) as process:
        await process.ready()
        for person in everyone:
            telegram.add_user(
                person.user_id, person.first_name, person.last_name, phone=person.phone
            )
            telegram.send_text(person.user_id, person.user_id, "oi")
            telegram.send_text(person.user_id, person.user_id, person.tax_id)
            telegram.send_contact(person.user_id, person.user_id)
            telegram.send_text(person.user_id, person.user_id, "Zulmira Particular")
            telegram.send_text(person.user_id, person.user_id, words)
        # One of our faults and one of Telegram's, because error logs leak most easily.
        telegram.fail_next("sendMessage", 500, "Internal Server Error", times=1)
        telegram.fail_next("sendMessage", 400, "Bad Request: boom", times=2)
        await telegram.until(
            lambda: (
                sum(words in m.get("text", "") for m in telegram.messages(GROUP_ID))
                >= len(everyone) - 1
            ),
            timeout_s=HANG_S,
        )
        await process.end(signal.SIGTERM)
    log = process.log
    assert len(log.splitlines()) > 30
    digits = re.sub(r"[^0-9A-Za-z]", "", log)
    for person in everyone:
        bare = re.sub(r"[^0-9A-Z]", "", person.tax_id)
        for secret in (person.tax_id, bare, person.phone, person.phone[3:], person.last_name):
            assert secret not in log
        assert bare not in digits
    for secret in (words, "particular", "Zulmira", telegram.token, telegram.token.split(":")[1]):
        assert secret not in log
    assert CREDENTIAL.split(":")[1] not in log


def _sent(telegram: BotApiEmulator) -> int:
    return len(telegram.calls_of("sendMessage"))


def _relayed(telegram: BotApiEmulator) -> dict[int, list[str]]:
    """Return the words of each chat in the group, in order; repetitions count once.

    Delivery is at least once: a kill between the send and its confirmation repeats a message.
    """
    words: dict[int, list[str]] = defaultdict(list)
    for message in telegram.messages(GROUP_ID):
        for chat, word in re.findall(r"c(\d+) (m\d+)", message.get("text", "")):
            if word not in words[int(chat)]:
                words[int(chat)].append(word)
    return words


def _all_arrived(telegram: BotApiEmulator) -> bool:
    words = _relayed(telegram)
    return len(words) == CHATS and all(said[-1] == f"m{WORDS - 1}" for said in words.values())
