"""Middlewares of the customer's private chat: the chat itself, and a changed privacy notice."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.types import TelegramObject, User

from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.renew_notice import RenewNotice
from handlers.customer import my_data_texts as texts
from handlers.customer.reception import Reception

Data = dict[str, Any]
Handler = Callable[[TelegramObject, Data], Awaitable[Any]]


class PassChat(BaseMiddleware):
    """Inner middleware that passes on the chat, which is read at most once within the update."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> Any:
        reception: Reception = data["reception"]
        user: User = data["event_from_user"]
        return await handler(event, data | {"chat": reception.chat_of(user.id)})


class GiveRenewedNotice(BaseMiddleware):
    """Inner middleware behind `PassChat`; the action goes on after the notice."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> Any:
        renew: RenewNotice = data["renew_notice"]
        chat: CurrentChat = data["chat"]
        bot: Bot = data["bot"]
        if await renew.is_due(chat):
            await bot.send_message(chat.id, texts.renewed_notice(renew.notice))
            await renew.given(chat)
        return await handler(event, data)
