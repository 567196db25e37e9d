"""`balcao worker`: a process that only works on jobs, beside a bot and other workers."""

import asyncio
import signal
from contextlib import AsyncExitStack, suppress

import structlog

from bot.domain.errors import RefusedError
from bot.runtime.memory import freeze_gc
from bot.settings import PREFIX, Settings
from bot.usecases.company.roles import RoleOf
from bot.usecases.register.labels import Tags
from bot.wiring.clients import departments_of, open_database, open_erp_if_set, utc_now
from bot.wiring.jobs import build_jobs, work_with_broker
from bot.wiring.telegram import open_bot
from bot.wording.values import Names
from handlers.admin.files.services import TelegramJobNotifier
from handlers.attendant.members import TelegramGroups
from storage.people.team import Admins, Members
from storage.register.labels import Tags as StoredTags

logger = structlog.get_logger()


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; raises RefusedError or TryLaterError when it cannot start."""
    _require(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(_work(settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        logger.info("stopping")
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working


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
        database = await stack.enter_async_context(open_database(settings))
        bot = await stack.enter_async_context(open_bot(settings))
        tags = Tags(store=StoredTags(database, utc_now))
        departments = departments_of(settings, database)
        role_of = RoleOf(
            settings_admins=frozenset(settings.admin_ids),
            admins=Admins(database),
            members=Members(database),
            groups=TelegramGroups(bot),
            departments=departments.all,
            clock=utc_now,
        )

        async def names() -> Names:
            return Names(
                tags={tag.id: tag.shown for tag in await tags.all()},
                departments={one.id: one.name for one in await departments.all()},
                timezone=settings.zone,
            )

        jobs = build_jobs(
            settings,
            database,
            notifier=TelegramJobNotifier(bot=bot, names=names, admin_ids=role_of.admin_ids),
            tags=tags,
            departments=departments,
            clock=utc_now,
            erp=await stack.enter_async_context(open_erp_if_set(settings, database)),
        )
        freeze_gc()
        logger.info("worker ready")
        try:
            await work_with_broker(
                jobs.work,
                settings.broker_url.get_secret_value(),
                queue=settings.mongodb_database,
            )
        except RefusedError as error:
            raise RefusedError(
                f"{PREFIX}BROKER_URL: o servidor NATS não aceita esta ligação. Confira o "
                f"endereço, o usuário e a senha ({error})"
            ) from error
