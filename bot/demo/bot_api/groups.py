"""Users, groups, members and topics, as people set them up."""

from collections.abc import Iterable

from bot.demo.bot_api.members import change_member, members_of
from bot.demo.bot_api.messages import create_topic, delete_topic, post
from bot.demo.bot_api.methods.topics import ICON_COLORS, edit_topic, set_topic_closed
from bot.demo.bot_api.world import ADMIN_RIGHTS, Chat, Json, Member, User, World

_ANONYMOUS = User(1087968824, "Group", username="GroupAnonymousBot", is_bot=True)


class Groups(World):
    """The world, with actions on users, groups, members and topics."""

    def add_user(
        self,
        id: int,  # noqa: A002 - Telegram's own word
        first_name: str,
        last_name: str = "",
        username: str | None = None,
        phone: str | None = None,
        language_code: str | None = "pt-br",
        *,
        started: bool = False,
    ) -> Json:
        """Add a person with an empty private chat; the bot may write once they have `started`."""
        user = User(id, first_name, last_name, username, phone, language_code, started=started)
        self.users[id] = user
        self.new_private_chat(user)
        self.changes.publish("users", {})
        return user.api

    def add_group(
        self,
        id: int,  # noqa: A002
        title: str,
        *,
        forum: bool = False,
        members: Iterable[int] = (),
        bot: str | None = "administrator",
    ) -> Json:
        """Add an existing group, without updates. bot: its status in the group; None if absent."""
        people = [self.user(user_id) for user_id in members]
        chat = self.new_group(id, title, forum=forum)
        for number, user in enumerate(people):
            chat.members[user.id] = Member("creator" if number == 0 else "member")
        if bot is not None:
            rights = dict(ADMIN_RIGHTS) if bot == "administrator" else {}
            chat.members[self.bot.id] = Member(bot, rights)
        self.changes.publish("members", {"chat_id": chat.id, "members": members_of(chat)})
        return chat.api

    def add_member(self, chat_id: int, user_id: int, *, by: int | None = None) -> None:
        """Let a person or the bot join, or be added by `by`."""
        user = self.user(user_id)
        by_user = self.user(by) if by else user
        if user_id == self.bot.id and by is None:
            by_user = self._somebody_in(self.chat(chat_id))
        change_member(self, self.chat(chat_id), user, "member", by=by_user)

    def remove_member(
        self, chat_id: int, user_id: int, *, by: int | None = None, kicked: bool | None = None
    ) -> None:
        """Let a person leave, or be kicked by `by`; the bot is always kicked."""
        chat = self.chat(chat_id)
        thrown_out = (by is not None or user_id == self.bot.id) if kicked is None else kicked
        by_user = self.user(by) if by else self.user(user_id)
        if user_id == self.bot.id and by is None:
            by_user = self._somebody_in(chat)
        status = "kicked" if thrown_out else "left"
        change_member(self, chat, self.user(user_id), status, by=by_user)

    def set_admin(
        self,
        chat_id: int,
        user_id: int,
        is_admin: bool = True,
        *,
        by: int | None = None,
        **rights: bool,
    ) -> None:
        """Make a person or the bot an administrator, or a plain member again."""
        chat = self.chat(chat_id)
        by_user = self.user(by) if by else self._somebody_in(chat)
        status = "administrator" if is_admin else "member"
        given = ADMIN_RIGHTS | rights if is_admin else {}
        change_member(self, chat, self.user(user_id), status, by=by_user, rights=given)

    def migrate(self, chat_id: int, new_id: int) -> Json:
        """Turn a plain group into a supergroup: a new chat with the same members and no history.

        The bot receives updates in both. From then on the old id answers 400 with the new id.
        """
        old = self.chat(chat_id)
        if old.type != "group" or old.migrated_to is not None:
            raise ValueError(f"chat {chat_id} is no plain group")
        new = self.new_group(new_id, old.title, forum=False)
        if new.type != "supergroup":
            raise ValueError("a supergroup's id is -100…")
        new.members = dict(old.members)
        by = self._somebody_in(old)
        post(self, old, by, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        post(self, new, _ANONYMOUS, {"migrate_from_chat_id": old.id, "sender_chat": new.api})
        self.changes.publish("chats", {})
        return new.api

    def set_forum(self, chat_id: int, is_forum: bool) -> None:
        """Switch a supergroup's topics on or off. The bot learns of it only by getChat.

        Without topics, all messages are in one chat; the earlier topics return when switched on
        again.
        """
        chat = self.chat(chat_id)
        if chat.type != "supergroup":
            raise ValueError(f"chat {chat_id} is no supergroup: only those have topics")
        chat.is_forum = is_forum
        # Older messages keep the chat as it was then.
        chat.api = {**chat.api, "is_forum": True}
        if not is_forum:
            del chat.api["is_forum"]
        self.changes.publish("chats", {})

    def set_bot_rights(self, chat_id: int, **rights: bool) -> None:
        """Grant or revoke rights of the bot in a group; its other rights stay as they are."""
        member = self.chat(chat_id).members[self.bot.id]
        self.set_admin(chat_id, self.bot.id, **(member.rights | rights))

    def create_topic(self, user_id: int, chat_id: int, name: str) -> int:
        """Let a person create a topic; return its thread id."""
        topic = create_topic(
            self,
            self.chat(chat_id),
            self.user(user_id),
            name,
            icon_color=ICON_COLORS[0],
            emoji_id=None,
        )
        return topic.thread_id

    def rename_topic(self, user_id: int, chat_id: int, thread_id: int, name: str) -> None:
        """Let a person rename a topic."""
        chat = self.chat(chat_id)
        edit_topic(self, chat, chat.topics[thread_id], {"name": name}, by=self.user(user_id))

    def close_topic(
        self, user_id: int, chat_id: int, thread_id: int, *, closed: bool = True
    ) -> None:
        """Let a person close or reopen a topic."""
        chat = self.chat(chat_id)
        topic = chat.topics[thread_id]
        set_topic_closed(self, chat, topic, by=self.user(user_id), closed=closed)

    def delete_topic(self, chat_id: int, thread_id: int) -> None:
        """Let a person delete a topic with all its messages; bots get no update."""
        delete_topic(self, self.chat(chat_id), thread_id)

    def _somebody_in(self, chat: Chat) -> User:
        """Return the group's creator, who adds, promotes or removes the bot by default."""
        for user_id, member in chat.members.items():
            if member.status == "creator" and user_id != self.bot.id:
                return self.users[user_id]
        raise LookupError(f"chat {chat.id} has no creator; say who does it with by=…")
