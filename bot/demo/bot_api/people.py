"""Actions of people in their chats: the control API that tests and the page share.

Every method changes the state at once, queues the bot's updates and wakes all waiters.
"""

from bot.demo.bot_api.markup import button_at
from bot.demo.bot_api.web_apps import THEMES, init_data, launch_url
from bot.demo.bot_api.world import CallbackQuery, Chat, Json
from bot.demo.bot_api.writing import Writing

_KEPT_CALLBACKS = 10_000


class People(Writing):
    """The world with every action of a person: writing, pressing buttons, blocking the bot."""

    token: str
    """The bot's, with which Telegram signs who opens its Mini App."""

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
        """Press the inline button that has this text or data; return the callback query's id.

        force: press `data` even if the message or the button is gone, as from an outdated screen.
        Raises LookupError if there is no such button.
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

    def open_web_app(
        self, user_id: int, chat_id: int, message_id: int, *, text: str, theme: str = "light"
    ) -> Json:
        """Open the Mini App behind the inline button that has this text.

        Returns the address, with what Telegram signed, and the colours of both themes.
        """
        message = self.chat(chat_id).messages.get(message_id)
        button = button_at(message, text=text, data=None) if message else None
        if button is None or "web_app" not in button:
            raise LookupError(f"message {message_id} opens no page by {text!r}")
        user = self.user(user_id).api
        signed = init_data(self.token, user, at_s=int(self.clock()))
        url = launch_url(button["web_app"]["url"], signed, theme=theme)
        return {"url": url, "themes": THEMES}

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
        """Press a button of the reply keyboard: this sends its text, or the person's contact."""
        keyboard = self.reply_keyboard(chat_id, user_id) or {}
        buttons = [button for row in keyboard.get("keyboard", ()) for button in row]
        button = next((button for button in buttons if button["text"] == text), None)
        if button is None:
            raise LookupError(f"the reply keyboard has no button {text!r}")
        if keyboard.get("one_time_keyboard"):
            self.chat(chat_id).keyboards.pop(user_id, None)
            self.publish_keyboards(self.chat(chat_id))
        if button.get("request_contact"):
            return self.send_contact(user_id, chat_id, thread_id=thread_id)
        return self.send_text(user_id, chat_id, text, thread_id=thread_id)

    def block_bot(self, user_id: int) -> None:
        self._set_blocked(user_id, blocked=True)

    def unblock_bot(self, user_id: int) -> None:
        self._set_blocked(user_id, blocked=False)

    def messages(self, chat_id: int) -> list[Json]:
        """Return the chat as a person sees it: edits applied, deleted messages gone."""
        return list(self.chat(chat_id).messages.values())

    def reply_keyboard(self, chat_id: int, user_id: int) -> Json | None:
        """Return the reply keyboard (or force_reply) that this person sees in this chat."""
        return self.chat(chat_id).keyboards.get(user_id)

    def reactions(self, chat_id: int, message_id: int) -> list[str]:
        """Return the emoji of the bot's reactions to a message."""
        found = self.chat(chat_id).reactions.get(message_id, [])
        return [reaction["emoji"] for reaction in found if "emoji" in reaction]

    def callback_answer(self, callback_id: str) -> Json | None:
        """Return the bot's answer (text, show_alert, url); None if there is none yet."""
        query = self.callbacks.get(callback_id)
        return query.answer if query else None

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
