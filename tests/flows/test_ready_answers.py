"""Ready answers: admins keep them in /respostas, attendants send them by a word or a button."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.messages import post
from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.ready_answer import ReadyAnswer
from bot.usecases.company.ready_answers import ManageReadyAnswers
from handlers.admin.labels import ready_answer_texts as admin_texts
from handlers.admin.labels import texts as label_texts
from handlers.attendant import ready_answer_texts as texts
from handlers.attendant import texts as attendant_texts
from handlers.relay import texts as relay_texts
from tests.flows.admin import Admin
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    CAIO,
    GROUP_ID,
    PROTOCOL,
    Clock,
    Customer,
    Start,
    Telegram,
)
from tests.flows.departments import buttons

BUTTON = "💬 Respostas"
HELLO = "Olá, {nome}! Seu protocolo é <b>{protocolo}</b>."


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


def manage_of(people: Telegram) -> ManageReadyAnswers:
    assert people.balcao
    manage: ManageReadyAnswers = people.balcao.dispatcher["manage_ready_answers"]
    return manage


async def made(
    people: Telegram, word: str, html: str = HELLO, department: str | None = None
) -> ReadyAnswer:
    answer = await manage_of(people).create(word, html, department)
    assert isinstance(answer, ReadyAnswer)
    return answer


def last(people: Telegram, chat_id: int = GROUP_ID) -> dict[str, Any]:
    return people.posts(chat_id)[-1]


async def writes(people: Telegram, text: str, *, to_card: bool = True) -> dict[str, Any]:
    """Write to the group, as a reply to the card; return the last message there."""
    card = people.card["message_id"] if to_card else None
    await people.group_says(BIA, text, reply_to=card)
    return last(people)


async def test_admins_create_change_and_delete_them(people: Telegram, billing: Department):
    admin = Admin(people, ADMIN_ID)
    assert admin_texts.EMPTY[:30] in await admin.says("/respostas")
    await admin.presses(admin_texts.NEW)
    assert admin_texts.EVERYWHERE in admin.buttons
    await admin.presses("Financeiro")
    assert "sem espaço nem traço" in await admin.says("segunda via")
    assert "O texto" not in await admin.says("!Boleto")
    assert "{nome} e {protocolo}" in await admin.says("Seu CPF: {cpf}")
    assert "3.600 caracteres" in await admin.says("x" * 3600)
    assert "Sem o nome" in await admin.says("{nome}")
    people.emulator.send_file(ADMIN_ID, ADMIN_ID, "sticker", b"x", name="a.webp")
    await people.settled()
    assert label_texts.ONLY_TEXT in admin.screen
    shown = await admin.says("Bom dia, {nome}! <b>Segue</b> & <i>")
    assert "!Boleto · 💰 Financeiro <&>" in shown
    assert "Bom dia! <b>Segue</b> & <i>" in shown, "as a customer reads it who is not proven"
    [answer] = await manage_of(people).all()
    assert (answer.word, answer.department_id) == ("Boleto", billing.id)
    assert answer.html == "Bom dia, {nome}! &lt;b&gt;Segue&lt;/b&gt; &amp; &lt;i&gt;"

    await admin.presses(admin_texts.CHANGE_DEPARTMENT)
    assert f"· {admin_texts.EVERYWHERE}" in await admin.presses(admin_texts.EVERYWHERE)
    await admin.presses(admin_texts.CHANGE_WORD)
    assert "!2via" in await admin.says("2via")
    await admin.presses(admin_texts.CHANGE_TEXT)
    await admin.presses(label_texts.CANCEL)
    await admin.presses(admin_texts.CHANGE_TEXT)
    assert "Segue o boleto" in await admin.says("Segue o boleto")
    await made(people, "pix")
    await admin.presses(label_texts.BACK)
    assert admin.buttons[:2] == ["!2via · Todos os departamentos", "!pix · Todos os departamentos"]
    await admin.presses(admin_texts.NEW)
    await admin.presses(admin_texts.EVERYWHERE)
    assert "Já há uma resposta" in await admin.says("PIX")
    await admin.presses(label_texts.CANCEL)

    await admin.presses("!2via")
    stale = await manage_of(people).all()
    await manage_of(people).set_text(stale[0], "Mudou")
    await admin.presses(admin_texts.DELETE)
    assert "Mudou" in await admin.presses(admin_texts.DELETE_YES)
    assert "Um colega" in admin.told
    await admin.presses(admin_texts.DELETE)
    await admin.presses(admin_texts.DELETE_YES)
    assert [one.word for one in await manage_of(people).all()] == ["pix"]


async def test_a_word_alone_sends_the_text_and_the_group_sees_it(people: Telegram, ana: Customer):
    await made(people, "Olá")
    [protocol] = PROTOCOL.findall(people.card["text"])
    before = len(people.messages(ana.id))
    asked = people.emulator.send_text(BIA, GROUP_ID, " !ola ", reply_to=people.card["message_id"])
    await people.settled()
    received = last(people, ana.id)
    assert received["text"] == f"Olá, Ana! Seu protocolo é {protocol}."
    assert [entity["type"] for entity in received["entities"]] == ["bold"]
    assert len(people.messages(ana.id)) == before + 1
    shown = last(people)
    assert shown["text"] == f"💬 Bia enviou !Olá ao cliente:\n\n{received['text']}"
    assert shown["reply_to_message"]["message_id"] == asked["message_id"]
    assert "Em atendimento por Bia" in people.card["text"]

    await ana.says("Obrigada")
    reply = await writes(people, "!ola", to_card=False)
    assert "não sei a qual cliente" in reply["text"]
    assert (await writes(people, "!olá hoje"))["text"] == "!olá hoje"
    assert ana.read[-1] == "!olá hoje", "not alone: an ordinary answer"
    count = len(people.messages(ana.id))
    said = (await writes(people, "!olaa"))["text"]
    assert "nada foi enviado" in said
    assert "Você quis dizer !Olá?" in said
    assert "todas" in (await writes(people, "!contrato"))["text"]
    assert len(people.messages(ana.id)) == count

    people.emulator.send_text(BIA, GROUP_ID, "/apagar", reply_to=shown["message_id"])
    await people.settled()
    assert last(people)["text"] == relay_texts.DELETED
    assert received["text"] not in ana.read
    await people.press(BIA, "☑️ Encerrar")
    assert "já foi encerrado" in (await writes(people, "!ola"))["text"]
    assert not any("Seu protocolo é" in text for text in ana.read[-2:])


async def test_without_proof_or_registration_nobody_is_called_by_name(people: Telegram):
    await made(people, "oi")
    jose = people.customer(demo.JOSE, phone="+5549991112233")
    await jose.is_in_conversation()
    await jose.says("José")
    await writes(people, "!oi")
    assert last(people, jose.id)["text"].startswith("Olá! Seu protocolo é ")


async def test_the_list_shows_a_departments_own_and_a_press_sends_one(
    people: Telegram, ana: Customer, billing: Department
):
    assert await people.press(CAIO, BUTTON) == texts.NONE_YET
    assert (await writes(people, "!", to_card=False))["text"] == texts.NONE_YET
    for number in range(10):
        await made(people, f"r{number}", f"Resposta {number}, {{nome}}")
    await made(people, "r3", "Só da cobrança", billing.id)
    await made(people, "r7", "Só daqui", DEFAULT_DEPARTMENT)
    await people.press(CAIO, BUTTON)
    assert "Aguardando atendente" in people.card["text"], "looking claims nothing"
    menu = last(people)
    assert buttons(menu) == [*(f"!r{n}" for n in range(8)), texts.AFTER, texts.CLOSE]
    assert "!r3 – Resposta 3" in menu["text"]
    assert "!r7 – Só daqui" in menu["text"], "a department's own goes before one for all"
    assert "1 de 2" in menu["text"]
    await people.press(CAIO, texts.AFTER, card=menu)
    assert buttons(last(people)) == ["!r8", "!r9", texts.BEFORE, texts.CLOSE]

    emulator = people.emulator
    data = [
        button["callback_data"]
        for row in last(people)["reply_markup"]["inline_keyboard"]
        for button in row
    ]
    count = len(people.messages(ana.id))
    pressed = [
        emulator.press(CAIO, GROUP_ID, menu["message_id"], data=one, force=True)
        for one in (data[1], data[0], data[1])
    ]
    await people.settled()
    told = [emulator.callback_answer(one) for one in pressed]
    assert [one and one["text"] for one in told] == [texts.SENT, *[texts.USED] * 2]
    assert ana.read[-1] == "Resposta 9, Ana"
    assert len(people.messages(ana.id)) == count + 1
    sent = next(m for m in people.messages(GROUP_ID) if m["message_id"] == menu["message_id"])
    assert sent["text"] == "💬 Caio enviou !r9 ao cliente:\n\nResposta 9, Ana"
    assert buttons(sent) == []
    assert "Em atendimento por Caio" in people.card["text"]

    # Anybody of the group may answer, and replies to what was sent find their way.
    await people.press(BIA, BUTTON)
    gone = await manage_of(people).all()
    await manage_of(people).delete(gone[0])
    assert await people.press(BIA, "!r0", card=last(people)) == texts.DELETED
    assert await people.press(BIA, texts.CLOSE, card=last(people)) == ""
    assert last(people)["text"] == texts.NOTHING_SENT
    await people.group_says(BIA, "Viu?", reply_to=sent["message_id"])
    assert ana.read[-1] == "Viu?"
    emulator.send_text(ana.id, ana.id, "Vi", reply_to=people.messages(ana.id)[count]["message_id"])
    await people.settled()
    assert last(people)["reply_to_message"]["message_id"] == sent["message_id"]
    menu = await writes(people, "/respostas", to_card=False)
    assert buttons(menu) == [texts.AFTER, texts.CLOSE], "to be read: nobody to send it to"
    assert "Só daqui" in menu["text"]
    await people.press(BIA, texts.AFTER, card=menu)
    assert buttons(last(people)) == [texts.BEFORE, texts.CLOSE]
    menu = await writes(people, "/respostas")
    assert "!r1" in buttons(menu)
    await people.press(BIA, "☑️ Encerrar")
    assert "encerrado" in await people.press(BIA, "!r1", card=menu)


async def test_one_that_is_not_delivered_is_said_below_it_and_sent_again(
    people: Telegram, ana: Customer
):
    await made(people, "oi", "Oi!")
    people.emulator.block_bot(ana.id)
    people.emulator.send_text(BIA, GROUP_ID, "!oi", reply_to=people.card["message_id"])
    await people.settled()
    shown, note = people.posts(GROUP_ID)[-2:]
    assert "bloqueou o bot" in note["text"]
    assert note["reply_to_message"]["message_id"] == shown["message_id"]
    people.emulator.unblock_bot(ana.id)
    assert await people.press(BIA, relay_texts.AGAIN, card=note) == relay_texts.SENT_AGAIN
    assert ana.read[-1] == "Oi!"


async def test_in_a_topic_the_word_needs_no_reply(start: Start):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        await made(people, "oi", "Oi, {nome}!")
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        topic = people.card["message_thread_id"]
        people.emulator.send_text(BIA, GROUP_ID, "!oi", thread_id=topic)
        await people.settled()
        assert ana.read[-1] == "Oi, Ana!"
        assert last(people)["message_thread_id"] == topic
        people.emulator.send_text(BIA, GROUP_ID, "!", thread_id=topic)
        await people.settled()
        await people.press(CAIO, "!oi", card=last(people))
        assert ana.read[-2:] == ["Oi, Ana!"] * 2
        other = people.emulator.create_topic(BIA, GROUP_ID, "Escala")
        people.emulator.send_text(BIA, GROUP_ID, "!oi", thread_id=other)
        await people.settled()
        assert "não sei a qual cliente" in last(people)["text"]


async def test_a_word_that_replies_to_a_colleague_or_a_notice_goes_nowhere(
    people: Telegram, ana: Customer
):
    await made(people, "oi", "Oi!")
    emulator, card, before = people.emulator, people.card["message_id"], ana.read
    talk = emulator.send_text(CAIO, GROUP_ID, "mando o quê?")["message_id"]
    comment = emulator.send_text(BIA, GROUP_ID, "// o oi", reply_to=card)["message_id"]
    unknown = (await writes(people, "!oiii"))["message_id"]
    for to, why in (
        (talk, attendant_texts.TO_COLLEAGUE),
        (comment, attendant_texts.TO_COMMENT),
        (unknown, attendant_texts.TO_NO_CONVERSATION),
    ):
        await people.group_says(BIA, "!oi", reply_to=to)
        assert why in last(people)["text"]
    assert ana.read == before
    assert "Aguardando atendente" in people.card["text"]
    # Who writes as the group is served, under the title that Telegram gives.
    emulator.add_user(1087968824, "Group")
    chat = emulator.chat(GROUP_ID)
    as_group = {"text": "!oi", "sender_chat": chat.api, "author_signature": "Supervisão"}
    post(emulator, chat, emulator.user(1087968824), as_group, reply_to=chat.messages[card])
    await people.settled()
    assert ana.read[-1] == "Oi!"
    assert last(people)["text"].startswith("💬 Supervisão enviou !oi")
    assert "Em atendimento por Supervisão" in people.card["text"]


async def test_they_count_as_answers_are_named_and_stay_in_the_transcript(
    start: Start, clock: Clock
):
    async with start(show_attendant_name=True) as people:
        await made(people, "oi", "<b>Oi</b>, {nome} &amp; cia")
        await made(people, "pix", "A chave")
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        conversations = people.balcao.retry_lookups.conversations

        async def waits_since() -> object:
            found = await conversations.open_in(ana.id)
            assert found
            return found.asked_at

        await writes(people, "!oi")
        assert ana.read[-1] == "Bia: Oi, Ana & cia"
        by_word = last(people)
        assert await waits_since() is None
        await ana.says("e a chave?")
        assert await waits_since()
        clock.advance(timedelta(minutes=1))  # Telegram says of no press when it was
        await people.press(BIA, BUTTON)
        await people.press(CAIO, "!pix", card=last(people))
        assert ana.read[-1] == "Caio: A chave"
        assert await waits_since() is None

        [protocol] = PROTOCOL.findall(people.card["text"])
        said = (await writes(people, f"/atendimento {protocol}"))["text"].splitlines()
        assert "Oi, Ana & cia" in said
        assert said[-1] == "A chave"
        assert any(line.startswith("🎧 Caio") for line in said)
        emulator = people.emulator
        emulator.send_text(BIA, GROUP_ID, "/apagar", reply_to=by_word["message_id"])
        await people.settled()
        said = (await writes(people, f"/atendimento {protocol}"))["text"]
        assert "Oi, Ana" not in said
        assert "🗑 mensagem apagada" in said
