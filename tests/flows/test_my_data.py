"""/meusdados, its request for correction, and the privacy notice that changes."""

from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Department
from handlers.customer import my_data_texts as texts
from handlers.customer.texts import ASK_TAX_ID, HELP, IDENTIFY_FIRST
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.wording import plain

OTHER_PHONE = "+5511977770000"
SUPPORT_GROUP = -1001000000002


def files(people: Telegram, chat_id: int) -> list[str]:
    """Return the text of each file that the bot sent to the chat."""
    found = []
    for message in people.messages(chat_id):
        if "document" in message and message["from"]["is_bot"]:
            assert message["document"]["file_name"].endswith(".txt")
            file = people.emulator.files.by_id(message["document"]["file_id"])
            assert file
            assert file.content.startswith(b"\xef\xbb\xbf")
            found.append(file.content.decode("utf-8-sig"))
    return found


async def chat_of(database: Any, chat_id: int) -> dict[str, Any]:
    return await database["chats"].find_one({"_id": chat_id})  # type: ignore[no-any-return]


async def press(people: Telegram, customer: Customer, text: str) -> str:
    """Press the customer's button; return the text of the callback answer."""
    message = [m for m in people.messages(customer.id) if text in str(m.get("reply_markup"))][-1]
    pressed = people.emulator.press(customer.id, customer.id, message["message_id"], text=text)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer is not None, "the button spins for ever"
    return answer["text"] or ""


async def is_served(people: Telegram, customer: Customer) -> None:
    """Verify the customer, then open and close a conversation."""
    await customer.is_in_conversation()
    await people.press(BIA, "✋ Atender")
    await people.press(BIA, "☑️ Encerrar")


async def second_department(people: Telegram) -> None:
    people.emulator.add_group(SUPPORT_GROUP, "Suporte", members=(ADMIN_ID, CAIO))
    assert people.balcao
    made = await people.balcao.departments.create("Suporte", "🛠")
    assert isinstance(made, Department)
    await people.balcao.departments.link(made.id, SUPPORT_GROUP)


async def set_password(database: Any) -> None:
    update = {"$set": {"portal": {"username": "anasouza", "password_hash": "$argon2id$segredo"}}}
    await database["registrations"].update_many({}, update)


async def test_a_verified_customer_gets_everything_as_a_file(people: Telegram, database: Any):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await set_password(database)
    await ana.says("/meusdados")
    [text] = files(people, ana.id)
    registration = await database["registrations"].find_one({})
    conversation = await database["conversations"].find_one({})
    chat = await chat_of(database, ana.id)
    for told in (
        *("Ana Beatriz Souza", demo.ANA.tax_id, "Cliente", "Ativo", "(49) 99001-0001"),
        *("anasouza", "ixc", registration["erp_refs"][0]["id"], conversation["protocol"]),
        *("Atendimento", "identidade confirmada", chat["privacy_notice_version"], "Criação"),
    ):
        assert told in text, told
    assert "argon2id" not in text
    assert "segredo" not in text


@pytest.mark.parametrize("confirm_identity", ["phone", "off"])
async def test_others_get_the_same_sentence_whether_the_document_is_known_or_not(
    start: Start, confirm_identity: str
):
    said = []
    async with start(confirm_identity=confirm_identity) as people:
        for person in (demo.ANA, demo.STRANGER):
            customer = people.customer(person, phone=OTHER_PHONE)
            said.append([await customer.says("/meusdados")])
            await customer.says("oi")
            await customer.says(person.tax_id)
            said[-1].append(await customer.says("/meusdados"))
            if confirm_identity == "phone":
                await customer.shares_phone()
                await customer.says("Fulano")
            said[-1].append(await customer.says("/meusdados"))
            assert files(people, customer.id) == []
    told = texts.not_verified(can_verify=confirm_identity == "phone")
    assert said == [[plain(told)] * 3] * 2


async def test_an_admin_has_no_such_command(people: Telegram):
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, "/meusdados")
    await people.settled()
    assert files(people, ADMIN_ID) == []


