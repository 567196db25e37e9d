"""Edits by the bot: only its own messages, with the same id.

Telegram refuses an edit without a change as "not modified".
"""

from typing import Any

from bot.demo.bot_api.contents import COPIED
from bot.demo.bot_api.errors import NOT_MODIFIED, bad_request, not_emulated
from bot.demo.bot_api.markup import read_markup
from bot.demo.bot_api.messages import NOT_COPIED, edit
from bot.demo.bot_api.methods.media import media_content
from bot.demo.bot_api.methods.sending import caption_content, text_content
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import Chat, Json, World

_WITH_CAPTION = ("photo", "animation", "document", "audio", "voice", "video")
_EDITABLE_MEDIA = frozenset({"photo", "animation", "document", "audio", "video"})


def to_edit(world: World, params: Params) -> tuple[Chat, Json]:
    """Return the message that a call names. Raises ApiError if the bot may not edit it."""
    if params.text("inline_message_id"):
        raise not_emulated("inline messages")
    chat = world.chat_for_bot(params.text("chat_id"), write=False)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request("message to edit not found")
    own = message["from"]["id"] == world.bot.id
    if not own or message_id in chat.with_reply_keyboard or NOT_COPIED & message.keys():
        raise bad_request("message can't be edited")
    return chat, message


def apply(world: World, params: Params, chat: Chat, message: Json, changes: Json) -> Any:
    """Edit the message; refuse an edit without a change. No reply_markup removes the buttons."""
    markup = params.json("reply_markup", "reply keyboard markup")
    inline, keyboard = read_markup(markup, is_private=chat.is_private)
    if keyboard is not None:
        raise bad_request("inline keyboard expected")
    changes["reply_markup"] = inline
    if all(message.get(name) == value for name, value in changes.items()):
        raise bad_request(NOT_MODIFIED)
    world.limits.count(chat.id)
    return edit(world, chat, message, changes)


def edit_message_text(world: World, params: Params) -> Any:
    chat, message = to_edit(world, params)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    content = text_content(world, params)
    changes = {"text": content["text"], "entities": content.get("entities")}
    return apply(world, params, chat, message, changes)


def edit_message_caption(world: World, params: Params) -> Any:
    chat, message = to_edit(world, params)
    if not any(kind in message for kind in _WITH_CAPTION):
        raise bad_request("there is no caption in the message to edit")
    entities = params.objects("caption_entities", "MessageEntity")
    content = caption_content(world, params.text("caption"), params.text("parse_mode"), entities)
    names = ("caption", "caption_entities")
    changes = {name: content.get(name) for name in names}
    return apply(world, params, chat, message, changes)


def edit_message_media(world: World, params: Params) -> Any:
    """Replace the content of a message, even a text, by another file with its caption."""
    chat, message = to_edit(world, params)
    media = params.json("media", "InputMedia")
    if not isinstance(media, dict) or media.get("type") not in _EDITABLE_MEDIA:
        raise bad_request("unsupported input message content type")
    held = [kind for kind in _WITH_CAPTION if kind in message]
    if "text" not in message and not any(kind in _EDITABLE_MEDIA for kind in held):
        raise bad_request("message media can't be edited")
    if "media_group_id" in message:
        _check_fits_album(held[0], str(media["type"]))
    content = media_content(world, params, media)
    gone = {name: None for name in COPIED if name in message}
    return apply(world, params, chat, message, gone | content)


def _check_fits_album(held: str, new: str) -> None:
    visual = {"photo", "video"}
    if new == "animation":
        raise bad_request("message content type can't be used in an album")
    if new != held and not {new, held} <= visual:
        raise bad_request("can't change media type in the album")


def edit_message_reply_markup(world: World, params: Params) -> Any:
    chat, message = to_edit(world, params)
    return apply(world, params, chat, message, {})


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
}
