"""Groups, forums, members and commands, through a real aiogram Bot."""

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatAdministrators,
)

from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.methods.commands import commands_for
from tests.demo.conftest import ANA, BRUNO, CARLA, FORUM, GROUP


async def test_the_bot_sees_everything_said_in_a_group(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.send_text(BRUNO, GROUP, "bom dia")
    [update] = await bot.get_updates()
    assert update.message
    assert update.message.chat.type == "supergroup"


async def test_with_privacy_mode_a_plain_member_bot_sees_only_what_is_for_it(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.set_admin(GROUP, emulator.bot.id, False)
    emulator.privacy_mode = True
    card = await bot.send_message(GROUP, "ficha")
    emulator.send_text(BRUNO, GROUP, "bom dia")
    emulator.send_text(BRUNO, GROUP, "/fila")
    emulator.send_text(BRUNO, GROUP, "ok", reply_to=card.message_id)
    texts = [update.message.text for update in await bot.get_updates() if update.message]
    assert texts == ["/fila", "ok"]


async def test_who_comes_and_goes_is_told_twice_to_an_admin_bot(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    await bot.get_updates(allowed_updates=["message", "chat_member", "my_chat_member"])
    emulator.add_user(14, "Davi")
    emulator.add_member(GROUP, 14, by=BRUNO)
    emulator.remove_member(GROUP, 14)
    joined, joining, left, leaving = await bot.get_updates()
    assert joined.chat_member
    assert joined.chat_member.new_chat_member.status == "member"
    assert joining.message
    assert joining.message.new_chat_members
    assert left.chat_member
    assert left.chat_member.new_chat_member.status == "left"
    assert leaving.message
    assert leaving.message.left_chat_member


async def test_chat_member_updates_must_be_asked_for(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.add_user(14, "Davi")
    emulator.add_member(GROUP, 14)
    [update] = await bot.get_updates()
    assert update.message


async def test_a_bot_that_is_thrown_out_learns_it_and_may_not_write(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.remove_member(GROUP, emulator.bot.id)
    changed, service = await bot.get_updates()
    assert changed.my_chat_member
    assert changed.my_chat_member.new_chat_member.status == "kicked"
    assert service.message
    assert service.message.left_chat_member
    emulator.send_text(BRUNO, GROUP, "sem o bot")
    assert await bot.get_updates(offset=service.update_id + 1) == []
    with pytest.raises(
        TelegramForbiddenError, match="Forbidden: bot was kicked from the supergroup chat"
    ):
        await bot.send_message(GROUP, "oi")
    emulator.add_member(GROUP, emulator.bot.id)
    await bot.send_message(GROUP, "voltei")


async def test_a_basic_group_is_called_so(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.add_group(-60, "Pequeno", members=(BRUNO,))
    emulator.remove_member(-60, emulator.bot.id)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the group chat"):
        await bot.send_message(-60, "oi")


async def test_a_bot_that_left_is_not_a_member(bot: Bot) -> None:
    assert await bot.leave_chat(GROUP)
    with pytest.raises(TelegramForbiddenError, match="bot is not a member of the supergroup chat"):
        await bot.send_message(GROUP, "oi")


async def test_a_group_without_the_bot_is_unknown_to_it(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    emulator.add_group(-1001000000003, "Outro", members=(BRUNO,), bot=None)
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.get_chat(-1001000000003)
    emulator.add_member(-1001000000003, emulator.bot.id)
    [changed, joined] = await bot.get_updates()
    assert changed.my_chat_member
    assert changed.my_chat_member.from_user.id == BRUNO
    assert joined.message
    assert joined.message.new_chat_members


async def test_members_and_rights_can_be_read(emulator: BotApiEmulator, bot: Bot) -> None:
    assert (await bot.get_chat_member(GROUP, BRUNO)).status == "creator"
    assert (await bot.get_chat_member(GROUP, CARLA)).status == "member"
    assert (await bot.get_chat_member(GROUP, ANA)).status == "left"
    assert (await bot.get_chat_member(GROUP, bot.id)).status == "administrator"
    assert await bot.get_chat_member_count(GROUP) == 3
    admins = await bot.get_chat_administrators(GROUP)
    assert {admin.user.id for admin in admins} == {BRUNO, bot.id}
    with pytest.raises(TelegramBadRequest, match="user not found"):
        await bot.get_chat_member(GROUP, 999)
    with pytest.raises(TelegramBadRequest, match="there are no administrators"):
        await bot.get_chat_administrators(ANA)
    assert (await bot.get_chat(FORUM)).is_forum


async def test_a_supergroup_counts_its_messages_itself(emulator: BotApiEmulator, bot: Bot) -> None:
    emulator.add_group(-50, "Pequeno", members=(BRUNO,))
    emulator.send_text(ANA, ANA, "oi")
    ids = [(await bot.send_message(chat_id, "oi")).message_id for chat_id in (GROUP, -50, ANA)]
    assert ids == [1, 2, 3]


async def test_a_topic_is_opened_written_in_closed_and_deleted(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    topic = await bot.create_forum_topic(FORUM, "Ana · 2026-000001")
    thread_id = topic.message_thread_id
    sent = await bot.send_message(FORUM, "ficha", message_thread_id=thread_id)
    assert sent.is_topic_message
    assert sent.message_thread_id == thread_id
    assert sent.reply_to_message
    assert sent.reply_to_message.forum_topic_created
    assert await bot.edit_forum_topic(FORUM, thread_id, name="Ana Souza")
    assert await bot.close_forum_topic(FORUM, thread_id)
    with pytest.raises(TelegramBadRequest, match="TOPIC_NOT_MODIFIED"):
        await bot.close_forum_topic(FORUM, thread_id)
    with pytest.raises(PermissionError):
        emulator.send_text(CARLA, FORUM, "oi", thread_id=thread_id)
    assert await bot.reopen_forum_topic(FORUM, thread_id)
    emulator.send_text(CARLA, FORUM, "oi", thread_id=thread_id)
    kinds = [update.message.content_type for update in await bot.get_updates() if update.message]
    assert kinds == [
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "text",
    ]
    assert await bot.delete_forum_topic(FORUM, thread_id)
    assert emulator.messages(FORUM) == []


async def test_a_topic_somebody_deleted_is_missed_only_when_written_to(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    thread_id = emulator.create_topic(BRUNO, FORUM, "Caixa")
    [created] = await bot.get_updates()
    emulator.delete_topic(FORUM, thread_id)
    assert await bot.get_updates(offset=created.update_id + 1) == []
    for wrong in (thread_id, 1, 4242):
        with pytest.raises(TelegramBadRequest, match="message thread not found"):
            await bot.send_message(FORUM, "oi", message_thread_id=wrong)
    with pytest.raises(TelegramBadRequest, match="TOPIC_ID_INVALID"):
        await bot.close_forum_topic(FORUM, thread_id)


async def test_a_person_can_close_a_topic(emulator: BotApiEmulator, bot: Bot) -> None:
    thread_id = emulator.create_topic(BRUNO, FORUM, "Caixa")
    emulator.close_topic(BRUNO, FORUM, thread_id)
    [_, closed] = await bot.get_updates()
    assert closed.message
    assert closed.message.forum_topic_closed
    await bot.send_message(FORUM, "o bot administra tópicos", message_thread_id=thread_id)


async def test_topics_need_a_forum_and_the_right(emulator: BotApiEmulator, bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="the chat is not a forum"):
        await bot.create_forum_topic(GROUP, "x")
    with pytest.raises(TelegramBadRequest, match="name must be non-empty"):
        await bot.create_forum_topic(FORUM, " ")
    emulator.set_admin(FORUM, emulator.bot.id, can_manage_topics=False)
    with pytest.raises(TelegramBadRequest, match="not enough rights to create a topic"):
        await bot.create_forum_topic(FORUM, "x")
    thread_id = emulator.create_topic(BRUNO, FORUM, "Caixa")
    emulator.close_topic(BRUNO, FORUM, thread_id)
    with pytest.raises(TelegramBadRequest, match="TOPIC_CLOSED"):
        await bot.send_message(FORUM, "x", message_thread_id=thread_id)


async def test_people_write_only_where_they_are(emulator: BotApiEmulator) -> None:
    with pytest.raises(PermissionError):
        emulator.send_text(ANA, GROUP, "oi")
    emulator.block_bot(ANA)
    with pytest.raises(PermissionError):
        emulator.send_text(ANA, ANA, "oi")


async def test_commands_are_shown_by_the_narrowest_scope(
    emulator: BotApiEmulator, bot: Bot
) -> None:
    def command(name: str) -> list[BotCommand]:
        return [BotCommand(command=name, description="Faz algo")]

    await bot.set_my_commands(command("ajuda"))
    await bot.set_my_commands(command("sair"), scope=BotCommandScopeAllPrivateChats())
    await bot.set_my_commands(command("clientes"), scope=BotCommandScopeChat(chat_id=ANA))
    await bot.set_my_commands(
        command("fila"), scope=BotCommandScopeChatAdministrators(chat_id=GROUP)
    )
    assert [found.command for found in await bot.get_my_commands()] == ["ajuda"]

    def seen(chat_id: int, user_id: int) -> str:
        commands = commands_for(emulator, emulator.chat(chat_id), user_id)
        return str(commands[0]["command"])

    assert seen(ANA, ANA) == "clientes"
    assert seen(BRUNO, BRUNO) == "sair"
    assert seen(GROUP, BRUNO) == "fila"
    assert seen(GROUP, CARLA) == "ajuda"
    await bot.set_my_commands(command("help"), language_code="en")
    await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=ANA))
    assert seen(ANA, ANA) == "sair"
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await bot.set_my_commands(command("Não"))
