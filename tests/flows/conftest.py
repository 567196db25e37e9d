"""A running bot between the emulated Telegram and ERP, and people who write to it."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import pytest
from aiogram.dispatcher.event import handler
from pydantic import SecretStr

from bot import app
from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.messages import NOT_COPIED
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.people import DemoPerson
from bot.domain.conversation import Department
from bot.runtime.passwords import Argon2Passwords
from bot.runtime.sending.limits import NO_LIMITS, Limits, RateLimiter
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.telegram import open_bot
from tests.patience import HANG_S

GROUP_ID = -1001000000001
BILLING_GROUP = -1001000000002
ADMIN_ID = 4001
BIA, CAIO = 4002, 4003
PASSWORD = "Cavalo&Correto 42"
"""The password of the customer with a portal login."""
PROTOCOL = re.compile(r"\d{8}-\d{6}")


class Clock:
    """The clock that is passed to Balcão; tests advance it instead of waiting."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Telegram:
    """The emulator, as tests use it: people who act, and chats that are read."""

    def __init__(self, emulator: BotApiEmulator) -> None:
        self.emulator = emulator
        self.balcao: app.Balcao | None = None
        for user_id, name in ((ADMIN_ID, "Dora"), (BIA, "Bia"), (CAIO, "Caio")):
            emulator.add_user(user_id, name, started=True)
        emulator.add_group(
            GROUP_ID, "Atendimento", members=(ADMIN_ID, BIA, CAIO), bot="administrator"
        )

    def customer(self, person: DemoPerson, *, phone: str | None = None) -> "Customer":
        """Return a customer with a Telegram account of their own."""
        self.emulator.add_user(
            person.user_id, person.first_name, person.last_name, phone=phone or person.phone
        )
        return Customer(self, person.user_id, person)

    async def settled(self) -> None:
        """Return once every update so far is handled and its messages are sent."""
        assert self.balcao is not None
        balcao = self.balcao
        while True:
            await self.emulator.until(lambda: self.emulator.pending_updates == 0)
            await balcao.inbox.idle()
            if balcao.outbox.is_idle and not self.emulator.pending_updates:
                return
            # Sending can cause further updates, such as the service message of a pin.
            await asyncio.sleep(0.005)

    def messages(self, chat_id: int) -> list[dict[str, Any]]:
        return self.emulator.messages(chat_id)

    def posts(self, chat_id: int) -> list[dict[str, Any]]:
        """Return the chat's messages but those of Telegram, such as of a renamed topic, which may
        come between any two."""
        return [m for m in self.messages(chat_id) if NOT_COPIED.isdisjoint(m)]

    def texts(self, chat_id: int) -> list[str]:
        """Return the bot's texts and captions in the chat, oldest first.

        Protocol numbers are replaced by `<protocol>`.
        """
        return [
            PROTOCOL.sub("<protocol>", message.get("text") or message.get("caption") or "?")
            for message in self.posts(chat_id)
            if message["from"]["is_bot"]
        ]

    @property
    def cards(self) -> list[dict[str, Any]]:
        """Messages in the group that carry a card's buttons."""
        return [
            m for m in self.messages(GROUP_ID) if "Ficha completa" in str(m.get("reply_markup"))
        ]

    @property
    def card(self) -> dict[str, Any]:
        """The latest card."""
        return self.cards[-1]

    async def press(self, user_id: int, text: str, *, card: dict[str, Any] | None = None) -> str:
        """Press a card's button; return the text of the callback answer."""
        message_id = (card or self.card)["message_id"]
        pressed = self.emulator.press(user_id, GROUP_ID, message_id, text=text)
        await self.settled()
        answer = self.emulator.callback_answer(pressed)
        assert answer is not None, "the button spins for ever"
        return answer["text"] or ""

    async def group_says(self, user_id: int, text: str, *, reply_to: int | None) -> None:
        self.emulator.send_text(user_id, GROUP_ID, text, reply_to=reply_to)
        await self.settled()


