"""A bot's messages, and the ones that Telegram refuses, through a real aiogram Bot."""

import logging
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from aiohttp import ClientSession

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import ANA, BRUNO, CARLA, FORUM, GROUP, bot_for

FILE = BufferedInputFile(b"Nome;cpfCnpj\n", filename="clientes.csv")


async def test_the_bot_says_who_it_is(bot: Bot, emulator: BotApiEmulator) -> None:
    me = await bot.get_me()
    assert me.is_bot
    assert me.can_read_all_group_messages
    emulator.privacy_mode = True
    assert not (await bot.get_me()).can_read_all_group_messages


async def test_a_wrong_token_is_unauthorized(emulator: BotApiEmulator) -> None:
    stranger = bot_for(emulator, "123456:wrong")
    with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
        await stranger.get_me()
    await stranger.session.close()


async def test_what_is_no_token_at_all_is_not_found(emulator: BotApiEmulator) -> None:
    async with ClientSession() as session, session.get(f"{emulator.url}/botx/getMe") as response:
        assert response.status == 404
        assert (await response.json())["description"] == "Not Found"


async def test_an_unknown_method_is_refused_and_logged_by_name(
    emulator: BotApiEmulator, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(TelegramNotFound, match="not found"):
        await bot.send_dice(ANA)
    assert "sendDice" in caplog.text


async def test_get_and_json_requests_are_understood(emulator: BotApiEmulator) -> None:
    url = f"{emulator.url}/bot{emulator.token}/sendmessage"
    async with ClientSession() as session:
        by_get = await session.get(url, params={"chat_id": ANA, "text": "por GET"})
        markup = {"inline_keyboard": [[{"text": "Ok", "callback_data": "ok"}]]}
        by_json = await session.post(
            url, json={"chat_id": ANA, "text": "por JSON", "reply_markup": markup}
        )
        assert (await by_get.json())["result"]["text"] == "por GET"
        assert (await by_json.json())["result"]["reply_markup"] == markup


@pytest.mark.parametrize(
    ("chat_id", "error", "says"),
    [
        (999, TelegramBadRequest, "Bad Request: chat not found"),
        ("@nobody", TelegramBadRequest, "Bad Request: chat not found"),
        (BRUNO, TelegramForbiddenError, "Forbidden: bot can't initiate conversation with a user"),
    ],
)
async def test_the_bot_writes_only_where_it_may(
    bot: Bot, chat_id: int | str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await bot.send_message(chat_id, "oi")


async def test_a_person_who_blocked_the_bot_gets_nothing(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.block_bot(ANA)
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot was blocked by the user"):
        await bot.send_message(ANA, "oi")
    emulator.unblock_bot(ANA)
    await bot.send_message(ANA, "oi")
    blocked, unblocked = await bot.get_updates()
    assert blocked.my_chat_member
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member
    assert unblocked.my_chat_member.new_chat_member.status == "member"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "message text is empty"),
        (" \n ", "text must be non-empty"),
        ("a" * 4097, "message is too long"),
    ],
)
async def test_a_text_has_between_one_and_4096_characters(bot: Bot, text: str, says: str) -> None:
    with pytest.raises(TelegramBadRequest, match=says):
        await bot.send_message(ANA, text)


async def test_the_length_counts_after_the_entities_are_parsed(bot: Bot) -> None:
    sent = await bot.send_message(ANA, "<b>" + "a" * 4096 + "</b>", parse_mode="HTML")
    assert len(sent.text or "") == 4096


