"""Whether the bot can work in a group."""

from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner

from bot.domain.errors import Problem, RefusedError


@dataclass(frozen=True, slots=True)
class GroupAccess:
    title: str
    is_administrator: bool
    """Otherwise Telegram shows the bot only replies to itself, unless its privacy mode is off."""


async def group_access(bot: Bot, group_id: int) -> GroupAccess:
    """What the bot may do there; raises RefusedError when it does not reach the group."""
    try:
        group = await bot.get_chat(group_id)
        member = await bot.get_chat_member(group_id, bot.id)
    except TelegramAPIError as error:
        raise RefusedError(f"group not reached: {error.message}", problem=Problem.GROUP) from error
    administrator = isinstance(member, ChatMemberAdministrator | ChatMemberOwner)
    return GroupAccess(group.title or str(group_id), administrator)
