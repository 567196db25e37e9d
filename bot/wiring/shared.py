"""The clients and the few objects that more than one builder needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from aiogram import Bot

from bot.domain.agreed import Marks
from bot.domain.shares import Shares
from bot.runtime.leases import LeaseKeeper, keep_chats
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.sending.share import KeepShare
from bot.runtime.tracing import NO_TRACES, Tracer
from bot.settings import Settings
from bot.usecases.attending.office_hours import OfficeHours
from bot.usecases.register.labels import Tags
from bot.wiring.clients import Opened, departments_of
from erp.adapter import Erp
from erp.registry import find_adapter
from storage.engine.agreed import Agreed
from storage.engine.agreed import Marks as StoredMarks
from storage.engine.connection import Database, server_time
from storage.register.labels import Tags as StoredTags
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.updates.states import chat_leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared(Opened):
    """Opened clients, and one of each object that must not exist twice in a process."""

    bot: Bot
    limiter: RateLimiter
    locks: LeaseKeeper[str]
    marks: Marks
    registrations: Registrations
    chats: Chats
    conversations: Conversations

    @property
    def timezone(self) -> ZoneInfo:
        return self.settings.zone

    @property
    def office_hours(self) -> OfficeHours:
        return OfficeHours(departments=self.departments, clock=self.clock, timezone=self.timezone)

    @property
    def can_sync(self) -> bool:
        """True if there is an ERP that lists its customers; without a list nothing is synced."""
        return self.erp is not None and find_adapter(self.settings.erp_kind).facts.lists_all


def share(
    settings: Settings,
    *,
    bot: Bot,
    limiter: RateLimiter,
    database: Database,
    erp: Erp | None,
    clock: Callable[[], datetime],
    tracer: Tracer = NO_TRACES,
) -> Shared:
    """Return the shared objects of one process."""
    lease_clock = server_time(database)
    return Shared(
        settings=settings,
        database=database,
        bot=bot,
        limiter=limiter,
        erp=erp,
        clock=clock,
        lease_clock=lease_clock,
        locks=keep_chats(chat_leases(database), lease_clock),
        tracer=tracer,
        marks=StoredMarks(database, lease_clock),
        tags=Tags(store=StoredTags(database, clock)),
        departments=departments_of(settings, database, clock),
        registrations=Registrations(database),
        chats=Chats(database),
        conversations=Conversations(database),
    )


def keep_share(shared: Shared, *, receives: bool) -> KeepShare | None:
    """Return what keeps this process's share of Telegram's limit for the bot; None without a
    limit.

    receives: False for a process that gets no updates.
    """
    if not shared.limiter.overall.is_limited:
        return None
    agreed = Agreed(shared.database, f"telegram:{shared.bot.id}", Shares())
    return KeepShare(agreed, shared.limiter, owner=shared.locks.owner, receives=receives)
