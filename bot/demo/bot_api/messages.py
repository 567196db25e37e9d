"""Rules for posting, delivering and editing messages, the same for people and the bot."""

from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.world import Chat, Json, Topic, User, World

NOT_COPIED = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "pinned_message",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
    }
)
"""Service messages, which cannot be copied, forwarded or edited."""

SEEN_BY_ITS_BOT = NOT_COPIED - {"new_chat_members"}
"""The only messages of the bot that Telegram sends back to it as updates."""


def post(
    world: World,
    chat: Chat,
    sender: User,
    content: Json,
    *,
    reply_to: Json | None = None,
    thread_id: int | None = None,
) -> Json:
    """Add a message to a chat, publish it, and return it in the Bot API's form."""
    message: Json = {
        "message_id": next(chat.ids),
        "from": sender.api,
        "chat": chat.api,
        "date": world.now(),
    }
    message |= _place(chat, reply_to, thread_id)
    message |= content
    world.put(chat, message)
    deliver(world, chat, "message", message)
    return message


def _place(chat: Chat, reply_to: Json | None, thread_id: int | None) -> Json:
    """Return thread and reply fields. Every message of a topic replies to its first message."""
    place: Json = {}
    if chat.is_forum:
        thread_id = thread_id or (reply_to or {}).get("message_thread_id")
        if thread_id:
            place = {"message_thread_id": thread_id, "is_topic_message": True}
            reply_to = reply_to or chat.messages.get(thread_id)
    elif reply_to is not None and chat.type == "supergroup":
        place["message_thread_id"] = reply_to.get("message_thread_id", reply_to["message_id"])
    if reply_to is not None:
        place["reply_to_message"] = embedded(reply_to)
    return place


def embedded(message: Json) -> Json:
    """Return a message for embedding in another one, without its own reply_to_message."""
    if "reply_to_message" not in message:
        return message
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def deliver(world: World, chat: Chat, kind: str, message: Json) -> None:
    """Queue the update for the bot if Telegram would send it."""
    own = message["from"]["id"] == world.bot.id
    if own and (kind != "message" or not SEEN_BY_ITS_BOT & message.keys()):
        return
    if not world.is_member(chat, world.bot.id) and not _is_about_leaving(world, message):
        return
    if world.privacy_mode and not chat.is_private and not _passes_privacy(world, chat, message):
        return
    world.updates.add(kind, message, chat_id=chat.id)


def _is_about_leaving(world: World, message: Json) -> bool:
    return bool(message.get("left_chat_member", {}).get("id") == world.bot.id)


def _passes_privacy(world: World, chat: Chat, message: Json) -> bool:
    """Return True if a bot in privacy mode gets the message.

    A plain member gets only commands, replies to itself, mentions and service messages.
    """
    if chat.members[world.bot.id].status != "member" or NOT_COPIED & message.keys():
        return True
    replied = message.get("reply_to_message", {}).get("from", {}).get("id")
    text = str(message.get("text") or message.get("caption") or "")
    return replied == world.bot.id or text.startswith("/") or f"@{world.bot.username}" in text


def edit(
    world: World, chat: Chat, message: Json, changes: Json, *, edit_date: bool = True
) -> Json:
    """Replace fields of a message; None removes a field. The message_id stays."""
    edited = {**message, **changes}
    if edit_date:
        edited["edit_date"] = world.now()
    edited = {name: value for name, value in edited.items() if value is not None}
    world.put(chat, edited)
    deliver(world, chat, "edited_message", edited)
    return edited


def topic_for_bot(world: World, chat: Chat, thread_id: int) -> int | None:
    """Return the thread that the bot may write to; groups without topics ignore the id."""
    if not thread_id or (not chat.is_forum and not chat.is_private):
        return None
    topic = chat.topics.get(thread_id)
    if topic is None:
        raise bad_request("message thread not found")
    if topic.closed and not world.may_manage(chat, topic, world.bot.id):
        raise bad_request("TOPIC_CLOSED")
    return thread_id


def create_topic(
    world: World, chat: Chat, user: User, name: str, *, icon_color: int, emoji_id: str | None
) -> Topic:
    """Create a topic. Its thread id is the id of the service message that opens it."""
    created: Json = {"name": name, "icon_color": icon_color}
    if emoji_id:
        created["icon_custom_emoji_id"] = emoji_id
    message_id = next(chat.ids)
    message: Json = {
        "message_id": message_id,
        "from": user.api,
        "chat": chat.api,
        "date": world.now(),
        "message_thread_id": message_id,
        "is_topic_message": True,
        "forum_topic_created": created,
    }
    topic = Topic(message_id, name, icon_color, user.id, icon_custom_emoji_id=emoji_id)
    chat.topics[message_id] = topic
    publish_topics(world, chat)
    world.put(chat, message)
    deliver(world, chat, "message", message)
    return topic


def delete_topic(world: World, chat: Chat, thread_id: int) -> None:
    """Remove a topic with all its messages; bots get no update."""
    del chat.topics[thread_id]
    gone = [
        message_id
        for message_id, message in chat.messages.items()
        if message.get("message_thread_id") == thread_id
    ]
    for message_id in gone:
        world.remove(chat, message_id)
    publish_topics(world, chat)


def publish_topics(world: World, chat: Chat) -> None:
    world.changes.publish("topics", {"chat_id": chat.id, "topics": topics_of(chat)})


def topics_of(chat: Chat) -> list[dict[str, Any]]:
    return [
        {
            "thread_id": topic.thread_id,
            "name": topic.name,
            "icon_color": topic.icon_color,
            "closed": topic.closed,
        }
        for topic in chat.topics.values()
    ]
