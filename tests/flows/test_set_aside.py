"""Updates that were set aside: admins see them, and repeat or drop them from /status."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.cli.terminal.set_aside import tending
from bot.demo import people as demo
from bot.usecases.company.set_aside import TendSetAside
from handlers.admin.company import set_aside_texts as texts
from handlers.customer import texts as customer_texts
from storage.updates.inbox import Inbox
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Customer, Telegram
from tests.flows.replica import Replica, background, update
from tests.patience import HANG_S, until


@pytest.fixture(autouse=True)
def swept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no sweep come between what a test stores and what it does next."""
    monkeypatch.setattr("bot.runtime.chat_tasks._SWEEP_S", HANG_S)


@pytest.fixture
def admin(people: Telegram) -> Admin:
    return Admin(people, ADMIN_ID)


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    return ana


async def given_up(people: Telegram, ana: Customer, *words: str) -> None:
    """Have each of Ana's messages fail until it is set aside."""
    for word in words:
        people.emulator.fail_next("sendMessage", 400, "Bad Request: boom", times=3, chat_id=ana.id)
        await ana.says(f"/ajuda {word}")


async def opened(admin: Admin) -> str:
    await admin.says("/status")
    return await admin.presses("ver, repetir ou descartar")


async def test_the_list_says_when_who_and_why_and_nothing_of_the_words(
    people: Telegram, admin: Admin, ana: Customer
):
    assert "ver, repetir ou descartar" not in str(await admin.says("/status"))
    await given_up(people, ana, "segredo")
    assert "Em /status dá para repetir ou descartar" in people.texts(ADMIN_ID)[-1]
    assert "⚠️ Postas de lado por erro: 1. Veja no botão abaixo; cada uma some em 30 dias." in (
        await admin.says("/status")
    )
    said = await admin.presses("ver, repetir ou descartar")
    assert "⚠️ Postas de lado: 1" in said
    assert f"de {demo.ANA.first_name}" in said
    assert "some em 30 dias" in said or "some em 29 dias" in said
    assert "segredo" not in said
    assert admin.buttons == ["🔁 Repetir 1", "🗑 Descartar 1", "⬅️ Voltar ao status"]
    assert "Banco de dados" in await admin.presses("Voltar")


async def test_who_is_to_be_told_is_told_after_refusals_that_nobody_knows(
    people: Telegram, ana: Customer
):
    people.emulator.fail_next("sendMessage", 400, "Bad Request: new", times=2, chat_id=ADMIN_ID)
    await given_up(people, ana, "")
    assert "Em /status dá para repetir ou descartar" in people.texts(ADMIN_ID)[-1]
    assert people.texts(ana.id)[-1] == customer_texts.SOMETHING_WENT_WRONG
    assert people.texts(ana.id).count(customer_texts.SOMETHING_WENT_WRONG) == 1


async def test_one_that_is_repeated_is_handled_by_the_inbox(
    people: Telegram, admin: Admin, ana: Customer, database: Any
):
    await given_up(people, ana, "")
    await opened(admin)
    heard = len(people.texts(ana.id))
    assert await admin.presses("Repetir 1") == texts.NONE
    assert admin.told == texts.REPEATED
    assert len(people.texts(ana.id)) == heard + 1
    [mark] = [d async for d in database["inbox"].find() if "payload" in d or "ends_at" in d] or [0]
    assert mark == 0


async def test_all_are_repeated_in_their_order(
    people: Telegram, admin: Admin, ana: Customer, database: Any, clock: Clock
):
    inbox = Inbox(database)
    bot_id = people.emulator.bot.id
    start = 1_000_000
    for place, word in enumerate(("um", "dois", "três", "quatro")):
        message = {
            "message_id": 900 + place,
            "date": 1,
            "chat": {"id": ana.id, "type": "private", "first_name": "Ana"},
            "from": {"id": ana.id, "is_bot": False, "first_name": "Ana"},
            "text": word,
        }
        update = {"update_id": start + place, "message": message}
        await inbox.add(bot_id, [(start + place, str(ana.id), update)], at=clock())
    # Set aside in another order than they came.
    for place in (2, 0, 3, 1):
        await inbox.set_aside(bot_id, start + place, at=clock())
    await opened(admin)
    assert await admin.presses("Repetir todas") == texts.NONE
    assert admin.told == "4 mensagens vão ser tratadas de novo, cada uma no seu lugar."
    heard = "\n".join(m.get("text", "") for m in people.messages(GROUP_ID))
    places = [heard.index(word) for word in ("um", "dois", "três", "quatro")]
    assert places == sorted(places)


