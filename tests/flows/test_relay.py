"""Customers' and attendants' messages: formatting, albums, replies, edits, deletion, trouble."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.writing import Attached
from handlers.relay import texts
from tests.flows.album import ALBUM
from tests.flows.conftest import BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram

BOLD = [{"type": "bold", "offset": 0, "length": 4}]


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


def last(people: Telegram, chat_id: int, count: int = 1) -> list[dict[str, Any]]:
    return people.messages(chat_id)[-count:]


def kinds_of(album: list[dict[str, Any]]) -> list[str]:
    [_] = {message["media_group_id"] for message in album}
    return ["photo" if "photo" in message else "video" for message in album]


async def answer(people: Telegram, text: str, **more: Any) -> dict[str, Any]:
    message = people.emulator.send_text(
        BIA, GROUP_ID, text, reply_to=people.card["message_id"], **more
    )
    await people.settled()
    return message


async def test_formatting_stays_both_ways(people: Telegram, ana: Customer):
    people.emulator.send_text(ana.id, ana.id, "Nada <b> & 😀", entities=BOLD)
    await people.settled()
    [arrived] = last(people, GROUP_ID)
    assert arrived["text"].endswith("\nNada <b> & 😀")
    start = len("💬 Ana Beatriz Souza\n") + 1
    assert {"type": "bold", "offset": start, "length": 4} in arrived["entities"]
    await answer(people, "Tudo <i> certo", entities=BOLD)
    [received] = last(people, ana.id)
    assert (received["text"], received["entities"]) == ("Tudo <i> certo", BOLD)


@pytest.mark.parametrize("forum", [False, True], ids=["plain", "forum"])
async def test_albums_stay_albums_both_ways(start: Start, forum: bool):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, forum)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        card = people.card
        people.emulator.send_album(ana.id, ana.id, ALBUM)
        await people.settled()
        album = last(people, GROUP_ID, 4)
        assert kinds_of(album) == ["video", "photo"] * 2
        assert album[0]["caption"] == "Veja"
        place: dict[str, Any] = {"reply_to": card["message_id"]}
        if forum:
            place = {"thread_id": card["message_thread_id"]}
            assert {m["message_thread_id"] for m in album} == {card["message_thread_id"]}
        else:
            assert {m["reply_to_message"]["message_id"] for m in album} == {card["message_id"]}
        people.emulator.send_album(BIA, GROUP_ID, ALBUM, **place)
        await people.settled()
        assert kinds_of(last(people, ana.id, 4)) == ["video", "photo"] * 2
        received = last(people, ana.id, 4)
        people.emulator.edit_text(
            BIA, GROUP_ID, last(people, GROUP_ID, 4)[0]["message_id"], "Olhe"
        )
        await people.settled()
        assert last(people, ana.id, 4)[0]["caption"] == "Olhe"
        assert len(received) == 4


async def test_an_album_sent_while_choosing_a_department_arrives_whole(people: Telegram):
    balcao = people.balcao
    assert balcao is not None
    second = await balcao.departments.create("Financeiro")
    people.emulator.add_group(-1001000000002, "Financeiro", members=(BIA,))
    await balcao.departments.link(second.id, -1001000000002)
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    people.emulator.send_album(ana.id, ana.id, ALBUM)
    mistyped = people.emulator.send_text(ana.id, ana.id, "Boelto")
    await people.settled()
    people.emulator.edit_text(ana.id, ana.id, mistyped["message_id"], "Boleto")
    await people.settled()
    await ana.says("Financeiro")
    assert "Boleto" in str(people.messages(-1001000000002)[-1])
    album = [m for m in people.messages(-1001000000002) if "media_group_id" in m]
    assert kinds_of(album) == ["video", "photo"] * 2


@pytest.mark.parametrize("mark", ["// só nosso", "/nota só nosso"])
@pytest.mark.parametrize("marked", [0, 2], ids=["first", "last"])
async def test_an_album_marked_as_internal_stays_so_as_a_whole(
    people: Telegram, ana: Customer, mark: str, marked: int
):
    """Some apps put the caption below the last file."""
    before = people.messages(ana.id)
    files = [Attached("document", b"1", caption=mark if n == marked else "") for n in range(3)]
    sent = people.emulator.send_album(BIA, GROUP_ID, files, reply_to=people.card["message_id"])
    await people.settled()
    assert people.messages(ana.id) == before
    shown = people.emulator.reactions(GROUP_ID, sent[marked]["message_id"])
    assert shown == [texts.NOTE_KEPT]


async def test_internal_comments_reach_nobody_edited_or_not(people: Telegram, ana: Customer):
    before = people.messages(ana.id)
    for text in ("// cuidado", "/nota cuidado"):
        comment = await answer(people, text)
        assert people.emulator.reactions(GROUP_ID, comment["message_id"]) == [texts.NOTE_KEPT]
        people.emulator.edit_text(BIA, GROUP_ID, comment["message_id"], text + " com ele")
        await people.settled()
    said = await answer(people, "Bom dia")
    assert len(people.messages(ana.id)) == len(before) + 1
    people.emulator.edit_text(BIA, GROUP_ID, said["message_id"], "// errei")
    await people.settled()
    assert last(people, ana.id)[0]["text"] == "Bom dia"


async def test_replies_stay_replies_both_ways(people: Telegram, ana: Customer):
    first = people.emulator.send_text(ana.id, ana.id, "Caiu")
    await people.settled()
    [in_group] = last(people, GROUP_ID)
    people.emulator.send_text(BIA, GROUP_ID, "Desde quando?", reply_to=in_group["message_id"])
    await people.settled()
    asked = last(people, GROUP_ID)[0]
    [received] = last(people, ana.id)
    assert received["reply_to_message"]["message_id"] == first["message_id"]
    people.emulator.send_text(ana.id, ana.id, "Ontem", reply_to=received["message_id"])
    await people.settled()
    assert last(people, GROUP_ID)[0]["reply_to_message"]["message_id"] == asked["message_id"]
    await answer(people, "Certo")
    assert "reply_to_message" not in last(people, ana.id)[0]


async def test_a_reply_to_what_was_forwarded_stays_one(people: Telegram, ana: Customer):
    """A forwarded message replies to nothing; in a plain group it starts its own thread."""
    story = people.emulator.send_sample(ana.id, ana.id, "story")
    await people.settled()
    [forwarded] = last(people, GROUP_ID)
    people.emulator.send_text(BIA, GROUP_ID, "Que bom", reply_to=forwarded["message_id"])
    await people.settled()
    assert last(people, ana.id)[0]["reply_to_message"]["message_id"] == story["message_id"]


async def test_edits_are_mirrored_both_ways(people: Telegram, ana: Customer):
    emulator, card = people.emulator, people.card["message_id"]
    photo = emulator.send_file(ana.id, ana.id, "photo", b"1", caption="Modem")
    await people.settled()
    emulator.edit_media(ana.id, ana.id, photo["message_id"], "video", b"2", caption="Veja")
    await people.settled()
    [arrived] = last(people, GROUP_ID)
    assert "video" in arrived
    assert (arrived["caption"], "photo" in arrived) == ("Veja", False)
    answered = emulator.send_file(BIA, GROUP_ID, "photo", b"3", caption="Assim", reply_to=card)
    await people.settled()
    emulator.edit_media(BIA, GROUP_ID, answered["message_id"], "document", b"4", name="a.pdf")
    await people.settled()
    assert last(people, ana.id)[0]["document"]["file_name"] == "a.pdf"
    said = emulator.send_text(ana.id, ana.id, "Caiu")
    await people.settled()
    emulator.edit_text(ana.id, ana.id, said["message_id"], "Caiu & <voltou>")
    await people.settled()
    assert last(people, GROUP_ID)[0]["text"] == "💬 Ana Beatriz Souza\nCaiu & <voltou>"


async def test_what_was_sent_as_one_is_corrected_below_and_replied_to(
    people: Telegram, ana: Customer, clock: Clock
):
    emulator, card = people.emulator, people.card["message_id"]
    emulator.remove_member(GROUP_ID, emulator.bot.id)
    await people.settled()
    sent = [emulator.send_text(ana.id, ana.id, text) for text in ("um", "dois", "tres")]
    emulator.edit_text(ana.id, ana.id, sent[1]["message_id"], "DOIS")
    await people.settled()
    clock.advance(timedelta(seconds=30))
    emulator.add_member(GROUP_ID, emulator.bot.id)
    emulator.set_admin(GROUP_ID, emulator.bot.id)
    await people.settled()
    as_one, correction = last(people, GROUP_ID, 2)
    assert as_one["text"] == "💬 Ana Beatriz Souza\num\ndois\ntres"
    assert as_one["reply_to_message"]["message_id"] == card
    assert correction["text"] == "✏️ Corrigido pelo cliente:\nDOIS"
    assert correction["reply_to_message"]["message_id"] == as_one["message_id"]
    emulator.send_text(BIA, GROUP_ID, "Ok, dois", reply_to=correction["message_id"])
    await people.settled()
    assert ana.read[-1] == "Ok, dois", "a reply to the correction is an answer"
    emulator.send_text(BIA, GROUP_ID, "Qual?", reply_to=as_one["message_id"])
    await people.settled()
    [received] = last(people, ana.id)
    assert received["reply_to_message"]["message_id"] == sent[2]["message_id"]


async def test_apagar_deletes_at_the_customer_or_says_why_not(people: Telegram, ana: Customer):
    emulator = people.emulator

    async def apagar(reply_to: int | None) -> str:
        before = len(people.messages(GROUP_ID))
        emulator.send_text(BIA, GROUP_ID, "/apagar", reply_to=reply_to)
        await people.settled()
        [_, said] = people.messages(GROUP_ID)[before:]
        return str(said["text"])

    wrong = await answer(people, "Outro cliente")
    assert await apagar(wrong["message_id"]) == texts.DELETED
    assert "Outro cliente" not in ana.read
    assert "Telegram não deixa mais" in await apagar(wrong["message_id"])
    assert "responda a ela" in await apagar(None)
    await ana.says("oi")
    assert await apagar(last(people, GROUP_ID)[0]["message_id"]) == texts.NOT_YOURS
    old = await answer(people, "Antiga")
    received = last(people, ana.id)[0]
    received["date"] -= 49 * 3600
    assert "Telegram não deixa mais" in await apagar(old["message_id"])
    assert ana.read[-1] == "Antiga"


async def test_a_blocked_customer_gets_it_by_the_button_after_unblocking(
    people: Telegram, ana: Customer, clock: Clock
):
    emulator = people.emulator
    emulator.block_bot(ana.id)
    sent = emulator.send_album(BIA, GROUP_ID, ALBUM, reply_to=people.card["message_id"])
    await people.settled()
    [note] = last(people, GROUP_ID)
    assert "bloqueou o bot" in note["text"]
    assert note["reply_to_message"]["message_id"] == sent[0]["message_id"]
    emulator.unblock_bot(ana.id)
    data = note["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    clock.advance(timedelta(minutes=1))
    emulator.fail_next("sendMediaGroup", 403, "Forbidden: bot was blocked by the user")
    assert await people.press(BIA, texts.AGAIN, card=note) == texts.SENT_AGAIN
    notes = [m for m in people.messages(GROUP_ID) if "entregue" in m.get("text", "")]
    assert [n["message_id"] > note["message_id"] for n in notes] == [True], "the new one only"
    assert await people.press(BIA, texts.AGAIN, card=notes[0]) == texts.SENT_AGAIN
    assert kinds_of(last(people, ana.id, 4)) == ["video", "photo"] * 2
    assert "nviando de novo" not in str(people.messages(GROUP_ID))
    assert not [m for m in people.messages(GROUP_ID) if "entregue" in m.get("text", "")]
    count = len(people.messages(ana.id))
    pressed = emulator.press(CAIO, GROUP_ID, people.card["message_id"], data=data, force=True)
    await people.settled()
    assert emulator.callback_answer(pressed)["text"] == texts.NOT_AGAIN
    assert len(people.messages(ana.id)) == count


async def test_another_group_sends_nothing_again(people: Telegram, ana: Customer):
    emulator = people.emulator
    emulator.block_bot(ana.id)
    await answer(people, "Bom dia")
    [note] = last(people, GROUP_ID)
    emulator.unblock_bot(ana.id)
    balcao = people.balcao
    assert balcao is not None
    other = await balcao.departments.create("Financeiro")
    emulator.add_group(-1001000000002, "Financeiro", members=(CAIO,))
    await balcao.departments.link(other.id, -1001000000002)
    data = note["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    emulator.press(CAIO, -1001000000002, 1, data=data, force=True)
    await people.settled()
    assert "Bom dia" not in ana.read


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ((413, "Request Entity Too Large"), "grande demais"),
        ((400, "Bad Request: message is too long"), "longa demais"),
    ],
)
async def test_what_is_too_much_for_telegram_is_said_below_it(
    people: Telegram, ana: Customer, refusal: tuple[int, str], sentence: str
):
    people.emulator.fail_next("copyMessage", *refusal)
    sent = await answer(people, "Bom dia")
    [note] = last(people, GROUP_ID)
    assert sentence in note["text"]
    assert note["reply_to_message"]["message_id"] == sent["message_id"]
    assert texts.AGAIN not in str(note), "sending the same again does not help"


async def test_answers_of_several_attendants_at_once_keep_their_order(
    people: Telegram, ana: Customer
):
    card = people.card["message_id"]
    for number in range(8):
        people.emulator.send_text(
            BIA if number % 2 else CAIO, GROUP_ID, f"{number}", reply_to=card
        )
        people.emulator.send_text(ana.id, ana.id, f"c{number}")
    await people.settled()
    assert ana.read[-8:] == [f"{n}" for n in range(8)]
    said = "\n".join(t for t in people.texts(GROUP_ID) if "\nc" in t)
    assert [f"c{n}" for n in range(8)] == [line for line in said.splitlines() if line[0] == "c"]


async def test_the_card_shows_what_changed_while_it_was_being_edited(
    people: Telegram, ana: Customer
):
    edited = asyncio.Event()
    people.emulator.fail_next("editMessageText", held=edited, chat_id=GROUP_ID)
    press = people.emulator.press
    press(BIA, GROUP_ID, people.card["message_id"], text="✋ Atender")
    await people.emulator.until(lambda: people.emulator.calls_of("editMessageText"))
    press(BIA, GROUP_ID, people.card["message_id"], text="☑️ Encerrar")
    await people.emulator.until(lambda: people.emulator.pending_updates == 0)
    assert people.balcao is not None
    await people.balcao.inbox.idle()
    edited.set()
    await people.settled()
    assert "Encerrado" in people.card["text"]


async def test_an_edited_tax_id_is_read_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    wrong = people.emulator.send_text(ana.id, ana.id, "123")
    await people.settled()
    people.emulator.edit_text(ana.id, ana.id, wrong["message_id"], ana.person.tax_id)
    await people.settled()
    assert "telefone" in ana.read[-1].lower() or "celular" in ana.read[-1].lower()


async def test_what_is_deleted_while_it_waits_is_not_read_by_the_customer(
    people: Telegram, ana: Customer
):
    emulator, card = people.emulator, people.card["message_id"]
    for by_command in (True, False):
        emulator.fail_next("copyMessage", 502)
        wrong = emulator.send_text(BIA, GROUP_ID, "Outro cliente", reply_to=card)
        calls = len(emulator.calls_of("copyMessage"))
        await emulator.until(lambda calls=calls: len(emulator.calls_of("copyMessage")) > calls)
        if by_command:
            emulator.send_text(BIA, GROUP_ID, "/apagar", reply_to=wrong["message_id"])
        else:
            emulator.delete_message(BIA, GROUP_ID, wrong["message_id"])
        await people.settled()
        assert "Outro cliente" not in ana.read
        assert people.texts(GROUP_ID)[-1] == texts.DELETED
