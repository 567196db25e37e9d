"""One run: `balcao run` between proxies, a crowd, the plan, and the judgement."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from bot.demo.bot_api import BotApiEmulator
from tests.chaos.crowd import ADMIN_ID, GROUP_ID, Crowd
from tests.chaos.judge import Evidence, Findings, Health, judge, summary
from tests.chaos.plan import Plan, What, Where
from tests.chaos.processes import Forks, Process
from tests.chaos.wires import Wires, wires_of
from tests.patience import HANG_S

_CUSTOMERS: Final = 5
_MESSAGES: Final = 8
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
