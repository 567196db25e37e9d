"""The admin's private chat: what there is of it so far."""

from collections.abc import Collection

from aiogram import F, Router
from aiogram.types import Message

from handlers.admin import texts


async def help_(message: Message) -> None:
    await message.answer(texts.HELP)


def router(admin_ids: Collection[int]) -> Router:
    """Goes before the customer's router: an admin is not asked for a CPF."""
    router = Router(name="admin")
    router.message.filter(F.chat.type == "private", F.from_user.id.in_(set(admin_ids)))
    router.message.register(help_)
    return router
