"""Every row of the access table, for every role, through Telegram and the running bot."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiogram import BaseMiddleware, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackQueryFilter
from aiogram_dialog.api.protocols import DialogProtocol

from bot.demo import people as demo
from bot.demo.bot_api.messages import post
from bot.domain.access import BUTTONS, COMMANDS
from handlers import access
from handlers.access import Access
from handlers.answers import EXPIRED_BUTTON
from handlers.attendant import texts as attendant_texts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Start, Telegram

CUSTOMER = demo.STRANGER.user_id
OTHER_GROUP = -1001000000077
LATER = timedelta(minutes=11)

# Written out and not imported from the table, so that it tests the table.
CUSTOMERS = {"start", "ajuda", "help", "pular", "meusdados", "sair"}
ADMINS = {
    *{"start", "ajuda", "help"},
    "titular",
    *{"importar", "exportar", "tarefas", "sincronizar"},
    *{"fila", "atendimento"},
    *{"clientes", "auditoria", "etiquetas", "departamentos", "equipe", "status", "backup"},
    *{"painel", "respostas", "duplicados"},
}
ATTENDANTS = {
    *{"respostas", "fila", "atendimento", "nota", "apagar"},
    *{"transferir", "encerrar", "ajuda"},
}
PRIVATE = {CUSTOMER: CUSTOMERS, BIA: CUSTOMERS, ADMIN_ID: ADMINS}
IN_GROUP = {CUSTOMER: set(), BIA: ATTENDANTS, ADMIN_ID: {"departamentos", *ATTENDANTS}}

DIALOG = "aB3dE\x1dnext"
PRESSES = {
    "card": "card:a:0",
    "again": "again|0",
    "verify": "verify:n:0:0",
    "switch": "switch:0:0",
    "queue": "queue:",
    "move": "move:0:x",
    "moved": "moved:0:1",
    "note": "note:1:0:0",
    "correct": "correct:0:email",
    "corrected": "corrected:0:1",
    "call": "call:0:0:",
    "words": "words:b:0:0",
    "ready": "ready:0:0:0",
    "link": "link:",
    "notme": "notme",
    "other": "other:0",
    "nodoc": "nodoc",
    "dep": "dep:0",
    "mydata": "mydata:fix:",
    "team": "team:s:",
    "titular": "titular:yes:a:1",
    "status": "status",
    "aside": "aside:l::0",
    "backup": "backup:g",
    "job": "job:open:1:0",
    "sync": "sync:quick",
}
PRESSED_PRIVATE = {
    CUSTOMER: {"notme", "other", "nodoc", "dep", "mydata"},
    BIA: {"notme", "other", "nodoc", "dep", "mydata"},
    ADMIN_ID: {
        "notme",
        "other",
        "nodoc",
        "dep",
        "titular",
        "team",
        "status",
        "aside",
        "backup",
        "job",
        "sync",
        "dialog",
        "queue",
        "verify",
        "words",
        "call",
    },
}
OF_CONVERSATIONS = {
    *("card", "queue", "move", "moved", "note", "words", "verify", "again", "switch", "ready"),
    *("correct", "corrected", "call"),
}
PRESSED_IN_GROUP = {
    CUSTOMER: set(),
    BIA: OF_CONVERSATIONS,
    ADMIN_ID: OF_CONVERSATIONS | {"link"},
}


class Passed(BaseMiddleware):
    """Middleware that records what `Access` lets through and stops it: no backup is made."""

    def __init__(self) -> None:
        self.roles: list[str] = []

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> None:
        self.roles.append(data["role"])


@pytest.fixture
def passed(people: Telegram) -> Passed:
    """Insert the probe right behind `Access`, which must be the first middleware."""
    people.customer(demo.STRANGER)
    people.emulator.user(CUSTOMER).started = True
    probe = Passed()
    assert people.balcao is not None
    for observer in (people.balcao.dispatcher.message, people.balcao.dispatcher.callback_query):
        # aiogram's own middlewares are on updates, not on these observers.
        assert isinstance(observer.outer_middleware[0], Access)
        observer.outer_middleware._middlewares.insert(1, probe)
    return probe


async def say(people: Telegram, user_id: int, chat_id: int, text: str) -> list[str]:
    """Write to a chat and return the bot's answers.

    The user need not be a member of the group, as in public groups.
    """
    before = len(people.texts(chat_id))
    emulator = people.emulator
    post(emulator, emulator.chat(chat_id), emulator.user(user_id), {"text": text})
    await people.settled()
    return people.texts(chat_id)[before:]


async def press(people: Telegram, user_id: int, chat_id: int, data: str) -> str | None:
    """Press any button in any chat, as a modified Telegram app can."""
    pressed = people.emulator.press(user_id, chat_id, 1, data=data, force=True)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    return answer["text"] if answer else None


@pytest.mark.parametrize("user_id", [CUSTOMER, BIA, ADMIN_ID])
async def test_every_command_is_for_whom_the_table_says(
    people: Telegram, passed: Passed, user_id: int
):
    assert set(COMMANDS) == CUSTOMERS | ADMINS | ATTENDANTS
    for chat_id, allowed in ((user_id, PRIVATE[user_id]), (GROUP_ID, IN_GROUP[user_id])):
        for command in [*COMMANDS, "naoexiste"]:
            before = len(passed.roles)
            said = await say(people, user_id, chat_id, f"/{command} x")
            place = "private" if chat_id == user_id else "group"
            # What is no command of a customer's is a text to be read.
            passes = command in allowed or (place == "private" and user_id != ADMIN_ID)
            assert (len(passed.roles) > before) is passes, (command, place)
            if not passes:
                assert said == _refusal(user_id, place, command), (command, place)


def _refusal(user_id: int, place: str, command: str) -> list[str]:
    staffs = command in ADMINS - CUSTOMERS
    match place, user_id:
        case "private", 4001 if command in ATTENDANTS - ADMINS:
            return [access.GROUP_ONLY]
        case "private", 4001:
            return [access.UNKNOWN_COMMAND]
        case "group", 4001 if staffs:
            return [access.PRIVATE_ONLY]
        case "group", 4002 if staffs:
            return [access.ADMINS_ONLY]
    return []


@pytest.mark.parametrize("user_id", [CUSTOMER, BIA, ADMIN_ID])
async def test_every_kind_of_button_is_for_whom_the_table_says(
    people: Telegram, passed: Passed, user_id: int
):
    assert set(PRESSES) == set(BUTTONS)
    presses = PRESSES | {"dialog": DIALOG, "unknown": "bogus:1"}
    for chat_id, allowed in (
        (user_id, PRESSED_PRIVATE[user_id]),
        (GROUP_ID, PRESSED_IN_GROUP[user_id]),
    ):
        for kind, data in presses.items():
            before = len(passed.roles)
            said = await press(people, user_id, chat_id, data)
            assert (len(passed.roles) > before) is (kind in allowed), (kind, chat_id)
            assert bool(said) is (kind not in allowed), (kind, chat_id)


async def test_nothing_tells_a_customer_that_a_command_exists(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    assert await ana.says("/clientes") == await ana.says("/naoexiste")
    assert people.emulator.calls_of("getChatMember") == []


async def test_every_command_and_button_that_is_registered_is_in_the_table(people: Telegram):
    assert people.balcao is not None
    dispatcher = people.balcao.dispatcher
    commands, prefixes = set(), set()
    for router in _routers(dispatcher):
        for handler in router.message.handlers:
            for found in handler.filters or ():
                if isinstance(found.callback, Command):
                    assert all(isinstance(name, str) for name in found.callback.commands)
                    commands |= set(found.callback.commands)
        for handler in router.callback_query.handlers:
            of_handler = {
                found.callback.callback_data.__prefix__
                for found in handler.filters or ()
                if isinstance(found.callback, CallbackQueryFilter)
            }
            # Every other handler must filter by prefix, so that its buttons are known.
            assert of_handler or isinstance(router, DialogProtocol) or router.name == "answers"
            prefixes |= of_handler
    assert commands <= set(COMMANDS)
    assert prefixes <= set(BUTTONS)
    assert commands >= {"ajuda", "sair", "start", "equipe"}
    for observer in (dispatcher.message, dispatcher.edited_message, dispatcher.callback_query):
        assert isinstance(observer.outer_middleware[0], Access)
    # Any other kind of update would bypass the table.
    assert set(dispatcher.resolve_used_update_types()) <= {
        *("message", "edited_message", "callback_query", "chat_member", "my_chat_member"),
        # aiogram-dialog's own kind, and one that is not requested from Telegram.
        *("aiogd_update", "business_message"),
    }


def _routers(router: Router) -> Iterator[Router]:
    yield router
    for below in router.sub_routers:
        yield from _routers(below)


async def test_a_command_below_a_picture_is_a_command_too(people: Telegram, passed: Passed):
    emulator = people.emulator
    emulator.send_file(CUSTOMER, CUSTOMER, "photo", b"x", caption="/clientes")
    await people.settled()
    assert passed.roles == []
    emulator.send_file(CUSTOMER, CUSTOMER, "photo", b"x", caption="/minha conta de luz")
    await people.settled()
    assert len(passed.roles) == 1


async def test_a_command_for_another_bot_is_left_alone(people: Telegram, passed: Passed):
    assert await say(people, ADMIN_ID, GROUP_ID, "/departamentos@outro_bot") == []
    assert passed.roles == []
    await say(people, ADMIN_ID, GROUP_ID, "/departamentos@balcao_demo_bot")
    assert passed.roles == ["admin"]


@pytest.fixture
async def card(people: Telegram) -> dict[str, Any]:
    await people.customer(demo.ANA).is_in_conversation()
    return people.card


async def test_who_is_not_in_the_group_presses_in_vain(people: Telegram, card: dict[str, Any]):
    people.customer(demo.STRANGER)
    said = await people.press(demo.STRANGER.user_id, "✋ Atender")
    assert said == access.ATTENDANTS_ONLY
    assert "✋ Atender" in str(people.card)


@pytest.mark.parametrize("bot_is", ["administrator", "member"])
async def test_who_has_left_the_group_presses_in_vain(
    people: Telegram, card: dict[str, Any], clock: Clock, bot_is: str
):
    """Refuse at once if the bot is an administrator, and otherwise after 10 minutes.

    Only an administrator gets an update when a member leaves.
    """
    assert await people.press(BIA, "📋 Ficha completa") == ""
    people.emulator.set_admin(GROUP_ID, people.emulator.bot.id, bot_is == "administrator")
    await people.settled()
    assert await people.press(BIA, "📋 Ficha completa", card=card) == ""
    people.emulator.remove_member(GROUP_ID, BIA, by=ADMIN_ID)
    await people.settled()
    if bot_is == "member":
        assert await people.press(BIA, "📋 Ficha completa", card=card) == ""
        clock.advance(LATER)
    said = await people.press(BIA, "✋ Atender", card=card)
    assert said == access.ATTENDANTS_ONLY
    people.emulator.add_member(GROUP_ID, BIA, by=ADMIN_ID)
    await people.settled()
    if bot_is == "member":
        clock.advance(LATER)
    assert await people.press(BIA, "✋ Atender", card=card) == attendant_texts.CLAIMED


async def test_telegram_is_asked_once_in_ten_minutes(
    people: Telegram, card: dict[str, Any], clock: Clock
):
    for _ in range(3):
        await people.press(BIA, "📋 Ficha completa")
    assert len(people.emulator.calls_of("getChatMember")) == 1
    clock.advance(LATER)
    await people.press(BIA, "📋 Ficha completa")
    assert len(people.emulator.calls_of("getChatMember")) == 2


async def test_while_telegram_does_not_tell_nothing_is_granted(
    people: Telegram, card: dict[str, Any], clock: Clock
):
    people.emulator.fail_next("getChatMember", 500)
    assert await people.press(BIA, "✋ Atender") == access.TRY_LATER
    people.emulator.fail_next("getChatMember", 400, "Bad Request: member list is inaccessible")
    assert await people.press(BIA, "✋ Atender") == access.CANNOT_TELL
    assert await people.press(BIA, "✋ Atender") == attendant_texts.CLAIMED
    clock.advance(LATER)
    people.emulator.fail_next("getChatMember", 500)
    assert await people.press(BIA, "📋 Ficha completa") == "", "what was known holds for a while"


async def test_a_reply_waits_until_telegram_tells(people: Telegram, card: dict[str, Any]):
    people.emulator.fail_next("getChatMember", 500, times=2)
    await people.group_says(CAIO, "Boa tarde!", reply_to=card["message_id"])
    assert people.texts(demo.ANA.user_id)[-1] == "Boa tarde!"


async def test_a_reply_of_somebody_outside_is_not_sent_and_that_is_said(
    people: Telegram, card: dict[str, Any]
):
    people.customer(demo.STRANGER)
    emulator = people.emulator
    chat, stranger = emulator.chat(GROUP_ID), emulator.user(demo.STRANGER.user_id)
    message = chat.messages[card["message_id"]]
    post(emulator, chat, stranger, {"text": "golpe"}, reply_to=message)
    await people.settled()
    assert "golpe" not in people.texts(demo.ANA.user_id)
    assert "não foi enviada" in people.texts(GROUP_ID)[-1]


async def test_an_administrator_who_writes_in_the_groups_name_is_an_attendant(
    people: Telegram, card: dict[str, Any]
):
    emulator = people.emulator
    chat = emulator.chat(GROUP_ID)
    emulator.add_user(1087968824, "Group", username="GroupAnonymousBot")
    anonymous = emulator.user(1087968824)
    message = chat.messages[card["message_id"]]
    content = {"text": "Olá!", "sender_chat": chat.api}
    post(emulator, chat, anonymous, content, reply_to=message)
    await people.settled()
    assert people.texts(demo.ANA.user_id)[-1] == "Olá!"


async def test_a_group_that_is_no_departments_makes_no_attendants(
    people: Telegram, card: dict[str, Any]
):
    people.customer(demo.STRANGER)
    people.emulator.add_group(OTHER_GROUP, "Alheio", members=(demo.STRANGER.user_id,))
    data = card["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    said = await press(people, demo.STRANGER.user_id, OTHER_GROUP, data)
    assert said == access.ATTENDANTS_ONLY
    assert people.emulator.calls_of("getChatMember") == []


async def test_menus_are_made_from_the_table(start: Start):
    async with start() as people:
        commands = people.emulator.commands
        private = commands["all_private_chats", 0, 0, ""]
        assert [c["command"] for c in private] == ["ajuda", "meusdados", "sair"]
        assert {c["command"] for c in commands["chat", ADMIN_ID, 0, ""]} == ADMINS - {
            "start",
            "help",
        }
        assert {c["command"] for c in commands["all_group_chats", 0, 0, ""]} == ATTENDANTS


async def test_an_old_button_that_nobody_knows_says_so(people: Telegram):
    assert await press(people, ADMIN_ID, ADMIN_ID, "bogus:1") == EXPIRED_BUTTON
