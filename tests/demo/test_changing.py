"""Edits, deletions, copies and pins, through a real aiogram Bot."""

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
)

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import ANA, BRUNO, GROUP, bot_for

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Atender", callback_data="take")]]
)


async def test_an_edit_keeps_the_id_and_drops_buttons_it_does_not_repeat(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    sent = await bot.send_message(ANA, "um", reply_markup=KEYBOARD)
    edited = await bot.edit_message_text("dois", chat_id=ANA, message_id=sent.message_id)
    assert not isinstance(edited, bool)
    assert edited.message_id == sent.message_id
    assert edited.edit_date
    assert edited.reply_markup is None
    assert [message["text"] for message in emulator.messages(ANA)] == ["dois"]


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot) -> None:
    sent = await bot.send_message(ANA, "<b>um</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    with pytest.raises(TelegramBadRequest, match="message is not modified: specified new message"):
        await bot.edit_message_text(
            "<b>um</b>",
            chat_id=ANA,
            message_id=sent.message_id,
            parse_mode="HTML",
            reply_markup=KEYBOARD,
        )
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_reply_markup(
            chat_id=ANA, message_id=sent.message_id, reply_markup=KEYBOARD
        )
    assert await bot.edit_message_reply_markup(chat_id=ANA, message_id=sent.message_id)


async def test_only_the_bots_own_messages_can_be_edited(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    theirs = emulator.send_text(ANA, ANA, "oi")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=ANA, message_id=theirs["message_id"])
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=ANA, message_id=4242)
    with_keyboard = await bot.send_message(
        ANA, "oi", reply_markup=ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Sim")]])
    )
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=ANA, message_id=with_keyboard.message_id)


async def test_a_caption_is_edited_as_a_caption(bot: Bot) -> None:
    file = BufferedInputFile(b"x", filename="a.csv")
    sent = await bot.send_document(ANA, file, caption="um")
    edited = await bot.edit_message_caption(
        chat_id=ANA, message_id=sent.message_id, caption="dois"
    )
    assert not isinstance(edited, bool)
    assert edited.caption == "dois"
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("x", chat_id=ANA, message_id=sent.message_id)