async def test_dropping_asks_first_and_deletes_the_content(
    people: Telegram, admin: Admin, ana: Customer, database: Any
):
    await given_up(people, ana, "segredo", "outro")
    await opened(admin)
    assert await admin.presses("Descartar 1") == "\n\n".join(
        ["🗑 Descartar esta mensagem?", texts.ASK_DROP.split("\n\n")[1]]
    )
    assert "⚠️ Postas de lado: 2" in await admin.presses("Não, voltar")
    await admin.presses("Descartar 1")
    assert "⚠️ Postas de lado: 1" in await admin.presses("Sim, descartar")
    assert admin.told == texts.DROPPED
    stored = [d async for d in database["inbox"].find()]
    assert "segredo" not in str(stored)
    assert "outro" in str(stored)
    await admin.presses("Descartar 1")
    assert await admin.presses("Sim, descartar") == texts.NONE
    assert not [d async for d in database["inbox"].find() if "set_aside_at" in d]


async def test_what_came_after_the_list_is_not_dropped_with_all(
    people: Telegram, admin: Admin, ana: Customer, clock: Clock
):
    await given_up(people, ana, "um", "dois")
    await opened(admin)
    await admin.presses("Descartar todas")
    question = admin.message
    clock.advance(timedelta(minutes=1))
    await given_up(people, ana, "três")
    assert "⚠️ Postas de lado: 1" in await admin.presses("Sim, descartar", screen=question)
    assert admin.told == "2 mensagens foram descartadas."


async def test_of_two_who_press_at_once_one_is_told_that_it_is_done(
    people: Telegram, admin: Admin, ana: Customer
):
    await given_up(people, ana, "")
    await opened(admin)
    screen = admin.message
    heard = len(people.texts(ana.id))
    await admin.presses("Repetir 1")
    await admin.presses("Repetir 1", screen=screen)
    assert admin.told == texts.GONE
    assert len(people.texts(ana.id)) == heard + 1


async def test_of_concurrent_repeats_and_drops_one_succeeds(
    people: Telegram, ana: Customer, database: Any, clock: Clock
):
    assert people.balcao
    tend: TendSetAside = people.balcao.dispatcher["set_aside"]
    inbox, keys = Inbox(database), []
    for number in range(20):
        await inbox.add(5, [(number, "other", {"n": number})], at=clock())
        await inbox.set_aside(5, number, at=clock())
        keys.append(f"5:{number}")
    for key in keys:
        each = (tend.repeat, tend.drop, tend.repeat, tend.drop)
        done = await asyncio.gather(*(act(key) for act in each))
        assert sum(map(bool, done)) == 1


async def test_one_without_content_can_only_be_dropped(
    people: Telegram, admin: Admin, database: Any, clock: Clock
):
    await database["inbox"].insert_one(
        {"_id": "7:1", "update_id": 1, "received_at": clock(), "set_aside_at": clock()}
    )
    said = await opened(admin)
    assert "O conteúdo não foi guardado: só dá para descartar." in said
    assert admin.buttons == ["🗑 Descartar 1", "⬅️ Voltar ao status"]
    await admin.presses("Descartar 1")
    assert await admin.presses("Sim, descartar") == texts.NONE


async def test_a_name_cannot_write_into_the_list_and_many_fit(
    people: Telegram, admin: Admin, database: Any, clock: Clock
):
    sender = {"id": 5, "first_name": "<b>Zé</b>\n1. falsa", "last_name": "&" * 200}
    inbox = Inbox(database)
    for number in range(30):
        update = {"update_id": number, "message": {"from": sender, "chat": {"id": 5}}}
        await inbox.add(7, [(number, "5", update)], at=clock())
        await inbox.failed(7, number, attempts=3, error="KeyError")
        await inbox.set_aside(7, number, at=clock())
    said = await opened(admin)
    assert "<b>Zé</b> 1. falsa" in said
    assert "um erro do programa (KeyError)" in said
    assert "… e mais 22" in said


async def test_a_customer_who_forges_the_button_gets_nothing(
    people: Telegram, admin: Admin, ana: Customer, database: Any
):
    await given_up(people, ana, "")
    message_id = people.messages(ana.id)[-1]["message_id"]
    people.emulator.press(ana.id, ana.id, message_id, data="aside:ra::0", force=True)
    await people.settled()
    assert [d async for d in database["inbox"].find() if "set_aside_at" in d]


async def test_messages_that_were_not_delivered_are_counted(
    people: Telegram, admin: Admin, database: Any, clock: Clock
):
    await database["outbox"].insert_one({"_id": "x", "failed_at": clock()})
    assert "⚠️ Não entregues: 1." in await admin.says("/status")


async def test_what_another_process_made_pending_is_found_in_a_chat_in_use(
    database: Any, clock: Clock
):
    replica = Replica(database, clock)
    await replica.inbox.take([update(1)])
    await replica.inbox.idle()
    replica.trouble = {2: ValueError("boom")}
    async with background(replica.inbox.sweep_forever()):
        await replica.inbox.take([update(2)])
        await replica.inbox.idle()
    replica.trouble.clear()
    # As `balcao check --retry-set-aside` does it.
    assert await tending(database).repeat_all() == 1
    async with background(replica.inbox.sweep_forever()):
        await until(lambda: replica.handled == [1, 2])
