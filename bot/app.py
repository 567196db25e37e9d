"""The bot as a whole: everything is built here, started, and stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiohttp import web

from bot.console.services import Surroundings
from bot.domain.errors import AppError, Problem
from bot.runtime.backlog import BacklogFigures
from bot.runtime.http_server import http_server
from bot.runtime.http_server import serving as serving_pages
from bot.runtime.jobs.carrying import Carrying
from bot.runtime.jobs.sync_schedule import LOOK_S, SyncSchedule
from bot.runtime.leases import LeaseKeeper
from bot.runtime.memory import freeze_gc
from bot.runtime.metrics import LeaseFigures, Metrics
from bot.runtime.sending.limits import TELEGRAM_LIMITS, Limits, RateLimiter
from bot.runtime.sending.outbox import Outbox
from bot.runtime.sending.share import KeepShare
from bot.runtime.service_manager import said_ready
from bot.runtime.supervisor import Supervisor
from bot.runtime.updates.delivery import KeepWebhook, leave_webhook
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.polling import PollingTurn
from bot.runtime.updates.serve import (
    answered,
    taking_updates,
    wait_for_telegram,
)
from bot.runtime.updates.webhook import Webhook
from bot.settings import Settings
from bot.usecases.attending.watch_queue import QueueRounds
from bot.usecases.company.departments import Departments
from bot.usecases.customer.identify import LOOKUP_BUDGET_S
from bot.usecases.customer.retry_lookups import RetryLookups
from bot.usecases.jobs.begin_backup import BeginBackup
from bot.usecases.register.apply_candidate import ApplyCandidate
from bot.usecases.register.labels import Tags
from bot.wiring.attending import build_attending
from bot.wiring.chat_jobs import build_chat_jobs
from bot.wiring.clients import (
    log_wrong_clock,
    open_database,
    open_erp_if_set,
    utc_now,
    warning_of_certificate,
)
from bot.wiring.company import Company, build_company, names_of_staff, report_status
from bot.wiring.console import build_console
from bot.wiring.files import file_services
from bot.wiring.jobs import Jobs, carry, work_on_jobs
from bot.wiring.public import public_app
from bot.wiring.receiving import build_receiving
from bot.wiring.register import Register, build_register
from bot.wiring.relaying import build_relaying
from bot.wiring.shared import Shared, keep_share, share
from bot.wiring.stopping import run_until_stopped
from bot.wiring.telegram import open_bot
from bot.wiring.updates import build_updates
from bot.wiring.watching import (
    Watching,
    open_tracer,
    read_backlog,
)
from bot.wording.errors import EMBEDDED_OUTGROWN
from erp.adapter import Erp
from handlers.admin.alerts import TelegramSyncNotifier
from storage.engine.connection import Database
from storage.engine.connection import answers as database_answers
from storage.engine.embedded import outgrown
from storage.engine.schema import require_version
from storage.register.registrations import Registrations
from storage.updates.handed_over import HandedOver
from storage.updates.webhook import WebhookSettings

_LOOKUP_ROUND_S: Final = 2.0
_QUEUE_ROUND_S: Final = 10.0
_RETENTION_ROUND_S: Final = 600.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balcao:
    """Everything that runs, built and not yet started."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: Inbox
    outbox: Outbox
    metrics: Metrics
    backlog: BacklogFigures
    supervisor: Supervisor
    locks: LeaseKeeper[str]
    polling: PollingTurn
    handed_over: HandedOver
    share: KeepShare | None
    """None without a limit on the messages of the bot."""
    retry_lookups: RetryLookups
    queue_rounds: QueueRounds
    registrations: Registrations
    apply_candidate: ApplyCandidate
    tags: Tags
    departments: Departments
    company: Company
    jobs: Jobs
    carrying: Carrying
    sync_schedule: SyncSchedule | None
    """None when no ERP is set."""
    console: web.Application | None
    """None without a public address."""
    webhook: Webhook | None
    """None where the bot polls."""
    stored_webhook: WebhookSettings
    settings: Settings

    @property
    def is_ready(self) -> bool:
        """True from the end of the start to the beginning of the stop."""
        if self.webhook is not None:
            return self.webhook.is_open
        return "polling" in self.supervisor.health


