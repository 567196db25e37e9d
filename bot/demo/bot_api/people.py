"""What people do in their chats: the control API that tests and the page share.

Every method changes the state at once, queues the bot's updates and wakes whoever waits.
"""

from typing import Any

from bot.demo.bot_api.entities import add_detected, trim
from bot.demo.bot_api.files import KINDS
from bot.demo.bot_api.groups import Groups
from bot.demo.bot_api.markup import button_at
from bot.demo.bot_api.messages import edit, post
from bot.demo.bot_api.methods.media import file_content
from bot.demo.bot_api.world import CallbackQuery, Chat, Json, User

_KEPT_CALLBACKS = 10_000


class People(Groups):
    """The world plus everything a person can do in it."""

    def send_text(
        self,
        user_id: int,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """A person writes; returns the message."""
        plain, _ = trim(text, [])
        if not plain:
            raise ValueError("an empty message cannot be sent")
        entities = add_detected(plain, [])
        content: Json = {"text": plain, "entities": entities} if entities else {"text": plain}
        return self._say(user_id, chat_id, content, reply_to, thread_id)

    def send_contact(
        self,
        user_id: int,
        chat_id: int,
        *,
        phone: str | None = None,
        contact_user_id: int | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """A person shares a contact: their own, unless another user or phone is named.

        contact_user_id: 0 is somebody of the address book who has no Telegram account.
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
        return self._say(user_id, chat_id, {"contact": contact}, None, thread_id)

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
        """A person sends a file; kind is the message field: photo, document, voice, video…"""
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        file = self.files.store(kind, content, name=name, mime=mime)
        message = file_content(kind, file)
        if caption:
            message["caption"] = caption
            if entities := add_detected(caption, []):
                message["caption_entities"] = entities
        if media_group_id:
            message["media_group_id"] = media_group_id
        return self._say(user_id, chat_id, message, reply_to, thread_id)

    def edit_text(self, user_id: int, chat_id: int, message_id: int, text: str) -> Json:
        """A person edits their own text or caption."""
        chat, message = self._own_message(user_id, chat_id, message_id)
        field = "text" if "text" in message else "caption"
        plain, _ = trim(text, [])
        if not plain:
            raise ValueError("an empty message cannot be sent")
        entities = "entities" if field == "text" else "caption_entities"
        changes = {field: plain, entities: add_detected(plain, []) or None}
        return edit(self, chat, message, changes)

    def delete_message(self, user_id: int, chat_id: int, message_id: int) -> None:
        """A person deletes their own message for everybody; bots are not told."""
        chat, _ = self._own_message(user_id, chat_id, message_id)
        self.remove(chat, message_id)

    def press(
        self,
        user_id: int,
        chat_id: int,
        message_id: int,
        *,
        text: str | None = None,
        data: str | None = None,
        force: bool = False,
    ) -> str:
        """Press an inline button found by its text or data; returns the callback query's id.

        force: press `data` even if the message or the button is gone, as an old screen would.
        Raises LookupError when there is no such button.
        """
        chat = self.chat(chat_id)
        message = chat.messages.get(message_id)
        button = button_at(message, text=text, data=data) if message else None
        if button is None and not (force and data is not None):
            raise LookupError(f"message {message_id} has no button {text or data!r}")
        if button is not None and "callback_data" not in button:
            raise LookupError(f"button {button['text']!r} opens something, it tells no bot")
        pressed = button["callback_data"] if button is not None else data
        return self._ask(user_id, chat, message_id, str(pressed))

    def _ask(self, user_id: int, chat: Chat, message_id: int, data: str) -> str:
        user = self.user(user_id)
        query = CallbackQuery(
            self.unique_id(), user_id, chat.id, message_id, data, asked_at=self.clock()
        )
        self.callbacks[query.id] = query
        if len(self.callbacks) > _KEPT_CALLBACKS:
            del self.callbacks[next(iter(self.callbacks))]
        message = chat.messages.get(message_id) or {
            "chat": chat.api,
            "message_id": message_id,
            "date": 0,
        }
        payload = {
            "id": query.id,
            "from": user.api,
            "message": message,
            "chat_instance": str(chat.id),
            "data": data,
        }
        self.updates.add("callback_query", payload, chat_id=chat.id)
        return query.id

    def press_reply_button(
        self, user_id: int, chat_id: int, text: str, *, thread_id: int | None = None
    ) -> Json:
        """Press a button of the reply keyboard: sends its text, or the person's contact."""
        keyboard = self.reply_keyboard(chat_id, user_id) or {}
        buttons = [button for row in keyboard.get("keyboard", ()) for button in row]
        button = next((button for button in buttons if button["text"] == text), None)
        if button is None:
            raise LookupError(f"the reply keyboard has no button {text!r}")
        if keyboard.get("one_time_keyboard"):
            self.chat(chat_id).keyboards.pop(user_id, None)
            self._publish_keyboards(self.chat(chat_id))
        if button.get("request_contact"):
            return self.send_contact(user_id, chat_id, thread_id=thread_id)
        return self.send_text(user_id, chat_id, text, thread_id=thread_id)

    def block_bot(self, user_id: int) -> None:
        self._set_blocked(user_id, blocked=True)

    def unblock_bot(self, user_id: int) -> None:
        self._set_blocked(user_id, blocked=False)

    def messages(self, chat_id: int) -> list[Json]:
        """The chat as a person sees it now: edits applied, deleted messages gone."""
        return list(self.chat(chat_id).messages.values())

    def reply_keyboard(self, chat_id: int, user_id: int) -> Json | None:
        """The reply keyboard (or force_reply) this person sees in this chat."""
        return self.chat(chat_id).keyboards.get(user_id)

    def callback_answer(self, callback_id: str) -> Json | None:
        """What the bot answered: text, show_alert, url; None while it has not."""
        query = self.callbacks.get(callback_id)
        return query.answer if query else None

    def _say(
        self,
        user_id: int,
        chat_id: int,
        content: Json,
        reply_to: int | None,
        thread_id: int | None,
    ) -> Json:
        user, chat = self.user(user_id), self.chat(chat_id)
        self._check_may_say(user, chat, thread_id)
        replied: Any = None
        if reply_to is not None:
            replied = chat.messages.get(reply_to)
            if replied is None:
                raise LookupError(f"chat {chat_id} has no message {reply_to} to reply to")
        if chat.is_private and not user.started:
            user.started = True
            self.changes.publish("users", {})
        keyboard = chat.keyboards.get(user_id)
        if keyboard is not None and keyboard.get("force_reply"):
            del chat.keyboards[user_id]
            self._publish_keyboards(chat)
        return post(self, chat, user, content, reply_to=replied, thread_id=thread_id)

    def _check_may_say(self, user: User, chat: Chat, thread_id: int | None) -> None:
        if not self.is_member(chat, user.id):
            raise PermissionError(f"user {user.id} is not in chat {chat.id}")
        if chat.is_private and user.blocked:
            raise PermissionError(f"user {user.id} has blocked the bot")
        if thread_id is None:
            return
        topic = chat.topics.get(thread_id)
        if topic is None:
            raise LookupError(f"chat {chat.id} has no topic {thread_id}")
        if topic.closed and not chat.members[user.id].may("can_manage_topics"):
            raise PermissionError(f"topic {thread_id} is closed")

    def _own_message(self, user_id: int, chat_id: int, message_id: int) -> tuple[Chat, Json]:
        chat = self.chat(chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise LookupError(f"chat {chat_id} has no message {message_id}")
        if message["from"]["id"] != user_id:
            raise PermissionError(f"message {message_id} is not by user {user_id}")
        return chat, message

    def _set_blocked(self, user_id: int, *, blocked: bool) -> None:
        user = self.user(user_id)
        if user.blocked == blocked:
            return
        user.blocked = blocked
        status = {False: "member", True: "kicked"}
        old, new = (
            {"status": status[is_blocked], "user": self.bot.api}
            | ({"until_date": 0} if is_blocked else {})
            for is_blocked in (not blocked, blocked)
        )
        changed = {
            "chat": self.chat(user_id).api,
            "from": user.api,
            "date": self.now(),
            "old_chat_member": old,
            "new_chat_member": new,
        }
        self.updates.add("my_chat_member", changed, chat_id=user_id)
        self.changes.publish("users", {})

    def _publish_keyboards(self, chat: Chat) -> None:
        self.changes.publish("keyboards", {"chat_id": chat.id, "keyboards": chat.keyboards})