@dataclass(frozen=True)
class Customer:
    telegram: Telegram
    id: int
    person: DemoPerson

    async def says(self, text: str) -> str:
        """Send a text; return the bot's last text since then, or an empty string."""
        before = len(self.telegram.texts(self.id))
        self.telegram.emulator.send_text(self.id, self.id, text)
        await self.telegram.settled()
        said = self.telegram.texts(self.id)
        return said[-1] if len(said) > before else ""

    async def sends(self, kind: str, content: bytes = b"x" * 64, **more: Any) -> str:
        before = len(self.telegram.texts(self.id))
        self.telegram.emulator.send_file(self.id, self.id, kind, content, **more)
        await self.telegram.settled()
        said = self.telegram.texts(self.id)
        return said[-1] if len(said) > before else ""

    async def shares_phone(self, phone: str | None = None, **more: Any) -> str:
        self.telegram.emulator.send_contact(self.id, self.id, phone=phone, **more)
        await self.telegram.settled()
        return self.telegram.texts(self.id)[-1]

    async def presses(self, text: str) -> str:
        """Press an inline button below the latest message that has it."""
        [message_id] = [
            m["message_id"]
            for m in self.telegram.messages(self.id)
            if any(
                b["text"] == text
                for row in m.get("reply_markup", {}).get("inline_keyboard", [])
                for b in row
            )
        ][-1:]
        self.telegram.emulator.press(self.id, self.id, message_id, text=text)
        await self.telegram.settled()
        return self.telegram.texts(self.id)[-1]

    @property
    def read(self) -> list[str]:
        return self.telegram.texts(self.id)

    async def is_in_conversation(self) -> None:
        """Go from the first message to an open conversation, confirmed by telephone."""
        await self.says("/start")
        await self.says(self.person.tax_id)
        await self.shares_phone()


Start = Callable[..., Any]


@pytest.fixture(scope="session", autouse=True)
def signatures() -> Iterator[None]:
    """Cache function signatures: aiogram reads the same 1,700 for each bot that is built."""
    known: dict[tuple[CodeType, bool], inspect.Signature] = {}

    def signature(callback: Any) -> inspect.Signature:
        function = getattr(callback, "__func__", callback)
        if not isinstance(function, FunctionType):
            # A filter, which is an object that is called.
            function = type(callback).__call__
        if not isinstance(function, FunctionType):
            return inspect.signature(callback)
        key = function.__code__, function is callback
        if key not in known:
            known[key] = inspect.signature(callback)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            handler, "inspect", SimpleNamespace(**{**vars(inspect), "signature": signature})
        )
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def serving(
    people: Telegram,
    database: Any,
    *,
    clock: Clock,
    erp_url: str = "",
    erp: Any = None,
    lookup_budget_s: float = HANG_S,
    limits: Limits = NO_LIMITS,
    **overrides: Any,
) -> AsyncIterator[Telegram]:
    """Run a bot between these people and an ERP, and yield the people.

    erp_url: of an IXC; none without it. erp: asked in place of the client that is opened for it.
    overrides: settings.
    """
    of_erp = {
        "erp_kind": "ixc",
        "erp_url": erp_url,
        "erp_token": CREDENTIAL,
        # Otherwise a sync would register everybody before the first look-up.
        "sync_interval_minutes": 0,
    }
    settings = Settings.model_validate(
        {
            "bot_token": people.emulator.token,
            "telegram_api_url": people.emulator.url,
            "admin_ids": (ADMIN_ID,),
            "attendants_chat_id": GROUP_ID,
            **(of_erp if erp_url else {}),
            **overrides,
        }
    )
    async with AsyncExitStack() as stack:
        if erp_url and erp is None:
            # No cache of negative look-ups: its time is counted on a real clock.
            erp = await stack.enter_async_context(clients.open_erp_of(settings, database))
        limiter = RateLimiter(limits)
        bot = await stack.enter_async_context(open_bot(settings, limiter))
        people.balcao = app.build(
            settings,
            bot=bot,
            limiter=limiter,
            database=database,
            erp=erp,
            clock=clock,
            lookup_budget_s=lookup_budget_s,
        )
        await stack.enter_async_context(app.serving(people.balcao))
        yield people


@pytest.fixture
def start(database: Any, telegram: BotApiEmulator, erp: IxcEmulator, clock: Clock) -> Start:
    """Return a starter of bots on the test's database.

    Use: `async with start(confirm_identity="off") as people: ...`.
    """
    people = Telegram(telegram)

    def started(*, with_erp: bool = True, **more: Any) -> Any:
        erp_url = erp.url if with_erp else ""
        return serving(people, database, clock=clock, erp_url=erp_url, **more)

    return started


@pytest.fixture
async def people(start: Start) -> AsyncIterator[Telegram]:
    """Start a bot with the default settings."""
    async with start() as telegram:
        yield telegram


@pytest.fixture
async def billing(people: Telegram) -> Department:
    """A second department, with a group of its own."""
    people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(ADMIN_ID, CAIO))
    assert people.balcao
    departments = people.balcao.departments
    made = await departments.create("Financeiro <&>", "💰")
    assert isinstance(made, Department)
    linked = await departments.link(made.id, BILLING_GROUP)
    assert isinstance(linked, Department)
    return linked


@pytest.fixture(scope="session")
async def password_hash() -> str:
    return await Argon2Passwords().hash_password(SecretStr(PASSWORD))
