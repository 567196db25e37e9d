"""What is looked at when a run is over: people's chats, the wire, the database, the log."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from bot.demo.ixc import CREDENTIAL
from handlers.customer import texts
from tests.chaos.crowd import ADMIN_ID, GROUP_ID, IMPORTED, SECRET, SURNAME, Crowd, Word, marks_in
from tests.chaos.plan import MARKED, What
from tests.chaos.telegram import MARK, Call, is_change, is_send

_JSON_FAULTS: Final = (What.SERVER_ERROR,)
"""Answers in which Telegram itself says that it did not do it."""
_IN_FLIGHT_S: Final = 10.0
"""A call this long before a kill may have been marked as sent nowhere."""
_CHARACTERS: Final = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One answer to /healthz: when it was asked for and answered, and whether all was well."""

    asked_at: float
    answered_at: float
    is_well: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database holds at the end."""

    pending: list[str]
    aside_in: list[str]
    """The chats of the updates that were set aside."""
    waiting: list[str]
    jobs: list[str]
    tax_ids: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    crowd: Crowd
    calls: Sequence[Call]
    stored: Stored
    log: str
    secrets: Sequence[str]
    killed: Sequence[float]
    ended: Sequence[str]
    replicas: int
    """How many bots worked at a time."""
    health: Sequence[Health]
    down: Sequence[tuple[float, float]]
    """When the whole database was away."""
    is_well: bool
    """What /healthz said at the end."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, and what is only worth knowing."""

    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def judge(found: Evidence) -> Findings:
    """Return all that is wrong."""
    findings = Findings()
    wrong = findings.wrong
    wrong.extend(f"the process ended by itself: {how}" for how in found.ended)
    wrong.extend(_stored(found))
    _words(found, findings)
    for look in (_order, _repeats, _impatience, _health, _leaks):
        wrong.extend(look(found))
    return findings


def _stored(found: Evidence) -> Iterator[str]:
    stored, crowd = found.stored, found.crowd
    admins = _texts(crowd, ADMIN_ID)
    alerts = sum("posta de lado" in said or "postas de lado" in said for said in admins)
    for who, what in sorted(crowd.waits.items()):
        # An admin who was told can have it done again.
        if not alerts or (who != ADMIN_ID and str(who) not in stored.aside_in):
            yield f"{who} waits for {what}"
    if crowd.telegram.pending_updates:
        yield f"{crowd.telegram.pending_updates} updates were never taken from Telegram"
    if stored.pending:
        yield f"updates not handled in chats {sorted(set(stored.pending))}"
    if stored.waiting:
        yield f"messages not sent: {stored.waiting}"
    if stored.jobs:
        yield f"jobs not ended: {stored.jobs}"
    if crowd.is_imported:
        bad = {str(stored.tax_ids[one.number]) for one in IMPORTED} - {"1"}
        if bad:
            yield f"imported rows are there {', '.join(sorted(bad))} times"
    if twice := [n for n in stored.tax_ids.values() if n > 1]:
        yield f"{len(twice)} documents are registered more than once"
    if stored.aside_in and not alerts:
        yield f"{len(stored.aside_in)} updates set aside, and no admin was told"


def _words(found: Evidence, findings: Findings) -> None:
    """Every word has arrived, or its writer was told."""
    arrived = {(mark, call.chat_id) for call in found.calls if call.is_done for mark in call.words}
    replaced = {word.corrects: word.mark for word in found.crowd.words if word.corrects}
    for word in found.crowd.words:
        # Whoever corrects a text wants the new one to arrive.
        versions = [word.mark]
        while (later := replaced.get(versions[-1])) is not None:
            versions.append(later)
        if any((mark, word.to) in arrived for mark in versions):
            continue
        how = _told(found.crowd, word)
        what = f"{word.kind} {word.mark} of {word.author}"
        if how:
            findings.told.append(f"{what} did not arrive; {how}")
        else:
            findings.wrong.append(f"{what} is lost, and nobody was told")


def _told(crowd: Crowd, word: Word) -> str:
    """Return who was told that the word did not arrive; empty if nobody."""
    for message in crowd.from_bot(word.chat_id):
        below = message.get("reply_to_message", {}).get("message_id")
        if below == word.message_id and not marks_in(message):
            return "its writer was told"
    if word.chat_id != GROUP_ID and texts.SOMETHING_WENT_WRONG in _texts(crowd, word.chat_id):
        return "its writer was told to write again"
    if any("posta de lado" in said for said in _texts(crowd, ADMIN_ID)):
        return "an admin was told"
    return ""


