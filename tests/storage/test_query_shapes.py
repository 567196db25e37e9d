"""Every query of storage equals a plain filter in memory on random data."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    EventKind,
    Link,
    LookupState,
)
from bot.domain.job import Job, JobKind, JobState
from bot.domain.registration import Registration
from bot.domain.tax_id import TaxId
from storage.jobs.jobs import Jobs
from storage.people.data_subject import DataSubjects
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.talk.links import Links
from storage.updates.inbox import Inbox
from storage.updates.states import States, chat_leases
from tests.storage.records import (
    NOW,
    after,
    chat,
    conversation,
    provenance,
    registration,
    renaming,
)

SEEDS = [1]
T = TypeVar("T")


def random_tax_id(random: Random) -> TaxId:
    if random.random() < 0.5:
        return make_cpf(random.randrange(1, 400))
    if random.random() < 0.5:
        return make_cnpj("12ABC345" + "".join(random.choices("01AZ", k=4)))
    return TaxId(str(random.randrange(100, 400)), random.choice(["US", "PT"]))


def moment(random: Random) -> datetime:
    return NOW + timedelta(milliseconds=random.randrange(-2000, 2000))


def by_id(records: Iterable[T]) -> list[str]:
    return sorted(record.id for record in records)  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", SEEDS)
async def test_registrations_by_tax_id_and_their_audit(database: Any, seed: int):
    random = Random(seed)  # noqa: S311 - the same data each time
    register, audit = Registrations(database), Audit(database)
    stored: dict[str, Registration] = {}
    for number in range(200):
        tax_id = random_tax_id(random) if random.random() < 0.9 else None
        one = registration(
            id=f"r{number}", tax_id=tax_id, country=tax_id.country if tax_id else "BR"
        )
        taken = tax_id is not None and any(r.tax_id == tax_id for r in stored.values())
        assert await register.create(one) is not taken
        if not taken:
            stored[one.id] = one
    changes: dict[str, list[str]] = {key: [] for key in stored}
    for number in range(150):
        key = random.choice(list(stored))
        update = renaming(stored[key], f"n{number}", at=after(seconds=number))
        assert await register.update(update)
        stored[key] = update.after
        changes[key].append(f"n{number}")
    for size in (1, 2, 50, 130):
        asked = [random_tax_id(random) for _ in range(size)]
        expected = {r.tax_id.key: r for r in stored.values() if r.tax_id and r.tax_id in asked}
        assert await register.by_tax_ids(asked) == expected
    for key in [f"r{n}" for n in range(0, 200, 3)]:
        assert await register.by_id(key) == stored.get(key)
        entries = (await audit.audit_of(key))[::-1]
        audited = [entry.changes[0].after for entry in entries if entry.changes]
        assert audited == changes.get(key, [])


def with_event(
    known: Conversation, who: Attendant, what: EventKind, **values: Any
) -> Conversation:
    """Return the conversation after a change, with its line of history."""
    event = ConversationEvent(at=NOW, by=f"user:{who.id}", what=what, detail=who.name)
    return replace(known, **values, events=(*known.events, event))


@pytest.mark.parametrize("seed", SEEDS)
async def test_conversations_by_chat_registration_and_owed_lookup(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    conversations = Conversations(database)
    stored: dict[str, Conversation] = {}
    for number in range(250):
        owed = LookupState(since=NOW, next_at=moment(random)) if random.random() < 0.4 else None
        one = conversation(
            number,
            chat_id=random.randrange(-60, 60),
            registration_id=random.choice([None, "r1", "r2", "r3"]),
            opened_at=after(seconds=random.randrange(10**6)),
            lookup=owed,
        )
        free = not any(c.chat_id == one.chat_id and c.is_open for c in stored.values())
        assert await conversations.add(one) is free
        if free:
            stored[one.id] = one
        key = random.choice(list(stored))
        known = stored[key]
        if random.random() < 0.3:
            who = Attendant(id=number, name="A")
            claimed = await conversations.claim(key, who, at=NOW)
            assert claimed is (known.claimed_by is None and known.is_open)
            if claimed:
                known = with_event(known, who, EventKind.CLAIMED, claimed_by=who, claimed_at=NOW)
        elif random.random() < 0.6:
            who = Attendant(id=number, name="A")
            assert await conversations.close(key, who, at=NOW) is known.is_open
            if known.is_open:
                known = with_event(known, who, EventKind.CLOSED, closed_by="A", closed_at=NOW)
        else:
            state = LookupState(since=NOW, next_at=moment(random))
            lookup = random.choice([None, state])
            known = replace(known, lookup=lookup)
            await conversations.identify(known)
        stored[key] = known
    assert await asyncio.gather(*[conversations.get(key) for key in stored]) == [*stored.values()]
    assert await conversations.count_open() == sum(c.is_open for c in stored.values())
    for chat_id in range(-60, 60):
        [*expected] = [c for c in stored.values() if c.chat_id == chat_id and c.is_open]
        assert await conversations.open_in(chat_id) == (expected[0] if expected else None)
    for until in [moment(random) for _ in range(30)]:
        due = [c for c in stored.values() if c.lookup and c.lookup.next_at <= until]
        assert by_id(await conversations.owed_lookups(until=until)) == by_id(due)
    for registration_id in ("r1", "r2", "r3", "r4"):
        of_it = [c for c in stored.values() if c.customer.registration_id == registration_id]
        newest = sorted(of_it, key=lambda c: c.opened_at, reverse=True)[:5]
        assert await conversations.latest_of(registration_id, count=5) == newest


def _pairs(link: Link) -> tuple[str, tuple[int, ...]]:
    return link.conversation_id, link.customer_message_ids


@pytest.mark.parametrize("seed", SEEDS)
async def test_messages_chats_and_states_by_key(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    conversations, chats, states = Conversations(database), Chats(database), States(database)
    for number in range(3):
        await conversations.add(conversation(number))
    links, relayed = Links(database), dict[tuple[int, int], Link]()
    kept: dict[int, Chat] = {}
    saved: dict[str, tuple[str | None, dict[str, Any], int]] = {}
    for number in range(200):
        place = random.choice([-100, -10, 1]), random.randrange(40)
        message = Link(
            group_id=place[0],
            message_id=place[1],
            conversation_id=f"c{number % 3}",
            customer_chat_id=7,
            customer_message_ids=tuple(random.sample(range(30), number % 3)),
        )
        await links.add([message])
        relayed.setdefault(place, message)
        chat = Chat(id=random.randrange(-30, 30), attempts=tuple(str(number)))
        await chats.put(chat)
        kept[chat.id] = chat
        key, data = f"k{random.randrange(30)}", {"n": number}
        await states.save([(key, f"s{number}", data)], update_id=number)
        saved[key] = f"s{number}", data, number
    for group_id in (-100, -10, 1):
        for message_id in range(40):
            found = await links.of_group(group_id, message_id)
            wanted = relayed.get((group_id, message_id))
            assert (found and _pairs(found)) == (wanted and _pairs(wanted))
    for message_id in range(30):
        of_it = [link for link in relayed.values() if message_id in link.customer_message_ids]
        latest = max((link.message_id for link in of_it), default=None)
        found = await links.of_customer(7, message_id)
        assert (found.message_id if found else None) == latest
    ids = range(-35, 35)
    assert await asyncio.gather(*[chats.get(n) for n in ids]) == [kept.get(n) for n in ids]
    for number in range(35):
        assert await states.load(f"k{number}") == saved.get(f"k{number}", (None, {}, 0))


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_waits_in_the_inbox(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    inbox = Inbox(database)
    waiting: dict[tuple[int, int], tuple[str, int]] = {}
    seen, aside = set(), set()
    keys = ["-", "5", "55", "-100555", "~"]
    for _ in range(300):
        bot, update_id = random.choice([1, 2]), random.randrange(120)
        match random.choice(["add", "add", "add", "done", "failed", "set aside"]):
            case "add":
                key = random.choice(keys)
                new = await inbox.add(bot, [(update_id, key, {"n": update_id})], at=NOW)
                assert new == [(bot, update_id) not in seen]
                if (bot, update_id) not in seen:
                    waiting[bot, update_id] = key, 0
                seen.add((bot, update_id))
            case "done":
                await inbox.done(bot, update_id, at=NOW)
                waiting.pop((bot, update_id), None)
            case "set aside":
                await inbox.set_aside(bot, update_id, at=NOW)
                aside |= {(bot, update_id)} & seen
                waiting.pop((bot, update_id), None)
            case "failed":
                await inbox.failed(bot, update_id, attempts=2, error="E")
                if (bot, update_id) in waiting:
                    waiting[bot, update_id] = waiting[bot, update_id][0], 2
    assert sorted(await inbox.pending_chats()) == sorted({key for key, _ in waiting.values()})
    assert await inbox.waiting() == (len(waiting), len(aside))
    found = await asyncio.gather(*[inbox.pending_of(key) for key in keys])
    for key, of_it in zip(keys, found, strict=True):
        expected = [(u, {"n": u}, n) for (_, u), (k, n) in waiting.items() if k == key]
        assert [u for u, _, _ in of_it] == sorted(u for u, _, _ in of_it)
        assert sorted(of_it, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("seed", SEEDS)
async def test_locks_by_owner_and_time(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    locks = chat_leases(database)
    held: dict[str, tuple[str, datetime]] = {}
    numbers: dict[str, int] = {}
    names, lease = [f"l{n}" for n in range(25)], timedelta(seconds=1)
    # Today's: the server deletes leases that ended a day ago.
    since = timedelta(days=(datetime.now(UTC) - NOW).days)
    for _ in range(300):
        name, owner, now = random.choice(names), random.choice("abc"), since + moment(random)
        some = random.sample(names, random.randrange(6))
        mine = [n for n in some if n in held and held[n][0] == owner]
        match random.choice(["acquire", "acquire", "renew", "release"]):
            case "acquire":
                free = name not in held or held[name][1] < now or held[name][0] == owner
                got = await locks.acquire(name, owner, now=now, lease=lease)
                assert bool(got) is free
                if got:
                    assert got.number > numbers.get(name, 0)
                    assert got.is_takeover is (name in held and held[name][0] != owner)
                    numbers[name] = got.number
                    held[name] = owner, now + lease
            case "renew":
                kept = await locks.renew(some, owner, now=now, lease=lease)
                assert sorted(kept) == sorted(mine)
                held |= dict.fromkeys(mine, (owner, now + lease))
            case "release":
                await locks.release(some, owner)
                for n in mine:
                    # The clock of the next one can be behind, as it is random here.
                    del held[n], numbers[n]
    assert sorted(await locks.owners()) == sorted((n, o) for n, (o, _) in held.items())


@pytest.mark.parametrize("seed", SEEDS)
async def test_jobs_by_their_marks_and_owners(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    store = Jobs(database)
    jobs: dict[int, Job] = {}
    for _ in range(60):
        job = await store.add(
            Job(
                id=0,
                kind=random.choice([*JobKind]),
                state=random.choice([*JobState]),
                by="admin:1",
                created_at=NOW,
            )
        )
        jobs[job.id] = job
    for _ in range(100):
        job_id, owner, now = random.choice([*jobs]), random.choice("abc"), moment(random)
        job, lease = jobs[job_id], timedelta(seconds=1)
        change: dict[str, Any]
        match random.choice(["acquire", "renew", "release"]):
            case "acquire":
                is_done = job.until is None or job.until < now or job.owner == owner
                got = await store.leases.acquire(job_id, owner, now=now, lease=lease)
                assert bool(got) is is_done
                change = {"owner": owner, "until": now + lease}
            case "renew":
                is_done = job.owner == owner
                kept = await store.leases.renew([job_id], owner, now=now, lease=lease)
                assert kept == [job_id] * is_done
                change = {"until": now + lease}
            case "release":
                is_done = job.owner == owner
                await store.leases.release([job_id], owner)
                change = {"owner": None, "until": None}
        if is_done:
            jobs[job_id] = job.model_copy(update={**change, "version": job.version + 1})
        assert await store.get(job_id) == jobs[job_id]
    assert await store.active() == [job for job in jobs.values() if job.needs_work]
    backups = [job for job in jobs.values() if job.kind is JobKind.BACKUP]
    assert await store.backups() == backups[::-1]
    held = [(job.id, job.owner) for job in jobs.values() if job.owner and job.needs_work]
    assert sorted(await store.leases.owners()) == held


@pytest.mark.parametrize("seed", SEEDS)
async def test_everything_about_one_person(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    register, subjects = Registrations(database), DataSubjects(database)
    chats, conversations = Chats(database), Conversations(database)
    documents = [make_cpf(number) for number in range(1, 12)]
    there: dict[str, Registration] = {}
    deleted: list[Registration] = []
    for number in range(60):
        tax_id = random.choice(documents)
        if found := there.pop(tax_id.key, None):
            assert await register.delete(found, provenance(at=after(seconds=number)))
            deleted.append(found)
            continue
        there[tax_id.key] = registration(id=f"r{number}", tax_id=tax_id)
        assert await register.create(there[tax_id.key])
    ids = [f"r{number}" for number in range(60)]
    kept: dict[int, Chat] = {}
    held: list[Conversation] = []
    for number in range(150):
        links = {
            "tax_id": random.choice([None, *documents]),
            "registration_id": random.choice([None, *ids]),
        }
        one = chat(random.randrange(1, 60), **links)
        await chats.put(one)
        kept[one.id] = one
        held.append(conversation(number, chat_id=1_000 + number, **links))
        assert await conversations.add(held[-1])
    for tax_id in documents:
        traces = await subjects.of_tax_id(tax_id)
        assert traces.registration == there.get(tax_id.key)
        of_it = [one.id for one in deleted if one.tax_id == tax_id]
        assert sorted(one.id for one in traces.deleted) == sorted(of_it)
        mine = {*of_it, *([traces.registration.id] if traces.registration else [])}
        assert by_id(traces.conversations) == by_id(
            one
            for one in held
            if one.customer.tax_id == tax_id or one.customer.registration_id in mine
        )
        assert by_id(traces.chats) == by_id(
            one
            for one in kept.values()
            if one.customer.tax_id == tax_id or one.customer.registration_id in mine
        )
