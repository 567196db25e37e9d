"""Methods for the bot's command lists, by scope and language."""

import re
from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, World

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = frozenset(
    {
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    }
)
Key = tuple[str, int, int, str]


def _key(world: World, params: Params) -> Key:
    scope = params.json("scope", "BotCommandScope") or {"type": "default"}
    kind = scope.get("type")
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    chat_id = 0
    if kind in {"chat", "chat_administrators", "chat_member"}:
        chat_id = world.chat_for_bot(str(scope.get("chat_id", "")), write=False).id
    user_id = 0
    if kind == "chat_member":
        user_id = int(scope.get("user_id") or 0)
        if user_id not in world.users:
            raise bad_request("user not found")
    return kind, chat_id, user_id, params.text("language_code")


def set_my_commands(world: World, params: Params) -> Any:
    key = _key(world, params)
    commands = params.objects("commands", "BotCommand") or []
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    cleaned: list[Json] = []
    for item in commands:
        command = str(item.get("command", "")).removeprefix("/")
        description = str(item.get("description", ""))
        if not _COMMAND.fullmatch(command):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(description) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        cleaned.append({"command": command, "description": description})
    world.commands[key] = cleaned
    world.changes.publish("commands", {})
    return True


def get_my_commands(world: World, params: Params) -> Any:
    return world.commands.get(_key(world, params), [])


def delete_my_commands(world: World, params: Params) -> Any:
    world.commands.pop(_key(world, params), None)
    world.changes.publish("commands", {})
    return True


def commands_for(world: World, chat: Chat, user_id: int) -> list[Json]:
    """Return the commands that a person sees behind "/".

    They come from the narrowest scope that has any, in the person's language first.
    """
    language = world.users[user_id].language_code or ""
    language = language.partition("-")[0]
    scopes = _scopes(world, chat, user_id)
    for kind, chat_id, member_id in scopes:
        for code in (language, ""):
            found = world.commands.get((kind, chat_id, member_id, code))
            if found:
                return found
    return []


def _scopes(world: World, chat: Chat, user_id: int) -> list[tuple[str, int, int]]:
    default = ("default", 0, 0)
    if chat.is_private:
        return [("chat", chat.id, 0), ("all_private_chats", 0, 0), default]
    member = chat.members.get(user_id)
    is_admin = member is not None and member.status in {"creator", "administrator"}
    scopes = [("chat_member", chat.id, user_id)]
    if is_admin:
        scopes.append(("chat_administrators", chat.id, 0))
    scopes.append(("chat", chat.id, 0))
    if is_admin:
        scopes.append(("all_chat_administrators", 0, 0))
    return [*scopes, ("all_group_chats", 0, 0), default]


METHODS = {
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
}
