"""copyMessage, copyMessages and forwardMessage."""

import contextlib
from collections.abc import Iterator
from typing import Any

from bot.demo.bot_api.contents import copied, forwarded
from bot.demo.bot_api.errors import ApiError, bad_request
from bot.demo.bot_api.messages import post, topic_for_bot
from bot.demo.bot_api.methods.sending import caption_content, send
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Json, World


def _source(world: World, params: Params, doing: str) -> Json:
    chat = world.chat_for_bot(params.text("from_chat_id"), write=False)
    message = chat.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {doing} not found")
    if doing == "forward" and message.get("has_protected_content"):
        raise bad_request("message has protected content and can't be forwarded")
    return message


def copy_message(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    content = copied(_source(world, params, "copy"))
    if "caption" in params:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        entities = params.objects("caption_entities", "MessageEntity")
        caption, mode = params.text("caption"), params.text("parse_mode")
        content |= caption_content(world, caption, mode, entities)
    return {"message_id": send(world, params, content, chat=chat)["message_id"]}


def copy_messages(world: World, params: Params) -> Any:
    """Copy up to 100 messages; skip messages that cannot be copied. Albums stay albums."""
    chat = world.chat_for_bot(params.text("chat_id"))
    source = world.chat_for_bot(params.text("from_chat_id"), write=False)
    message_ids = params.integers("message_ids")
    if message_ids != sorted(set(message_ids)):
        raise bad_request("message identifiers must be in a strictly increasing order")
    thread_id = topic_for_bot(world, chat, params.integer("message_thread_id"))
    found = [source.messages[i] for i in message_ids if i in source.messages]
    if not found:
        raise bad_request("there are no messages to forward")
    contents = [*_copied(found)]
    world.limits.count(chat.id, len(contents))
    albums: dict[str, str] = {}
    copies = []
    for content in contents:
        if params.flag("remove_caption"):
            content.pop("caption", None)
            content.pop("caption_entities", None)
        if album := content.get("media_group_id"):
            content["media_group_id"] = albums.setdefault(album, world.unique_id())
        copy = post(world, chat, world.bot, content, thread_id=thread_id)
        copies.append({"message_id": copy["message_id"]})
    return copies


def _copied(messages: list[Json]) -> Iterator[Json]:
    for message in messages:
        with contextlib.suppress(ApiError):
            album = message.get("media_group_id")
            yield copied(message) | ({"media_group_id": album} if album else {})


def forward_message(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    return send(world, params, forwarded(_source(world, params, "forward")), chat=chat)


METHODS = {
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
    "forwardMessage": forward_message,
}
