"""A flood: many customers write into one group at once, and the group's messages are judged."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import Row, customer
from bot.demo.people import DemoPerson
from tests.e2e.process import Running, balcao_run
from tests.flows.conftest import ADMIN_ID, GROUP_ID

Message = dict[str, Any]
IsCard = Callable[[Message, DemoPerson], bool]

_MARK = re.compile(r"\[(\d\d)-(\d\d)\]")


class Mark(NamedTuple):
    """The mark in each text, by which the text is found again inside any message."""

    customer: int
    number: int

    def __str__(self) -> str:
        return f"[{self.customer:02}-{self.number:02}]"


def crowd(size: int = 30) -> tuple[DemoPerson, ...]:
    """Customers called Cliente 00, Cliente 01…, each with a document and a phone."""
    return tuple(
        DemoPerson(
            user_id=6000 + number,
            first_name="Cliente",
            last_name=f"{number:02}",
            phone=f"+5549990{number:06}",
            tax_id=make_cpf(310_000_000 + number * 101).masked,
            shows="",
        )
        for number in range(size)
    )


def erp_rows(people: Iterable[DemoPerson]) -> list[Row]:
    """Return the ERP's rows for a crowd."""
    return [
        customer(
            8000 + number,
            f"{person.first_name} {person.last_name}",
            person.tax_id,
            telefone_celular=person.phone.removeprefix("+55"),
        )
        for number, person in enumerate(people)
    ]


def arrive(emulator: BotApiEmulator, people: Iterable[DemoPerson]) -> None:
    """Let all customers identify themselves at once, without waiting for the bot's answers."""
    for person in people:
        emulator.send_text(person.user_id, person.user_id, "/start")
        emulator.send_text(person.user_id, person.user_id, person.tax_id)
        emulator.send_contact(person.user_id, person.user_id)


async def pour(
    emulator: BotApiEmulator,
    people: Sequence[DemoPerson],
    *,
    each: int = 10,
    within_s: float,
    seed: int = 1,
) -> dict[Mark, float]:
    """Send `each` texts per customer in `within_s` seconds, mixed; return when each was sent.

    The customers must be in the emulator already. Times are those of the running loop. One
    customer's texts keep their order; `seed` decides when each is sent.
    """
    draw = random.Random(seed)  # noqa: S311 - a load that can be had again
    marks = [
        (moment, Mark(number, nth))
        for number in range(len(people))
        for nth, moment in enumerate(sorted(draw.uniform(0, within_s) for _ in range(each)))
    ]
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent: dict[Mark, float] = {}
    for moment, mark in sorted(marks):
        await asyncio.sleep(max(0.0, began + moment - loop.time()))
        user_id = people[mark.customer].user_id
        emulator.send_text(user_id, user_id, f"{mark} sem internet, já reiniciei o modem")
        sent[mark] = loop.time()
    return sent


@asynccontextmanager
async def watching(emulator: BotApiEmulator, chat_id: int) -> AsyncIterator[dict[Mark, float]]:
    """Yield when each text first appeared in the chat, by the running loop's time.

    The dictionary is filled as the texts come.
    """
    seen: dict[Mark, float] = {}
    changes = emulator.changes
    seq = changes.seq

    async def watch() -> None:
        nonlocal seq
        while True:
            waiter = changes.waiter()
            events = changes.since(seq)
            assert events is not None, "too many events at once: some were not seen"
            for event in events:
                seq = event.seq
                if event.kind in {"message", "edit"} and event.data["chat_id"] == chat_id:
                    for mark in marks_in(event.data["message"]):
                        seen.setdefault(mark, asyncio.get_running_loop().time())
            if events:
                # A waiter on `seen` may have looked before this entry was added.
                changes.wake()
            await waiter

    task = asyncio.create_task(watch())
    # Let the task start, so that it misses no message.
    await asyncio.sleep(0)
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(
    telegram: BotApiEmulator,
    erp: IxcEmulator,
    database: Any,
    uri: str,
    cwd: Path,
    *,
    minute_s: float,
) -> AsyncIterator[Running]:
    """Run the bot as a process whose rate limits have minutes of `minute_s` seconds."""
    settings = {
        "BALCAO_BOT_TOKEN": telegram.token,
        "BALCAO_TELEGRAM_API_URL": telegram.url,
        "BALCAO_MONGODB_URI": uri,
        "BALCAO_MONGODB_DATABASE": database.name,
        "BALCAO_ADMIN_IDS": str(ADMIN_ID),
        "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
        "BALCAO_ERP_KIND": "ixc",
        "BALCAO_ERP_URL": erp.url,
        "BALCAO_ERP_TOKEN": CREDENTIAL,
        "BALCAO_SYNC_INTERVAL_MINUTES": "0",
        "BALCAO_HTTP_PORT": "0",
        "BALCAO_LOG_FORMAT": "json",
        "BALCAO_LOG_LEVEL": "INFO",
    }
    async with balcao_run(settings, cwd=cwd, minute_s=minute_s) as bot:
        await bot.ready()
        yield bot


