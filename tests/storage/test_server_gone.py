"""The server is killed in the middle: every call reports it, and nothing is half-written."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo.documents import make_cpf
from bot.domain.audit import AuditFilter
from bot.domain.conversation import Attendant, Chat, Link, LookupState
from bot.domain.errors import TryLaterError
from bot.domain.reminder import Stage
from storage.engine.connection import answers, connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes, missing_indexes
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.talk.links import Links
from storage.talk.questions import Questions
from storage.talk.queue import Queue
from storage.updates.inbox import Inbox
from storage.updates.outbox import Outbox
from storage.updates.states import States, chat_leases
from tests.patience import HANG_S
from tests.storage.records import (
    CPF,
    NOW,
    TRANSFER,
    TRANSFERRED,
    after,
    conversation,
    outgoing,
    provenance,
    question,
    registration,
    renaming,
)
from tests.storage.servers import connected_until_lost, kill, noted_pid, short_lived

pytestmark = pytest.mark.embedded

LEASE = timedelta(seconds=30)


def every_call(database: Any) -> dict[str, Awaitable[Any]]:
    register, chats, conversations = (
        Registrations(database),
        Chats(database),
        Conversations(database),
    )
    queue, questions = Queue(database), Questions(database)
    audit = Audit(database)
    links, outbox = Links(database), Outbox(database)
    inbox, states, locks = Inbox(database), States(database), chat_leases(database)
    owed = conversation(lookup=LookupState(since=NOW, next_at=NOW))
    return {
        "by_tax_ids": register.by_tax_ids([CPF, make_cpf(1)]),
        "by_id": register.by_id("r1"),
        "create": register.create(registration(id="r9", tax_id=make_cpf(9))),
        "update": register.update(renaming(registration(), "Bia")),
        "delete": register.delete(registration(), provenance()),
        "bring_back": register.bring_back(registration(version=3)),
        "audit_of": audit.audit_of("r1"),
        "entry": audit.entry("r1:1"),
        "page": audit.page(AuditFilter(), timezone=ZoneInfo("UTC"), start=None),
        "people": audit.people(),
        "count": register.count(),
        "chats.get": chats.get(1),
        "chats.put": chats.put(Chat(id=9)),
        "conversations.get": conversations.get("c1"),
        "open_in": conversations.open_in(1),
        "add": conversations.add(conversation(9)),
        "latest_of": conversations.latest_of("r1", count=3),
        "claim": conversations.claim("c1", Attendant(id=1, name="A"), at=NOW),
        "close": conversations.close("c1", None, at=NOW),
        "set_card": conversations.set_card(conversation(card_message_id=1)),
        "identify": conversations.identify(owed),
        "owed_lookups": conversations.owed_lookups(until=after(days=1)),
        "links.add": links.add([Link(group_id=9, message_id=9, conversation_id="c1")]),
        "of_group": links.of_group(1, 1),
        "of_customer": links.of_customer(1, 1),
        "in_topic": conversations.in_topic(1, 1),
        "outbox.add": outbox.add([outgoing(1)]),
        "waiting_in": outbox.waiting_in(1),
        "waiting": outbox.waiting(),
        "outbox.done": outbox.done(["1"], at=NOW),
        "outbox.failed": outbox.failed("1"),
        "again": outbox.again("1", notice=(-100, 1)),
        "all_open": queue.all_open(),
        "by_protocol": queue.by_protocol("p"),
        "open_of": queue.open_of("r1"),
        "last_closed": queue.last_closed(1, since=NOW),
        "transfer": queue.transfer(conversation(), conversation(department_id="d"), TRANSFERRED),
        "settle": queue.set_announced("c1", TRANSFER),
        "reopen": queue.reopen(conversation(closed_at=NOW), None, TRANSFERRED),
        "remind": queue.remind(conversation(), Stage.GROUP, TRANSFERRED),
        "prioritise": queue.prioritise(conversation(), priority=True),
        "drawn": queue.drawn("c1", 3, others=""),
        "versions": queue.versions(["r1"]),
        "questions.get": questions.get(1, 1),
        "questions.put": questions.put(question()),
        "questions.finish": questions.finish(1, 1),
        "inbox.add": inbox.add(1, [(9, "c", {})], at=NOW),
        "pending_chats": inbox.pending_chats(),
        "pending_of": inbox.pending_of("c"),
        "done": inbox.done(1, 1, at=NOW),
        "failed": inbox.failed(1, 1, attempts=1, error="E"),
        "set_aside": inbox.set_aside(1, 1, at=NOW),
        "load": states.load("k"),
        "save": states.save([("k", "s", {})], update_id=9),
        "acquire": locks.acquire("l9", "o", now=NOW, lease=LEASE),
        "renew": locks.renew(["l1"], "o", now=NOW, lease=LEASE),
        "release": locks.release(["l1"], "o"),
        "owners": locks.owners(),
        "answers": answers(database),
        "ensure_indexes": ensure_indexes(database),
        "missing_indexes": missing_indexes(database),
    }


async def contents(database: Any) -> dict[str, list[Any]]:
    names = ["registrations", "audit", "chats", "conversations", "relayed", "inbox", "states"]
    return {name: await database[name].find({}).sort("_id", 1).to_list(None) for name in names}


async def test_when_the_server_is_gone_every_call_may_be_tried_later_and_wrote_nothing(
    data_dir: Path,
):
    async with (
        embedded_server(data_dir) as uri,
        connected_until_lost(uri) as database,
    ):
        await ensure_indexes(database)
        await Registrations(database).create(registration())
        await Conversations(database).add(conversation())
        await Inbox(database).add(1, [(1, "c", {"text": "oi"})], at=NOW)
        await States(database).save([("k", "before", {})], update_id=1)
        before = await contents(database)
        await kill(noted_pid(data_dir))
        calls = every_call(database)
        told = await asyncio.gather(*calls.values(), return_exceptions=True)
    assert {
        name: answer
        for name, answer in zip(calls, told, strict=True)
        if not isinstance(answer, TryLaterError)
    } == {}
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        assert await missing_indexes(database) == []
        assert await contents(database) == before


async def test_a_kill_amid_updates_loses_none_that_was_confirmed_and_halves_none(data_dir: Path):
    confirmed: dict[str, int] = {}

    async def keep_renaming(register: Registrations, key: str) -> None:
        current = registration(id=key, tax_id=make_cpf(int(key)))
        if not await register.create(current):
            return
        confirmed[key] = 1
        while True:
            update = renaming(current, f"n{current.version}")
            if await register.update(update):
                current = update.after
                confirmed[key] = current.version
            if sum(confirmed.values()) > 60:
                killed.set()

    killed = asyncio.Event()
    async with (
        embedded_server(data_dir) as uri,
        connected_until_lost(uri) as database,
    ):
        await ensure_indexes(database)
        register = Registrations(database)
        work = [asyncio.create_task(keep_renaming(register, str(n))) for n in range(1, 9)]
        async with asyncio.timeout(HANG_S):
            await killed.wait()
        await kill(noted_pid(data_dir))
        told = await asyncio.gather(*work, return_exceptions=True)
    assert {type(answer) for answer in told} == {TryLaterError}
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        register = Registrations(database)
        for key, version in confirmed.items():
            stored = await register.by_id(key)
            assert stored
            # The last call got no answer: it took effect in full or not at all.
            assert stored.version in (version, version + 1)
            entries = await database["audit"].find({"registration_id": key}).to_list(None)
            assert sorted(entry["_id"] for entry in entries) == sorted(
                f"{key}:{n}" for n in range(1, stored.version + 1)
            )
