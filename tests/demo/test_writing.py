"""Messages of every kind, albums, replies, forwards and edits, as a real Bot reads them."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.enums import ContentType
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
)

from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.contents import SAMPLES, poll
from bot.demo.bot_api.files import KINDS
from bot.demo.bot_api.writing import Attached
from tests.demo.conftest import ANA, BRUNO, CARLA, FORUM, GROUP

NOT_COPIED = {"quiz", "story", "checklist", "paid_media"}
PHOTO = BufferedInputFile(b"jpg", "foto.jpg")


async def received(bot: Bot) -> list[Message]:
    """Return all messages and edits that wait for the bot, and confirm them."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    found = [update.message or update.edited_message for update in updates]
    return [message for message in found if message is not None]


@pytest.mark.parametrize("kind", ["text", *sorted(KINDS), *SAMPLES])
async def test_every_kind_arrives_and_is_copied_and_forwarded_as_telegram_allows(
    emulator: BotApiEmulator, bot: Bot, kind: str
) -> None:
    if kind == "text":
        emulator.send_text(ANA, ANA, "oi")
    else:
        emulator.send_sample(ANA, ANA, kind)
    [message] = await received(bot)
    shown = {"live_location": "location", "quiz": "poll"}.get(kind, kind)
    assert message.content_type == ContentType(shown)
    forwarded = await bot.forward_message(GROUP, ANA, message.message_id)
    assert forwarded.content_type == message.content_type
    assert forwarded.forward_origin is not None
    if kind in NOT_COPIED:
        with pytest.raises(TelegramBadRequest, match="the message can't be copied"):
            await bot.copy_message(GROUP, ANA, message.message_id)
        return
    copy = await bot.copy_message(
        GROUP,
        ANA,
        message.message_id,
        reply_parameters=ReplyParameters(message_id=forwarded.message_id),
    )
    seen = emulator.messages(GROUP)[-1]
    assert seen["message_id"] == copy.message_id
    assert seen["reply_to_message"]["message_id"] == forwarded.message_id
    assert "forward_origin" not in seen
    if kind == "live_location":
        assert "live_period" not in seen["location"]
    if kind == "dice":
        assert seen["dice"]["value"] != SAMPLES["dice"]["dice"]["value"]