def build(
    settings: Settings,
    *,
    bot: Bot,
    limiter: RateLimiter,
    database: Database,
    erp: Erp | None,
    clock: Callable[[], datetime] = utc_now,
    lookup_budget_s: float = LOOKUP_BUDGET_S,
    supervisor: Supervisor | None = None,
    surroundings: Surroundings | None = None,
    watching: Watching | None = None,
) -> Balcao:
    """Build everything, fresh at each call, so tests call it too; nothing is started.

    clock: for all but leases, which end by the server's time. surroundings: of the console,
        Telegram's unless given.
    """
    watching, supervisor = watching or Watching(), supervisor or Supervisor()
    shared = share(
        settings,
        bot=bot,
        limiter=limiter,
        database=database,
        erp=erp,
        clock=clock,
        tracer=watching.tracer,
    )
    metrics = watching.metrics(limiter, supervisor)
    backlog = BacklogFigures(read_backlog(database, shared.lease_clock), clock)
    metrics.add(backlog)
    return _balcao(shared, supervisor, metrics, backlog, lookup_budget_s, surroundings)


def _balcao(
    shared: Shared,
    supervisor: Supervisor,
    metrics: Metrics,
    backlog: BacklogFigures,
    lookup_budget_s: float,
    surroundings: Surroundings | None,
) -> Balcao:
    settings, database, bot = shared.settings, shared.database, shared.bot
    company = build_company(shared)
    register = build_register(shared, people=names_of_staff(shared, company))
    jobs = build_chat_jobs(shared, role_of=company.role_of, names=register.services.names)
    relaying = build_relaying(shared, metrics=metrics, alerts=company.alerts)
    attending = build_attending(shared, relaying, company, register)
    receiving = build_receiving(
        shared, relaying, company, attending, register, lookup_budget_s=lookup_budget_s
    )
    carrying = carry(settings, shared.clock)
    handlers = company.handlers | register.handlers | attending.handlers | receiving.handlers
    handlers |= _of_all_rooms(shared, company, register, jobs, carrying)
    dispatcher, inbox, polling = build_updates(shared, company, handlers, metrics)
    metrics.add(LeaseFigures({"chats": shared.locks, "jobs": jobs.work.leases}))
    return Balcao(
        bot=bot,
        dispatcher=dispatcher,
        inbox=inbox,
        outbox=relaying.outbox,
        metrics=metrics,
        backlog=backlog,
        supervisor=supervisor,
        locks=shared.locks,
        polling=polling,
        handed_over=HandedOver(database),
        share=keep_share(shared, receives=True),
        retry_lookups=receiving.retry_lookups,
        queue_rounds=attending.rounds,
        registrations=shared.registrations,
        apply_candidate=register.apply_candidate,
        tags=shared.tags,
        departments=shared.departments,
        company=company,
        jobs=jobs,
        carrying=carrying,
        sync_schedule=jobs.schedule(TelegramSyncNotifier(company.alerts, register.services.names)),
        console=build_console(shared, company, register, jobs, surroundings),
        webhook=Webhook(settings.webhook_url, inbox.take) if settings.webhook_url else None,
        stored_webhook=WebhookSettings(database, bot.id),
        settings=settings,
    )


def _of_all_rooms(
    shared: Shared, company: Company, register: Register, jobs: Jobs, carrying: Carrying
) -> dict[str, object]:
    """Return what the handlers of several rooms get by name, and what is built of several."""
    begin_backup = BeginBackup(
        jobs=jobs.store, wake=jobs.take.wake, holding=shared.locks.holding, clock=shared.clock
    )
    return {
        "conversations": shared.conversations,
        "timezone": shared.timezone,
        "tags": shared.tags,
        "departments": shared.departments,
        "office_hours": shared.office_hours,
        "sync": jobs.begin_sync,
        "files": file_services(
            jobs, shared.settings, names=register.services.names, create_tag=shared.tags.create
        ),
        "begin_backup": begin_backup,
        "report_status": report_status(shared, jobs, begin_backup, company.retention, carrying),
    }


@asynccontextmanager
async def serving(balcao: Balcao) -> AsyncIterator[asyncio.Task[None]]:
    """Take and handle updates inside the block.

    Yields the task that receives, which ends only with an error that no retry can mend.
    """
    await balcao.departments.ensure_default()
    await wait_for_telegram(balcao.bot)
    if balcao.webhook is None:
        await answered(partial(leave_webhook, balcao.bot))
    await balcao.company.menus.set_all(await balcao.company.role_of.admin_ids())
    await balcao.locks.release_the_dead()
    async with AsyncExitStack() as stack:
        # For what was left only now.
        stack.push_async_callback(_tell_of_the_end, balcao)
        if balcao.share:
            stack.push_async_callback(balcao.share.leave)
            await balcao.share.join()
        stack.push_async_callback(balcao.locks.close)
        stack.push_async_callback(balcao.supervisor.end, *_background(balcao))
        allowed_updates = balcao.dispatcher.resolve_used_update_types(
            skip_events={"aiogd_update", "business_message"}
        )
        receiving = await stack.enter_async_context(
            taking_updates(
                balcao.bot,
                balcao.inbox,
                balcao.outbox,
                balcao.supervisor,
                turn=balcao.polling,
                locks=balcao.locks,
                handed_over=balcao.handed_over,
                allowed_updates=allowed_updates,
                keep_webhook=_keep_webhook(balcao, allowed_updates),
            )
        )
        yield receiving