def _order(found: Evidence) -> Iterator[str]:
    """In each conversation, each direction keeps its order; the first arrival of each counts."""
    first: dict[tuple[str, int], int] = {}
    for at, call in enumerate(found.calls):
        if call.is_done and is_send(call):
            for mark in call.words:
                first.setdefault((mark, call.chat_id), at)
    written: dict[tuple[int, int], list[Word]] = defaultdict(list)
    for word in found.crowd.words:
        if word.kind != "edit":
            written[word.conversation, word.to].append(word)
    for (conversation, to), words in written.items():
        came = [(first[w.mark, to], w.mark) for w in words if (w.mark, to) in first]
        for before, after in pairwise(came):
            if after[0] < before[0]:
                yield f"in the conversation of {conversation}, {after[1]} is above {before[1]}"


def _repeats(found: Evidence) -> Iterator[str]:
    """At most one repeat for a send that was not confirmed, and one more for each kill."""
    by_word: dict[tuple[str, int], list[Call]] = defaultdict(list)
    for call in found.calls:
        if is_send(call):
            for mark in set(call.words):
                by_word[mark, call.chat_id].append(call)
    for (mark, chat_id), calls in by_word.items():
        done = [call for call in calls if call.is_done]
        lied = sum(call.is_unconfirmed and call.fault in _JSON_FAULTS for call in done)
        unconfirmed = any(call.is_unconfirmed and call.fault not in _JSON_FAULTS for call in done)
        killed = sum(
            any(call.begun_at <= at <= call.ended_at + _IN_FLIGHT_S for call in done)
            for at in found.killed
        )
        allowed = 1 + lied + unconfirmed + killed
        if len(done) > allowed:
            how = ", ".join(
                f"{call.method}{f' ({call.fault})' if call.fault else ''}" for call in calls
            )
            yield f"{mark} is in {chat_id} {len(done)} times, allowed {allowed}: {how}"


def _impatience(found: Evidence) -> Iterator[str]:
    """Nobody calls for a chat before the time that Telegram asked to wait."""
    if found.replicas > 1:
        return  # what one of them was asked, the other does not know
    until: dict[int, tuple[float, int]] = {}
    for call in found.calls:
        if not is_change(call) or not call.chat_id:
            continue
        free_at, asked_s = until.get(call.chat_id, (0.0, 0))
        began_before = any(free_at - asked_s <= at <= call.begun_at for at in found.killed)
        if call.begun_at < free_at and not began_before:
            early_s = free_at - call.begun_at
            yield f"{call.method} {early_s:.1f} s before the end of a retry_after of {asked_s} s"
        if call.retry_after_s and call.ended_at + call.retry_after_s > free_at:
            until[call.chat_id] = call.ended_at + call.retry_after_s, call.retry_after_s


def _health(found: Evidence) -> Iterator[str]:
    if not found.is_well:
        yield "/healthz does not say 200 at the end"
    for begin, end in found.down:
        lies = [
            h for h in found.health if begin < h.asked_at and h.answered_at < end and h.is_well
        ]
        if lies:
            yield f"/healthz said 200 {len(lies)} times while the database was away"


def _leaks(found: Evidence) -> Iterator[str]:
    """No line of the log holds a text, a name, a telephone, a document or a secret."""
    log = found.log
    squeezed = _CHARACTERS.sub("", log)
    for what, words in _personal(found).items():
        for one in words:
            # However a number is written.
            if one in log or (one.isdigit() and one in squeezed):
                line = next((line for line in log.splitlines() if one in line), "over lines")
                yield f"the log holds {what}: {_blanked(line, one)}"
                break
    if "Traceback" in log:
        yield f"the log holds {log.count('Traceback')} tracebacks"


def _personal(found: Evidence) -> Mapping[str, Iterable[str]]:
    customers = found.crowd.people
    return {
        "a text": (SECRET, "particular", *sorted(MARK.findall(log_words(found)))),
        "a name": (SURNAME, "Zulmira", "Importado"),
        "what another server said": (MARKED, "nginx"),
        "a telephone": [one.phone[1:] for one in customers] + [one.phone[3:] for one in customers],
        "a document": [one.tax_id.number for one in customers] + [one.number for one in IMPORTED],
        "a secret": (*found.secrets, CREDENTIAL.split(":")[1]),
    }


def log_words(found: Evidence) -> str:
    return " ".join(word.mark for word in found.crowd.words)


def _blanked(line: str, secret: str) -> str:
    at = line.find(secret)
    return line[max(0, at - 160) : at + 40].replace(secret, "█" * 5)


def _texts(crowd: Crowd, chat_id: int) -> list[str]:
    return [str(message.get("text", "")) for message in crowd.from_bot(chat_id)]


def summary(evidence: Evidence) -> dict[str, Any]:
    """Return counts of what went through, so that a run that tried nothing is seen."""
    calls = evidence.calls
    return {
        "words": len(evidence.crowd.words),
        "calls": len(calls),
        "spoilt": sum(call.fault is not None for call in calls),
        "unconfirmed": sum(call.is_unconfirmed and is_send(call) for call in calls),
        "set aside": len(evidence.stored.aside_in),
    }
