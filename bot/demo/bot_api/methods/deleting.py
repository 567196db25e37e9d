"""deleteMessage and deleteMessages."""

from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, World

DELETABLE_FOR_S = 48 * 3600


def _may_delete(world: World, chat: Chat, message: Json) -> bool:
    if message["date"] < world.now() - DELETABLE_FOR_S:
        return False
    own = message["from"]["id"] == world.bot.id
    return own or chat.is_private or world.bot_may(chat, "can_delete_messages")


def delete_message(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    message = chat.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    if not _may_delete(world, chat, message):
        raise bad_request("message can't be deleted")
    world.remove(chat, message["message_id"])
    return True


def delete_messages(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    for message_id in params.integers("message_ids"):
        message = chat.messages.get(message_id)
        if message is not None and _may_delete(world, chat, message):
            world.remove(chat, message_id)
    return True


METHODS = {"deleteMessage": delete_message, "deleteMessages": delete_messages}
