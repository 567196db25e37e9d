"""The wiring: clients are opened, use cases get what they need, the bot runs until it is told."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError

from bot.domain.backup import Copied
from bot.domain.errors import TryLaterError
from bot.domain.group import GroupAccess
from bot.runtime.charts.drawing import DrawCharts
from bot.runtime.group_access import group_access
from bot.runtime.http_server import http_server
from bot.runtime.jobs.backups import BackUp, MakeBackups
from bot.runtime.jobs.sync_schedule import SyncSchedule
from bot.runtime.leases import ChatLocks
from bot.runtime.memory import freeze_gc
from bot.runtime.metrics import Metrics
from bot.runtime.passwords import Argon2Passwords
from bot.runtime.sending.limits import TELEGRAM_LIMITS, Limits, RateLimiter
from bot.runtime.sending.order import caused_by
from bot.runtime.sending.outbox import Outbox
from bot.runtime.updates.fsm import AlreadyHandledError, DurableStorage
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.serve import repeat_forever, taking_updates, wait_for_telegram
from bot.settings import Settings
from bot.usecases.attending.watch_queue import QueueRounds
from bot.usecases.company.departments import Departments
from bot.usecases.company.panel import ReadFigures
from bot.usecases.company.retention import Retain
from bot.usecases.company.roles import RoleOf
from bot.usecases.company.status import ReportStatus, Waiting
from bot.usecases.company.team import ManageTeam
from bot.usecases.customer.identify import LOOKUP_BUDGET_S, LookUp
from bot.usecases.customer.retry_lookups import RetryLookups
from bot.usecases.register.add_registration import AddRegistration
from bot.usecases.register.apply_plan import ApplyPlan
from bot.usecases.register.data_subject import Anonymise
from bot.usecases.register.edit_registration import (
    EditRegistration,
    RemoveRegistration,
    RestoreRegistration,
)
from bot.usecases.register.labels import Tags
from bot.wiring.attending import build_attending
from bot.wiring.clients import departments_of, open_database, open_erp_if_set, utc_now
from bot.wiring.files import file_services
from bot.wiring.jobs import Jobs, build_jobs, work_with_broker_or_alone
from bot.wiring.receiving import build_receiving
from bot.wiring.relaying import build_relaying
from bot.wiring.telegram import open_bot
from erp.adapter import Erp
from erp.registry import find_adapter
from handlers import answers
from handlers.access import Access
from handlers.admin import router as admin
from handlers.admin.alerts import TelegramAlerts, TelegramSyncNotifier
from handlers.admin.company import backup as backup_screens
from handlers.admin.company import team as team_screens
from handlers.admin.company.panel import PanelServices
from handlers.admin.files.services import TelegramJobNotifier
from handlers.admin.labels import departments as department_screens
from handlers.admin.register.services import RegisterServices
from handlers.attendant import members as group_members
from handlers.attendant import router as attendant
from handlers.attendant.members import Membership, TelegramGroups
from handlers.customer import conversation as customer
from handlers.menus import Menus
from storage.backup.backup import back_up
from storage.backup.runs import BackupRuns
from storage.engine.connection import Database, is_embedded
from storage.engine.connection import answers as database_answers
from storage.people.data_subject import DataSubjects
from storage.people.team import Admins, Invitations, Members
from storage.register.audit import Audit
from storage.register.labels import Tags as StoredTags
from storage.register.registrations import Registrations
from storage.register.search import Search
from storage.talk.conversations import Chats, Conversations
from storage.talk.panel import OpenedConversations, RegisterCounts
from storage.talk.retention import Retention
from storage.updates.inbox import Inbox as StoredInbox
from storage.updates.outbox import Outbox as StoredOutbox
from storage.updates.states import Locks, States

_LOOKUP_ROUND_S: Final = 2.0
_QUEUE_ROUND_S: Final = 10.0
_RETENTION_ROUND_S: Final = 600.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balcao:
    """Everything that runs, put together and not yet started."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: Inbox
    outbox: Outbox
    metrics: Metrics
    locks: ChatLocks
    retry_lookups: RetryLookups
    queue_rounds: QueueRounds
    registrations: Registrations
    apply_plan: ApplyPlan
    tags: Tags
    departments: Departments
    role_of: RoleOf
    menus: Menus
    backups: MakeBackups
    jobs: Jobs
    retain: Retain
    sync_schedule: SyncSchedule | None
    """None when no ERP is set."""
    settings: Settings


