"""Methods for the bot itself, chats, their members and pinned messages."""

from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.members import as_chat_member, change_member
from bot.demo.bot_api.messages import post
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, World

_NO_GIFTS = dict.fromkeys(
    (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    ),
    False,
)


def get_me(world: World, _params: Params) -> Any:
    return world.bot.api | {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy_mode,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_chat(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"), write=False)
    full: Json = {
        **chat.api,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": _NO_GIFTS,
    }
    pinned = [chat.messages[i] for i in chat.pinned if i in chat.messages]
    if pinned:
        full["pinned_message"] = pinned[-1]
    return full


def get_chat_member(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"), write=False)
    user = world.users.get(params.integer("user_id"))
    if user is None:
        raise bad_request("user not found")
    return as_chat_member(world, chat, user)


def get_chat_member_count(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"), write=False)
    if chat.is_private:
        return 2
    return sum(world.is_member(chat, user_id) for user_id in chat.members)


def get_chat_administrators(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"), write=False)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    return [
        as_chat_member(world, chat, world.users[user_id])
        for user_id, member in chat.members.items()
        if member.status in {"creator", "administrator"}
    ]


def leave_chat(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    if chat.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    change_member(world, chat, world.bot, "left", by=world.bot)
    return True


def pin_chat_message(world: World, params: Params) -> Any:
    chat = _chat_to_pin_in(world, params)
    message = chat.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request("message to pin not found")
    message_id = message["message_id"]
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    chat.pinned.append(message_id)
    thread_id = message.get("message_thread_id") if chat.is_forum else None
    post(world, chat, world.bot, {"pinned_message": message}, thread_id=thread_id)
    world.changes.publish("pinned", {"chat_id": chat.id, "pinned": chat.pinned})
    return True


def unpin_chat_message(world: World, params: Params) -> Any:
    chat = _chat_to_pin_in(world, params)
    message_id = params.integer("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    world.changes.publish("pinned", {"chat_id": chat.id, "pinned": chat.pinned})
    return True


def _chat_to_pin_in(world: World, params: Params) -> Chat:
    chat = world.chat_for_bot(params.text("chat_id"))
    if not chat.is_private and not world.bot_may(chat, "can_pin_messages"):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    return chat


def accepted(_world: World, _params: Params) -> Any:
    return True


METHODS = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "close": accepted,
    "logOut": accepted,
}
