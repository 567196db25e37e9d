"""Replies in a group: which go to the customer, and that each other one is answered."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.messages import post
from handlers import access
from handlers.attendant import correcting_texts, ready_answer_texts, texts
from handlers.attendant.calling_texts import CALL
from handlers.customer import texts as customer_texts
from tests.flows.album import ALBUM
from tests.flows.conftest import BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.departments import press, registered, says
from tests.flows.relay_table import GOES, PAGE, REPLIES, SAID, STAYS, with_table

NOWHERE = "⚠️ Isso não foi para o cliente"
ONCE = "💬 Sua resposta vai para o cliente"


class Group:
    """Bia's group with a conversation in it, plain or with a topic."""

    def __init__(self, people: Telegram, customer: Customer) -> None:
        self.people, self.customer = people, customer
        thread = people.card.get("message_thread_id")
        self.place: dict[str, Any] = {"thread_id": thread} if thread else {}
        self.count = 0

    @property
    def last(self) -> dict[str, Any]:
        return self.people.posts(GROUP_ID)[-1]

    def with_button(self, text: str) -> dict[str, Any]:
        found = self.people.messages(GROUP_ID)
        return [m for m in found if text in str(m.get("reply_markup"))][-1]

    async def write(self, user_id: int, text: str, to: int | None = None) -> dict[str, Any]:
        sent = self.people.emulator.send_text(
            user_id, GROUP_ID, text, **({"reply_to": to} if to else self.place)
        )
        await self.people.settled()
        return sent

    async def press(self, text: str) -> dict[str, Any]:
        """Press the latest button with this text; return the latest message then."""
        await press(self.people, BIA, GROUP_ID, text)
        return self.last

    async def fate(self, message_id: int, user_id: int = BIA) -> str:
        """Reply to the message; return what becomes of the reply."""
        self.count += 1
        before = len(self.people.posts(GROUP_ID))
        await self.write(user_id, f"resposta {self.count}", message_id)
        said = [m.get("text", "") for m in self.people.posts(GROUP_ID)[before + 1 :]]
        if self.customer.read[-1] != f"resposta {self.count}":
            [told] = said
            assert told.startswith((NOWHERE, "⚠️ O atendimento")), told
            return STAYS
        return SAID if any(text.startswith(ONCE) for text in said) else GOES


