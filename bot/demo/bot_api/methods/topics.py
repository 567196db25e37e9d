"""Methods for forum topics."""

from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.messages import create_topic, delete_topic, post, publish_topics
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, Topic, User, World

ICON_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
NAME_LIMIT = 128


def _forum(world: World, params: Params) -> Chat:
    chat = world.chat_for_bot(params.text("chat_id"))
    if not chat.is_forum:
        raise bad_request("the chat is not a forum")
    return chat


def _topic(chat: Chat, params: Params) -> Topic:
    topic = chat.topics.get(params.integer("message_thread_id"))
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return topic


def _own_topic(world: World, params: Params, refusal: str) -> tuple[Chat, Topic]:
    """Return a topic that the bot may change: any topic if it manages topics, else its own."""
    chat = _forum(world, params)
    topic = _topic(chat, params)
    if not world.may_manage(chat, topic, world.bot.id):
        raise bad_request(refusal)
    return chat, topic


def create_forum_topic(world: World, params: Params) -> Any:
    chat = _forum(world, params)
    if not world.bot_may(chat, "can_manage_topics"):
        raise bad_request("not enough rights to create a topic")
    name = params.text("name").strip()[:NAME_LIMIT]
    if not name:
        raise bad_request("name must be non-empty")
    color = params.integer("icon_color", ICON_COLORS[0])
    if color not in ICON_COLORS:
        raise bad_request("invalid icon color specified")
    world.limits.count(chat.id)
    emoji_id = params.text("icon_custom_emoji_id") or None
    topic = create_topic(world, chat, world.bot, name, icon_color=color, emoji_id=emoji_id)
    shown: Json = {"message_thread_id": topic.thread_id, "name": name, "icon_color": color}
    return shown | ({"icon_custom_emoji_id": emoji_id} if emoji_id else {})


def edit_forum_topic(world: World, params: Params) -> Any:
    chat, topic = _own_topic(world, params, "not enough rights to edit the topic")
    name = params.text("name").strip()[:NAME_LIMIT] or topic.name
    emoji_id = topic.icon_custom_emoji_id
    if "icon_custom_emoji_id" in params:
        emoji_id = params.text("icon_custom_emoji_id") or None
    edited: Json = {}
    if name != topic.name:
        edited["name"] = name
    if emoji_id != topic.icon_custom_emoji_id:
        edited["icon_custom_emoji_id"] = emoji_id or ""
    if not edited:
        raise bad_request("TOPIC_NOT_MODIFIED")
    edit_topic(world, chat, topic, edited, by=world.bot)
    return True


def edit_topic(world: World, chat: Chat, topic: Topic, edited: Json, *, by: User) -> None:
    """Change name or icon of a topic, with the service message."""
    topic.name = edited.get("name", topic.name)
    if "icon_custom_emoji_id" in edited:
        topic.icon_custom_emoji_id = edited["icon_custom_emoji_id"] or None
    publish_topics(world, chat)
    post(world, chat, by, {"forum_topic_edited": edited}, thread_id=topic.thread_id)


def close_forum_topic(world: World, params: Params) -> Any:
    return _set_closed(world, params, closed=True)


def reopen_forum_topic(world: World, params: Params) -> Any:
    return _set_closed(world, params, closed=False)


def _set_closed(world: World, params: Params, *, closed: bool) -> bool:
    chat, topic = _own_topic(world, params, "not enough rights to close or open the topic")
    if topic.closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    set_topic_closed(world, chat, topic, by=world.bot, closed=closed)
    return True


def set_topic_closed(world: World, chat: Chat, topic: Topic, *, by: User, closed: bool) -> None:
    """Close or reopen a topic, with the service message."""
    topic.closed = closed
    publish_topics(world, chat)
    kind = "forum_topic_closed" if closed else "forum_topic_reopened"
    post(world, chat, by, {kind: {}}, thread_id=topic.thread_id)


def delete_forum_topic(world: World, params: Params) -> Any:
    chat = _forum(world, params)
    if not world.bot_may(chat, "can_delete_messages"):
        raise bad_request("not enough rights to delete the topic")
    delete_topic(world, chat, _topic(chat, params).thread_id)
    return True


METHODS = {
    "createForumTopic": create_forum_topic,
    "editForumTopic": edit_forum_topic,
    "closeForumTopic": close_forum_topic,
    "reopenForumTopic": reopen_forum_topic,
    "deleteForumTopic": delete_forum_topic,
}