async def test_a_correction_goes_to_the_open_conversation_and_is_marked(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("/meusdados")
    assert await ana.presses(texts.FIX) == plain(texts.WRITE)
    assert await ana.presses(texts.BACK) == texts.LEFT
    await ana.says("isto é conversa")
    assert texts.CORRECTION not in people.messages(GROUP_ID)[-1]["text"]
    await ana.presses(texts.FIX)
    assert await ana.sends("photo") == plain(texts.AS_TEXT)
    assert await ana.says("x" * 4_001) == texts.TOO_LONG
    assert "<protocol>" in await ana.says("Meu nome é <Ana> Bia & Souza")
    received = people.messages(GROUP_ID)[-1]["text"]
    assert received.endswith(f"{texts.CORRECTION}\nMeu nome é <Ana> Bia & Souza")
    await ana.says("obrigada")
    assert texts.CORRECTION not in people.messages(GROUP_ID)[-1]["text"]


async def test_without_a_conversation_one_is_opened_in_the_department_that_is_chosen(
    people: Telegram, database: Any
):
    ana = people.customer(demo.ANA)
    await is_served(people, ana)
    await second_department(people)
    await ana.says("/meusdados")
    assert await ana.presses(texts.FIX) == texts.WHICH_DEPARTMENT
    assert await ana.presses("🛠 Suporte") == plain(texts.WRITE)
    assert "<protocol>" in await ana.says("Meu e-mail mudou")
    [message] = [m for m in people.messages(SUPPORT_GROUP) if "e-mail" in m.get("text", "")]
    assert texts.CORRECTION in message["text"]
    assert await database["conversations"].count_documents({"open_chat": ana.id}) == 1


async def test_whoever_is_not_verified_any_more_corrects_nothing(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("/meusdados")
    await ana.presses(texts.FIX)
    await ana.says("/sair")
    before = len(people.messages(GROUP_ID))
    assert await press(people, ana, texts.FIX) == texts.NOT_VERIFIED_NOW
    await ana.says("oi")
    assert len(people.messages(GROUP_ID)) == before


async def test_in_the_middle_of_the_steps_the_button_waits(people: Telegram, database: Any):
    ana = people.customer(demo.ANA)
    await is_served(people, ana)
    await second_department(people)
    await ana.says("/meusdados")
    await ana.says("/start")
    assert await press(people, ana, texts.FIX) == IDENTIFY_FIRST


async def test_a_changed_notice_is_given_once_and_what_was_asked_goes_on(
    start: Start, database: Any, clock: Clock
):
    async with start() as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
    first = await chat_of(database, ana.id)
    async with start(privacy_text="Novo <aviso>", privacy_url="https://ana.br/p") as people:
        ana = Customer(people, ana.id, ana.person)
        before = len(ana.read)
        await ana.says("minha internet caiu")
        await ana.says("e agora?")
        [notice] = ana.read[before:]
        assert "🔒" in notice
        assert "Novo <aviso>" in notice
        texts_in_group = [m.get("text", "") for m in people.messages(GROUP_ID)]
        assert "internet caiu" in texts_in_group[-2]
        again = await chat_of(database, ana.id)
        assert again["privacy_notice_version"] != first["privacy_notice_version"]
        assert again["tax_id"] == first["tax_id"]
    # A chat from before notices had versions gets the notice once, as if it had changed.
    await database["chats"].update_one({"_id": ana.id}, {"$unset": {"privacy_notice_version": ""}})
    async with start(privacy_text="Novo <aviso>", privacy_url="https://ana.br/p") as people:
        ana = Customer(people, ana.id, ana.person)
        before = len(ana.read)
        assert await ana.says("/ajuda") == plain(HELP)
        assert ["🔒" in text for text in ana.read[before:]] == [True, False]
        assert (await chat_of(database, ana.id)) == again | {
            "privacy_notice_at": (await chat_of(database, ana.id))["privacy_notice_at"]
        }


async def test_a_new_chat_gets_the_notice_with_its_first_words_and_not_twice(
    people: Telegram, database: Any
):
    ana = people.customer(demo.ANA)
    assert await ana.says("oi")
    assert await ana.says("/sair")
    assert await ana.says("oi") == plain(ASK_TAX_ID)
    assert sum("🔒" in text for text in ana.read) == 1
    assert (await chat_of(database, ana.id))["privacy_notice_version"]
