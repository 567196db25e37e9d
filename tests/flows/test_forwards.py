"""What customers forward, and what an attendant's words say of who writes them."""

from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api import contents
from handlers.attendant import texts as attendant_texts
from handlers.relay.texts import FORWARDED_FROM
from tests.flows.album import ALBUM
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Customer, Start, Telegram

WHEN = {"date": 1_700_000_000}
CHANNEL = {"id": -1009, "type": "channel", "title": "Avisos <&>"}
ORIGINS: dict[str, dict[str, Any]] = {
    "Rui & Filhos": {"type": "hidden_user", "sender_user_name": "Rui & Filhos"},
    "Vera Dias": {
        "type": "user",
        "sender_user": {"id": 7, "is_bot": False, "first_name": "Vera", "last_name": "Dias"},
    },
    "Condomínio": {
        "type": "chat",
        "sender_chat": {"id": -1008, "type": "supergroup", "title": "Condomínio"},
    },
    "Avisos <&> · Ivo": {
        "type": "channel",
        "chat": CHANNEL,
        "message_id": 4,
        "author_signature": "Ivo",
    },
}


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def test_attendants_see_from_whom_a_message_was_forwarded(people: Telegram, ana: Customer):
    for name, origin in ORIGINS.items():
        forwarded = {"forward_origin": origin | WHEN}
        people.emulator.send(ana.id, ana.id, {"text": "Pix <novo>"} | forwarded)
        people.emulator.send(ana.id, ana.id, contents.location(-27.1, -52.6) | forwarded)
        await people.settled()
        text, line, place = people.messages(GROUP_ID)[-3:]
        assert text["text"].endswith(f"{FORWARDED_FROM} {name}\nPix <novo>")
        assert line["text"] == f"{FORWARDED_FROM} {name}"
        assert place["location"]
    # A text without room for the line, and a kind that shows its origin by itself.
    said = len(people.messages(GROUP_ID))
    origin = {"forward_origin": ORIGINS["Vera Dias"] | WHEN}
    people.emulator.send(ana.id, ana.id, {"text": "x" * 4096} | origin)
    people.emulator.send(ana.id, ana.id, contents.SAMPLES["story"] | origin)
    await people.settled()
    line, text, story = people.messages(GROUP_ID)[said:]
    assert line["text"] == f"{FORWARDED_FROM} Vera Dias"
    assert text["text"] == "x" * 4096
    assert story["forward_origin"]["type"] == "user"


async def test_a_forwarded_album_says_it_once_also_when_it_came_before_the_conversation(
    people: Telegram,
):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    for number in range(2):
        photo = people.emulator.send_file(BIA, GROUP_ID, "photo", b"x")
        content = {"photo": photo["photo"], "media_group_id": "7"}
        origin = {"forward_origin": ORIGINS["Vera Dias"] | WHEN}
        people.emulator.send(ana.id, ana.id, content | origin | {"caption": str(number)})
    await people.settled()
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    line, *album = people.messages(GROUP_ID)[-3:]
    assert line["text"] == f"{FORWARDED_FROM} Vera Dias"
    assert [m["caption"] for m in album] == ["0", "1"]
    assert len({m["media_group_id"] for m in album}) == 1


async def test_the_name_of_the_attendant_stands_before_the_words(start: Start):
    async with start(show_attendant_name=True) as people:
        ana, emulator = people.customer(demo.ANA), people.emulator
        await ana.is_in_conversation()
        card = people.card["message_id"]
        said = emulator.send_text(
            CAIO,
            GROUP_ID,
            "Bom <dia>",
            reply_to=card,
            entities=[{"type": "bold", "offset": 0, "length": 3}],
        )
        captioned = emulator.send_file(
            CAIO, GROUP_ID, "photo", b"x", caption="Veja", reply_to=card
        )
        emulator.send_file(CAIO, GROUP_ID, "photo", b"x", reply_to=card)
        emulator.send_album(BIA, GROUP_ID, ALBUM, reply_to=card)
        await people.settled()
        received = people.messages(ana.id)
        text, photo, bare, *album = received[-7:]
        assert text["text"] == "Caio: Bom <dia>"
        assert [(e["type"], e["offset"]) for e in text["entities"]] == [("bold", 0), ("bold", 6)]
        assert photo["caption"] == "Caio: Veja"
        assert "caption" not in bare
        assert [m.get("caption") for m in album] == ["Bia: Veja", None, None, None]
        emulator.edit_text(CAIO, GROUP_ID, said["message_id"], "Boa tarde")
        emulator.edit_text(CAIO, GROUP_ID, captioned["message_id"], "Olhe")
        await people.settled()
        edited = {m["message_id"]: m for m in people.messages(ana.id)}
        assert edited[text["message_id"]]["text"] == "Caio: Boa tarde"
        assert edited[photo["message_id"]]["caption"] == "Caio: Olhe"
        # What has no room for the name arrives without it.
        emulator.send_text(CAIO, GROUP_ID, "y" * 4093, reply_to=card)
        emulator.send_file(CAIO, GROUP_ID, "photo", b"x", caption="z" * 1022, reply_to=card)
        await people.settled()
        text, photo = people.messages(ana.id)[-2:]
        assert text["text"] == "y" * 4093
        assert photo["caption"] == "z" * 1022
        assert people.texts(ADMIN_ID) == []


async def test_a_hint_below_a_message_deleted_meanwhile_alarms_nobody(
    people: Telegram, ana: Customer
):
    await people.press(BIA, "☑️ Encerrar")
    card, emulator = people.card["message_id"], people.emulator
    hints = {
        "Alguém?": (None, attendant_texts.ANSWER_BY_REPLYING),
        "Oi": (card, "não foi enviada"),
        "/apagar": (None, "responda"),
        "/ajuda": (None, "Ficha"),
    }
    for text, (reply_to, hint) in hints.items():
        said = emulator.send_text(BIA, GROUP_ID, text, reply_to=reply_to)
        emulator.delete_message(BIA, GROUP_ID, said["message_id"])
        await people.settled()
        last = people.messages(GROUP_ID)[-1]
        assert "reply_to_message" not in last
        assert last["from"]["is_bot"], hint
    assert people.texts(ADMIN_ID) == []
