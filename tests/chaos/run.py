"""One run: `balcao run` between proxies, a crowd, the plan, and the judgement."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.chaos.crowd import ADMIN_ID, GROUP_ID, Crowd
from tests.chaos.faults import Faults
from tests.chaos.http_proxy import HttpProxy
from tests.chaos.judge import Evidence, Findings, Health, Stored, judge, summary
from tests.chaos.mongodb import MongodbProxy
from tests.chaos.plan import Plan, What, Where
from tests.chaos.processes import Forks, Process
from tests.chaos.tcp_proxy import TcpProxy
from tests.chaos.telegram import TelegramProxy
from tests.flows.nats import NATS_SERVER, nats_server
from tests.patience import HANG_S
from tests.storage.servers import kill, noted_pid

_CUSTOMERS: Final = 5
_MESSAGES: Final = 8
HAS_NATS: Final = NATS_SERVER.exists()
_MINUTE_S: Final = 6.0
"""Telegram's minute: its limits matter, and a run takes no quarter of an hour."""
_LOOK_S: Final = 0.5
_QUIET: Final = 3
"""So many looks in a row without any work mean that all is done."""
_DEAD_END: Final = 40
"""The same while somebody still waits for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    plan: Plan
    findings: Findings
    counts: dict[str, Any]
    hit: Counter[str]
    recovery_s: float
    """From the end of the faults until all was done."""
    log: str
    chats: str
    """All messages and the calls that carried them, to look for the cause of a finding."""

    def __str__(self) -> str:
        faults = [f"  {fault}  [{self.hit[str(fault)]} calls]" for fault in self.plan.faults]
        counts = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        lines = [
            f"{self.plan.title}: {counts}; all done {self.recovery_s:.0f} s after",
            *faults,
            *(f"  told: {one}" for one in self.findings.told),
            *(f"  FOUND: {one}" for one in self.findings.wrong),
        ]
        return "\n".join(lines)


async def run(plan: Plan, forks: Forks, folder: Path, *, patience_s: float = HANG_S) -> Result:
    """Do what the plan says, wait until all is done, and judge.

    patience_s: after so long without an end, what is not done counts as lost.
    """
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(BotApiEmulator())
        telegram.limit(minute_s=_MINUTE_S, second_s=_MINUTE_S / 60)
        crowd = Crowd(telegram, seed=plan.seed, is_forum=plan.is_forum, size=_CUSTOMERS)
        wires = await stack.enter_async_context(wires_of(plan, telegram, crowd, folder))
        process, other, worker = all_ = [
            Process(forks, wires.settings, folder, minute_s=_MINUTE_S, command=command)
            for command in ("run", "run", "worker")
        ]
        for one in all_:
            stack.push_async_callback(one.kill_for_good)
        health = await stack.enter_async_context(_health_of(process))
        process.start()
        if plan.has_worker:
            worker.start()
        await until(lambda: '"ready"' in process.log or bool(process.ended))
        began = wires.begin()
        working = asyncio.create_task(crowd.work(plan.seconds * 0.8, each=_MESSAGES))
        stack.callback(working.cancel)
        await _follow(plan, wires, {"bot": process, "second bot": other, "worker": worker})
        wires.end()
        ended = time.monotonic()
        is_well = await _done(wires, crowd, working, health, patience_s=patience_s)
        recovery_s = time.monotonic() - ended
        stored = await wires.stored()
        codes = [await one.end() for one in all_]
        evidence = Evidence(
            crowd=crowd,
            calls=wires.telegram.calls,
            stored=stored,
            log="".join(one.log for one in all_),
            secrets=(telegram.token, telegram.token.split(":")[1], wires.password),
            killed=[at for one in all_ for at in one.killed],
            ended=[
                *process.ended,
                *other.ended,
                *(f"exit code {c} on SIGTERM" for c in codes if c),
            ],
            replicas=1 + any(fault.what is What.STOP for fault in plan.faults),
            health=health,
            down=[
                (began + f.at_s + 1, began + f.until_s)
                for f in plan.faults
                if f.where is Where.MONGODB and f.what is What.DOWN
            ],
            is_well=is_well,
        )
        return Result(
            plan=plan,
            findings=judge(evidence),
            counts=summary(evidence),
            hit=wires.hit,
            recovery_s=recovery_s,
            log=evidence.log,
            chats="\n".join([*_shown(crowd), *map(str, evidence.calls)]),
        )


def _shown(crowd: Crowd) -> Iterator[str]:
    for chat_id in (GROUP_ID, ADMIN_ID, *(person.id for person in crowd.people)):
        yield f"== {chat_id}"
        for message in crowd.telegram.messages(chat_id):
            said = message.get("text") or message.get("caption") or " ".join(message)
            below = message.get("reply_to_message", {}).get("message_id")
            name = message["from"]["first_name"]
            yield f"{message['message_id']} {name}: {said[:200]!r} below {below}"


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
        inbox = await database["inbox"].find({}, {"pending": 1, "set_aside_at": 1}).to_list(None)
        outbox = await database["outbox"].find({}, {"waiting": 1, "what": 1}).to_list(None)
        jobs = await database["jobs"].find({}, {"active": 1}).to_list(None)
        people = await database["registrations"].find({}, {"tax_id": 1}).to_list(None)
        return Stored(
            pending=[one["pending"] for one in inbox if one.get("pending")],
            set_aside=sum("set_aside_at" in one for one in inbox),
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


async def _follow(plan: Plan, wires: Wires, processes: Mapping[str, Process]) -> None:
    """Do each thing at its time; return at the end of the plan, when all of them are over."""
    began = time.monotonic()
    suffering: list[asyncio.Task[None]] = []
    for fault in plan.faults:
        await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
        if fault.where is Where.PROCESS:
            if fault.what is What.STOP:
                processes["second bot"].start()
            suffering.append(asyncio.create_task(processes[fault.on].suffer(fault)))
        elif fault.what is What.DOWN:
            wires.cut(fault.where)
    await asyncio.sleep(max(0.0, began + plan.seconds - time.monotonic()))
    await asyncio.gather(*suffering)


async def _done(
    wires: Wires,
    crowd: Crowd,
    working: asyncio.Task[None],
    health: Sequence[Health],
    *,
    patience_s: float,
) -> bool:
    """Wait until nothing is left to do, or nothing has happened for long; return the health."""
    quiet, before = 0, -1
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        stored = await wires.stored()
        calls = sum(call.method.lower() != "getupdates" for call in wires.telegram.calls)
        is_idle = not (
            crowd.telegram.pending_updates
            or crowd.answering
            or stored.pending
            or stored.waiting
            or stored.jobs
        )
        quiet = quiet + 1 if is_idle and calls == before else 0
        before = calls
        is_well = bool(health) and health[-1].is_well
        if quiet >= (_QUIET if working.done() and is_well else _DEAD_END):
            break
        await asyncio.sleep(_LOOK_S)
    if working.done():
        working.result()
    return bool(health) and health[-1].is_well


@asynccontextmanager
async def _health_of(process: Process) -> AsyncIterator[list[Health]]:
    """Ask for the health all the time; yields the answers."""
    answers: list[Health] = []

    async def ask() -> None:
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while True:
                asked_at = time.monotonic()
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(f"http://127.0.0.1:{process.port}/healthz") as answer:
                        answers.append(
                            Health(
                                asked_at=asked_at,
                                answered_at=time.monotonic(),
                                is_well=answer.status == 200,
                            )
                        )
                await asyncio.sleep(_LOOK_S)

    asking = asyncio.create_task(ask())
    try:
        yield answers
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def until(true: Callable[[], object]) -> None:
    """Return when `true` does; another process makes it so."""
    async with asyncio.timeout(HANG_S):
        while not true():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.02)


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
