"""The way of an update: stored in the inbox, and given to the handlers, chat by chat."""

from functools import partial

from aiogram import Dispatcher

from bot.runtime.leases import keep_polling
from bot.runtime.metrics import Metrics
from bot.runtime.sending.outbox import OUTBOX_LEASE
from bot.runtime.tracing import NO_TRACES
from bot.runtime.updates.fsm import DurableStorage, steps_prefix
from bot.runtime.updates.inbox import Inbox, chat_key
from bot.runtime.updates.polling import PollingTurn
from bot.runtime.updates.serve import telegram_answers
from bot.usecases.company.set_aside import TendSetAside
from bot.wiring.company import Company
from bot.wiring.dispatcher import build_dispatcher, update_handler
from bot.wiring.shared import Shared
from bot.wiring.watching import WatchedUpdates, trace_handlers
from storage.updates.set_aside import SetAsideUpdates
from storage.updates.states import States, polling_leases


def build_updates(
    shared: Shared, company: Company, handlers: dict[str, object], metrics: Metrics
) -> tuple[Dispatcher, Inbox, PollingTurn]:
    """Return what chooses the handler of an update, the inbox that gives the updates to it, and
    the turn of polling, which proves that no other replica stores any."""
    leases = keep_polling(polling_leases(shared.database), shared.lease_clock)
    polling = PollingTurn(shared.bot.id, leases)
    watched = WatchedUpdates(
        shared.bot.id, shared.bot.token, metrics=metrics, tracer=shared.tracer
    )
    states, store = States(shared.database, shared.clock), watched.inbox(shared.database)
    fsm = DurableStorage(states)
    dispatcher = build_dispatcher(fsm, company.role_of, handlers)
    if shared.tracer is not NO_TRACES:
        trace_handlers(dispatcher, shared.tracer)
    inbox = Inbox(
        bot_id=shared.bot.id,
        store=store,
        handle=watched.handling(update_handler(shared.bot, dispatcher, fsm)),
        holding=partial(shared.locks.holding, patience_s=0.0, wake=True),
        set_aside=company.alerts.set_aside,
        telegram_answers=partial(telegram_answers, shared.bot),
        done_in_telegram=lambda: shared.limiter.done,
        clock=shared.clock,
        alone_since=polling.alone_since,
    )
    dispatcher["set_aside"] = TendSetAside(
        store=SetAsideUpdates(shared.database, chat_key),
        wake=inbox.reread,
        clock=shared.clock,
    )
    shared.locks.on_release(inbox.forget)
    shared.locks.on_wake(
        lambda name: None if name.startswith(OUTBOX_LEASE) else inbox.reread(name)
    )
    shared.locks.on_release(fsm.forget)
    shared.locks.on_takeover(store.take_over)
    shared.locks.on_takeover(
        lambda chat, number: states.take_over(steps_prefix(shared.bot.id, chat), number)
    )
    return dispatcher, inbox, polling
