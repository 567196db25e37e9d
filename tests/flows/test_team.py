"""/equipe: an admin invites and removes another admin."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from handlers.admin.company import team_texts as texts
from handlers.answers import EXPIRED_BUTTON
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.wording import plain

LINK = re.compile(r"https://t\.me/balcao_demo_bot\?start=(convite_[A-Za-z0-9_-]{44})")


async def say(people: Telegram, user_id: int, text: str) -> str:
    people.emulator.send_text(user_id, user_id, text)
    await people.settled()
    return people.texts(user_id)[-1]


async def press(people: Telegram, user_id: int, text: str) -> str:
    """Press a button of the latest screen; return the alert, or an empty string."""
    screens = [m for m in people.messages(user_id) if text in str(m.get("reply_markup"))]
    [button] = [
        b["text"]
        for row in screens[-1]["reply_markup"]["inline_keyboard"]
        for b in row
        if text in b["text"]
    ]
    pressed = people.emulator.press(user_id, user_id, screens[-1]["message_id"], text=button)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer is not None, "the button spins for ever"
    return answer["text"] or ""


async def invite(people: Telegram, by: int = ADMIN_ID) -> str:
    """Create an invitation link and return its payload."""
    await say(people, by, "/equipe")
    await press(people, by, texts.INVITE)
    found = [match for text in people.texts(by) if (match := LINK.search(text))]
    return found[-1][1]


def screen(people: Telegram, user_id: int = ADMIN_ID) -> str:
    return [t for t in people.texts(user_id) if t.startswith("👥 Equipe")][-1]


@pytest.fixture
def ana(people: Telegram) -> Customer:
    return people.customer(demo.ANA)


@pytest.fixture
async def admin_ana(people: Telegram, ana: Customer) -> Customer:
    """An admin by invitation."""
    await ana.says(f"/start {await invite(people)}")
    return ana


async def test_an_invitation_makes_an_admin_and_everybody_hears_it(
    start: Start,
):
    async with start(admin_ids=(ADMIN_ID, BIA)) as people:
        ana = people.customer(demo.ANA)
        welcome = await ana.says(f"/start {await invite(people)}")
        assert welcome == plain(texts.WELCOME)
        assert "aceitou seu convite" in people.texts(ADMIN_ID)[-1]
        assert "a convite de \u2068Dora\u2069" in people.texts(BIA)[-1]
        commands = people.emulator.commands["chat", ana.id, 0, ""]
        assert "clientes" in [c["command"] for c in commands]
        assert "(você), desde" in await ana.says("/equipe")


async def test_the_link_is_shown_once_and_the_store_does_not_know_it(
    people: Telegram, database: Any
):
    payload = await invite(people)
    secret = payload.removeprefix("convite_")[12:]
    documents = await database["invitations"].find().to_list(None)
    assert len(documents) == 1
    assert secret not in str(documents)
    await say(people, ADMIN_ID, "/equipe")
    await press(people, ADMIN_ID, texts.REFRESH)
    assert str(people.texts(ADMIN_ID)).count(secret) == 1


async def test_of_two_who_open_a_link_at_once_one_becomes_admin(people: Telegram, database: Any):
    payload = await invite(people)
    ana, stranger = people.customer(demo.ANA), people.customer(demo.STRANGER)
    for customer in (ana, stranger):
        people.emulator.send_text(customer.id, customer.id, f"/start {payload}")
    await people.settled()
    said = sorted((ana.read[-1], stranger.read[-1]))
    assert said == sorted((plain(texts.WELCOME), texts.USED_INVITATION))
    assert await database["admins"].count_documents({}) == 1


async def test_each_invitation_that_does_not_hold_says_why(
    people: Telegram, ana: Customer, clock: Clock, database: Any
):
    late, revoked, used = [await invite(people) for _ in range(3)]
    await say(people, ADMIN_ID, "/equipe")
    assert await ana.says(f"/start {late[:-4]}AAAA") == texts.UNKNOWN_INVITATION
    assert await ana.says("/start convite_") == texts.UNKNOWN_INVITATION
    assert await ana.says("/start convite_\u202eçé") == texts.UNKNOWN_INVITATION
    assert await say(people, ADMIN_ID, f"/start {used}") == texts.ALREADY_ADMIN
    await say(people, BIA, f"/start {used}")
    assert await ana.says(f"/start {used}") == texts.USED_INVITATION
    id_ = revoked.removeprefix("convite_")[:12]
    message = [m for m in people.messages(ADMIN_ID) if f"team:x:{id_}" in str(m)][-1]
    for said in (texts.REVOKED_NOW, texts.ALREADY_REVOKED):
        pressed = people.emulator.press(
            ADMIN_ID, ADMIN_ID, message["message_id"], data=f"team:x:{id_}", force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"] == said
    assert await ana.says(f"/start {revoked}") == texts.REVOKED_INVITATION
    clock.advance(timedelta(hours=25))
    assert await ana.says(f"/start {late}") == texts.EXPIRED_INVITATION
    assert await database["admins"].count_documents({"_id": ana.id}) == 0
    await say(people, ADMIN_ID, "/equipe")
    assert "Convites abertos" not in screen(people)


async def test_ten_invitations_may_be_open_at_once(people: Telegram):
    await say(people, ADMIN_ID, "/equipe")
    for _ in range(10):
        assert await press(people, ADMIN_ID, texts.INVITE) == ""
    assert await press(people, ADMIN_ID, texts.INVITE) == texts.TOO_MANY


async def test_a_removed_admin_has_nothing_left(
    people: Telegram, admin_ana: Customer, database: Any
):
    ana = admin_ana
    theirs = await invite(people, by=ana.id)
    await say(people, ADMIN_ID, "/equipe")
    await press(people, ADMIN_ID, "Remover Ana")
    assert "Remover \u2068Ana" in people.texts(ADMIN_ID)[-1]
    await press(people, ADMIN_ID, texts.YES_REMOVE)
    assert "Ana" not in screen(people)
    assert ana.read[-1] == texts.NO_LONGER_ADMIN
    assert ("chat", ana.id, 0, "") not in people.emulator.commands
    # No access by an open screen, a command, or an invitation made before the removal.
    assert await press(people, ana.id, texts.INVITE) == EXPIRED_BUTTON
    assert "envie seu CPF" in await ana.says("/equipe")
    assert await say(people, CAIO, f"/start {theirs}") == texts.REVOKED_INVITATION
    assert await database["admins"].count_documents({}) == 0


async def test_a_link_makes_nobody_admin_a_second_time(people: Telegram, ana: Customer):
    payload = await invite(people)
    await ana.says(f"/start {payload}")
    await say(people, ADMIN_ID, "/equipe")
    await press(people, ADMIN_ID, "Remover Ana")
    await press(people, ADMIN_ID, texts.YES_REMOVE)
    assert await ana.says(f"/start {payload}") == texts.USED_INVITATION


async def test_removing_asks_first_and_twice_is_said(people: Telegram, admin_ana: Customer):
    await say(people, ADMIN_ID, "/equipe")
    await press(people, ADMIN_ID, "Remover Ana")
    await press(people, ADMIN_ID, texts.BACK)
    assert "Ana" in screen(people)
    message = people.messages(ADMIN_ID)[-1]
    said = []
    for _ in range(2):
        pressed = people.emulator.press(
            ADMIN_ID, ADMIN_ID, message["message_id"], data=f"team:R:{admin_ana.id}", force=True
        )
        await people.settled()
        said.append(people.emulator.callback_answer(pressed)["text"])
    assert said == ["", texts.NOT_ADMIN]


async def test_who_comes_from_the_settings_is_not_removed_here(people: Telegram):
    await say(people, ADMIN_ID, "/equipe")
    assert "\u2068Dora\u2069 (você), da configuração do servidor" in screen(people)
    assert "Remover" not in str(people.messages(ADMIN_ID)[-1])
    message = people.messages(ADMIN_ID)[-1]
    for data, said in ((f"team:R:{ADMIN_ID}", texts.FROM_SETTINGS), ("team:R:x", texts.NOT_ADMIN)):
        pressed = people.emulator.press(
            ADMIN_ID, ADMIN_ID, message["message_id"], data=data, force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"] == said


async def test_an_admin_may_remove_oneself(people: Telegram, admin_ana: Customer):
    await admin_ana.says("/equipe")
    await press(people, admin_ana.id, "Remover Ana")
    await press(people, admin_ana.id, texts.YES_REMOVE)
    assert texts.NO_LONGER_ADMIN in admin_ana.read
    assert "não é mais administrador. Quem removeu" in people.texts(ADMIN_ID)[-1]


async def test_names_are_data(people: Telegram):
    name = "<b>R&D</b> \u202e" + "x" * 200
    people.emulator.add_user(9001, name, "😀")
    payload = await invite(people)
    assert await say(people, 9001, f"/start {payload}") == plain(texts.WELCOME)
    await say(people, ADMIN_ID, "/equipe")
    assert "<b>R&D</b>" in screen(people)
    assert len(screen(people)) < 700


async def test_attendants_are_those_who_administer_the_group_or_have_pressed(
    people: Telegram, ana: Customer
):
    await say(people, ADMIN_ID, "/equipe")
    assert "Atendimento: \u2068Dora\u2069\n" in screen(people)
    await ana.is_in_conversation()
    await people.press(BIA, "✋ Atender")
    await say(people, ADMIN_ID, "/equipe")
    assert "Atendimento: \u2068Bia\u2069, \u2068Dora\u2069\n" in screen(people)
    people.emulator.fail_next("getChatAdministrators", 403, "Forbidden: bot was kicked")
    await press(people, ADMIN_ID, texts.REFRESH)
    assert texts.GROUP_NOT_REACHED in screen(people)


async def test_an_admin_by_invitation_hears_alerts_too(people: Telegram, admin_ana: Customer):
    people.emulator.remove_member(GROUP_ID, people.emulator.bot.id)
    stranger = people.customer(demo.STRANGER)
    await stranger.is_in_conversation()
    await stranger.says("Zélia")
    assert any("Não consigo publicar no grupo" in text for text in admin_ana.read)
