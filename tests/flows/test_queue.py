"""A department's queue: its order and the waiting times."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.demo import people as demo
from bot.domain.conversation import Attendant, EventKind
from handlers.admin.company import queues
from handlers.attendant import texts, transcripts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Telegram
from tests.flows.departments import buttons, press, registered, says


async def waiting(people: Telegram, clock: Clock) -> tuple[Customer, Customer, Customer]:
    """José, then Ana, then Maria, who has priority; five minutes apart."""
    await registered(people, demo.MARIA, priority_departments=frozenset(("atendimento",)))
    customers = tuple(people.customer(one) for one in (demo.JOSE, demo.ANA, demo.MARIA))
    for customer in customers:
        await customer.is_in_conversation()
        clock.advance(timedelta(minutes=5))
    return customers


def queue_message(people: Telegram) -> dict:
    return [m for m in people.messages(GROUP_ID) if m.get("text", "").startswith("🧾")][-1]


async def test_priority_goes_first_then_who_waits_longest_and_a_press_takes_one(
    people: Telegram, clock: Clock
):
    jose, *_ = await waiting(people, clock)
    await says(people, BIA, GROUP_ID, "/fila")
    lines = queue_message(people)["text"].splitlines()
    assert lines[:2] == ["🧾 Fila · Atendimento", "3 aguardando · maior espera: 15 min"]
    assert [line.split(" · ")[:2] for line in lines[3:6]] == [
        ["1. 🔴 Maria das Graças Lima", "há 5 min"],
        ["2. José Antônio da Conceição", "há 15 min"],
        ["3. Ana Beatriz Souza", "há 10 min"],
    ]
    assert buttons(queue_message(people)) == ["✋ 1", "✋ 2", "✋ 3", texts.REFRESH]
    assert await press(people, CAIO, GROUP_ID, "✋ 2") == texts.CLAIMED
    said = people.messages(GROUP_ID)[-1]
    how = "Responda aqui para falar com o cliente."
    assert said["text"] == f"✋ Caio atende José Antônio da Conceição. {how}"
    people.emulator.send_text(CAIO, GROUP_ID, "Bom dia", reply_to=said["message_id"])
    await people.settled()
    assert people.texts(jose.id)[-1] == "Bom dia"
    assert "José Antônio da Conceição" in said["reply_to_message"]["text"]
    card_id = said["reply_to_message"]["message_id"]
    [card] = [one["text"] for one in people.cards if one["message_id"] == card_id]
    assert "Em atendimento por Caio" in card
    lines = queue_message(people)["text"].splitlines()
    assert lines[1] == "2 aguardando · maior espera: 10 min"
    assert "🟢 Em atendimento (1)" in lines
    assert "José Antônio da Conceição · com Caio há menos de 1 min" in lines[-1]


async def test_a_number_that_somebody_else_was_quicker_at_says_who(people: Telegram, clock: Clock):
    await waiting(people, clock)
    await says(people, BIA, GROUP_ID, "/fila")
    queue = queue_message(people)["message_id"]
    presses = [
        people.emulator.press(user_id, GROUP_ID, queue, text="✋ 1") for user_id in (BIA, CAIO)
    ]
    await people.settled()
    answers = {people.emulator.callback_answer(press)["text"] for press in presses}
    assert answers == {texts.CLAIMED, texts.taken_by("Bia")}


async def test_a_long_queue_shows_twenty_and_how_many_more(people: Telegram, clock: Clock):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    conversations = people.balcao.retry_lookups.conversations
    one = await conversations.open_in(ana.id)
    for number in range(25):
        copy = replace(
            one,
            id=f"c{number}",
            protocol=f"20200101-{number:06d}",
            chat_id=number,
            customer=replace(one.customer, name="<b>" * 60, registration_id=None),
            waiting_since=clock() - timedelta(hours=30),
        )
        assert await conversations.add(copy)
    await says(people, BIA, GROUP_ID, "/fila")
    text = queue_message(people)["text"]
    assert "26 aguardando · maior espera: 1 dia" in text
    assert "\n20. " in text
    assert "\n21. " not in text
    assert "… e mais 6" in text


async def test_an_admin_sees_every_department_in_private(people: Telegram, clock: Clock):
    await says(people, ADMIN_ID, ADMIN_ID, "/fila")
    assert people.texts(ADMIN_ID)[-1] == "🧾 Filas\n\nAtendimento\nNinguém aguardando"
    await waiting(people, clock)
    await people.press(BIA, "✋ Atender")
    await press(people, ADMIN_ID, ADMIN_ID, texts.REFRESH)
    assert people.texts(ADMIN_ID)[-1].splitlines()[2:] == [
        "Atendimento",
        "2 aguardando · maior espera: 15 min",
        "1 em atendimento",
    ]


async def test_the_history_of_a_conversation_is_found_by_its_protocol(
    people: Telegram, clock: Clock
):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    conversation = await people.balcao.retry_lookups.conversations.open_in(ana.id)
    await people.press(BIA, "✋ Atender")
    await people.press(CAIO, "☑️ Encerrar")
    for bad, answer in (
        ("", transcripts.WHICH_PROTOCOL),
        ("ontem <b>", transcripts.WHICH_PROTOCOL),
        ("20200101-000000", queues.not_found("20200101-000000")),
    ):
        await says(people, ADMIN_ID, ADMIN_ID, f"/atendimento {bad}")
        plain = answer.replace("<code>", "").replace("</code>", "")
        assert people.messages(ADMIN_ID)[-1]["text"] == plain
    typed = conversation.protocol.replace("-", " ")
    await says(people, ADMIN_ID, ADMIN_ID, f"/atendimento n. {typed}")
    card, history, _ = people.messages(ADMIN_ID)[-3:]
    assert "Ana Beatriz Souza" in card["text"]
    assert "Encerrado por Caio" in card["text"]
    assert [line.split(" · ")[1] for line in history["text"].splitlines()[1:]] == [
        "aberto pelo próprio cliente",
        "assumido por Bia",
        "encerrado por Caio",
    ]


async def test_of_eight_replicas_at_once_one_claims_and_history_has_one_line(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    attend = people.balcao.dispatcher["attend"]
    conversation = await attend.conversations.open_in(ana.id)
    await asyncio.gather(
        *(
            attend.claim(conversation.id, Attendant(id=n, name=f"N{n}"), group_id=GROUP_ID)
            for n in range(8)
        )
    )
    claimed = await attend.conversations.get(conversation.id)
    assert [event.what for event in claimed.events] == [EventKind.OPENED, EventKind.CLAIMED]
    assert claimed.events[-1].by == f"user:{claimed.claimed_by.id}"


async def test_a_change_of_the_registration_reaches_the_card_and_the_queue(
    people: Telegram, clock: Clock
):
    """Follow a change from any source: the round compares versions."""
    jose, *_ = await waiting(people, clock)
    rounds = people.balcao.queue_rounds
    assert await rounds.follow_registrations() == 0
    await registered(
        people,
        demo.JOSE,
        priority_departments=frozenset(("atendimento",)),
        fixed_note="Liga tarde",
    )
    assert await rounds.follow_registrations() == 1
    assert await rounds.follow_registrations() == 0
    await people.settled()
    card = next(m for m in people.cards if "José Antônio da Conceição" in m["text"])
    assert card["text"].startswith("🔴🔴 PRIORIDADE · José")
    assert "Liga tarde" in card["text"]
    await says(people, BIA, GROUP_ID, "/fila")
    assert "1. 🔴 José" in queue_message(people)["text"]
    conversation = await people.balcao.retry_lookups.conversations.open_in(jose.id)
    assert conversation.priority