async def test_deleted_messages_are_gone(emulator: BotApiEmulator, bot: Bot) -> None:
    sent = [await bot.send_message(ANA, str(number)) for number in range(3)]
    assert await bot.delete_message(ANA, sent[0].message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(ANA, sent[0].message_id)
    assert await bot.delete_messages(ANA, [message.message_id for message in sent])
    assert emulator.messages(ANA) == []


async def test_in_a_group_only_an_admin_bot_deletes_what_others_wrote(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    first = emulator.send_text(BRUNO, GROUP, "um")
    second = emulator.send_text(BRUNO, GROUP, "dois")
    assert await bot.delete_message(GROUP, first["message_id"])
    emulator.set_admin(GROUP, emulator.bot.id, False)
    with pytest.raises(TelegramBadRequest, match="message can't be deleted"):
        await bot.delete_message(GROUP, second["message_id"])


async def test_messages_older_than_48_hours_cannot_be_deleted() -> None:
    now = [1_800_000_000.0]
    async with BotApiEmulator(clock=lambda: now[0]) as emulator:
        emulator.add_user(ANA, "Ana", started=True)
        bot = bot_for(emulator)
        sent = await bot.send_message(ANA, "oi")
        now[0] += 48 * 3600 + 1
        with pytest.raises(TelegramBadRequest, match="message can't be deleted"):
            await bot.delete_message(ANA, sent.message_id)
        await bot.session.close()


async def test_a_copy_has_the_content_and_nothing_else(emulator: BotApiEmulator, bot: Bot) -> None:
    photo = emulator.send_file(ANA, ANA, "photo", b"png", name="a.png", caption="meu modem")
    copy = await bot.copy_message(GROUP, ANA, photo["message_id"])
    copied = emulator.messages(GROUP)[-1]
    assert copied["message_id"] == copy.message_id
    assert copied["photo"] == photo["photo"]
    assert copied["caption"] == "meu modem"
    assert "forward_origin" not in copied
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(GROUP, ANA, 4242)


async def test_a_copy_may_get_another_caption_or_none(emulator: BotApiEmulator, bot: Bot) -> None:
    photo = emulator.send_file(ANA, ANA, "photo", b"png", name="a.png", caption="meu modem")
    await bot.copy_message(GROUP, ANA, photo["message_id"], caption="<b>x</b>", parse_mode="HTML")
    assert emulator.messages(GROUP)[-1]["caption"] == "x"
    await bot.copy_messages(GROUP, ANA, [photo["message_id"]], remove_caption=True)
    assert "caption" not in emulator.messages(GROUP)[-1]


async def test_protected_content_is_not_forwarded(bot: Bot) -> None:
    sent = await bot.send_message(ANA, "segredo", protect_content=True)
    with pytest.raises(TelegramBadRequest, match="protected content"):
        await bot.forward_message(GROUP, ANA, sent.message_id)


async def test_albums_are_copied_as_albums(emulator: BotApiEmulator, bot: Bot) -> None:
    album = [
        emulator.send_file(ANA, ANA, "photo", b"x", name="a.png", media_group_id="9")["message_id"]
        for _ in range(2)
    ]
    copies = await bot.copy_messages(GROUP, ANA, [*album, 4242])
    assert len(copies) == 2
    groups = {message["media_group_id"] for message in emulator.messages(GROUP)}
    assert len(groups) == 1
    assert groups != {"9"}


async def test_a_forward_names_its_author(emulator: BotApiEmulator, bot: Bot) -> None:
    asked = emulator.send_text(ANA, ANA, "oi")
    forwarded = await bot.forward_message(GROUP, ANA, asked["message_id"])
    assert forwarded.forward_origin
    assert forwarded.text == "oi"
    with pytest.raises(TelegramBadRequest, match="message to forward not found"):
        await bot.forward_message(GROUP, ANA, 4242)


async def test_service_messages_cannot_be_copied(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.add_user(14, "Davi")
    emulator.add_member(GROUP, 14)
    joined = emulator.messages(GROUP)[-1]
    with pytest.raises(TelegramBadRequest, match="the message can't be copied"):
        await bot.copy_message(ANA, GROUP, joined["message_id"])
    with pytest.raises(TelegramBadRequest, match="the message can't be forwarded"):
        await bot.forward_message(ANA, GROUP, joined["message_id"])
    assert await bot.copy_messages(ANA, GROUP, [joined["message_id"]]) == []


async def test_pinning_is_seen_by_the_bot_itself(emulator: BotApiEmulator, bot: Bot) -> None:
    sent = await bot.send_message(GROUP, "regras")
    assert await bot.pin_chat_message(GROUP, sent.message_id)
    [update] = await bot.get_updates()
    assert update.message
    assert update.message.pinned_message
    assert (await bot.get_chat(GROUP)).pinned_message
    assert await bot.unpin_chat_message(GROUP, message_id=sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to unpin not found"):
        await bot.unpin_chat_message(GROUP, message_id=sent.message_id)
    emulator.set_admin(GROUP, emulator.bot.id, False)
    with pytest.raises(TelegramBadRequest, match="not enough rights to manage pinned messages"):
        await bot.pin_chat_message(GROUP, sent.message_id)


async def test_a_reaction_is_kept(emulator: BotApiEmulator, bot: Bot) -> None:
    asked = emulator.send_text(ANA, ANA, "oi")
    reaction = [ReactionTypeEmoji(emoji="👍")]
    assert await bot.set_message_reaction(ANA, asked["message_id"], [*reaction])
    assert emulator.chat(ANA).reactions[asked["message_id"]][0]["emoji"] == "👍"
    with pytest.raises(TelegramBadRequest, match="message to react not found"):
        await bot.set_message_reaction(ANA, 4242, [*reaction])
