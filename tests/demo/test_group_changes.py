"""Groups that change under the bot: upgrades, forum mode, topics, and lost rights."""

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramMigrateToChat
from aiogram.types import Message

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import BRUNO, CARLA, FORUM, GROUP

PLAIN, UPGRADED = -4001, -1001000004001


async def received(bot: Bot) -> list[Message]:
    updates = await bot.get_updates()
    return [update.message for update in updates if update.message is not None]


async def test_a_plain_group_becomes_a_supergroup_with_an_id_of_its_own(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.add_group(PLAIN, "Atendimento", members=(BRUNO, CARLA))
    before = await bot.send_message(PLAIN, "antes")
    assert before.chat.type == "group"
    emulator.migrate(PLAIN, UPGRADED)
    leaving, arriving = await received(bot)
    assert (leaving.chat.id, leaving.migrate_to_chat_id) == (PLAIN, UPGRADED)
    assert (arriving.chat.id, arriving.migrate_from_chat_id) == (UPGRADED, PLAIN)
    assert arriving.chat.type == "supergroup"
    for call in (
        bot.send_message(PLAIN, "x"),
        bot.edit_message_text("x", chat_id=PLAIN, message_id=before.message_id),
        bot.get_chat(PLAIN),
    ):
        with pytest.raises(TelegramMigrateToChat, match="upgraded to a supergroup") as refusal:
            await call
        assert refusal.value.migrate_to_chat_id == UPGRADED
    await bot.send_message(UPGRADED, "depois")
    emulator.send_text(CARLA, UPGRADED, "vi")
    assert (await bot.get_chat_member(UPGRADED, bot.id)).status == "administrator"
    assert (await bot.get_chat_member(UPGRADED, BRUNO)).status == "creator"
    with pytest.raises(PermissionError, match="has become"):
        emulator.send_text(CARLA, PLAIN, "alguém aí?")
    with pytest.raises(ValueError, match="no plain group"):
        emulator.migrate(GROUP, UPGRADED - 1)


async def test_a_group_becomes_a_forum_and_one_chat_again(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    assert not (await bot.get_chat(GROUP)).is_forum
    emulator.set_forum(GROUP, True)
    assert (await bot.get_chat(GROUP)).is_forum
    topic = await bot.create_forum_topic(GROUP, "Ana")
    thread_id = topic.message_thread_id
    said = await bot.send_message(GROUP, "oi", message_thread_id=thread_id)
    assert (said.chat.is_forum, said.is_topic_message) == (True, True)
    emulator.set_forum(GROUP, False)
    assert not (await bot.get_chat(GROUP)).is_forum
    said = await bot.send_message(GROUP, "oi", message_thread_id=thread_id)
    assert (said.chat.is_forum, said.message_thread_id) == (None, None)
    with pytest.raises(TelegramBadRequest, match="the chat is not a forum"):
        await bot.close_forum_topic(GROUP, thread_id)
    emulator.set_forum(GROUP, True)
    said = await bot.send_message(GROUP, "oi", message_thread_id=thread_id)
    assert said.message_thread_id == thread_id
    emulator.add_group(PLAIN, "Grupo", members=(BRUNO,))
    with pytest.raises(ValueError, match="no supergroup"):
        emulator.set_forum(PLAIN, True)


async def test_people_rename_close_and_delete_topics_by_hand(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    thread_id = (await bot.create_forum_topic(FORUM, "Ana")).message_thread_id
    emulator.rename_topic(BRUNO, FORUM, thread_id, "Ana Souza")
    emulator.close_topic(BRUNO, FORUM, thread_id)
    *_, renamed, closed = await received(bot)
    assert renamed.forum_topic_edited is not None
    assert (renamed.forum_topic_edited.name, renamed.message_thread_id) == ("Ana Souza", thread_id)
    assert closed.forum_topic_closed is not None
    assert closed.from_user is not None
    assert closed.from_user.id == BRUNO
    emulator.delete_topic(FORUM, thread_id)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(FORUM, "oi", message_thread_id=thread_id)


async def test_rights_are_taken_from_the_bot_one_by_one(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    thread_id = (await bot.create_forum_topic(FORUM, "Ana")).message_thread_id
    said = await bot.send_message(FORUM, "ficha")
    emulator.set_bot_rights(FORUM, can_manage_topics=False)
    changes = [update.my_chat_member for update in await bot.get_updates()]
    [change] = [change for change in changes if change is not None]
    assert not change.new_chat_member.can_manage_topics  # type: ignore[union-attr]
    with pytest.raises(TelegramBadRequest, match="not enough rights to create a topic"):
        await bot.create_forum_topic(FORUM, "Beto")
    theirs = emulator.create_topic(BRUNO, FORUM, "Caixa")
    with pytest.raises(TelegramBadRequest, match="not enough rights to close"):
        await bot.close_forum_topic(FORUM, theirs)
    await bot.close_forum_topic(FORUM, thread_id)
    await bot.send_message(FORUM, "quem abriu pode", message_thread_id=thread_id)
    await bot.pin_chat_message(FORUM, said.message_id)
    emulator.set_bot_rights(FORUM, can_pin_messages=False)
    with pytest.raises(TelegramBadRequest, match="not enough rights to manage pinned"):
        await bot.pin_chat_message(FORUM, said.message_id)
    emulator.set_bot_rights(FORUM, can_manage_topics=True)
    await bot.close_forum_topic(FORUM, theirs)
    with pytest.raises(TelegramBadRequest, match="not enough rights to manage pinned"):
        await bot.unpin_chat_message(FORUM, message_id=said.message_id)
