"""Membership of groups: statuses, and the updates that a change of status causes."""

from bot.demo.bot_api.messages import post
from bot.demo.bot_api.world import ADMIN_RIGHTS, IN_CHAT, Chat, Json, Member, User, World


def as_chat_member(world: World, chat: Chat, user: User) -> Json:
    """Return the ChatMember object of a user in a chat; a user never seen there has "left"."""
    if chat.is_private:
        status = "member" if world.is_member(chat, user.id) else "left"
        return {"status": status, "user": user.api}
    return _shown(chat.members.get(user.id) or Member("left"), user)


def _shown(member: Member, user: User) -> Json:
    shown: Json = {"status": member.status, "user": user.api}
    match member.status:
        case "creator":
            shown["is_anonymous"] = False
        case "administrator":
            shown |= ADMIN_RIGHTS | member.rights
        case "kicked":
            shown["until_date"] = 0
    return shown


def change_member(
    world: World,
    chat: Chat,
    user: User,
    status: str,
    *,
    by: User,
    rights: dict[str, bool] | None = None,
) -> None:
    """Set a user's status in a group, with the service message and the updates."""
    before = chat.members.get(user.id) or Member("left")
    after = Member(status, rights or {})
    was_in, is_in = before.status in IN_CHAT, status in IN_CHAT
    chat.members[user.id] = after
    world.changes.publish("members", {"chat_id": chat.id, "members": members_of(chat)})
    changed = {
        "chat": chat.api,
        "from": by.api,
        "date": world.now(),
        "old_chat_member": _shown(before, user),
        "new_chat_member": _shown(after, user),
    }
    if user.id == world.bot.id:
        world.updates.add("my_chat_member", changed, chat_id=chat.id)
    elif _bot_is_admin(world, chat):
        world.updates.add("chat_member", changed, chat_id=chat.id)
    if is_in and not was_in:
        post(world, chat, by, {"new_chat_members": [user.api]})
    elif was_in and not is_in:
        chat.keyboards.pop(user.id, None)
        post(world, chat, by, {"left_chat_member": user.api})


def members_of(chat: Chat) -> dict[int, str]:
    return {user_id: member.status for user_id, member in chat.members.items()}


def _bot_is_admin(world: World, chat: Chat) -> bool:
    bot = chat.members.get(world.bot.id)
    return bot is not None and bot.status in {"creator", "administrator"}
