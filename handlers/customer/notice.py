"""Middleware that shows a changed privacy notice before anything else."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.types import TelegramObject, User

from bot.usecases.customer.renew_notice import RenewNotice
from handlers.customer import my_data_texts as texts


class GiveRenewedNotice(BaseMiddleware):
    """Inner middleware of the customer's private chat; the action goes on after the notice."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        renew: RenewNotice = data["renew_notice"]
        user: User = data["event_from_user"]
        bot: Bot = data["bot"]
        if await renew.is_due(user.id):
            await bot.send_message(user.id, texts.renewed_notice(renew.notice))
            await renew.given(user.id)
        return await handler(event, data)
