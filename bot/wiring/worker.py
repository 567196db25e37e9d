"""`balcao worker`: a process that only works on jobs, beside a bot and other workers."""

from contextlib import AsyncExitStack
from functools import partial

import structlog

from bot.domain.errors import RefusedError
from bot.runtime.http_server import http_server
from bot.runtime.memory import freeze_gc
from bot.runtime.metrics import LeaseFigures
from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from bot.runtime.service_manager import said_ready
from bot.runtime.supervisor import Supervisor
from bot.settings import PREFIX, Settings
from bot.wiring.chat_jobs import build_chat_jobs
from bot.wiring.clients import log_wrong_clock, open_database, open_erp_if_set, utc_now
from bot.wiring.company import build_company
from bot.wiring.jobs import Jobs, carry, work_on_jobs
from bot.wiring.shared import Shared, keep_share, share
from bot.wiring.stopping import run_until_stopped
from bot.wiring.telegram import open_bot
from bot.wiring.watching import Watching, open_tracer
from bot.wording.values import Names
from storage.engine.connection import answers as database_answers

logger = structlog.get_logger()


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; raises RefusedError or TryLaterError when it cannot start."""
    _require(settings)
    await run_until_stopped(_work(settings))


def _require(settings: Settings) -> None:
    missing = []
    if not settings.broker_url.get_secret_value():
        missing.append(
            f"{PREFIX}BROKER_URL: falta o endereço do servidor NATS, que leva as tarefas de um "
            "processo a outro (nats://servidor:4222). Com um só processo, `balcao run` basta"
        )
    if not settings.bot_token.get_secret_value():
        missing.append(
            f"{PREFIX}BOT_TOKEN: falta o token do bot: é no chat que se diz como cada tarefa "
            "anda e acaba"
        )
    if missing:
        raise RefusedError("\n".join(missing))


async def _watched(
    stack: AsyncExitStack,
    settings: Settings,
    shared: Shared,
    jobs: Jobs,
    watching: Watching,
    supervisor: Supervisor,
) -> None:
    """Serve health and metrics until the stack is closed, if the settings give a port."""
    if settings.worker_port is None:
        return
    metrics = watching.metrics(shared.limiter, supervisor)
    metrics.add(LeaseFigures({"jobs": jobs.work.leases}))
    server = http_server(
        settings.http_host,
        settings.worker_port,
        database_answers=lambda: database_answers(shared.database),
        metrics=metrics.text,
        tasks_down=lambda: supervisor.down,
        is_ready=lambda: "jobs" in supervisor.health,
    )
    logger.info("watched", health=f"{await stack.enter_async_context(server)}/healthz")


async def _names(shared: Shared) -> Names:
    return Names(
        tags={tag.id: tag.shown for tag in await shared.tags.all()},
        departments={one.id: one.name for one in await shared.departments.all()},
        timezone=shared.timezone,
    )


async def _work(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        supervisor = Supervisor()
        tracer = await stack.enter_async_context(open_tracer(settings, service="balcao-worker"))
        watching = Watching(tracer)
        database = await stack.enter_async_context(
            open_database(settings, supervisor=supervisor, listeners=watching.listeners)
        )
        log_wrong_clock(database)
        limiter = RateLimiter(TELEGRAM_LIMITS)
        shared = share(
            settings,
            bot=await stack.enter_async_context(open_bot(settings, limiter, tracer=tracer)),
            limiter=limiter,
            database=database,
            erp=await stack.enter_async_context(
                open_erp_if_set(settings, database, watch=watching.erp)
            ),
            clock=utc_now,
            tracer=tracer,
        )
        role_of = build_company(shared).role_of
        jobs = build_chat_jobs(shared, role_of=role_of, names=partial(_names, shared))
        await _watched(stack, settings, shared, jobs, watching, supervisor)
        if kept := keep_share(shared, receives=False):
            stack.push_async_callback(kept.leave)
            await kept.join()
            keeping = supervisor.run("share", kept.keep_forever, health=kept.health)
            stack.push_async_callback(supervisor.end, keeping)
        carrying = carry(settings, utc_now, must_be_let_in=True)
        working = supervisor.run(
            "jobs",
            lambda: work_on_jobs(jobs.take, carrying),
            ends_with=lambda error: isinstance(error, RefusedError),
            health=jobs.take.health,
        )
        stack.push_async_callback(supervisor.end, working)
        freeze_gc()
        logger.info("worker ready")
        await stack.enter_async_context(said_ready())
        await working