def build(
    settings: Settings,
    *,
    bot: Bot,
    limiter: RateLimiter,
    database: Database,
    erp: Erp | None,
    clock: Callable[[], datetime] = utc_now,
    lookup_budget_s: float = LOOKUP_BUDGET_S,
) -> Balcao:
    """Handlers, use cases and runtime put together; fresh on each call, so tests call it too."""
    registrations, chats = Registrations(database), Chats(database)
    conversations, locks = Conversations(database), ChatLocks(Locks(database), clock)
    audit = Audit(database)
    tags = Tags(store=StoredTags(database, clock))
    departments = departments_of(settings, database, clock)
    # An ERP without a list has nothing to sync, so nobody is offered it.
    syncs = erp is not None and find_adapter(settings.erp_kind).facts.lists_all
    admins, known_members, menus = (
        Admins(database),
        Members(database),
        Menus(bot, has_erp=syncs),
    )
    role_of = RoleOf(
        settings_admins=frozenset(settings.admin_ids),
        admins=admins,
        members=known_members,
        groups=TelegramGroups(bot),
        departments=departments.all,
        clock=clock,
    )
    alerts = TelegramAlerts(bot=bot, admin_ids=role_of.admin_ids, clock=clock)
    metrics = Metrics(asked_to_wait=lambda: limiter.asked_to_wait)
    relaying = build_relaying(
        database,
        bot=bot,
        limiter=limiter,
        locks=locks,
        metrics=metrics,
        tags=tags,
        departments=departments,
        alerts=alerts,
        has_erp=erp is not None,
        timezone=settings.zone,
        clock=clock,
    )
    backup_runs = BackupRuns(database)
    backups = MakeBackups(
        runs=backup_runs,
        back_up=_backing_up(database),
        notifier=backup_screens.TelegramBackupNotifier(bot=bot),
        data_dir=settings.data_dir,
        name=lambda at: backup_screens.file_name(at, timezone=settings.zone),
        admin_ids=role_of.admin_ids,
        clock=clock,
    )
    inbox_store, passwords = StoredInbox(database), Argon2Passwords()
    forget_content = partial(inbox_store.forget_content, bot.id)
    apply_plan = ApplyPlan(register=registrations, new_id=_new_id)
    look_up = LookUp(erp=erp, apply_plan=apply_plan, clock=clock, budget_s=lookup_budget_s)
    register_services = RegisterServices(
        registrations=registrations,
        search=Search(database),
        audit=audit,
        add=AddRegistration(register=registrations, clock=clock),
        edit=EditRegistration(register=registrations, clock=clock),
        remove=RemoveRegistration(register=registrations, clock=clock),
        restore=RestoreRegistration(register=registrations, audit=audit, clock=clock),
        tags=tags,
        departments=departments,
        hash_password=passwords.hash_password,
        forget_content=forget_content,
        people=_names_of_staff(bot, role_of, known_members, departments),
        has_erp=syncs,
        timezone=settings.zone,
        clock=clock,
        new_id=_new_id,
    )
    jobs = build_jobs(
        settings,
        database,
        notifier=TelegramJobNotifier(
            bot=bot, names=register_services.names, admin_ids=role_of.admin_ids
        ),
        tags=tags,
        departments=departments,
        clock=clock,
        erp=erp,
    )
    attending = build_attending(
        settings,
        database,
        relaying=relaying,
        role_of=role_of,
        members=known_members,
        groups=TelegramGroups(bot),
        departments=departments,
        locks=locks,
        edit=register_services.edit,
        clock=clock,
    )
    receiving = build_receiving(
        settings,
        database,
        relaying=relaying,
        reopen=attending.reopen,
        departments=departments,
        look_up=look_up,
        apply_plan=apply_plan,
        passwords=passwords,
        forget_content=forget_content,
        locks=locks,
        clock=clock,
    )
    data_subjects, retention = DataSubjects(database), Retention(database)
    fsm = DurableStorage(States(database))
    dispatcher = Dispatcher(
        storage=fsm,
        # No isolation of aiogram's own: the inbox handles one update per chat at a time, over
        # all replicas, and in order, which a lock taken here could not give.
        conversations=conversations,
        timezone=settings.zone,
        tags=tags,
        departments=departments,
        services=register_services,
        sync=jobs.begin_sync,
        files=file_services(jobs, settings, names=register_services.names),
        access_to_group=_access_to_group(bot),
        panel=PanelServices(
            read=ReadFigures(
                conversations=OpenedConversations(database),
                register=RegisterCounts(database),
                departments=departments.all,
                clock=clock,
                timezone=settings.zone,
            ),
            draw=DrawCharts(),
            clock=clock,
            timezone=settings.zone,
        ),
        backups=backups,
        report_status=ReportStatus(
            version=version("balcao"),
            running_since=clock(),
            is_embedded=is_embedded(database),
            database_answers=lambda: database_answers(database),
            registrations=registrations.count,
            open_conversations=conversations.count_open,
            waiting=_waiting(inbox_store, StoredOutbox(database)),
            backups=backup_runs.all,
            erp_name=settings.erp_kind,
            erp=erp,
            retained=retention.last if settings.retain_conversations_days else None,
            last_sync=jobs.begin_sync.last if jobs.begin_sync else None,
            departments=departments.latest,
            access_to_group=_access_to_group(bot),
            clock=clock,
        ),
        menus=menus,
        membership=Membership(members=known_members, departments=departments.all, clock=clock),
        manage_team=ManageTeam(
            admins=admins,
            invitations=Invitations(database),
            role_of=role_of,
            clock=clock,
        ),
        **attending.handlers,
        **receiving.handlers,
        data_subjects=data_subjects,
        anonymise=Anonymise(
            subjects=data_subjects, chats=chats, holding=locks.holding, clock=clock
        ),
    )
    # Before any router, and so before aiogram-dialog: what it refuses reaches nobody.
    access = Access(role_of)
    dispatcher.message.outer_middleware(access)
    dispatcher.edited_message.outer_middleware(access)
    dispatcher.callback_query.outer_middleware(access)
    dispatcher.include_routers(
        team_screens.router(),
        group_members.router(),
        admin.router(),
        customer.router(),
        department_screens.group_router(),
        attendant.router(),
        answers.router(),
    )
    inbox = Inbox(
        bot_id=bot.id,
        store=inbox_store,
        handle=_handler(bot, dispatcher, fsm),
        holding=locks.holding,
        set_aside=alerts.set_aside,
        clock=clock,
    )
    locks.on_release(inbox.forget)
    locks.on_release(fsm.forget)
    return Balcao(
        bot=bot,
        dispatcher=dispatcher,
        inbox=inbox,
        outbox=relaying.outbox,
        metrics=metrics,
        locks=locks,
        retry_lookups=receiving.retry_lookups,
        queue_rounds=attending.rounds,
        registrations=registrations,
        apply_plan=apply_plan,
        tags=tags,
        departments=departments,
        role_of=role_of,
        menus=menus,
        backups=backups,
        jobs=jobs,
        retain=Retain(
            store=retention,
            conversations_days=settings.retain_conversations_days,
            clock=clock,
            timezone=settings.zone,
        ),
        sync_schedule=jobs.schedule(TelegramSyncNotifier(alerts)),
        settings=settings,
    )


