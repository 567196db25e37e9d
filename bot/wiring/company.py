"""The wiring of the company's own matters: roles, team, alerts, figures and status."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version

import structlog
from aiogram.exceptions import TelegramAPIError

from bot.domain.errors import TryLaterError
from bot.runtime.charts.drawing import DrawCharts
from bot.runtime.group_access import group_access
from bot.runtime.jobs.carrying import Carrying
from bot.usecases.company.panel import ReadFigures
from bot.usecases.company.ready_answers import ManageReadyAnswers
from bot.usecases.company.retention import EndLeftovers, Retain
from bot.usecases.company.roles import RoleOf
from bot.usecases.company.status import ReportStatus, Waiting
from bot.usecases.company.team import ManageTeam
from bot.usecases.jobs.begin_backup import BeginBackup
from bot.wiring.jobs import Jobs
from bot.wiring.shared import Shared
from handlers.admin.alerts import TelegramAlerts
from handlers.admin.company.panel import PanelServices
from handlers.admin.company.team import Team
from handlers.attendant.members import Membership, TelegramGroups
from handlers.menus import Menus
from storage.engine.connection import Database, is_embedded
from storage.engine.connection import answers as database_answers
from storage.jobs.job_ends import JobEnds
from storage.people.team import Admins, Invitations, Members
from storage.talk.chat_ends import ChatEnds
from storage.talk.panel import OpenedConversations, RegisterCounts
from storage.talk.ready_answers import ReadyAnswers
from storage.talk.retention import DailyRuns, Retention
from storage.updates.inbox import Inbox
from storage.updates.outbox import Outbox
from storage.updates.undated import date_the_undated

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    handlers: dict[str, object]
    """What the handlers get by name."""
    role_of: RoleOf
    members: Members
    groups: TelegramGroups
    alerts: TelegramAlerts
    menus: Menus
    retain: Retain
    end_leftovers: EndLeftovers
    retention: Retention


def build_company(shared: Shared) -> Company:
    """Build it; nothing is started."""
    database, clock, departments = shared.database, shared.clock, shared.departments
    admins, members = Admins(database), Members(database, clock)
    groups = TelegramGroups(shared.bot)
    role_of = RoleOf(
        settings_admins=frozenset(shared.settings.admin_ids),
        admins=admins,
        members=members,
        groups=groups,
        departments=departments.all,
        clock=clock,
    )
    menus = Menus(shared.bot, has_erp=shared.can_sync)
    membership = Membership(members=members, departments=departments.all, clock=clock)
    retention = Retention(database)
    handlers: dict[str, object] = {
        "menus": menus,
        "membership": membership,
        "team": Team(
            bot=shared.bot,
            manage=ManageTeam(
                admins=admins, invitations=Invitations(database), role_of=role_of, clock=clock
            ),
            membership=membership,
            menus=menus,
            timezone=shared.timezone,
        ),
        "manage_ready_answers": ManageReadyAnswers(answers=ReadyAnswers(database)),
        "access_to_group": partial(group_access, shared.bot),
        "panel": _panel(shared),
    }
    return Company(
        handlers=handlers,
        role_of=role_of,
        members=members,
        groups=groups,
        alerts=TelegramAlerts(bot=shared.bot, admin_ids=role_of.admin_ids, marks=shared.marks),
        menus=menus,
        retain=Retain(
            store=retention,
            conversations_days=shared.settings.retain_conversations_days,
            clock=clock,
            timezone=shared.timezone,
        ),
        end_leftovers=_end_leftovers(shared),
        retention=retention,
    )


def _panel(shared: Shared) -> PanelServices:
    database, clock, timezone = shared.database, shared.clock, shared.timezone
    read = ReadFigures(
        conversations=OpenedConversations(database),
        register=RegisterCounts(database),
        departments=shared.departments.all,
        clock=clock,
        timezone=timezone,
    )
    return PanelServices(read=read, draw=DrawCharts(), clock=clock, timezone=timezone)


def _end_leftovers(shared: Shared) -> EndLeftovers:
    return EndLeftovers(
        store=DailyRuns(shared.database, "ends"),
        ends=ends_of(shared.database),
        clock=shared.clock,
        timezone=shared.timezone,
    )


def ends_of(database: Database) -> dict[str, Callable[[datetime], Awaitable[int]]]:
    """Return what is ended once a day, by name."""
    return {
        "chats": ChatEnds(database),
        "jobs": JobEnds(database),
        "undated": partial(date_the_undated, database),
    }


def report_status(
    shared: Shared,
    jobs: Jobs,
    begin_backup: BeginBackup,
    retention: Retention,
    carrying: Carrying,
) -> ReportStatus:
    """Return the use case behind /status."""
    settings, database = shared.settings, shared.database
    return ReportStatus(
        version=version("balcao"),
        running_since=shared.clock(),
        is_embedded=is_embedded(database),
        database_answers=lambda: database_answers(database),
        registrations=shared.registrations.count,
        open_conversations=shared.conversations.count_open,
        waiting=_waiting(Inbox(database), Outbox(database)),
        backups=begin_backup.latest,
        has_broker=bool(settings.broker_url.get_secret_value()),
        broker_away=lambda: carrying.away,
        erp_name=settings.erp_kind,
        erp=shared.erp,
        retained=retention.last if settings.retain_conversations_days else None,
        last_sync=jobs.begin_sync.last if jobs.begin_sync else None,
        departments=shared.departments.latest,
        access_to_group=partial(group_access, shared.bot),
        clock=shared.clock,
    )


def names_of_staff(shared: Shared, company: Company) -> Callable[[], Awaitable[dict[str, str]]]:
    """Return a function that names admins and attendants by `Provenance.by`.

    Telegram is asked once for each admin.
    """
    known: dict[str, str] = {}

    async def names() -> dict[str, str]:
        for admin_id in await company.role_of.admin_ids():
            by = f"admin:{admin_id}"
            if by in known:
                continue
            try:
                known[by] = (await shared.bot.get_chat(admin_id)).full_name
            except (TelegramAPIError, TryLaterError) as error:
                # A person who never wrote to the bot, or Telegram away: the number is shown.
                logger.info("admin's name not read", error=type(error).__name__)
        attendants = {
            f"user:{member.user_id}": member.name
            for department in await shared.departments.all()
            if department.group_id is not None
            for member in await company.members.of_group(department.group_id)
        }
        return attendants | known

    return names


def _waiting(inbox: Inbox, outbox: Outbox) -> Callable[[], Awaitable[Waiting]]:
    async def waiting() -> Waiting:
        pending, set_aside = await inbox.waiting()
        unsent = [at for _, at in await outbox.waiting()]
        return Waiting(
            pending=pending,
            set_aside=set_aside,
            unsent=len(unsent),
            unsent_since=min(unsent, default=None),
            undelivered=await outbox.undelivered(),
        )

    return waiting
