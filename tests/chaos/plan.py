"""The plan of a run: what goes wrong, where, when and how long; a pure function of its seed."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MARKED: Final = "CANARIO-7731"
"""A word in every foreign text that the proxies invent: it must never reach a log."""


class Where(StrEnum):
    TELEGRAM = "telegram"
    MONGODB = "mongodb"
    ERP = "erp"
    NATS = "nats"
    PROCESS = "process"


class What(StrEnum):
    """The kinds of faults. Of a wire: `value` is a number that belongs to the kind."""

    DELAY = "delay"
    """value: seconds."""
    DOWN = "down"
    """All connections are reset, and new ones too."""
    RESET = "reset"
    CLOSE = "close"
    """The connection ends in order, without an answer."""
    HALF = "half a body"
    HTML = "html"
    """A page of a proxy in between; value: the status."""
    NO_JSON = "no object"
    """Well-formed answers that mean nothing; value: which one."""
    SERVER_ERROR = "5xx"
    """value: the status; in JSON where the place speaks it."""
    TOO_MANY = "429"
    """value: retry_after."""
    REFUSAL = "unknown refusal"
    """Telegram's `ok: false`, for a reason that nobody knows; value: which one."""
    FIELD = "unknown field"
    VARIANT = "unknown variant"
    CODE = "code"
    """MongoDB refuses; value: the code."""
    KILL = "SIGKILL"
    STOP = "SIGSTOP"
    """A second process takes over meanwhile."""
    CLOCK = "clock"
    """The process's wall clock is wrong; value: by how many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    at_s: float
    for_s: float
    where: Where
    what: What
    on: str = "all"
    """Which calls; the proxies say what they call them."""
    value: int = 0
    is_after: bool = False
    """True if the call is done, and only its answer is lost or wrong."""
    share: float = 1.0
    """The part of these calls that are hit."""

    @property
    def until_s(self) -> float:
        return self.at_s + self.for_s

    def __str__(self) -> str:
        when = f"{self.at_s:6.2f} s, for {self.for_s:5.2f} s"
        after = " after doing it" if self.is_after else ""
        share = "" if self.share == 1 else f", {self.share:.0%} of them"
        value = f" {self.value}" if self.value else ""
        return f"{when}: {self.where}, {self.on}: {self.what}{value}{after}{share}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    seconds: float
    """The length of the time with faults."""
    is_forum: bool
    has_worker: bool = False
    """Jobs are carried by NATS, and done by `balcao worker` too."""
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return "\n".join([self.title, *map(str, self.faults)])

    @property
    def title(self) -> str:
        group = "a forum" if self.is_forum else "a plain group"
        worker = ", with a worker" if self.has_worker else ""
        return f"seed {self.seed}, {self.seconds:g} s, {group}{worker}"


# One fault in so many seconds.
_TELEGRAM_S: Final = 2.5
_MONGODB_S: Final = 5.0
_ERP_S: Final = 8.0
_PROCESS_S: Final = 25.0
_STOPPED_S: Final = 18.0
"""Longer than a lease."""
_LONG_S: Final = 2.5 * _STOPPED_S

_CALLS: Final = (
    *("all", "all", "all", "sends", "sends", "sends", "sends", "updates", "updates", "updates"),
    *("sendMessage", "sendMessage", "copies", "edits", "reads", "answers"),
)
_PAGES: Final = (502, 504, 502, 503, 403, 404, 401, 200, 429)
_CODES: Final = (8000, 13, 189, 11600, 91, 99999, 10107, 50, 262, 17280, 96, 2)
_COLLECTIONS: Final = (
    *("all", "all", "reads", "writes", "inbox", "outbox", "relayed", "conversations", "chats"),
    *("states", "locks", "jobs", "registrations", "reads inbox", "writes inbox", "reads outbox"),
    *("writes outbox", "writes relayed"),
)


def plan(seed: int, seconds: float, *, has_clock: bool = True, has_nats: bool = True) -> Plan:
    """Return the plan of this seed.

    has_clock: True if clocks of processes can be moved; has_nats: True if NATS is at hand.
    """
    draw = random.Random(seed)  # noqa: S311 - faults that can be had again
    faults: list[Fault] = []
    for every_s, make in (
        (_TELEGRAM_S, _telegram),
        (_MONGODB_S, _mongodb),
        (_ERP_S, _erp),
    ):
        for _ in range(max(1, round(seconds / every_s))):
            at_s = draw.uniform(0.0, seconds * 0.95)
            made = make(draw, at_s, min(draw.uniform(0.5, 7.0), seconds - at_s))
            faults.append(made)
    faults += _processes(draw, seconds, has_clock=has_clock)
    is_forum, has_worker = draw.random() < 0.5, draw.random() < 0.3 and has_nats
    if has_worker:
        faults += [_nats(draw, seconds) for _ in range(2)]
        faults.append(_kill("worker", draw.uniform(0.3, 0.7) * seconds))
    faults.sort(key=lambda fault: fault.at_s)
    return Plan(
        seed=seed,
        seconds=seconds,
        is_forum=is_forum,
        has_worker=has_worker,
        faults=tuple(faults),
    )


def _telegram(draw: random.Random, at_s: float, for_s: float) -> Fault:
    what = draw.choice(
        (
            *(What.DELAY, What.DOWN, What.RESET, What.RESET, What.CLOSE, What.HALF, What.HALF),
            *(What.HTML, What.HTML, What.HTML, What.NO_JSON, What.SERVER_ERROR, What.TOO_MANY),
            *(What.REFUSAL, What.FIELD, What.VARIANT, What.VARIANT),
        )
    )
    value = {
        What.DELAY: draw.randint(1, 3),
        What.HTML: draw.choice(_PAGES),
        What.NO_JSON: draw.randint(1, 6),
        What.SERVER_ERROR: draw.choice((500, 502, 503)),
        What.TOO_MANY: draw.choice((1, 2, 3, 8, 15)),
        What.REFUSAL: draw.randint(1, 6),
    }.get(what, 0)
    is_always_after = what in (What.FIELD, What.VARIANT)
    is_never_after = what in (What.DELAY, What.DOWN, What.TOO_MANY, What.REFUSAL)
    return Fault(
        at_s=at_s,
        for_s=for_s,
        where=Where.TELEGRAM,
        what=what,
        on="all" if what is What.DOWN else draw.choice(_CALLS),
        value=value,
        is_after=is_always_after or (not is_never_after and draw.random() < 0.5),
        share=draw.choice((1.0, 1.0, 0.5)),
    )


def _mongodb(draw: random.Random, at_s: float, for_s: float) -> Fault:
    what = draw.choice(
        (What.DELAY, What.DOWN, What.RESET, What.CLOSE, What.CODE, What.CODE, What.CODE)
    )
    return Fault(
        at_s=at_s,
        for_s=for_s,
        where=Where.MONGODB,
        what=what,
        on="all" if what is What.DOWN else draw.choice(_COLLECTIONS),
        value={What.CODE: draw.choice(_CODES), What.DELAY: draw.randint(1, 2)}.get(what, 0),
        is_after=what not in (What.DELAY, What.DOWN) and draw.random() < 0.3,
        share=draw.choice((1.0, 1.0, 0.3)),
    )


def _erp(draw: random.Random, at_s: float, for_s: float) -> Fault:
    kinds = (What.DELAY, What.DOWN, What.CLOSE, What.HALF, What.HTML, What.NO_JSON)
    what = draw.choice((*kinds, What.SERVER_ERROR))
    value = {
        What.DELAY: draw.randint(1, 6),
        What.HTML: draw.choice(_PAGES),
        What.NO_JSON: draw.randint(1, 6),
        What.SERVER_ERROR: draw.choice((500, 502, 503)),
    }.get(what, 0)
    return Fault(at_s=at_s, for_s=for_s, where=Where.ERP, what=what, value=value)


def _nats(draw: random.Random, seconds: float) -> Fault:
    what = draw.choice((What.DELAY, What.DOWN, What.RESET))
    return Fault(
        at_s=draw.uniform(0.0, seconds * 0.9),
        for_s=draw.uniform(0.5, 5.0),
        where=Where.NATS,
        what=what,
        value=1 if what is What.DELAY else 0,
    )


def _kill(who: str, at_s: float) -> Fault:
    return Fault(at_s=at_s, for_s=0.0, where=Where.PROCESS, what=What.KILL, on=who)


def _processes(draw: random.Random, seconds: float, *, has_clock: bool) -> list[Fault]:
    """Return what happens to the process, one after the other."""
    found: list[Fault] = []
    at_s = draw.uniform(3.0, 10.0)
    while at_s < seconds - 2:
        kinds = [What.KILL] * 4 + [What.CLOCK] * 2 * has_clock
        # A process that stands still suffers nothing else, so mostly in the longer runs.
        kinds += [What.STOP] * (3 if seconds > _LONG_S else 1)
        what = draw.choice(kinds)
        if what is What.STOP:
            at_s = max(1.0, min(at_s, seconds - _STOPPED_S))
        for_s = {
            What.KILL: draw.choice((0.0, 2.0)),
            What.STOP: _STOPPED_S,
            What.CLOCK: draw.uniform(4.0, 10.0),
        }[what]
        value = draw.choice((-3600, -40, 40, 3600)) if what is What.CLOCK else 0
        found.append(
            Fault(at_s=at_s, for_s=for_s, where=Where.PROCESS, what=what, on="bot", value=value)
        )
        at_s += for_s + draw.uniform(_PROCESS_S / 4, _PROCESS_S)
    return found