async def test_a_caption_is_at_most_1024_characters(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_document(ANA, FILE, caption="a" * 1025)


async def test_a_document_arrives_whole_and_can_be_sent_again_by_its_id(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_document(ANA, FILE, caption="<b>Erros</b>", parse_mode="HTML")
    assert sent.document
    assert sent.document.file_name == "clientes.csv"
    assert sent.document.mime_type == "text/csv"
    assert sent.caption_entities
    again = await bot.send_document(ANA, sent.document.file_id)
    assert again.document
    assert again.document.file_id == sent.document.file_id
    stored = emulator.files.by_id(sent.document.file_id)
    assert stored
    assert stored.content == b"Nome;cpfCnpj\n"


async def test_every_kind_of_file_comes_back_as_what_it_is(bot: Bot) -> None:
    file = BufferedInputFile(b"x" * 10, filename="arquivo")
    assert (await bot.send_photo(ANA, file)).photo
    assert (await bot.send_audio(ANA, file)).audio
    assert (await bot.send_voice(ANA, file)).voice
    assert (await bot.send_video(ANA, file)).video
    assert (await bot.send_video_note(ANA, file)).video_note
    assert (await bot.send_animation(ANA, file)).animation
    assert (await bot.send_sticker(ANA, file)).sticker
    assert (await bot.send_location(ANA, -23.5, -46.6)).location
    assert (await bot.send_contact(ANA, "+5511900000000", "Bia")).contact
    with pytest.raises(TelegramBadRequest, match="wrong file identifier"):
        await bot.send_document(ANA, "no-such-file")


async def test_an_upload_over_50_mb_is_refused(bot: Bot) -> None:
    content = bytes(50 * 1024 * 1024 + 1)
    with pytest.raises(TelegramEntityTooLarge, match="Request Entity Too Large"):
        await bot.send_document(ANA, BufferedInputFile(content, filename="grande.zip"))


async def test_an_album_shares_one_group_id(bot: Bot) -> None:
    photos = [InputMediaPhoto(media=BufferedInputFile(bytes([n]), f"{n}.png")) for n in (1, 2)]
    album = await bot.send_media_group(ANA, [*photos])
    assert len({message.media_group_id for message in album}) == 1
    with pytest.raises(TelegramBadRequest, match="the specified type in the album"):
        await bot.send_media_group(ANA, [photos[0], InputMediaDocument(media=FILE)])


async def test_a_file_from_a_person_can_be_fetched_up_to_20_mb(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    content = b"0" * (20 * 1024 * 1024)
    small = emulator.send_file(ANA, ANA, "document", content, name="a.csv")
    big = emulator.send_file(ANA, ANA, "document", content + b"1", name="b.csv")
    file = await bot.get_file(small["document"]["file_id"])
    assert file.file_path
    fetched = await bot.download_file(file.file_path)
    assert fetched
    assert fetched.read() == content
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(big["document"]["file_id"])


async def test_a_reply_shows_the_message_it_answers(emulator: BotApiEmulator, bot: Bot) -> None:
    asked = emulator.send_text(ANA, ANA, "oi")
    reply = await bot.send_message(
        ANA, "olá", reply_parameters=ReplyParameters(message_id=asked["message_id"])
    )
    assert reply.reply_to_message
    assert reply.reply_to_message.text == "oi"
    gone = ReplyParameters(message_id=4242)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(ANA, "olá", reply_parameters=gone)
    optional = ReplyParameters(message_id=4242, allow_sending_without_reply=True)
    alone = await bot.send_message(ANA, "olá", reply_parameters=optional)
    assert alone.reply_to_message is None


async def test_a_reply_of_a_person_reaches_the_bot_with_its_message(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    card = await bot.send_message(GROUP, "ficha")
    emulator.send_text(BRUNO, GROUP, "bom dia", reply_to=card.message_id)
    [update] = await bot.get_updates()
    assert update.message
    assert update.message.reply_to_message
    assert update.message.reply_to_message.text == "ficha"
    assert update.message.message_thread_id == card.message_id
    assert not update.message.is_topic_message


def keyboard(*data: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=value.title(), callback_data=value) for value in data]
    return InlineKeyboardMarkup(inline_keyboard=[row])


async def test_a_link_button_needs_a_link(bot: Bot) -> None:
    bad = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Site", url="nada")]])
    with pytest.raises(TelegramBadRequest, match="BUTTON_URL_INVALID"):
        await bot.send_message(ANA, "ok", reply_markup=bad)


async def test_a_mention_names_the_whole_user_or_nobody(bot: Bot) -> None:
    text = f'<a href="tg://user?id={BRUNO}">Bruno</a> <a href="tg://user?id=999">?</a>'
    sent = await bot.send_message(ANA, text, parse_mode="HTML")
    assert sent.entities
    assert [entity.user.first_name for entity in sent.entities if entity.user] == ["Bruno"]
    assert len(sent.entities) == 1


async def test_callback_data_is_at_most_64_bytes(bot: Bot) -> None:
    await bot.send_message(ANA, "ok", reply_markup=keyboard("a" * 64))
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await bot.send_message(ANA, "ok", reply_markup=keyboard("ã" * 33))


async def test_a_pressed_button_is_a_callback_query(emulator: BotApiEmulator, bot: Bot) -> None:
    sent = await bot.send_message(ANA, "Qual?", reply_markup=keyboard("um", "dois"))
    callback_id = emulator.press(ANA, ANA, sent.message_id, text="Dois")
    [update] = await bot.get_updates()
    query = update.callback_query
    assert query
    assert (query.id, query.data) == (callback_id, "dois")
    assert query.message
    assert query.message.message_id == sent.message_id
    assert emulator.callback_answer(callback_id) is None
    await bot.answer_callback_query(query.id, "Anotado", show_alert=True)
    answer = emulator.callback_answer(callback_id)
    assert answer == {"text": "Anotado", "show_alert": True, "url": ""}
    with pytest.raises(LookupError):
        emulator.press(ANA, ANA, sent.message_id, text="Três")


async def test_a_button_of_a_deleted_message_can_still_be_pressed_by_an_old_screen(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_message(ANA, "Qual?", reply_markup=keyboard("um"))
    await bot.delete_message(ANA, sent.message_id)
    with pytest.raises(LookupError):
        emulator.press(ANA, ANA, sent.message_id, data="um")
    emulator.press(ANA, ANA, sent.message_id, data="um", force=True)
    [update] = await bot.get_updates()
    assert update.callback_query
    assert update.callback_query.message
    assert update.callback_query.message.date == 0


async def test_a_callback_query_is_answered_in_time_or_not_at_all(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_message(ANA, "Qual?", reply_markup=keyboard("um"))
    callback_id = emulator.press(ANA, ANA, sent.message_id, data="um")
    emulator.callback_lifetime_s = -1.0
    for query_id in (callback_id, "4242"):
        with pytest.raises(TelegramBadRequest, match="query is too old and response timeout"):
            await bot.answer_callback_query(query_id)


async def test_a_reply_keyboard_stays_until_removed(emulator: BotApiEmulator, bot: Bot) -> None:
    buttons = [KeyboardButton(text="Enviar telefone", request_contact=True)]
    shown = ReplyKeyboardMarkup(keyboard=[buttons, [KeyboardButton(text="Pular")]])
    sent = await bot.send_message(ANA, "Seu telefone?", reply_markup=shown)
    assert sent.reply_markup is None
    emulator.press_reply_button(ANA, ANA, "Enviar telefone")
    emulator.press_reply_button(ANA, ANA, "Pular")
    contact, skipped = await bot.get_updates()
    assert contact.message
    assert contact.message.contact
    assert contact.message.contact.user_id == ANA
    assert contact.message.contact.phone_number == "+5511912345678"
    assert skipped.message
    assert skipped.message.text == "Pular"
    await bot.send_message(ANA, "Obrigado", reply_markup=ReplyKeyboardRemove())
    assert emulator.reply_keyboard(ANA, ANA) is None
    with pytest.raises(LookupError):
        emulator.press_reply_button(ANA, ANA, "Pular")


async def test_a_selective_keyboard_is_for_whom_it_answers(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    asked = emulator.send_text(BRUNO, GROUP, "/fila")
    shown = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Atender")]], selective=True)
    reply = ReplyParameters(message_id=asked["message_id"])
    await bot.send_message(GROUP, "a fila", reply_markup=shown, reply_parameters=reply)
    assert emulator.reply_keyboard(GROUP, BRUNO)
    assert emulator.reply_keyboard(GROUP, CARLA) is None


async def test_force_reply_ends_with_the_next_message_or_its_own_end(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    await bot.send_message(ANA, "Seu nome?", reply_markup=ForceReply())
    assert emulator.reply_keyboard(ANA, ANA)
    emulator.send_text(ANA, ANA, "Ana")
    assert emulator.reply_keyboard(ANA, ANA) is None
    asked = await bot.send_message(ANA, "Seu nome?", reply_markup=ForceReply())
    await bot.delete_message(ANA, asked.message_id)
    assert emulator.reply_keyboard(ANA, ANA) is None


async def test_somebody_elses_contact_keeps_its_owner(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.send_contact(ANA, ANA, phone="+5511955554444", contact_user_id=BRUNO)
    [update] = await bot.get_updates()
    assert update.message
    assert update.message.contact
    assert update.message.contact.user_id == BRUNO


async def test_chat_actions_are_checked(emulator: BotApiEmulator, bot: Bot) -> None:
    assert await bot.send_chat_action(ANA, "typing")
    assert await bot.send_chat_action(FORUM, "typing", message_thread_id=1)
    with pytest.raises(TelegramBadRequest, match="wrong parameter action in request"):
        await bot.send_chat_action(ANA, "dancing")


async def test_people_send_albums_and_captions(emulator: BotApiEmulator, bot: Bot) -> None:
    for number in (1, 2):
        emulator.send_file(
            ANA,
            ANA,
            "photo",
            b"png",
            name=f"{number}.png",
            caption="Boleto #1" if number == 1 else None,
            media_group_id="77",
        )
    updates = await bot.get_updates()
    messages: list[Any] = [update.message for update in updates]
    assert [message.media_group_id for message in messages] == ["77", "77"]
    assert messages[0].caption == "Boleto #1"
