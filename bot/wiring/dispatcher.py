"""The wiring of the handlers: who gets an update, and what they get by name."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiogram import Bot, Dispatcher, Router
from aiogram.enums import ContentType
from aiogram.types import Message, Update
from aiogram.types.update import UpdateTypeLookupError

from bot.runtime.sending.order import caused_by
from bot.runtime.sending.repair import NotReadableError, read
from bot.runtime.updates.fsm import AlreadyHandledError, DurableStorage
from bot.runtime.updates.inbox import Payload, chat_key
from bot.usecases.company.roles import RoleOf
from handlers import answers
from handlers.access import Access
from handlers.admin import router as admin
from handlers.admin.company import team
from handlers.admin.labels import departments
from handlers.attendant import members
from handlers.attendant import router as attendant
from handlers.customer import conversation as customer
from handlers.customer.texts import NOT_READABLE
from handlers.relay.service import SERVICE

_FROM_PEOPLE: Final = {"message", "callback_query"}

logger = structlog.get_logger()


def build_dispatcher(
    fsm: DurableStorage, role_of: RoleOf, handlers: dict[str, object]
) -> Dispatcher:
    """Return routers and middlewares put together; fresh at each call, so tests call it too.

    handlers: what they get by name.
    """
    # No isolation of aiogram's own: the inbox handles one update per chat at a time, over
    # all replicas, and in order, which a lock taken here could not give.
    dispatcher = Dispatcher(storage=fsm)
    dispatcher.workflow_data.update(handlers)
    # Before any router, and so before aiogram-dialog: what it refuses reaches nobody.
    access = Access(role_of)
    dispatcher.message.outer_middleware(access)
    dispatcher.edited_message.outer_middleware(access)
    dispatcher.callback_query.outer_middleware(access)
    dispatcher.include_routers(
        team.router(),
        members.router(),
        admin.router(),
        customer.router(),
        departments.group_router(),
        attendant.router(),
        answers.router(),
    )
    _filter_in_the_loop(dispatcher)
    return dispatcher


def _filter_in_the_loop(router: Router) -> None:
    """Call the filters of the router and of those it includes in the event loop.

    aiogram calls each filter that is no coroutine in a thread: seven times a message, for a look
    at a field.
    """
    for observer in router.observers.values():
        for handler in (observer._handler, *observer.handlers):
            for one in handler.filters or ():
                if not one.awaitable:
                    one.callback, one.awaitable = _as_coroutine(one.callback), True
    for included in router.sub_routers:
        _filter_in_the_loop(included)


def _as_coroutine(check: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def checked(*args: object, **kwargs: object) -> object:
        return check(*args, **kwargs)

    return checked


def update_handler(
    bot: Bot, dispatcher: Dispatcher, fsm: DurableStorage
) -> Callable[[Payload], Awaitable[None]]:
    """Return the function that handles one stored update, once."""

    async def handle(payload: Payload) -> None:
        update = _readable(payload, bot)
        if update is None:
            # Telegram has something new; our library does not know it, and never will by waiting.
            logger.warning("update not understood", fields=sorted(payload))
            if (chat := chat_key(payload)).isdecimal() and _FROM_PEOPLE & payload.keys():
                await bot.send_message(int(chat), NOT_READABLE)
            return
        if _is_service(payload, update):
            return
        logger.debug("update", kind=update.event_type)
        try:
            with caused_by(update.update_id, chat=chat_key(payload)):
                async with fsm.unit(update.update_id):
                    await dispatcher.feed_update(bot, update)
        except AlreadyHandledError:
            logger.info("update was handled before")

    return handle


def _readable(payload: Payload, bot: Bot) -> Update | None:
    """Return the update as far as it can be read; None if nobody could do anything with it."""
    try:
        update: Update = read(Update, payload, bot)
        event = update.event
    except (NotReadableError, UpdateTypeLookupError):
        return None
    if isinstance(event, Message) and event.from_user is None and event.chat.type == "private":
        return None
    return update


def _is_service(payload: Payload, update: Update) -> bool:
    """Return True for a service message whose content could not be read: nobody wrote it."""
    event = update.event
    if not isinstance(event, Message) or event.content_type != ContentType.UNKNOWN:
        return False
    return any(kind.value in payload[update.event_type] for kind in SERVICE)