@pytest.mark.parametrize("forum", [False, True], ids=["plain", "topic"])
async def test_a_reply_to_each_kind_of_message_goes_where_the_table_says(
    start: Start, clock: Clock, forum: bool
):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, forum)
        customer = people.customer(demo.ANA)
        # Known by the document and not confirmed, so that an attendant can confirm.
        for text in ("oi", demo.ANA.tax_id, customer_texts.SKIP, "Ana", "caiu"):
            await customer.says(text)
        group, found = Group(people, customer), {}

        async def check(kind: str, message: dict[str, Any], user_id: int = BIA) -> None:
            found[kind] = await group.fate(message["message_id"], user_id)

        await check("the card", people.card)
        await customer.says("caiu de novo")
        await check("a message of the customer", group.last)
        await check("full card", await group.press("📋 Ficha completa"))
        said = group.last
        assert said["text"].startswith(ONCE)
        # Said once in a conversation: from here on the name of the kind is enough.
        assert await group.fate(people.cards[-1]["message_id"]) == GOES
        await check("your reply goes to the customer", said)
        people.emulator.fail_next("editMessageText", 400, "Bad Request: message can't be edited")
        [caiu] = [m for m in people.messages(customer.id) if m.get("text") == "caiu de novo"]
        people.emulator.edit_text(customer.id, customer.id, caiu["message_id"], "voltou")
        await people.settled()
        await check("a correction of the customer", group.last)
        await customer.says(demo.JOSE.tax_id)
        [other] = [m for m in people.messages(GROUP_ID) if "enviou outro" in m.get("text", "")]
        await check("another document of the customer", other)
        question = await group.press(texts.VERIFY)
        await check("question for the identity", question)
        await group.press(texts.VERIFY_YES)
        await check("identity confirmed", question)
        await group.press("📋 Ficha completa")
        await check("confirmation taken back", await group.press(texts.TAKE_BACK))

        own = await group.write(BIA, "Já vejo", people.card["message_id"])
        await check("one's own answer", own)
        await check("a colleague's answer", own, CAIO)
        comment = await group.write(BIA, "// enrolado", people.card["message_id"])
        await check("one's own comment", comment)
        await check("a colleague's comment", comment, CAIO)
        await group.write(BIA, "/apagar", own["message_id"])
        await check("answer deleted", group.last)

        targets = await group.press("↪️ Transferir")
        await check("question for the target", targets)
        await group.press(texts.BACK)
        await check("nothing was transferred", targets)
        targets = await group.press("↪️ Transferir")
        question = await group.press("👤 Caio")
        await group.write(BIA, "é dele", question["message_id"])
        news = people.messages(GROUP_ID)[-2:]
        [below] = [m for m in news if m["text"].startswith("✅")]
        [to_you] = [m for m in news if m["text"].startswith("↪️")]
        found["question for the reason, answered"] = await _to_question(group, question)
        await check("transferred (the list)", targets)
        await check("transferred (below the reason)", below)
        await check("transferred to you", to_you)

        yes, no = correcting_texts.YES, correcting_texts.NO
        for answer, kind in ((yes, "note saved"), (no, "note dropped")):
            question = await group.press("📌 Observação fixa")
            await group.write(BIA, f"cão {kind}", question["message_id"])
            proposal = group.last
            await check("proposed note", proposal)
            await group.press(answer)
            found["question for a note, answered"] = await _to_question(group, question)
            await check(kind, proposal)

        menu = await group.press("✏️ Corrigir cadastro")
        await check("question for the field to correct", menu)
        question = await group.press("✉️ E-mail")
        assert await group.fate(menu["message_id"]) == STAYS
        await group.write(BIA, "ana@exemplo.org", question["message_id"])
        proposal = group.last
        await check("proposed correction", proposal)
        await group.press(yes)
        found["question for the right value, answered"] = await _to_question(group, question)
        await check("correction saved", proposal)
        question = await group.press("✉️ E-mail")
        await group.write(BIA, "ana@exemplo.org", question["message_id"])
        await check("correction that changes nothing", group.last)

        assert people.balcao
        await people.balcao.dispatcher["manage_ready_answers"].create("pix", "A chave", None)
        word = await group.write(BIA, "!pix", people.card["message_id"])
        await check("a ready answer (by a word)", group.last, CAIO)
        await check("the word of a ready answer", word)
        await group.write(BIA, "!pixx", people.card["message_id"])
        await check("no such ready answer", group.last)
        answers = await group.press("💬 Respostas")
        await check("list of ready answers", answers)
        await group.press("!pix")
        await check("a ready answer (by a press)", answers, CAIO)
        answers = await group.press("💬 Respostas")
        await group.press(ready_answer_texts.CLOSE)
        await check("list of ready answers, closed", answers)

        people.emulator.block_bot(customer.id)
        await group.write(BIA, "!pix", people.card["message_id"])
        shown = [m for m in people.messages(GROUP_ID) if "A chave" in m.get("text", "")][-1]
        failed = await group.write(BIA, "Alô", people.card["message_id"])
        notice = group.last
        people.emulator.unblock_bot(customer.id)
        await check("one's own answer that has not arrived", failed)
        await check("a ready answer that has not arrived", shown)
        await check("not delivered", notice)
        await check("your reply goes nowhere", group.last)
        await group.write(BIA, "/ajuda")
        await check("help", group.last)
        await group.write(BIA, "/fila")
        await check("queue", group.last)

        await group.press("☑️ Encerrar")
        await check("any message of a closed conversation", people.card)

        await registered(people, demo.MARIA, priority_departments=frozenset(("atendimento",)))
        maria = people.customer(demo.MARIA)
        await maria.is_in_conversation()
        clock.advance(timedelta(hours=1))
        assert people.balcao
        await people.balcao.queue_rounds.remind()
        await people.settled()
        reminder = people.messages(GROUP_ID)[-1]
        await says(people, BIA, GROUP_ID, "/fila")
        group = Group(people, maria)
        await check("claimed from the queue", await group.press("✋ 1"))
        await check("reminder of a customer with priority", reminder)

        await group.press("☑️ Encerrar")
        await group.press("📋 Ficha completa")
        for user_id, kind, text in (
            (BIA, "customer called", "📞 Chamei"),
            (CAIO, "call of a customer who is there", "📞 Já há um atendimento aberto"),
        ):
            await press(people, user_id, GROUP_ID, CALL)
            [said] = [m for m in people.messages(GROUP_ID) if text in m.get("text", "")]
            await check(kind, said)
        assert {kind: _of(found, kind) for kind in REPLIES} == REPLIES


