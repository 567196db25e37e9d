"""Telegram's command menus, built from the access table."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from bot.domain.access import OF_AN_ERP, ChatKind, Role, menu_of
from bot.domain.errors import TryLaterError

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Menus:
    """Sets the command menus. A menu that Telegram refuses is logged, and the work goes on.

    An admin who has not written to the bot yet has no chat, so the menu waits.
    """

    bot: Bot
    has_erp: bool

    async def set_all(self, admin_ids: Iterable[int]) -> None:
        await self._set(Role.CUSTOMER, ChatKind.PRIVATE, BotCommandScopeAllPrivateChats())
        await self._set(Role.ATTENDANT, ChatKind.GROUP, BotCommandScopeAllGroupChats())
        for admin_id in admin_ids:
            await self.give(admin_id)

    async def give(self, admin_id: int) -> None:
        """Show the admin commands in this admin's chat."""
        await self._set(Role.ADMIN, ChatKind.PRIVATE, BotCommandScopeChat(chat_id=admin_id))

    async def take(self, user_id: int) -> None:
        """Remove the admin commands from this chat; the commands for everybody stay."""
        try:
            await self.bot.delete_my_commands(BotCommandScopeChat(chat_id=user_id))
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("menu not taken", chat=user_id, error=type(error).__name__)

    async def _set(self, role: Role, chat_kind: ChatKind, scope: BotCommandScopeUnion) -> None:
        commands = [
            BotCommand(command=c, description=text)
            for c, text in menu_of(role, chat_kind)
            if self.has_erp or c not in OF_AN_ERP
        ]
        try:
            if commands:
                await self.bot.set_my_commands(commands, scope)
            else:
                await self.bot.delete_my_commands(scope)
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("menu not set", scope=scope.type, error=type(error).__name__)
