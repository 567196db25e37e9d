"""Two bots on one database: either can handle a callback query, and none is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from bot import app
from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.job import JobState
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.settings import Settings
from bot.wiring.telegram import open_bot
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Start
from tests.flows.departments import registered


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


async def test_every_rhythm_runs_once_over_three_replicas(
    start: Start, database: Any, erp: IxcEmulator, clock: Clock
):
    async with start(sync_interval_minutes=60, retain_conversations_days=30) as people:
        one = people.balcao
        assert one is not None

        async def settled() -> None:
            for replica in replicas:
                while not replica.outbox.is_idle:  # noqa: ASYNC110 - no event is set
                    await asyncio.sleep(0.005)
            await people.settled()

        async def at_once(rounds: Callable[[app.Balcao], Awaitable[Any]]) -> list[Any]:
            done = await asyncio.gather(*map(rounds, replicas))
            await settled()
            return done

        others = [
            app.build(
                one.settings,
                bot=one.bot,
                limiter=RateLimiter(NO_LIMITS),
                database=database,
                erp=one.retry_lookups.look_up.erp,
                clock=clock,
            )
            for _ in range(2)
        ]
        replicas = [one, *others]
        erp.fail(faults.html(500))
        for person in (demo.ANA, demo.JOSE):
            customer = people.customer(person)
            await customer.is_in_conversation()
            await customer.says(person.first_name)
        erp.heal()
        clock.advance(timedelta(minutes=6))
        erp.requests.clear()
        assert sum(await at_once(lambda each: each.retry_lookups())) == 2
        asked = [str(request) for request in erp.requests]
        assert len(asked) == len(set(asked)) > 0
        clock.advance(timedelta(minutes=6))
        assert sum(await at_once(lambda each: each.queue_rounds.remind())) == 2
        assert sum("⏰" in text for text in people.texts(GROUP_ID)) == 1
        await registered(people, demo.ANA, priority_departments=frozenset(("atendimento",)))
        assert sum(await at_once(lambda each: each.queue_rounds.follow_registrations())) == 1
        for daily in (lambda each: each.end_leftovers(), lambda each: each.retain()):
            assert sum(run is not None for run in await at_once(daily)) == 1
        await at_once(lambda each: each.sync_schedule.look())
        jobs = await one.jobs.store.latest(9)
        assert sum(job.state is not JobState.CANCELLED for job in jobs) == 1
        await at_once(
            lambda each: each.retry_lookups.register_prospect.alerts.prospects_stopped(9)
        )
        assert sum("9 pessoas novas" in text for text in people.texts(ADMIN_ID)) == 1
        for other in others:
            await other.outbox.stop(1.0)
            await other.locks.close()
