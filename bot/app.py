"""The wiring: clients are opened, use cases get what they need, the bot runs until it is told."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    LinkPreviewOptions,
    Update,
)
from aiogram.types.update import UpdateTypeLookupError
from aiogram.utils.token import TokenValidationError
from pydantic import ValidationError

from bot.domain.conversation import Department
from bot.domain.errors import Problem, RefusedError, TryLaterError
from bot.runtime.fsm import AlreadyHandledError, DurableStorage
from bot.runtime.http_server import http_server
from bot.runtime.inbox import Inbox
from bot.runtime.locks import ChatLocks
from bot.runtime.outbound import Outbound
from bot.runtime.serve import repeat_for_ever, taking_updates, wait_for_telegram
from bot.settings import Settings
from bot.usecases.apply_plan import ApplyPlan
from bot.usecases.arrive import Arrive
from bot.usecases.attend import Attend
from bot.usecases.identify import LOOKUP_BUDGET_S, CustomerLookup, Identify, LookUp
from bot.usecases.introduce import ConfirmPhone, Introduce, RegisterProspect
from bot.usecases.leave import Leave
from bot.usecases.open_conversation import OpenConversation
from bot.usecases.retry_lookups import IdentifyConversation, RetryLookups
from bot.usecases.show_card import ShowCard
from erp.adapter import Erp
from erp.registry import open_erp
from handlers import answers
from handlers.admin import router as admin
from handlers.admin.alerts import TelegramAlerts
from handlers.attendant import router as attendant
from handlers.attendant.desk import TelegramDesk
from handlers.customer import conversation as customer
from handlers.customer.identification import Reception
from handlers.customer.relay import Relay
from storage.backup import refuse_half_restored
from storage.connection import Database, connected
from storage.connection import answers as database_answers
from storage.conversations import Chats, Conversations
from storage.embedded import embedded_server
from storage.inbox import Inbox as StoredInbox
from storage.indexes import ensure_indexes
from storage.registrations import Registrations
from storage.states import Locks, States

_LOOKUP_ROUND_S: Final = 2.0
_TELEGRAM: Final = "https://api.telegram.org"

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balcao:
    """Everything that runs, put together and not yet started."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: Inbox
    locks: ChatLocks
    retry_lookups: RetryLookups
    registrations: Registrations
    apply_plan: ApplyPlan
    admin_ids: Sequence[int]


def utc_now() -> datetime:
    return datetime.now(UTC)


def build(
    settings: Settings,
    *,
    bot: Bot,
    database: Database,
    erp: CustomerLookup | None,
    clock: Callable[[], datetime] = utc_now,
    lookup_budget_s: float = LOOKUP_BUDGET_S,
) -> Balcao:
    """Handlers, use cases and runtime put together; fresh on each call, so tests call it too."""
    registrations, chats = Registrations(database), Chats(database)
    conversations, locks = Conversations(database), ChatLocks(Locks(database), clock)
    department = Department(
        id="atendimento", name="Atendimento", group_id=settings.attendants_chat_id or 0
    )
    alerts = TelegramAlerts(bot=bot, admin_ids=settings.admin_ids, clock=clock)
    desk = TelegramDesk(bot=bot, timezone=settings.zone)
    show_card = ShowCard(conversations=conversations, registrations=registrations, desk=desk)
    apply_plan = ApplyPlan(register=registrations, new_id=lambda: uuid.uuid4().hex)
    look_up = LookUp(erp=erp, apply_plan=apply_plan, clock=clock, budget_s=lookup_budget_s)
    register_prospect = RegisterProspect(apply_plan=apply_plan, clock=clock)
    fsm = DurableStorage(States(database))
    dispatcher = Dispatcher(
        storage=fsm,
        # No isolation of aiogram's own: the inbox handles one update per chat at a time, over
        # all replicas, and in order, which a lock taken here could not give.
        conversations=conversations,
        timezone=settings.zone,
        attend=Attend(conversations=conversations, show_card=show_card, clock=clock),
        leave=Leave(chats=chats, conversations=conversations, show_card=show_card, clock=clock),
        reception=Reception(
            arrive=Arrive(
                chats=chats, conversations=conversations, registrations=registrations, clock=clock
            ),
            identify=Identify(chats=chats, look_up=look_up, clock=clock, timezone=settings.zone),
            confirm_phone=ConfirmPhone(chats=chats, registrations=registrations),
            introduce=Introduce(chats=chats, register_prospect=register_prospect),
            open_conversation=OpenConversation(
                chats=chats,
                conversations=conversations,
                show_card=show_card,
                alerts=alerts,
                clock=clock,
                timezone=settings.zone,
            ),
            relay=Relay(conversations=conversations, show_card=show_card),
            department=department,
            privacy_text=settings.privacy_text,
            privacy_url=settings.privacy_url,
            confirm_identity=settings.confirm_identity == "phone",
        ),
    )
    dispatcher.include_routers(
        admin.router(settings.admin_ids),
        customer.router(),
        attendant.router(),
        answers.router(),
    )
    inbox = Inbox(
        bot_id=bot.id,
        store=StoredInbox(database),
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
        locks=locks,
        retry_lookups=RetryLookups(
            chats=chats,
            conversations=conversations,
            look_up=look_up,
            register_prospect=register_prospect,
            identify_conversation=IdentifyConversation(
                conversations=conversations, registrations=registrations, show_card=show_card
            ),
            holding=locks.holding,
            clock=clock,
        ),
        registrations=registrations,
        apply_plan=apply_plan,
        admin_ids=settings.admin_ids,
    )


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
            async with fsm.unit(update.update_id):
                await dispatcher.feed_update(bot, update)
        except AlreadyHandledError:
            logger.info("update was handled before")

    return handle


