"""Three bots on one database: what is done now and then is done once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from bot import app
from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.job import JobState
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Start
from tests.flows.departments import registered


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
        for daily in (
            lambda each: each.company.end_leftovers(),
            lambda each: each.company.retain(),
        ):
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
