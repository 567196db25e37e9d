"""`balcao worker`: a process that only works on jobs, beside a bot and other workers."""

from contextlib import AsyncExitStack

import structlog

from bot.domain.errors import RefusedError
from bot.runtime.memory import freeze_gc
from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from bot.runtime.supervisor import Supervisor
from bot.settings import PREFIX, Settings
from bot.wiring.chat_jobs import build_chat_jobs
from bot.wiring.clients import open_database, open_erp_if_set, utc_now
from bot.wiring.company import build_company
from bot.wiring.jobs import carry, work_on_jobs
from bot.wiring.shared import share
from bot.wiring.stopping import run_until_stopped
from bot.wiring.telegram import open_bot
from bot.wording.values import Names
from storage.engine.connection import server_time

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


async def _work(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        supervisor = Supervisor()
        database = await stack.enter_async_context(open_database(settings, supervisor=supervisor))
        limiter = RateLimiter(TELEGRAM_LIMITS)
        shared = share(
            settings,
            bot=await stack.enter_async_context(open_bot(settings, limiter)),
            limiter=limiter,
            database=database,
            erp=await stack.enter_async_context(open_erp_if_set(settings, database)),
            clock=utc_now,
            lease_clock=server_time(database),
        )

        async def names() -> Names:
            return Names(
                tags={tag.id: tag.shown for tag in await shared.tags.all()},
                departments={one.id: one.name for one in await shared.departments.all()},
                timezone=settings.zone,
            )

        jobs = build_chat_jobs(shared, role_of=build_company(shared).role_of, names=names)
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
        try:
            await working
        except RefusedError as error:
            raise RefusedError(
                f"{PREFIX}BROKER_URL: o servidor NATS não aceita esta ligação. Confira o "
                f"endereço, o usuário e a senha ({error})"
            ) from error
