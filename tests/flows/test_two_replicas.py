"""Two bots on one database: either can handle a callback query, and none is lost."""

import asyncio
from typing import Any

from bot import app
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.settings import Settings
from bot.wiring.telegram import open_bot
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Start


async def test_eight_ticks_at_once_on_two_replicas_are_all_kept(
    start: Start, database: Any, clock: Clock
):
    async with start(with_erp=False) as telegram:
        assert telegram.balcao is not None
        admin, tags = Admin(telegram, ADMIN_ID), telegram.balcao.tags
        for number in range(8):
            await tags.create(f"Etiqueta {number}")
        settings = Settings.model_validate(
            {
                "bot_token": telegram.emulator.token,
                "telegram_api_url": telegram.emulator.url,
                "admin_ids": (ADMIN_ID,),
                "attendants_chat_id": GROUP_ID,
            }
        )
        await admin.says("/clientes")
        await admin.presses("➕")
        await admin.says("Ana")
        await admin.says("390.533.447-05")
        await admin.presses("◻️ Cliente")
        await admin.presses("Continuar")
        rows = admin.message["reply_markup"]["inline_keyboard"]
        ticks = [b for row in rows for b in row if "◻️ Etiqueta" in b["text"]]
        assert len(ticks) == 8
        limiter = RateLimiter(NO_LIMITS)
        async with open_bot(settings, limiter) as bot:
            other = app.build(
                settings, bot=bot, limiter=limiter, database=database, erp=None, clock=clock
            )
            replicas = (telegram.balcao, other)
            await asyncio.gather(
                *(
                    replicas[number % 2].inbox.take([press(900_000 + number, admin, tick)])
                    for number, tick in enumerate(ticks)
                )
            )
            for _ in range(2):
                for replica in replicas:
                    await replica.inbox.idle()
        assert sum("☑️ Etiqueta" in button for button in admin.buttons) == 8


def press(update_id: int, admin: Admin, button: dict[str, Any]) -> dict[str, Any]:
    """Return the callback query update of a press, as Telegram sends it."""
    user = {"id": admin.id, "is_bot": False, "first_name": "Dora"}
    return {
        "update_id": update_id,
        "callback_query": {
            "id": str(update_id),
            "from": user,
            "chat_instance": "1",
            "data": button["callback_data"],
            "message": admin.message,
        },
    }
