"""sendMessage, and the shared parts of all sending methods: text, reply, thread and keyboard."""

from collections.abc import Iterator
from typing import Any

from bot.demo.bot_api.contents import quoted
from bot.demo.bot_api.entities import (
    add_detected,
    parse_html,
    trim,
    without_code_language,
)
from bot.demo.bot_api.errors import bad_request, not_emulated
from bot.demo.bot_api.markup import read_markup
from bot.demo.bot_api.messages import post, topic_for_bot
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, World

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
CHAT_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def formatted(
    world: World, text: str, parse_mode: str, entities: list[Json] | None
) -> tuple[str, list[Json]]:
    """Return text and entities as they appear in the message."""
    mode = parse_mode.lower()
    if mode == "html":
        text, found = parse_html(text)
        found = without_code_language(found)
    elif mode in {"", "none"}:
        found = entities or []
    elif mode in {"markdown", "markdownv2"}:
        raise not_emulated(f"parse_mode {parse_mode}")
    else:
        raise bad_request("unsupported parse_mode")
    text, found = trim(text, found)
    return text, add_detected(text, [*_with_known_users(world, found)])


def _with_known_users(world: World, entities: list[Json]) -> Iterator[Json]:
    """Yield the entities. A mention gets the whole user; mentions of unknown users are dropped."""
    for entity in entities:
        if entity["type"] != "text_mention":
            yield entity
        elif user := world.users.get(int(entity["user"]["id"])):
            yield {**entity, "user": user.api}


def text_content(world: World, params: Params) -> Json:
    """Return the text of a message; raises ApiError if empty, too long or badly formatted."""
    raw = params.text("text")
    if not raw:
        raise bad_request("message text is empty")
    entities = params.objects("entities", "MessageEntity")
    text, found = formatted(world, raw, params.text("parse_mode"), entities)
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return {"text": text, "entities": found} if found else {"text": text}


def caption_content(
    world: World, caption: str, parse_mode: str, entities: list[Json] | None
) -> Json:
    """Return the caption fields of a media message; empty if there is no caption."""
    text, found = formatted(world, caption, parse_mode, entities)
    if len(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text, "caption_entities": found} if found else {"caption": text}


def reply_of(chat: Chat, params: Params) -> tuple[Json | None, Json]:
    """Return the message to reply to and the `quote` field.

    A missing message raises ApiError, unless allow_sending_without_reply is given.
    """
    reply = params.json("reply_parameters", "reply parameters") or {}
    message_id = int(reply.get("message_id") or params.integer("reply_to_message_id"))
    if not message_id:
        return None, {}
    elsewhere = reply.get("chat_id")
    if elsewhere is not None and str(elsewhere) != str(chat.id):
        raise not_emulated("replies to a message of another chat")
    replied = chat.messages.get(message_id)
    if replied is None:
        may_go_without = reply.get("allow_sending_without_reply") or params.flag(
            "allow_sending_without_reply"
        )
        if not may_go_without:
            raise bad_request("message to be replied not found")
        return None, {}
    if not reply.get("quote"):
        return replied, {}
    quote = quoted(replied, reply["quote"])
    if quote is None:
        raise bad_request("QUOTE_TEXT_INVALID")
    return replied, {"quote": quote}


def send(world: World, params: Params, content: Json, *, chat: Chat | None = None) -> Json:
    """Post the bot's message with the reply, thread and keyboard that the call names."""
    chat = chat or world.chat_for_bot(params.text("chat_id"))
    thread_id = topic_for_bot(world, chat, params.integer("message_thread_id"))
    reply_to, quote = reply_of(chat, params)
    markup = params.json("reply_markup", "reply keyboard markup")
    inline, keyboard = read_markup(markup, is_private=chat.is_private)
    world.limits.count(chat.id)
    content |= quote
    if inline:
        content["reply_markup"] = inline
    if params.flag("protect_content"):
        content["has_protected_content"] = True
    message = post(world, chat, world.bot, content, reply_to=reply_to, thread_id=thread_id)
    if keyboard is not None:
        _show_keyboard(world, chat, message, keyboard)
    return message


def _show_keyboard(world: World, chat: Chat, message: Json, keyboard: Json) -> None:
    """Show people the reply keyboard, or remove it; a selective one only for its addressees."""
    chat.with_reply_keyboard.add(message["message_id"])
    people = [chat.id] if chat.is_private else [*chat.members]
    if keyboard.get("selective"):
        meant = {message.get("reply_to_message", {}).get("from", {}).get("id")}
        meant |= {
            entity["user"]["id"]
            for entity in message.get("entities", ())
            if entity["type"] == "text_mention"
        }
        people = [user_id for user_id in people if user_id in meant]
    for user_id in people:
        if keyboard.get("remove_keyboard"):
            chat.keyboards.pop(user_id, None)
        else:
            chat.keyboards[user_id] = {**keyboard, "message_id": message["message_id"]}
    world.changes.publish("keyboards", {"chat_id": chat.id, "keyboards": chat.keyboards})


def send_message(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    return send(world, params, text_content(world, params), chat=chat)


def send_contact(world: World, params: Params) -> Any:
    contact = {
        "phone_number": params.text("phone_number"),
        "first_name": params.text("first_name"),
        "last_name": params.text("last_name"),
        "vcard": params.text("vcard"),
    }
    if not contact["phone_number"]:
        raise bad_request("PHONE_NUMBER_INVALID")
    known = {name: value for name, value in contact.items() if value}
    return send(world, params, {"contact": known})


def send_chat_action(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    action = params.text("action")
    if action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    thread_id = params.integer("message_thread_id")
    if thread_id > 1:
        topic_for_bot(world, chat, thread_id)
    action_sent = {"chat_id": chat.id, "action": action, "thread_id": thread_id}
    world.changes.publish("action", action_sent)
    return True


METHODS = {
    "sendMessage": send_message,
    "sendContact": send_contact,
    "sendChatAction": send_chat_action,
}