def _of(found: dict[str, str], kind: str) -> str:
    """Return the result; what goes unsaid was said before in this conversation."""
    return SAID if (found[kind], REPLIES[kind]) == (GOES, SAID) else found[kind]


async def _to_question(group: Group, question: dict[str, Any]) -> str:
    read = group.customer.read
    await group.write(BIA, "e mais", question["message_id"])
    assert (group.last["text"], group.customer.read) == (texts.ANSWERED_BEFORE, read)
    return STAYS


def test_the_page_shows_the_table():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run python -m tests.flows.relay_table"


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def test_replies_of_any_kind_are_answered_each_time_and_albums_once(
    people: Telegram, ana: Customer
):
    emulator, before = people.emulator, ana.read
    talk = emulator.send_text(BIA, GROUP_ID, "alguém viu?")["message_id"]
    await people.settled()
    told = len(people.texts(GROUP_ID))
    emulator.send_text(CAIO, GROUP_ID, "eu não", reply_to=talk)
    emulator.send_text(CAIO, GROUP_ID, "nem eu", reply_to=talk)
    emulator.send_file(CAIO, GROUP_ID, "photo", b"1", reply_to=talk)
    emulator.send_album(CAIO, GROUP_ID, ALBUM, reply_to=talk)
    emulator.send_text(BIA, GROUP_ID, "a minha", reply_to=talk)
    await people.settled()
    said = people.texts(GROUP_ID)[told:]
    assert len(said) == 5
    assert all(text.startswith(NOWHERE) for text in said)
    # In a group of no department attendants talk in peace.
    emulator.add_group(-1001000000099, "Almoço", members=(BIA, CAIO, 4001))
    talk = emulator.send_text(BIA, -1001000000099, "onde?")["message_id"]
    emulator.send_text(4001, -1001000000099, "aqui", reply_to=talk)
    await people.settled()
    assert len(people.texts(-1001000000099)) <= 1, "the hint"
    assert ana.read == before


async def test_who_writes_as_a_channel_is_told_and_as_the_group_is_served(
    people: Telegram, ana: Customer
):
    emulator, chat = people.emulator, people.emulator.chat(GROUP_ID)
    for user_id, name in ((136817688, "Channel"), (1087968824, "Group")):
        emulator.add_user(user_id, name)
    channel = {"id": -1001000000555, "type": "channel", "title": "Novidades"}

    async def write(text: str, sender: dict[str, Any], **more: Any) -> str:
        is_group = sender["id"] == GROUP_ID
        user = emulator.user(1087968824 if is_group else 136817688)
        card = chat.messages[people.card["message_id"]]
        post(emulator, chat, user, {"text": text, "sender_chat": sender, **more}, reply_to=card)
        await people.settled()
        return people.texts(GROUP_ID)[-1]

    plain = access.AS_CHANNEL.replace("<b>", "").replace("</b>", "")
    said = people.texts(GROUP_ID)
    for count, text in enumerate(("golpe", "golpe", "/encerrar", "/apagar"), 1):
        await write(text, channel)
        assert people.texts(GROUP_ID) == said + count * [plain]
    await write("post do canal", channel, is_automatic_forward=True)
    assert people.texts(GROUP_ID) == said + 4 * [plain]
    await write("Olá!", chat.api, author_signature="Supervisão")
    assert ana.read[-1] == "Olá!"
    assert "Em atendimento por Supervisão" in people.card["text"]
    answer = people.messages(GROUP_ID)[-1]
    assert answer["text"] == "Olá!"
    # A note that Bia was asked for may be written anonymously: she confirms it.
    await people.press(BIA, "📌 Observação fixa")
    question = people.messages(GROUP_ID)[-1]
    post(
        emulator,
        chat,
        emulator.user(1087968824),
        {"text": "cão", "sender_chat": chat.api},
        reply_to=question,
    )
    await people.settled()
    assert "➕ cão" in people.texts(GROUP_ID)[-1]
    assert await write("/encerrar", chat.api) != plain
    assert "Encerrado por Administrador anônimo" in people.card["text"]
