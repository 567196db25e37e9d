"""The rights of the bot in a group."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner

from bot.domain.errors import Problem, RefusedError
from bot.domain.group import GroupAccess, Right


async def group_access(bot: Bot, group_id: int) -> GroupAccess:
    """Return the group's title and the rights the bot lacks. Raises RefusedError when it does not
    reach the group."""
    try:
        group = await bot.get_chat(group_id)
        member = await bot.get_chat_member(group_id, bot.id)
    except TelegramAPIError as error:
        raise RefusedError(f"group not reached: {error.message}", problem=Problem.GROUP) from None
    title = group.title or str(group_id)
    if isinstance(member, ChatMemberOwner):
        return GroupAccess(title=title)
    if not isinstance(member, ChatMemberAdministrator):
        return GroupAccess(title=title, missing=(Right.ADMINISTRATOR,))
    needed = [Right.DELETE, Right.PIN, *([Right.TOPICS] if group.is_forum else [])]
    return GroupAccess(
        title=title, missing=tuple(right for right in needed if not getattr(member, right))
    )