@asynccontextmanager
async def open_bot(settings: Settings) -> AsyncIterator[Bot]:
    """The bot's client; nothing is asked of Telegram yet. Raises RefusedError for a bad token."""
    session = AiohttpSession(
        api=TelegramAPIServer.from_base(settings.telegram_api_url or _TELEGRAM)
    )
    session.middleware(Outbound())
    try:
        bot = Bot(
            settings.bot_token.get_secret_value(),
            session=session,
            default=DefaultBotProperties(
                parse_mode="HTML", link_preview=LinkPreviewOptions(is_disabled=True)
            ),
        )
    except TokenValidationError as error:
        raise RefusedError(
            "the bot's token does not have the right form", problem=Problem.BOT_TOKEN
        ) from error
    try:
        yield bot
    finally:
        await session.close()


@asynccontextmanager
async def open_database(
    settings: Settings, *, to_restore: bool = False
) -> AsyncIterator[Database]:
    """The database of the settings, the embedded one without a URI, with its indexes.

    Raises RefusedError when half a backup is in it, unless it is opened to be restored.
    """
    async with AsyncExitStack() as stack:
        uri = settings.mongodb_uri.get_secret_value()
        if not uri:
            uri = await stack.enter_async_context(embedded_server(settings.data_dir))
        database = await stack.enter_async_context(connected(uri, settings.mongodb_database))
        await ensure_indexes(database)
        if not to_restore:
            await refuse_half_restored(database)
        yield database


def open_erp_of(settings: Settings) -> AbstractAsyncContextManager[Erp]:
    """The ERP of the settings; raises RefusedError when they cannot be right."""
    return open_erp(
        settings.erp_kind,
        url=settings.erp_url,
        token=settings.erp_token,
        username=settings.erp_username,
        password=settings.erp_password,
        client_id=settings.erp_client_id,
        client_secret=settings.erp_client_secret,
        database=settings.erp_database,
    )


@asynccontextmanager
async def open_customer_lookup(settings: Settings) -> AsyncIterator[CustomerLookup | None]:
    """The same, or None when no ERP is set."""
    if not settings.erp_kind:
        yield None
        return
    async with open_erp_of(settings) as erp:
        yield erp


@asynccontextmanager
async def serving(balcao: Balcao) -> AsyncIterator[asyncio.Task[None]]:
    """Updates are taken and handled inside; yields the polling task, which ends only by an error
    that waiting does not mend."""
    await wait_for_telegram(balcao.bot)
    await _set_commands(balcao.bot, balcao.admin_ids)
    await balcao.locks.release_the_dead()
    async with taking_updates(
        balcao.bot,
        balcao.inbox,
        allowed_updates=balcao.dispatcher.resolve_used_update_types(),
        beside=(
            balcao.locks.keep_for_ever(),
            repeat_for_ever(balcao.retry_lookups, every_s=_LOOKUP_ROUND_S),
        ),
    ) as polling:
        yield polling
    await balcao.locks.release_all()


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises RefusedError or TryLaterError when it cannot start."""
    settings.require_for_run()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving_ = asyncio.create_task(_serve(settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving_, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving_.done():
        logger.info("stopping")
        # Also while it still waits for Telegram or the database to start with.
        serving_.cancel()
    with suppress(asyncio.CancelledError):
        await serving_


async def _serve(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        erp = await stack.enter_async_context(open_customer_lookup(settings))
        bot = await stack.enter_async_context(open_bot(settings))
        balcao = build(settings, bot=bot, database=database, erp=erp)
        address = await stack.enter_async_context(
            http_server(
                settings.http_host,
                settings.http_port,
                database_answers=lambda: database_answers(database),
            )
        )
        polling = await stack.enter_async_context(serving(balcao))
        logger.info("ready", health=f"{address}/healthz", erp=settings.erp_kind or "none")
        await polling


async def _set_commands(bot: Bot, admin_ids: Sequence[int]) -> None:
    """Commands appear only to whom they serve."""
    help_ = BotCommand(command="ajuda", description="Como funciona")
    leave = BotCommand(command="sair", description="Desligar este chat do meu cadastro")
    try:
        await bot.set_my_commands([help_, leave], BotCommandScopeAllPrivateChats())
        for admin_id in admin_ids:
            await bot.set_my_commands([help_], BotCommandScopeChat(chat_id=admin_id))
    except (TelegramAPIError, TryLaterError) as error:
        # An admin who has not written to the bot yet has no chat: his menu waits.
        logger.warning("command menus not set", error=type(error).__name__)
