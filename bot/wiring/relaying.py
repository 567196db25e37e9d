"""The wiring of what travels between customers and attendants."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from aiogram import Bot

from bot.runtime.leases import ChatLocks
from bot.runtime.metrics import Metrics
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.sending.outbox import Outbox
from bot.usecases.attending.draw_card import DrawCard
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.company.departments import Departments
from bot.usecases.register.labels import Tags
from handlers.attendant.attendants_group import TelegramAttendantsGroup
from handlers.attendant.topics import Topics
from handlers.customer.relay import Relay
from handlers.relay.delivery import AdminAlerts, TelegramDelivery
from handlers.relay.sending import Sending
from storage.engine.connection import Database
from storage.register.registrations import Registrations
from storage.talk.conversations import Conversations
from storage.talk.links import Links
from storage.talk.queue import Queue
from storage.updates.outbox import Outbox as StoredOutbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaying:
    """Cards and messages, from being taken to being delivered."""

    outbox: Outbox
    links: Links
    show_card: ShowCard
    sending: Sending
    relay: Relay


def build_relaying(
    database: Database,
    *,
    bot: Bot,
    limiter: RateLimiter,
    locks: ChatLocks,
    metrics: Metrics,
    tags: Tags,
    departments: Departments,
    alerts: AdminAlerts,
    has_erp: bool,
    timezone: ZoneInfo,
    clock: Callable[[], datetime],
) -> Relaying:
    """Put together, and nothing started."""
    conversations, links = Conversations(database), Links(database)
    outbox = Outbox(
        store=StoredOutbox(database),
        limiter=limiter,
        holding=locks.holding,
        watch=metrics,
        clock=clock,
    )
    locks.on_release(outbox.forget)
    draw = DrawCard(
        conversations=conversations,
        registrations=Registrations(database),
        links=links,
        group=TelegramAttendantsGroup(bot=bot, topics=Topics(bot=bot), timezone=timezone),
        tags=tags,
        departments=departments,
        queue=Queue(database),
        has_erp=has_erp,
    )
    sending = Sending(outbox=outbox, conversations=conversations, links=links, clock=clock)
    outbox.deliver_by(
        TelegramDelivery(
            bot=bot,
            conversations=conversations,
            links=links,
            draw=draw,
            departments=departments,
            alerts=alerts,
            sending=sending,
            clock=clock,
        )
    )
    show_card = ShowCard(draw=draw, outbox=outbox, clock=clock)
    return Relaying(
        outbox=outbox,
        links=links,
        show_card=show_card,
        sending=sending,
        relay=Relay(outbox=outbox, links=links, show_card=show_card, clock=clock),
    )
