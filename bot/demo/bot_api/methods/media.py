"""Methods for the bot's files, alone and in albums, and getFile."""

from collections.abc import Callable
from typing import Any

from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.files import StoredFile
from bot.demo.bot_api.messages import post, topic_for_bot
from bot.demo.bot_api.methods.sending import caption_content, reply_of, send
from bot.demo.bot_api.params import Params, Upload
from bot.demo.bot_api.world import Json, World

_ALBUM_KINDS = frozenset({"photo", "video", "audio", "document"})
_ALONE_IN_ALBUM = frozenset({"audio", "document"})
_WITHOUT_CAPTION = frozenset({"video_note", "sticker"})


def _stored(world: World, kind: str, source: Upload | str) -> StoredFile:
    if isinstance(source, Upload):
        return world.files.store(kind, source.content, name=source.name, mime=source.mime)
    file = world.files.by_id(source)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return file


def file_content(kind: str, file: StoredFile, *, duration: int = 0) -> Json:
    """Return the content of a message that shows a file. An animation is a document as well."""
    content: Json = {kind: file.described(kind=kind, duration=duration)}
    if kind == "animation":
        content["document"] = file.described(kind="document")
    return content


def _sender(kind: str) -> Callable[[World, Params], Any]:
    def send_file(world: World, params: Params) -> Any:
        chat = world.chat_for_bot(params.text("chat_id"))
        file = _stored(world, kind, params.file(params.values.get(kind), kind))
        content = file_content(kind, file, duration=params.integer("duration"))
        if kind not in _WITHOUT_CAPTION:
            entities = params.objects("caption_entities", "MessageEntity")
            caption, mode = params.text("caption"), params.text("parse_mode")
            content |= caption_content(world, caption, mode, entities)
        return send(world, params, content, chat=chat)

    return send_file


def send_media_group(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    album = params.objects("media", "InputMedia") or []
    if not 2 <= len(album) <= 10:
        raise bad_request("there must be 2-10 messages in an album")
    kinds = {str(item.get("type")) for item in album}
    mixed = kinds & _ALONE_IN_ALBUM and len(kinds) > 1
    if mixed or not kinds <= _ALBUM_KINDS:
        raise bad_request("can't use the media of the specified type in the album")
    thread_id = topic_for_bot(world, chat, params.integer("message_thread_id"))
    reply_to, quote = reply_of(chat, params)
    contents = [media_content(world, params, item) for item in album]
    world.limits.count(chat.id, len(contents))
    group_id = world.unique_id()
    messages = []
    for content in contents:
        content |= quote | {"media_group_id": group_id}
        messages.append(
            post(world, chat, world.bot, content, reply_to=reply_to, thread_id=thread_id)
        )
    return messages


def media_content(world: World, params: Params, item: Json) -> Json:
    """Return the content of an InputMedia object: its file and caption."""
    kind = str(item["type"])
    file = _stored(world, kind, params.file(item.get("media"), kind))
    content = file_content(kind, file, duration=int(item.get("duration") or 0))
    caption, mode = item.get("caption") or "", item.get("parse_mode") or ""
    return content | caption_content(world, caption, mode, item.get("caption_entities"))


def get_file(world: World, params: Params) -> Any:
    file_id = params.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    return world.files.to_fetch(file_id)


METHODS = {
    "sendPhoto": _sender("photo"),
    "sendDocument": _sender("document"),
    "sendAudio": _sender("audio"),
    "sendVoice": _sender("voice"),
    "sendVideo": _sender("video"),
    "sendVideoNote": _sender("video_note"),
    "sendAnimation": _sender("animation"),
    "sendSticker": _sender("sticker"),
    "sendMediaGroup": send_media_group,
    "getFile": get_file,
}