def _keep_webhook(balcao: Balcao, allowed_updates: list[str]) -> KeepWebhook | None:
    if balcao.webhook is None:
        return None

    def on_return() -> None:
        balcao.inbox.end_pauses()
        balcao.outbox.end_pauses()

    return KeepWebhook(
        balcao.bot,
        balcao.webhook,
        balcao.stored_webhook,
        secret=balcao.settings.webhook_secret.get_secret_value(),
        allowed_updates=allowed_updates,
        on_return=on_return,
    )


async def _tell_of_the_end(balcao: Balcao) -> None:
    with suppress(AppError):
        await balcao.handed_over.tell()


def _background(balcao: Balcao) -> list[asyncio.Task[None]]:
    """Start the tasks that run beside the updates."""
    tasks, take = balcao.supervisor, balcao.jobs.take
    tasks.watch("leases", balcao.locks.health)
    rounds: dict[str, tuple[Callable[[], Awaitable[object]], float]] = {
        "lookups": (balcao.retry_lookups, _LOOKUP_ROUND_S),
        "retention": (balcao.company.retain, _RETENTION_ROUND_S),
        "leftovers": (balcao.company.end_leftovers, _RETENTION_ROUND_S),
        **{name: (work, _QUEUE_ROUND_S) for name, work in balcao.queue_rounds.each().items()},
    }
    if balcao.sync_schedule:
        rounds["syncs"] = (balcao.sync_schedule.look, LOOK_S)
    share = balcao.share
    return [
        *([tasks.run("share", share.keep_forever, health=share.health)] if share else []),
        tasks.run("jobs", lambda: work_on_jobs(take, balcao.carrying), health=take.health),
        *(tasks.repeat(name, work, every_s=every_s) for name, (work, every_s) in rounds.items()),
    ]


async def run(
    settings: Settings,
    *,
    limits: Limits = TELEGRAM_LIMITS,
    warn: Callable[[str], None] = logger.warning,
) -> None:
    """Serve until SIGTERM or SIGINT; raises RefusedError or TryLaterError when it cannot start.

    warn: called with a sentence for the person who starts it.
    """
    settings.require_for_run()
    await run_until_stopped(_serve(settings, limits, warn))


async def _serve(settings: Settings, limits: Limits, warn: Callable[[str], None]) -> None:
    for sentence in settings.exposed():
        warn(sentence)
    async with AsyncExitStack() as stack:
        supervisor = Supervisor()
        tracer = await stack.enter_async_context(open_tracer(settings, service="balcao"))
        watching = Watching(tracer)
        database = await stack.enter_async_context(
            open_database(settings, supervisor=supervisor, listeners=watching.listeners)
        )
        log_wrong_clock(database)
        if await outgrown(database):
            warn(EMBEDDED_OUTGROWN)
        erp = await stack.enter_async_context(
            open_erp_if_set(settings, database, watch=watching.erp)
        )
        if erp is not None and settings.erp_url:
            await stack.enter_async_context(warning_of_certificate(erp, warn))
        limiter = RateLimiter(limits)
        bot = await stack.enter_async_context(open_bot(settings, limiter, tracer=tracer))
        balcao = build(
            settings,
            bot=bot,
            limiter=limiter,
            database=database,
            erp=erp,
            supervisor=supervisor,
            watching=watching,
        )
        address = await _answer_http(stack, balcao, database)
        receiving = await stack.enter_async_context(serving(balcao))
        freeze_gc()
        logger.info("ready", health=f"{address}/healthz", erp=settings.erp_kind or "none")
        await stack.enter_async_context(said_ready())
        await receiving


async def _answer_http(stack: AsyncExitStack, balcao: Balcao, database: Database) -> str:
    """Serve health, metrics and pages until the stack is closed; return the address of health."""
    settings = balcao.settings
    address = await stack.enter_async_context(
        http_server(
            settings.http_host,
            settings.http_port,
            database_answers=lambda: database_answers(database),
            metrics=balcao.metrics.text,
            tasks_down=lambda: balcao.supervisor.down,
            remarks=lambda: balcao.carrying.remarks,
            data_fits=lambda: require_version(database),
            is_ready=lambda: balcao.is_ready,
            look=balcao.backlog.look,
        )
    )
    if (public := public_app(balcao.webhook, balcao.console)) is not None:
        pages = serving_pages(
            public, settings.http_host, settings.public_port, problem=Problem.PUBLIC_ADDRESS
        )
        await stack.enter_async_context(pages)
    return address
