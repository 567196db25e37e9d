"""Messages that people write: every kind, albums, replies, forwards, edits and deletions."""

from collections.abc import Iterable
from typing import NamedTuple

from bot.demo.bot_api import contents
from bot.demo.bot_api.entities import add_detected, trim
from bot.demo.bot_api.files import KINDS
from bot.demo.bot_api.groups import Groups
from bot.demo.bot_api.messages import edit, post
from bot.demo.bot_api.methods.media import file_content
from bot.demo.bot_api.world import Chat, Json, User


class Attached(NamedTuple):
    """One file of an album; kind is the message field: photo, video, document, audio."""

    kind: str
    content: bytes
    name: str = ""
    mime: str = ""
    caption: str = ""


class Writing(Groups):
    """The world with all kinds of messages that a person can write."""

    def send(
        self,
        user_id: int,
        chat_id: int,
        content: Json,
        *,
        reply_to: int | None = None,
        quote: str | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """Send content, made by `contents`, as a person; return the message.

        quote: the part of the message that the reply quotes, word for word.
        """
        user, chat = self.user(user_id), self.chat(chat_id)
        self._check_may_say(user, chat, thread_id)
        replied: Json | None = None
        if reply_to is not None:
            replied = chat.messages.get(reply_to)
            if replied is None:
                raise LookupError(f"chat {chat_id} has no message {reply_to} to reply to")
        if quote is not None:
            found = contents.quoted(replied or {}, quote)
            if found is None:
                raise LookupError(f"the message replied to does not say {quote!r}")
            content = {**content, "quote": found}
        if chat.is_private and not user.started:
            user.started = True
            self.changes.publish("users", {})
        keyboard = chat.keyboards.get(user_id)
        if keyboard is not None and keyboard.get("force_reply"):
            del chat.keyboards[user_id]
            self.publish_keyboards(chat)
        return post(self, chat, user, content, reply_to=replied, thread_id=thread_id)

    def send_text(
        self,
        user_id: int,
        chat_id: int,
        text: str,
        *,
        entities: Iterable[Json] = (),
        reply_to: int | None = None,
        quote: str | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """Send a text as a person; return the message. entities: bold text, links and so on."""
        return self.send(
            user_id,
            chat_id,
            _said(text, "text", entities),
            reply_to=reply_to,
            quote=quote,
            thread_id=thread_id,
        )

    def send_sample(
        self,
        user_id: int,
        chat_id: int,
        kind: str,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """Send one of `contents.SAMPLES`, or a small file of that kind, as a person."""
        content = contents.SAMPLES.get(kind)
        if content is None:
            content = self._file(Attached(kind, f"{kind} de exemplo".encode()))
        return self.send(user_id, chat_id, content, reply_to=reply_to, thread_id=thread_id)

    def send_contact(
        self,
        user_id: int,
        chat_id: int,
        *,
        phone: str | None = None,
        contact_user_id: int | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """Share a contact as a person: the person's own, unless another user or phone is named.

        contact_user_id: 0 is a contact of the address book without a Telegram account.
        """
        shared = self.user(contact_user_id or user_id)
        number = phone or shared.phone
        if not number:
            raise ValueError(f"user {shared.id} has no phone to share")
        contact: Json = {"phone_number": number, "first_name": shared.first_name}
        if shared.last_name:
            contact["last_name"] = shared.last_name
        if contact_user_id != 0:
            contact["user_id"] = shared.id
        return self.send(user_id, chat_id, {"contact": contact}, thread_id=thread_id)

    def send_file(
        self,
        user_id: int,
        chat_id: int,
        kind: str,
        content: bytes,
        *,
        name: str = "",
        mime: str = "",
        caption: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
        media_group_id: str | None = None,
    ) -> Json:
        """Send a file as a person; kind is the message field: photo, document, voice, video…"""
        shown = self._file(Attached(kind, content, name, mime, caption or ""))
        if media_group_id:
            shown["media_group_id"] = media_group_id
        return self.send(user_id, chat_id, shown, reply_to=reply_to, thread_id=thread_id)

    def send_album(
        self,
        user_id: int,
        chat_id: int,
        files: Iterable[Attached],
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> list[Json]:
        """Send 2 to 10 files at once as a person; the bot gets an update for each file."""
        shown = [self._file(file) for file in files]
        kinds = {kind for content in shown for kind in content if kind in KINDS}
        if not 2 <= len(shown) <= 10:
            raise ValueError("an album has 2 to 10 files")
        if len(kinds) > 1 and not kinds <= {"photo", "video"}:
            raise ValueError("an album is of photos and videos, or of one other kind only")
        group_id = self.unique_id()
        return [
            self.send(
                user_id,
                chat_id,
                {**content, "media_group_id": group_id},
                reply_to=reply_to,
                thread_id=thread_id,
            )
            for content in shown
        ]

    def forward(
        self,
        user_id: int,
        chat_id: int,
        from_chat_id: int,
        message_id: int,
        *,
        hidden: bool = False,
        thread_id: int | None = None,
    ) -> Json:
        """Forward a message as a person. hidden: the author allows no link to their account."""
        message = self.chat(from_chat_id).messages[message_id]
        content = contents.forwarded(message)
        if hidden:
            name = message["from"]["first_name"]
            content["forward_origin"] = {
                "type": "hidden_user",
                "sender_user_name": name,
                "date": message["date"],
            }
        return self.send(user_id, chat_id, content, thread_id=thread_id)

    def edit_text(self, user_id: int, chat_id: int, message_id: int, text: str) -> Json:
        """Edit a text or caption of the person's own."""
        chat, message = self._own_message(user_id, chat_id, message_id)
        field = "text" if "text" in message else "caption"
        changes = _said(text, field)
        changes.setdefault("entities" if field == "text" else "caption_entities", None)
        return edit(self, chat, message, changes)

    def edit_media(
        self, user_id: int, chat_id: int, message_id: int, kind: str, content: bytes, **more: str
    ) -> Json:
        """Replace the file in the person's own message; without a new caption, the old stays."""
        chat, message = self._own_message(user_id, chat_id, message_id)
        if not KINDS & message.keys():
            raise ValueError(f"message {message_id} holds no file")
        gone: Json = dict.fromkeys(KINDS & message.keys())
        return edit(self, chat, message, gone | self._file(Attached(kind, content, **more)))

    def move_location(
        self, user_id: int, chat_id: int, message_id: int, latitude: float, longitude: float
    ) -> Json:
        """Move a person's live location; this is an edit like any other."""
        chat, message = self._own_message(user_id, chat_id, message_id)
        place = message.get("location", {})
        if "live_period" not in place:
            raise ValueError(f"message {message_id} is no live location")
        moved = {**place, "latitude": latitude, "longitude": longitude}
        return edit(self, chat, message, {"location": moved})

    def delete_message(self, user_id: int, chat_id: int, message_id: int) -> None:
        """Delete the person's own message for everybody; bots get no update."""
        chat, _ = self._own_message(user_id, chat_id, message_id)
        self.remove(chat, message_id)

    def publish_keyboards(self, chat: Chat) -> None:
        self.changes.publish("keyboards", {"chat_id": chat.id, "keyboards": chat.keyboards})

    def _file(self, file: Attached) -> Json:
        if file.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        stored = self.files.store(file.kind, file.content, name=file.name, mime=file.mime)
        shown = file_content(file.kind, stored)
        return shown | _said(file.caption, "caption") if file.caption else shown

    def _check_may_say(self, user: User, chat: Chat, thread_id: int | None) -> None:
        if chat.migrated_to is not None:
            raise PermissionError(f"chat {chat.id} has become {chat.migrated_to}")
        if not self.is_member(chat, user.id):
            raise PermissionError(f"user {user.id} is not in chat {chat.id}")
        if chat.is_private and user.blocked:
            raise PermissionError(f"user {user.id} has blocked the bot")
        if thread_id is None:
            return
        topic = chat.topics.get(thread_id)
        if topic is None:
            raise LookupError(f"chat {chat.id} has no topic {thread_id}")
        if topic.closed and not self.may_manage(chat, topic, user.id):
            raise PermissionError(f"topic {thread_id} is closed")

    def _own_message(self, user_id: int, chat_id: int, message_id: int) -> tuple[Chat, Json]:
        chat = self.chat(chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise LookupError(f"chat {chat_id} has no message {message_id}")
        if message["from"]["id"] != user_id:
            raise PermissionError(f"message {message_id} is not by user {user_id}")
        return chat, message


def _said(text: str, field: str, entities: Iterable[Json] = ()) -> Json:
    """Return a text or a caption with its entities; raises ValueError if it is empty."""
    plain, kept = trim(text, [*entities])
    if not plain:
        raise ValueError("an empty message cannot be sent")
    found = add_detected(plain, kept)
    name = "entities" if field == "text" else "caption_entities"
    return {field: plain, name: found} if found else {field: plain}