def _new_id() -> str:
    return secrets.token_hex(16)


def _names_of_staff(
    bot: Bot, role_of: RoleOf, members: Members, departments: Departments
) -> Callable[[], Awaitable[dict[str, str]]]:
    """Names of admins and attendants by `Provenance.by`; Telegram is asked once for each admin."""
    known: dict[str, str] = {}

    async def names() -> dict[str, str]:
        for admin_id in await role_of.admin_ids():
            by = f"admin:{admin_id}"
            if by in known:
                continue
            try:
                known[by] = (await bot.get_chat(admin_id)).full_name
            except (TelegramAPIError, TryLaterError) as error:
                # Somebody who never wrote to the bot, or Telegram away: the number is shown.
                logger.info("admin's name not read", error=type(error).__name__)
        attendants = {
            f"user:{member.user_id}": member.name
            for department in await departments.all()
            if department.group_id is not None
            for member in await members.of_group(department.group_id)
        }
        return attendants | known

    return names


def _backing_up(database: Database) -> BackUp:
    async def backing_up(
        out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        tallies = await back_up(
            database,
            out,
            at=at,
            report=lambda now: report(now.collection, Copied(now.documents, now.of)),
        )
        return {name: tally.count for name, tally in tallies.items()}

    return backing_up


def _waiting(inbox: StoredInbox, outbox: StoredOutbox) -> Callable[[], Awaitable[Waiting]]:
    async def waiting() -> Waiting:
        pending, set_aside = await inbox.waiting()
        unsent = [at for _, at in await outbox.waiting()]
        return Waiting(
            pending=pending,
            set_aside=set_aside,
            unsent=len(unsent),
            unsent_since=min(unsent, default=None),
        )

    return waiting


def _access_to_group(bot: Bot) -> Callable[[int], Awaitable[GroupAccess]]:
    async def access_to_group(group_id: int) -> GroupAccess:
        return await group_access(bot, group_id)

    return access_to_group


def _handler(
    bot: Bot, dispatcher: Dispatcher, fsm: DurableStorage
) -> Callable[[dict[str, Any]], Awaitable[None]]:
    async def handle(payload: dict[str, Any]) -> None:
        try:
            update = Update.model_validate(payload, context={"bot": bot})
            kind = update.event_type
        except (ValidationError, UpdateTypeLookupError):
            # Telegram has something new; our library does not know it, and never will by waiting.
            logger.warning("update not understood", fields=sorted(payload))
            return
        logger.debug("update", kind=kind)
        try:
            with caused_by(update.update_id):
                async with fsm.unit(update.update_id):
                    await dispatcher.feed_update(bot, update)
        except AlreadyHandledError:
            logger.info("update was handled before")

    return handle


@asynccontextmanager
async def serving(balcao: Balcao) -> AsyncIterator[asyncio.Task[None]]:
    """Updates are taken and handled inside; yields the polling task, which ends only by an error
    that waiting does not mend."""
    await balcao.departments.ensure_default()
    await wait_for_telegram(balcao.bot)
    await balcao.menus.set_all(await balcao.role_of.admin_ids())
    await balcao.locks.release_the_dead()
    async with taking_updates(
        balcao.bot,
        balcao.inbox,
        balcao.outbox,
        allowed_updates=balcao.dispatcher.resolve_used_update_types(
            skip_events={"aiogd_update", "business_message"}
        ),
        beside=(
            balcao.locks.run_forever(),
            balcao.backups.run_forever(),
            work_with_broker_or_alone(balcao.jobs.work, balcao.settings),
            repeat_forever(balcao.retry_lookups, every_s=_LOOKUP_ROUND_S),
            *(repeat_forever(r, every_s=_QUEUE_ROUND_S) for r in balcao.queue_rounds.each()),
            repeat_forever(balcao.retain, every_s=_RETENTION_ROUND_S),
            *([balcao.sync_schedule.run_forever()] if balcao.sync_schedule else ()),
        ),
    ) as polling:
        yield polling
    await balcao.locks.release_all()


async def run(settings: Settings, *, limits: Limits = TELEGRAM_LIMITS) -> None:
    """Serve until SIGTERM or SIGINT; raises RefusedError or TryLaterError when it cannot start."""
    settings.require_for_run()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving_ = asyncio.create_task(_serve(settings, limits))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving_, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving_.done():
        logger.info("stopping")
        # Also while it still waits for Telegram or the database to start with.
        serving_.cancel()
    with suppress(asyncio.CancelledError):
        await serving_


async def _serve(settings: Settings, limits: Limits) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        erp = await stack.enter_async_context(open_erp_if_set(settings, database))
        limiter = RateLimiter(limits)
        bot = await stack.enter_async_context(open_bot(settings, limiter))
        balcao = build(settings, bot=bot, limiter=limiter, database=database, erp=erp)
        address = await stack.enter_async_context(
            http_server(
                settings.http_host,
                settings.http_port,
                database_answers=lambda: database_answers(database),
                metrics=balcao.metrics.text,
            )
        )
        polling = await stack.enter_async_context(serving(balcao))
        freeze_gc()
        logger.info("ready", health=f"{address}/healthz", erp=settings.erp_kind or "none")
        await polling
