"""The emulator's state: users, chats, messages, files, the bot and its settings."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot.demo.bot_api.changes import Changes
from bot.demo.bot_api.errors import bad_request, forbidden, upgraded
from bot.demo.bot_api.faults import Faults
from bot.demo.bot_api.files import Files
from bot.demo.bot_api.limits import Limits
from bot.demo.bot_api.updates import UpdateQueue

Json = dict[str, Any]

ADMIN_RIGHTS: dict[str, bool] = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": True,
    "can_manage_video_chats": True,
    "can_restrict_members": True,
    "can_promote_members": False,
    "can_change_info": True,
    "can_invite_users": True,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
    "can_send_welcome_messages": False,
    "can_pin_messages": True,
    "can_manage_topics": True,
}
IN_CHAT = frozenset({"creator", "administrator", "member", "restricted"})


class Call(NamedTuple):
    method: str
    params: Json
    at: float


@dataclass(slots=True)
class User:
    id: int
    first_name: str
    last_name: str = ""
    username: str | None = None
    phone: str | None = None
    language_code: str | None = None
    is_bot: bool = False
    started: bool = False
    """True if the user has written to the bot; only then may the bot write to the user."""
    blocked: bool = False
    api: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        optional = {
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        self.api = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        self.api |= {name: value for name, value in optional.items() if value}

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(slots=True)
class Member:
    status: str
    rights: dict[str, bool] = field(default_factory=dict)

    def may(self, right: str) -> bool:
        return self.status == "creator" or self.rights.get(right, False)


@dataclass(slots=True)
class Topic:
    thread_id: int
    name: str
    icon_color: int
    creator_id: int
    closed: bool = False
    icon_custom_emoji_id: str | None = None


@dataclass(slots=True)
class Chat:
    id: int
    type: str
    title: str
    api: Json
    """The `chat` object that messages carry."""
    ids: Iterator[int]
    is_forum: bool = False
    migrated_to: int | None = None
    """The supergroup that this group became; nobody can write here any more."""
    messages: dict[int, Json] = field(default_factory=dict)
    """By message_id, oldest first. An edit replaces the message dict and never changes it."""
    members: dict[int, Member] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    keyboards: dict[int, Json] = field(default_factory=dict)
    """The reply keyboard (or force_reply) that each person sees."""
    with_reply_keyboard: set[int] = field(default_factory=set)
    """Messages sent with a reply keyboard, which Telegram does not let the bot edit."""
    reactions: dict[int, list[Json]] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)

    @property
    def is_private(self) -> bool:
        return self.type == "private"


@dataclass(slots=True)
class CallbackQuery:
    id: str
    user_id: int
    chat_id: int
    message_id: int
    data: str
    asked_at: float
    answer: Json | None = None


class World:
    """State and its few invariants; actions of people and the bot are in other modules."""

    def __init__(
        self,
        *,
        bot_id: int,
        bot_name: str,
        bot_username: str,
        first_update_id: int,
        history_limit: int,
        clock: Callable[[], float],
    ) -> None:
        self.clock = clock
        self.changes = Changes()
        self.updates = UpdateQueue(first_update_id, changed=self.changes.wake)
        self.faults = Faults()
        self.limits = Limits(clock=time.monotonic)
        self.files = Files()
        self.bot = User(bot_id, bot_name, username=bot_username, is_bot=True)
        self.users: dict[int, User] = {bot_id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.callbacks: dict[str, CallbackQuery] = {}
        self.commands: dict[tuple[str, int, int, str], list[Json]] = {}
        self.calls: deque[Call] = deque(maxlen=10_000)
        self.record_calls = True
        self.privacy_mode = False
        self.callback_lifetime_s = 60.0
        self._history_limit = history_limit
        self._shared_ids = itertools.count(1)
        self._unique_ids = itertools.count(int(clock()) * 1000)

    def now(self) -> int:
        return int(self.clock())

    def unique_id(self) -> str:
        return str(next(self._unique_ids))

    def user(self, user_id: int) -> User:
        user = self.users.get(user_id)
        if user is None:
            raise LookupError(f"nobody has the user id {user_id}; call add_user first")
        return user

    def chat(self, chat_id: int) -> Chat:
        """Return a chat by id. A person's private chat with the bot has the person's id."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise LookupError(f"there is no chat {chat_id}; call add_user or add_group first")
        return chat

    def new_private_chat(self, user: User) -> Chat:
        named = {name: user.api[name] for name in ("last_name", "username") if name in user.api}
        api: Json = {"id": user.id, "first_name": user.first_name, "type": "private"} | named
        chat = Chat(user.id, "private", user.full_name, api, self._shared_ids)
        self.chats[user.id] = chat
        return chat

    def new_group(self, chat_id: int, title: str, *, forum: bool) -> Chat:
        """Add a group and return it.

        A supergroup numbers its own messages; a basic group shares the bot's counter.
        """
        is_supergroup = chat_id <= -1_000_000_000_000
        if chat_id >= 0 or (forum and not is_supergroup):
            raise ValueError("a group's id is negative, a forum's is -100…")
        kind = "supergroup" if is_supergroup else "group"
        api: Json = {"id": chat_id, "title": title, "type": kind}
        if forum:
            api["is_forum"] = True
        ids = itertools.count(1) if is_supergroup else self._shared_ids
        chat = Chat(chat_id, kind, title, api, ids, is_forum=forum)
        self.chats[chat_id] = chat
        return chat

    def chat_for_bot(self, chat_id: str, *, write: bool = True) -> Chat:
        """Return the chat that a call names. Raises ApiError if the bot may not use it."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        try:
            chat = self.chats.get(int(chat_id))
        except ValueError:
            raise bad_request("chat not found") from None
        if chat is None:
            raise bad_request("chat not found")
        if chat.is_private:
            if write:
                self._check_may_write(chat)
            return chat
        if chat.migrated_to is not None:
            raise upgraded(chat.migrated_to)
        member = chat.members.get(self.bot.id)
        if member is None:
            raise bad_request("chat not found")
        if member.status == "kicked":
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if member.status == "left":
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        return chat

    def _check_may_write(self, chat: Chat) -> None:
        user = self.users[chat.id]
        if user.blocked:
            raise forbidden("bot was blocked by the user")
        if not user.started:
            raise forbidden("bot can't initiate conversation with a user")

    def bot_may(self, chat: Chat, right: str) -> bool:
        member = chat.members.get(self.bot.id)
        return member is not None and member.may(right)

    def may_manage(self, chat: Chat, topic: Topic, user_id: int) -> bool:
        """Return True if the user may change the topic: its creator, or a manager of topics."""
        member = chat.members.get(user_id)
        return topic.creator_id == user_id or (
            member is not None and member.may("can_manage_topics")
        )

    def is_member(self, chat: Chat, user_id: int) -> bool:
        if chat.is_private:
            return user_id in {chat.id, self.bot.id}
        member = chat.members.get(user_id)
        return member is not None and member.status in IN_CHAT

    def put(self, chat: Chat, message: Json) -> None:
        """Store a new or edited message, and publish the change."""
        message_id = message["message_id"]
        kind = "edit" if message_id in chat.messages else "message"
        chat.messages[message_id] = message
        if len(chat.messages) > self._history_limit:
            self.forget(chat, next(iter(chat.messages)))
        self.changes.publish(kind, {"chat_id": chat.id, "message": message})

    def remove(self, chat: Chat, message_id: int) -> None:
        """Delete a message for everybody, with the reply keyboard that came with it."""
        self.forget(chat, message_id)
        shown = {
            user_id: keyboard
            for user_id, keyboard in chat.keyboards.items()
            if keyboard["message_id"] != message_id
        }
        if shown != chat.keyboards:
            chat.keyboards = shown
            self.changes.publish("keyboards", {"chat_id": chat.id, "keyboards": shown})
        self.changes.publish("delete", {"chat_id": chat.id, "message_id": message_id})

    def forget(self, chat: Chat, message_id: int) -> None:
        chat.messages.pop(message_id, None)
        chat.with_reply_keyboard.discard(message_id)
        chat.reactions.pop(message_id, None)
        if message_id in chat.pinned:
            chat.pinned.remove(message_id)
