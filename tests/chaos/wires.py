"""The servers of one run, the proxies before them, and what the bot is told to connect to."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.runtime.updates.inbox import chat_key
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.chaos.crowd import ADMIN_ID, GROUP_ID, Crowd
from tests.chaos.faults import Faults
from tests.chaos.http_proxy import HttpProxy
from tests.chaos.judge import Stored
from tests.chaos.mongodb import MongodbProxy
from tests.chaos.plan import Plan, Where
from tests.chaos.tcp_proxy import TcpProxy
from tests.chaos.telegram import TelegramProxy
from tests.flows.nats import NATS_SERVER, nats_server
from tests.storage.servers import kill, noted_pid

HAS_NATS: Final = NATS_SERVER.exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """The proxies, and the database behind its own."""

    telegram: TelegramProxy
    mongodb: MongodbProxy
    erp: HttpProxy
    nats: TcpProxy | None
    settings: dict[str, str]
    password: str
    database: Any

    def begin(self) -> float:
        """Start the time of the plan; return when that was."""
        for faults in self._faults():
            faults.begin()
        return time.monotonic()

    def end(self) -> None:
        for faults in self._faults():
            faults.end()

    def cut(self, where: Where) -> None:
        """Reset all connections there."""
        proxies = {
            Where.TELEGRAM: self.telegram,
            Where.MONGODB: self.mongodb,
            Where.ERP: self.erp,
            Where.NATS: self.nats,
        }
        if (proxy := proxies[where]) is not None:
            proxy.cut_all()

    @property
    def hit(self) -> Counter[str]:
        """How many calls each fault has hit."""
        return sum((faults.hit for faults in self._faults()), Counter())

    def _faults(self) -> list[Faults]:
        proxies = (self.telegram, self.mongodb, self.erp, self.nats)
        return [proxy.faults for proxy in proxies if proxy is not None]

    async def stored(self) -> Stored:
        database = self.database
        inbox = await database["inbox"].find({}).to_list(None)
        outbox = await database["outbox"].find({}, {"waiting": 1, "what": 1}).to_list(None)
        jobs = await database["jobs"].find({}, {"active": 1}).to_list(None)
        people = await database["registrations"].find({}, {"tax_id": 1}).to_list(None)
        return Stored(
            pending=[one["pending"] for one in inbox if one.get("pending")],
            aside_in=[chat_key(one["payload"]) for one in inbox if "set_aside_at" in one],
            waiting=[f"{one['what']} for {one['waiting']}" for one in outbox if "waiting" in one],
            jobs=[str(one["_id"]) for one in jobs if one.get("active")],
            tax_ids=Counter(one["tax_id"] for one in people if one.get("tax_id")),
        )


@asynccontextmanager
async def wires_of(
    plan: Plan, telegram: BotApiEmulator, crowd: Crowd, folder: Path
) -> AsyncIterator[Wires]:
    """Start the database, the ERP and the proxies, and give them with the bot's settings."""

    def faults(where: Where) -> Faults:
        return Faults((f for f in plan.faults if f.where is where), seed=plan.seed)

    data_dir = folder / "data"
    rows = [person.row for person in crowd.people if person.is_in_erp]
    async with AsyncExitStack() as stack:
        erp = await stack.enter_async_context(IxcEmulator(rows))
        uri = await stack.enter_async_context(embedded_server(data_dir))
        # A graceful stop takes two seconds.
        stack.push_async_callback(_killed, data_dir)
        at = urlsplit(uri)
        assert at.port is not None
        assert at.password is not None
        before_telegram = TelegramProxy(telegram.url, faults(Where.TELEGRAM), marks=crowd.marks)
        before_mongodb = MongodbProxy(at.port, faults(Where.MONGODB))
        before_erp = HttpProxy(erp.url, faults(Where.ERP))
        for proxy in (before_telegram, before_mongodb, before_erp):
            await stack.enter_async_context(proxy)
        before_nats = None
        if plan.has_worker:
            server = await stack.enter_async_context(nats_server(folder))
            before_nats = TcpProxy(server.port, faults(Where.NATS))
            await stack.enter_async_context(before_nats)
        yield Wires(
            telegram=before_telegram,
            mongodb=before_mongodb,
            erp=before_erp,
            nats=before_nats,
            settings={
                "BALCAO_BOT_TOKEN": telegram.token,
                "BALCAO_TELEGRAM_API_URL": before_telegram.url,
                "BALCAO_MONGODB_URI": uri.replace(f":{at.port}/", f":{before_mongodb.port}/"),
                "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
                "BALCAO_ADMIN_IDS": str(ADMIN_ID),
                "BALCAO_DATA_DIR": str(folder / "files"),
                "BALCAO_ERP_KIND": "ixc",
                "BALCAO_ERP_URL": before_erp.url,
                "BALCAO_ERP_TOKEN": CREDENTIAL,
                "BALCAO_SYNC_INTERVAL_MINUTES": "0",
                "BALCAO_BROKER_URL": f"nats://127.0.0.1:{before_nats.port}" if before_nats else "",
                "BALCAO_LOG_FORMAT": "json",
                "BALCAO_LOG_LEVEL": "DEBUG",
            },
            password=at.password,
            database=await stack.enter_async_context(connected(uri, "balcao")),
        )


async def _killed(data_dir: Path) -> None:
    with suppress(OSError, ValueError, KeyError):
        await kill(noted_pid(data_dir))


@asynccontextmanager
async def folder_of(seed: int, protected: Path) -> AsyncIterator[Path]:
    """Give a folder for one run, with a database whose user is there already."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    try:
        shutil.copytree(protected, folder / "data")
        (folder / "files").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
