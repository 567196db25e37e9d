"""The wiring of cards and messages between customers and attendants."""

from dataclasses import dataclass

from bot.runtime.metrics import Metrics
from bot.runtime.sending.outbox import Outbox
from bot.usecases.attending.draw_card import DrawCard
from bot.usecases.attending.read_card import ReadCard
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import GroupAlerts
from bot.wiring.shared import Shared
from handlers.attendant.cards.attendants_group import TelegramAttendantsGroup
from handlers.attendant.cards.keyboards import below_message
from handlers.attendant.cards.topics import Topics
from handlers.relay.delivery import TelegramDelivery
from handlers.relay.near_buttons import NearButtons
from handlers.relay.sending import Sending
from storage.talk.links import Links
from storage.talk.queue import Queue
from storage.talk.transcripts import Transcripts
from storage.updates.outbox import Outbox as StoredOutbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaying:
    """The parts that other builders use to post cards and to send messages."""

    outbox: Outbox
    links: Links
    show_card: ShowCard
    read_card: ReadCard
    sending: Sending
    transcripts: Transcripts


def build_relaying(shared: Shared, *, metrics: Metrics, alerts: GroupAlerts) -> Relaying:
    """Build it; nothing is started."""
    bot, clock = shared.bot, shared.clock
    conversations, links = shared.conversations, Links(shared.database)
    outbox, read_card = _outbox(shared, links, metrics), _read_card(shared)
    draw = DrawCard(
        conversations=conversations,
        departments=shared.departments,
        links=links,
        group=TelegramAttendantsGroup(bot=bot, topics=Topics(bot=bot), timezone=shared.timezone),
        read_card=read_card,
    )
    transcripts = Transcripts(shared.database)
    sending = Sending(
        outbox=outbox,
        conversations=conversations,
        links=links,
        clock=clock,
        names_attendants=shared.settings.show_attendant_name,
        keeps_words=shared.settings.transcript_days > 0,
    )
    show_card = ShowCard(outbox=outbox, clock=clock)
    outbox.deliver_by(
        TelegramDelivery(
            bot=bot,
            conversations=conversations,
            links=links,
            transcripts=transcripts,
            draw=draw,
            show_card=show_card,
            departments=shared.departments,
            alerts=alerts,
            sending=sending,
            near=NearButtons(
                conversations=conversations,
                sending=sending,
                keyboard=below_message,
                has_room=shared.limiter.has_room,
            ),
        )
    )
    return Relaying(
        outbox=outbox,
        links=links,
        show_card=show_card,
        read_card=read_card,
        sending=sending,
        transcripts=transcripts,
    )


def _outbox(shared: Shared, links: Links, metrics: Metrics) -> Outbox:
    """Return the outbox; it hears of each lock that this process releases or takes over."""
    locks = shared.locks
    outbox = Outbox(
        store=StoredOutbox(shared.database),
        links=links,
        limiter=shared.limiter,
        leases=locks,
        telegram_answers=shared.bot.get_me,
        metrics=metrics,
        clock=shared.clock,
        tracer=shared.tracer,
    )
    locks.on_release(outbox.forget)
    locks.on_wake(outbox.reread)
    locks.on_takeover(outbox.take_over)
    return outbox


def _read_card(shared: Shared) -> ReadCard:
    return ReadCard(
        conversations=shared.conversations,
        registrations=shared.registrations,
        tags=shared.tags,
        departments=shared.departments,
        queue=Queue(shared.database),
        clock=shared.clock,
        has_erp=shared.erp is not None,
    )