def marks_in(message: Message) -> list[Mark]:
    """Return the marks of a message in order, without those of the message it replies to."""
    text = str(message.get("text") or message.get("caption") or "")
    return [Mark(int(who), int(nth)) for who, nth in _MARK.findall(text)]


def has_card(message: Message, person: DemoPerson) -> bool:
    """Return True if the message is this customer's card: it has buttons and their document."""
    return "reply_markup" in message and person.tax_id in str(message.get("text", ""))


def troubles(
    messages: Sequence[Message],
    sent: Iterable[Mark],
    people: Sequence[DemoPerson],
    *,
    is_card: IsCard = has_card,
) -> list[str]:
    """Return the faults in a group's messages, which are given oldest first.

    Every text must be there once, or twice if its first delivery was not confirmed. One
    customer's texts must be in the order they were sent, and below the customer's card.
    """
    return [
        *_lost_or_repeated(messages, set(sent)),
        *_out_of_order(messages),
        *_without_card(messages, people, is_card),
    ]


def _lost_or_repeated(messages: Sequence[Message], sent: set[Mark]) -> Iterator[str]:
    found = Counter(mark for message in messages for mark in marks_in(message))
    yield from (f"{mark} is lost" for mark in sorted(sent - found.keys()))
    yield from (f"{mark} was never sent" for mark in sorted(found.keys() - sent))
    for mark, times in sorted(found.items()):
        if times > 2:
            yield f"{mark} is there {times} times"


def _out_of_order(messages: Sequence[Message]) -> Iterator[str]:
    last: dict[int, Mark] = {}
    seen: set[Mark] = set()
    for message in messages:
        for mark in marks_in(message):
            before = last.get(mark.customer)
            if mark in seen:
                continue
            seen.add(mark)
            if before is not None and mark < before:
                yield f"{mark} stands below {before}"
            else:
                last[mark.customer] = mark


def _without_card(
    messages: Sequence[Message], people: Sequence[DemoPerson], is_card: IsCard
) -> Iterator[str]:
    first_text: dict[int, int] = {}
    for place, message in enumerate(messages):
        for mark in marks_in(message):
            first_text.setdefault(mark.customer, place)
    for number, place in sorted(first_text.items()):
        cards = [at for at, message in enumerate(messages) if is_card(message, people[number])]
        if not cards:
            yield f"customer {number:02} has no card"
        elif cards[0] > place:
            yield f"customer {number:02} has texts above their card"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """Delays in seconds, from sending a text to its appearance in the group."""

    count: int
    missing: int
    median_s: float
    p95_s: float
    longest_s: float


def lags(sent: dict[Mark, float], seen: dict[Mark, float]) -> Lags:
    """Return the delays of the texts; missing texts are only counted."""
    late = sorted(seen[mark] - at for mark, at in sent.items() if mark in seen)
    if not late:
        return Lags(count=0, missing=len(sent), median_s=0.0, p95_s=0.0, longest_s=0.0)
    p95 = quantiles(late, n=20, method="inclusive")[-1] if len(late) > 1 else late[0]
    return Lags(
        count=len(late),
        missing=len(sent) - len(late),
        median_s=median(late),
        p95_s=p95,
        longest_s=late[-1],
    )
