"""The admin's private chat: what there is of it so far."""

from collections.abc import Collection

from aiogram import F, Router
from aiogram.types import Message

from handlers.admin import texts


async def help_(message: Message) -> None:
    await message.answer(texts.HELP)


async def no_files_yet(message: Message) -> None:
    await message.answer(texts.NO_FILES_YET)


def router(admin_ids: Collection[int]) -> Router:
    """Goes before the customer's router: an admin is not asked for a CPF."""
    router = Router(name="admin")
    router.message.filter(F.chat.type == "private", F.from_user.id.in_(set(admin_ids)))
    router.message.register(no_files_yet, F.document)
    router.message.register(help_)
    return router