async def test_a_quiz_is_copied_when_the_bot_knows_the_answer(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    quiz = poll("2 + 2?", ["3", "4"], quiz=True, correct=1)
    sent = emulator.send(ANA, ANA, quiz)
    await bot.copy_message(GROUP, ANA, sent["message_id"])
    assert emulator.messages(GROUP)[-1]["poll"]["question"] == "2 + 2?"


async def test_a_text_keeps_what_was_made_bold_and_what_is_found_in_it(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    bold = {"type": "bold", "offset": 2, "length": 3}
    emulator.send_text(ANA, ANA, "  olá https://a.com ", entities=[bold])
    [message] = await received(bot)
    assert message.html_text == "<b>olá</b> https://a.com"
    assert [entity.type for entity in message.entities or ()] == ["bold", "url"]


@pytest.mark.parametrize(
    ("kinds", "allowed"),
    [
        (["photo", "video", "photo"], True),
        (["document"] * 10, True),
        (["audio", "audio"], True),
        (["photo"], False),
        (["photo"] * 11, False),
        (["document", "photo"], False),
        (["audio", "document"], False),
    ],
)
async def test_an_album_is_of_one_sort_and_comes_message_by_message(
    emulator: BotApiEmulator, bot: Bot, kinds: list[str], allowed: bool
) -> None:
    files = [
        Attached(kind, b"x", caption="legenda" if n == 0 else "") for n, kind in enumerate(kinds)
    ]
    if not allowed:
        with pytest.raises(ValueError, match="an album"):
            emulator.send_album(ANA, ANA, files)
        assert emulator.messages(ANA) == []
        return
    emulator.send_album(ANA, ANA, files)
    messages = await received(bot)
    assert [message.content_type for message in messages] == kinds
    assert len({message.media_group_id for message in messages}) == 1
    assert messages[0].caption == "legenda"
    ids = [message.message_id for message in messages]
    await bot.copy_messages(GROUP, ANA, ids)
    copies = emulator.messages(GROUP)
    assert len({copy["media_group_id"] for copy in copies}) == 1
    assert copies[0]["media_group_id"] != messages[0].media_group_id
    with pytest.raises(TelegramBadRequest, match="strictly increasing order"):
        await bot.copy_messages(GROUP, ANA, ids[::-1])


async def test_people_reply_to_the_bot_and_quote_a_part_of_it(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    said = await bot.send_message(ANA, "🟢 Qual é o <b>seu CPF</b>?", parse_mode="HTML")
    emulator.send_text(ANA, ANA, "este?", reply_to=said.message_id, quote="seu CPF")
    [message] = await received(bot)
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == said.message_id
    assert message.quote is not None
    assert (message.quote.text, message.quote.position) == ("seu CPF", 12)
    with pytest.raises(LookupError, match="does not say"):
        emulator.send_text(ANA, ANA, "este?", reply_to=said.message_id, quote="seu CNPJ")


async def test_the_bot_quotes_what_was_said_and_nothing_else(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    asked = emulator.send_text(ANA, ANA, "sem internet desde ontem")
    answers = [
        await bot.send_message(
            ANA,
            "desde quando?",
            reply_parameters=ReplyParameters(message_id=asked["message_id"], quote="desde ontem"),
        ),
        *await bot.send_media_group(
            ANA,
            [InputMediaPhoto(media=PHOTO), InputMediaVideo(media=PHOTO)],
            reply_parameters=ReplyParameters(message_id=asked["message_id"], quote="sem"),
        ),
    ]
    assert [answer.quote.text for answer in answers if answer.quote] == [
        "desde ontem",
        "sem",
        "sem",
    ]
    assert all(answer.reply_to_message for answer in answers)
    with pytest.raises(TelegramBadRequest, match="QUOTE_TEXT_INVALID"):
        await bot.send_message(
            ANA,
            "x",
            reply_parameters=ReplyParameters(message_id=asked["message_id"], quote="hoje"),
        )


async def test_people_forward_with_and_without_a_name_to_follow(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    said = emulator.send_text(BRUNO, GROUP, "o técnico vai às 9h")
    for hidden in (False, True):
        emulator.forward(ANA, ANA, GROUP, said["message_id"], hidden=hidden)
    messages = [message for message in await received(bot) if message.chat.id == ANA]
    assert [message.text for message in messages] == ["o técnico vai às 9h"] * 2
    origins: list[Any] = [message.forward_origin for message in messages]
    assert origins[0].sender_user.id == BRUNO
    assert (origins[1].type, origins[1].sender_user_name) == ("hidden_user", "Bruno")


async def test_people_edit_texts_captions_files_and_places(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    text = emulator.send_text(ANA, ANA, "um")
    photo = emulator.send_file(ANA, ANA, "photo", b"um", caption="foto um")
    place = emulator.send_sample(ANA, ANA, "live_location")
    await received(bot)
    emulator.edit_text(ANA, ANA, text["message_id"], "dois @bruno")
    emulator.edit_text(ANA, ANA, photo["message_id"], "foto dois")
    emulator.edit_media(ANA, ANA, photo["message_id"], "video", b"tres", name="v.mp4")
    emulator.move_location(ANA, ANA, place["message_id"], -27.2, -52.7)
    edits = await received(bot)
    assert [edit.text or edit.caption for edit in edits[:2]] == ["dois @bruno", "foto dois"]
    assert edits[0].entities is not None
    assert (edits[2].content_type, edits[2].caption) == ("video", "foto dois")
    assert edits[2].photo is None
    assert edits[3].location is not None
    assert (edits[3].location.latitude, edits[3].location.live_period) == (-27.2, 900)
    still = emulator.send_sample(ANA, ANA, "location")
    with pytest.raises(ValueError, match="no live location"):
        emulator.move_location(ANA, ANA, still["message_id"], 0, 0)
    with pytest.raises(ValueError, match="holds no file"):
        emulator.edit_media(ANA, ANA, text["message_id"], "photo", b"x")
    with pytest.raises(PermissionError, match="not by user"):
        emulator.edit_text(CARLA, ANA, text["message_id"], "x")


async def test_the_bot_puts_other_files_into_its_messages(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_photo(ANA, PHOTO, caption="um")
    video = InputMediaVideo(
        media=BufferedInputFile(b"mp4", "v.mp4"), caption="<b>dois</b>", parse_mode="HTML"
    )
    await bot.edit_message_media(video, chat_id=ANA, message_id=sent.message_id)
    text = await bot.send_message(ANA, "texto")
    file = InputMediaDocument(media=BufferedInputFile(b"pdf", "a.pdf"))
    await bot.edit_message_media(file, chat_id=ANA, message_id=text.message_id)
    first, second = emulator.messages(ANA)
    assert (first["caption"], "photo" in first, "video" in first) == ("dois", False, True)
    assert first["caption_entities"][0]["type"] == "bold"
    assert (second["document"]["file_name"], "text" in second) == ("a.pdf", False)
    same = InputMediaDocument(media=second["document"]["file_id"])
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_media(same, chat_id=ANA, message_id=text.message_id)
    contact = await bot.send_contact(ANA, "+551199", "Vera")
    with pytest.raises(TelegramBadRequest, match="message media can't be edited"):
        await bot.edit_message_media(file, chat_id=ANA, message_id=contact.message_id)


async def test_a_file_of_an_album_is_replaced_by_one_of_its_sort(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_media_group(ANA, [InputMediaPhoto(media=PHOTO) for _ in range(2)])
    message_id = sent[0].message_id
    await bot.edit_message_media(InputMediaVideo(media=PHOTO), chat_id=ANA, message_id=message_id)
    with pytest.raises(TelegramBadRequest, match="can't change media type in the album"):
        await bot.edit_message_media(
            InputMediaAudio(media=PHOTO), chat_id=ANA, message_id=message_id
        )
    with pytest.raises(TelegramBadRequest, match="can't be used in an album"):
        await bot.edit_message_media(
            InputMediaAnimation(media=PHOTO), chat_id=ANA, message_id=message_id
        )
    assert emulator.messages(ANA)[0]["media_group_id"] == sent[0].media_group_id


async def test_the_bot_sends_places_and_moves_them(emulator: BotApiEmulator, bot: Bot) -> None:
    place = await bot.send_location(ANA, -27.1, -52.6, live_period=900)
    await bot.edit_message_live_location(-27.2, -52.7, chat_id=ANA, message_id=place.message_id)
    assert emulator.messages(ANA)[0]["location"]["latitude"] == -27.2
    await bot.stop_message_live_location(chat_id=ANA, message_id=place.message_id)
    with pytest.raises(TelegramBadRequest, match="no live location in the message"):
        await bot.edit_message_live_location(0, 0, chat_id=ANA, message_id=place.message_id)
    shop = await bot.send_venue(ANA, -27.1, -52.6, "Loja", "Rua A, 1")
    assert shop.venue is not None
    with pytest.raises(TelegramBadRequest, match="address is empty"):
        await bot.send_venue(ANA, -27.1, -52.6, "Loja", "")


async def test_people_see_what_the_bot_reacts_with(emulator: BotApiEmulator, bot: Bot) -> None:
    said = emulator.send_text(BRUNO, FORUM, "resolvido")
    await bot.set_message_reaction(FORUM, said["message_id"], [ReactionTypeEmoji(emoji="👍")])
    assert emulator.reactions(FORUM, said["message_id"]) == ["👍"]
    await bot.set_message_reaction(FORUM, said["message_id"], [])
    assert emulator.reactions(FORUM, said["message_id"]) == []
