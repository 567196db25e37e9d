"""A restored backup equals the database; a refused one gives its reason and changes nothing."""

import asyncio
import contextlib
import gzip
import os
import signal
import stat
import struct
import sys
import tracemalloc
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import bson
import pytest

from bot.domain.audit import Event
from bot.domain.candidate import Change
from bot.domain.conversation import Attendant, Chat, Link
from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.backup import file as backup_file
from storage.backup.backup import (
    COLLECTIONS,
    Progress,
    Stage,
    back_up,
    check_backup,
    held,
    refuse_half_restored,
    restore,
)
from storage.engine.indexes import ensure_indexes
from storage.engine.scan import delete_all, scan
from storage.engine.schema import VERSION
from storage.register.audit import Audit
from storage.register.ids import new_ids
from storage.register.registrations import Registrations
from storage.register.verify import verify
from storage.talk.conversations import Chats, Conversations
from storage.talk.links import Links
from tests.databases import Databases
from tests.patience import HANG_S
from tests.storage.broken_places import fill, mounted
from tests.storage.records import NOW, chat, conversation, registration, renaming
from tests.storage.servers import connected_until_lost, noted_pid, short_lived

MAGIC = b"balcao backup\n"
TEXTS = ["", "Ana", "João d'Ávila", "日本語", "🙂\u0301", "a\0b", "x" * 2000]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def silent(_: Progress) -> None:
    """Ignore the progress."""


def a_value(random: Random, depth: int = 3) -> Any:
    simple: list[Callable[[], Any]] = [
        lambda: None,
        lambda: random.choice(TEXTS),
        lambda: random.choice([True, False]),
        lambda: random.choice([0, -1, 2**31, -(2**63), bson.Int64(5), 5.0, -0.0, 1e300]),
        lambda: NOW + timedelta(milliseconds=random.randrange(-(10**13), 10**12)),
        lambda: random.choice([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]),
        lambda: random.randbytes(random.randrange(20)),
        lambda: random.choice([bson.ObjectId(), bson.Decimal128("1.10"), bson.Regex("a", "i")]),
    ]
    nested: list[Callable[[], Any]] = [
        lambda: [a_value(random, depth - 1) for _ in range(random.randrange(4))],
        lambda: {
            f"{random.choice('ãzy')}{n}": a_value(random, depth - 1)
            for n in range(random.randrange(4))
        },
    ]
    return random.choice(simple + nested if depth else simple)()


def a_document(random: Random, name: str) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "relayed": {"conversation_id": uuid.UUID(int=random.getrandbits(128)).hex},
        "conversations": {"protocol": random.randbytes(8).hex()},
        "audit": {"registration_id": uuid.UUID(int=random.getrandbits(128)).hex},
        "registrations": {"tax_key": random.randbytes(8).hex()},
    }
    key: Any = uuid.UUID(int=random.getrandbits(128)).hex
    if name == "chats":
        key = random.randrange(10**10)
    values = {f"f{n}": a_value(random) for n in range(random.randrange(8))}
    # The key is not first here, but servers put it first.
    return {**values, **known.get(name, {}), "_id": key}


async def stored(database: Any, name: str) -> list[bytes]:
    """Return the bytes of every document, read with the plainest query."""
    options = bson.CodecOptions(document_class=bson.raw_bson.RawBSONDocument)
    documents = await database[name].with_options(codec_options=options).find({}).to_list(None)
    return sorted(bytes(document.raw) for document in documents)


async def all_stored(database: Any) -> dict[str, list[bytes]]:
    return {name: await stored(database, name) for name in COLLECTIONS}


def frames(path: Path) -> list[tuple[str, bytes]]:
    with backup_file.reading(path) as backup:
        return sorted(backup.documents(COLLECTIONS))


async def fill_at_random(
    database: Any, seed: int, count: int = 300, names: Sequence[str] = COLLECTIONS
) -> None:
    random = Random(seed)  # noqa: S311 - the same data each time
    for name in names:
        await database[name].insert_many([a_document(random, name) for _ in range(count)])


async def saved(database: Any, path: Path) -> Path:
    await back_up(database, path, at=NOW, report=silent)
    return path


async def restored(database: Any, path: Path, *, replace: bool = False) -> None:
    tallies = check_backup(path, silent)
    await restore(database, path, tallies, replace=replace, at=NOW, report=silent)


@pytest.fixture
async def other(databases: Databases) -> AsyncIterator[Any]:
    """Give a second, empty database."""
    async with databases.lent() as lent:
        yield lent


@pytest.mark.parametrize(("seed", "many"), [(1, 80), (2, 600)], ids=["at once", "in windows"])
async def test_every_value_comes_back_as_it_was(
    database: Any, other: Any, tmp_path: Path, seed: int, many: int
):
    counts = {name: 40 if n % 3 else many for n, name in enumerate(COLLECTIONS)}
    for name, count in counts.items():
        await fill_at_random(database, seed, count=count, names=[name])
    first = await back_up(database, tmp_path / "1", at=NOW, report=silent)
    await restored(other, tmp_path / "1")
    assert await all_stored(other) == await all_stored(database)
    with (tmp_path / "2").open("wb") as pipe:
        again = await back_up(other, pipe, at=NOW, report=silent)
    assert first == again
    assert frames(tmp_path / "1") == frames(tmp_path / "2")
    assert {name: tally.count for name, tally in first.items()} == counts
    await refuse_half_restored(other)


async def test_what_is_restored_is_a_register_that_works(
    database: Any, other: Any, tmp_path: Path
):
    ana = registration(id=uuid.uuid4().hex, fixed_note="ação", traits=("a", "b"))
    assert await Registrations(database).create(ana)
    assert await Registrations(database).update(renaming(ana, "Bia"))
    await Chats(database).put(chat(7, registration_id=ana.id))
    await Conversations(database).add(conversation(7, registration_id=ana.id))
    message = Link(group_id=-100, message_id=1, conversation_id="c7")
    await Links(database).add([message])
    await restored(other, await saved(database, tmp_path / "b"))
    register = Registrations(other)
    assert await register.by_id(ana.id) == renaming(ana, "Bia").after
    entry, creation = await Audit(other).audit_of(ana.id)
    assert entry.changes == (Change("name", "Ana", "Bia"),)
    assert creation.event is Event.CREATED
    assert (await verify(other, lambda _: None)).broken == ()
    assert await Audit(other).people() == ["admin:1"]
    assert (await Chats(other).get(7)) == chat(7, registration_id=ana.id)
    there, link = Conversations(other), await Links(other).of_group(-100, 1)
    assert link
    assert (
        await there.get(link.conversation_id)
        == await there.open_in(7)
        == conversation(7, registration_id=ana.id)
    )
    # The indexes are there: a chat cannot get a second open conversation.
    assert not await there.add(conversation(8, chat_id=7))


async def test_nothing_else_is_in_it(database: Any, tmp_path: Path):
    for name in ("inbox", "states", "locks", "health"):
        await database[name].insert_one({"_id": "x"})
    assert frames(await saved(database, tmp_path / "b")) == []


ODD_KEYS = ["", "0", "00000000", "9z", "F", "ffffffff", "ffffffffz", "g", "~", "é", "日", "🙂"]


async def test_a_walk_meets_every_key_once_and_so_does_emptying(database: Any):
    random = Random(1)  # noqa: S311
    hexadecimal = {random.randbytes(16).hex() for _ in range(700)}
    crowded = {f"ab{n:05}" for n in range(1200)}
    unicode = {
        "".join(chr(random.choice([random.randrange(1, 0xD800), 0x30])) for _ in range(3))
        for _ in range(100)
    }
    keys = sorted({*hexadecimal, *crowded, *unicode, *ODD_KEYS})
    await database["registrations"].insert_many(
        [{"_id": key, "tax_key": key} for key in random.sample(keys, len(keys))]
    )
    numbers = {random.randrange(5 * 10**9, 8 * 10**9) for _ in range(700)}
    numbers |= {*range(4000, 5200), 0, -1, -(10**12), 2**40, 2**40 + 1, 2**52, 10**13}
    await database["chats"].insert_many(
        [{"_id": n} for n in random.sample([*numbers], len(numbers))]
    )
    met = [d["_id"] async for window in scan(database, "registrations") for d in window]
    assert met == keys
    met = [d["_id"] async for window in scan(database, "chats") for d in window]
    assert met == sorted(numbers)
    for name, there in (("registrations", keys), ("chats", numbers)):
        assert sum([count async for count in delete_all(database, name)]) == len(there)
        assert await stored(database, name) == []


def scattered_ids() -> Iterator[str]:
    random = Random(1)  # noqa: S311
    while True:
        yield random.randbytes(16).hex()


@pytest.mark.parametrize("ids", [scattered_ids, new_ids], ids=["scattered", "side by side"])
async def test_windows_stay_small_where_keys_spread_as_ours_do(
    database: Any, ids: Callable[[], Iterator[str]]
):
    keys = list(islice(ids(), 3000))
    await database["registrations"].insert_many(
        [{"_id": key, "tax_key": str(n)} for n, key in enumerate(keys)]
    )
    sizes = [len(window) async for window in scan(database, "registrations")]
    assert sum(sizes) == 3000
    assert max(sizes) < 1000


def repacked(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Apply the change to the content inside the gzip."""
    return lambda good: gzip.compress(change(gzip.decompress(good)))


def a_file_of(*frames: bytes, version: int = 1) -> Callable[[bytes], bytes]:
    head = MAGIC + struct.pack(">H", version)
    return lambda _: gzip.compress(head + b"".join(frames))


def swapped(good: bytes) -> bytes:
    """Change some letters of one document and keep all lengths."""
    assert good.count(b"Silva") == 1
    return good.replace(b"Silva", b"Souza")


COLLECTION = b"C" + bson.encode({"collection": "chats"})
BAD: dict[str, tuple[Callable[[bytes], bytes], Problem]] = {
    "empty": (lambda _: b"", Problem.BACKUP_NOT_ONE),
    "text": (lambda _: b"nome;cpf\n", Problem.BACKUP_NOT_ONE),
    "not compressed": (gzip.decompress, Problem.BACKUP_NOT_ONE),
    "another gzip": (lambda _: gzip.compress(b"nome;cpf\n"), Problem.BACKUP_NOT_ONE),
    "empty gzip": (lambda _: gzip.compress(b""), Problem.BACKUP_NOT_ONE),
    "only the magic": (lambda _: gzip.compress(MAGIC), Problem.BACKUP_DAMAGED),
    "format": (a_file_of(version=3), Problem.BACKUP_VERSION),
    "newer data": (a_file_of(struct.pack(">H", VERSION + 1), version=2), Problem.BACKUP_NEWER),
    "half a version": (a_file_of(b"\0", version=2), Problem.BACKUP_DAMAGED),
    "nothing": (a_file_of(), Problem.BACKUP_DAMAGED),
    "cut": (lambda good: good[: len(good) // 2], Problem.BACKUP_DAMAGED),
    "checksum cut": (lambda good: good[:-6], Problem.BACKUP_DAMAGED),
    "a byte flipped": (
        lambda good: good[:200] + bytes([good[200] ^ 1]) + good[201:],
        Problem.BACKUP_DAMAGED,
    ),
    "more after it": (lambda good: good + good, Problem.BACKUP_DAMAGED),
    "rubbish after it": (lambda good: good + b"rubbish", Problem.BACKUP_DAMAGED),
    "cut inside": (repacked(lambda plain: plain[:-30]), Problem.BACKUP_DAMAGED),
    "tampered": (repacked(swapped), Problem.BACKUP_DAMAGED),
    "frame": (a_file_of(b"X"), Problem.BACKUP_DAMAGED),
    "homeless document": (a_file_of(b"D" + bson.encode({"_id": 1})), Problem.BACKUP_DAMAGED),
    "foreign collection": (
        a_file_of(b"C" + bson.encode({"collection": "inbox"})),
        Problem.BACKUP_DAMAGED,
    ),
    "collection of no name": (
        a_file_of(b"C" + bson.encode({"collection": ["chats"]})),
        Problem.BACKUP_DAMAGED,
    ),
    "collection twice": (a_file_of(COLLECTION, COLLECTION), Problem.BACKUP_DAMAGED),
    "no key": (a_file_of(COLLECTION, b"D", bson.encode({"a": 1})), Problem.BACKUP_DAMAGED),
    "key not first": (
        a_file_of(COLLECTION, b"D", bson.encode(bson.SON([("a", 1), ("_id", 1)]))),
        Problem.BACKUP_DAMAGED,
    ),
    "no BSON": (
        a_file_of(COLLECTION, b"D", struct.pack("<i", 12), b"\x02_id\0\xff\xff\0"),
        Problem.BACKUP_DAMAGED,
    ),
    "negative length": (
        a_file_of(COLLECTION, b"D", struct.pack("<i", -5), b"\0" * 64),
        Problem.BACKUP_DAMAGED,
    ),
    "too large a document": (
        a_file_of(COLLECTION, b"D", struct.pack("<i", 16 * 1024 * 1024 + 1)),
        Problem.BACKUP_TOO_LARGE,
    ),
    "too large a frame": (
        a_file_of(b"C", bson.encode({"collection": "x" * 70_000})),
        Problem.BACKUP_TOO_LARGE,
    ),
    "no trailer": (a_file_of(b"T", bson.encode({})), Problem.BACKUP_DAMAGED),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_file_is_refused_and_changes_nothing(
    database: Any, other: Any, tmp_path: Path, bad: str
):
    await database["registrations"].insert_one({"_id": "a" * 32, "name": "Silva"})
    good = (await saved(database, tmp_path / "good")).read_bytes()
    spoil, problem = BAD[bad]
    (tmp_path / "bad").write_bytes(spoil(good))
    before = await all_stored(database)
    for target in (database, other):
        with pytest.raises(RefusedError) as raised:
            await restored(target, tmp_path / "bad", replace=True)
        assert raised.value.problem is problem
        await refuse_half_restored(target)
    assert await all_stored(database) == before


async def test_every_cut_of_a_file_is_noticed(database: Any, tmp_path: Path):
    await database["registrations"].insert_one({"_id": "a" * 32, "name": "Silva"})
    good = (await saved(database, tmp_path / "good")).read_bytes()
    for length in range(len(good)):
        (tmp_path / "bad").write_bytes(good[:length])
        with pytest.raises(RefusedError):
            check_backup(tmp_path / "bad", silent)


def nested(depth: int) -> bytes:
    document = bson.encode({"a": 1})
    for _ in range(depth):
        body = b"\x03a\0" + document + b"\0"
        document = struct.pack("<i", len(body) + 4) + body
    body = b"\x10_id\0\x01\0\0\0\x03a\0" + document + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def test_a_document_nested_without_end_is_refused(tmp_path: Path):
    (tmp_path / "bad").write_bytes(a_file_of(COLLECTION, b"D", nested(20_000))(b""))
    with pytest.raises(RefusedError) as raised:
        check_backup(tmp_path / "bad", silent)
    assert raised.value.problem is Problem.BACKUP_DAMAGED


def test_a_gzip_bomb_is_refused_before_it_has_unpacked(tmp_path: Path):
    document = bson.encode({"_id": 1, "a": b"\0" * 15_000_000})
    with gzip.open(tmp_path / "bomb", "wb", compresslevel=1) as bomb:
        bomb.write(MAGIC + b"\0\1" + COLLECTION)
        for _ in range(40):
            bomb.write(b"D" + document)
    tracemalloc.start()
    try:
        with pytest.raises(RefusedError) as raised:
            check_backup(tmp_path / "bomb", silent)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert raised.value.problem is Problem.BACKUP_TOO_LARGE


@pytest.mark.parametrize("name", COLLECTIONS)
async def test_what_is_there_is_only_replaced_on_demand(
    database: Any, other: Any, tmp_path: Path, name: str
):
    await fill_at_random(database, 3, count=5)
    path = await saved(database, tmp_path / "b")
    await other[name].insert_one({"_id": "mine", "protocol": "1"})
    await other["states"].insert_one({"_id": "step"})
    before = await all_stored(other)
    with pytest.raises(RefusedError) as raised:
        await restored(other, path)
    assert raised.value.problem is Problem.RESTORE_NOT_EMPTY
    assert await all_stored(other) == before
    assert (await held(other))[name] == 1
    await restored(other, path, replace=True)
    assert await all_stored(other) == await all_stored(database)
    assert await stored(other, "states") == []


RESTORING = """
import asyncio, pathlib, signal, sys
from bot.wiring.clients import utc_now
from storage.backup.backup import check_backup, restore
from storage.engine.connection import connected
def report(progress):
    if progress.stage == sys.argv[4]:
        print("here", flush=True)
        signal.pause()
async def main():
    uri, name, path = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    tallies = check_backup(path, lambda _: None)
    async with connected(uri, name) as database:
        await restore(database, path, tallies, replace=True, at=utc_now(), report=report)
asyncio.run(main())
"""


@pytest.mark.parametrize("stage", [Stage.DELETING, Stage.STORING, Stage.COMPARING])
async def test_a_restore_that_is_killed_is_told_and_mended(
    database: Any, other: Any, mongodb_uri: str, tmp_path: Path, stage: Stage
):
    await fill_at_random(database, 4, count=60)
    path = await saved(database, tmp_path / "b")
    await fill_at_random(other, 5, count=20)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RESTORING, mongodb_uri, other.name, str(path), stage),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(HANG_S):
        assert await process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    with pytest.raises(RefusedError) as raised:
        await refuse_half_restored(other)
    assert raised.value.problem is Problem.RESTORE_UNFINISHED
    with pytest.raises(RefusedError) as raised:
        await restored(other, path)
    assert raised.value.problem is Problem.RESTORE_UNFINISHED
    await restored(other, path, replace=True)
    await refuse_half_restored(other)
    assert await all_stored(other) == await all_stored(database)


class Busy:
    """Attendants and admins who write without a pause.

    Chats close and open; registrations come and change.
    """

    def __init__(self, database: Any) -> None:
        self._register = Registrations(database)
        self._conversations = Conversations(database)
        self._links = Links(database)
        self.rounds = 0

    async def work(self, chat_id: int) -> None:
        number = chat_id * 1_000_000
        mine = registration(id=uuid.uuid4().hex, tax_id=None)
        await self._register.create(mine)
        while True:
            number += 1
            one = conversation(number, id=uuid.uuid4().hex, chat_id=chat_id)
            assert await self._conversations.add(one)
            message = Link(group_id=-1, message_id=number, conversation_id=one.id)
            await self._links.add([message])
            change = renaming(mine, f"n{number}")
            if await self._register.update(change):
                mine = change.after
            assert await self._conversations.close(one.id, Attendant(id=1, name="A"), at=NOW)
            self.rounds += 1


async def test_a_backup_taken_while_others_write_restores_cleanly(
    database: Any, other: Any, tmp_path: Path
):
    # What changes meanwhile takes several scan windows.
    changed = ("registrations", "audit", "conversations", "relayed")
    await fill_at_random(database, 6, count=600, names=changed)
    await fill_at_random(database, 6, count=20, names=[n for n in COLLECTIONS if n not in changed])
    before = await all_stored(database)
    busy = Busy(database)
    workers = [asyncio.create_task(busy.work(chat_id)) for chat_id in range(1, 9)]
    await saved(database, tmp_path / "1")
    rounds = busy.rounds
    await saved(database, tmp_path / "2")
    assert 0 < rounds < busy.rounds
    assert not any(worker.done() for worker in workers)
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers)
    await restored(other, tmp_path / "2")
    there = await all_stored(other)
    assert all(set(before[name]) <= set(there[name]) for name in COLLECTIONS)
    # Every reference has its target, and no audit entry is newer than its record.
    found = {name: [bson.decode(document) for document in there[name]] for name in COLLECTIONS}
    conversations = {document["_id"] for document in found["conversations"]}
    relayed = [d["conversation_id"] for d in found["relayed"] if d["_id"].startswith("-1:")]
    assert relayed
    assert conversations.issuperset(relayed)
    versions = {d["_id"]: d.get("version", 0) for d in found["registrations"]}
    audit = [entry for entry in found["audit"] if "version" in entry]
    assert audit
    assert all(entry["version"] <= versions[entry["registration_id"]] for entry in audit)


async def test_a_chat_that_reopens_meanwhile_has_one_open_conversation(
    database: Any, other: Any, tmp_path: Path
):
    old, new = conversation(1, id="0" * 32, chat_id=5), conversation(2, id="f" * 32, chat_id=5)
    there = Conversations(database)
    await there.add(old)
    # Enough documents for several scan windows between the two conversations.
    await fill_at_random(database, 7, count=1500, names=["conversations"])
    reopened: list[asyncio.Task[Any]] = []

    async def reopen() -> None:
        assert await there.close(old.id, Attendant(id=1, name="A"), at=NOW)
        assert await there.add(new)

    def report(progress: Progress) -> None:
        if progress.collection == "conversations" and not reopened:
            reopened.append(asyncio.create_task(reopen()))

    await back_up(database, tmp_path / "b", at=NOW, report=report)
    await reopened[0]
    await restored(other, tmp_path / "b")
    found = await Conversations(other).open_in(5)
    assert found in (None, new)
    assert (await Conversations(other).get(old.id)).closed_by == "A"  # type: ignore[union-attr]


async def test_who_writes_during_a_restore_is_noticed(database: Any, other: Any, tmp_path: Path):
    await fill_at_random(database, 8, count=20)
    path = await saved(database, tmp_path / "b")
    writing: list[asyncio.Task[Any]] = []

    def report(progress: Progress) -> None:
        if progress.stage is Stage.STORING and not writing:
            writing.append(asyncio.create_task(Chats(other).put(Chat(id=1))))

    tallies = check_backup(path, silent)
    with pytest.raises(RefusedError) as raised:
        await restore(other, path, tallies, replace=False, at=NOW, report=report)
    assert raised.value.problem is Problem.RESTORE_DIFFERS
    with pytest.raises(RefusedError):
        await refuse_half_restored(other)


async def test_a_file_with_a_key_twice_is_noticed(database: Any, other: Any, tmp_path: Path):
    document = bson.encode({"_id": "a"})
    with backup_file.writing(tmp_path / "b", version=VERSION) as backup:
        for name in COLLECTIONS:
            tally = backup.begin(name)
            backup.add(tally, document)
            backup.add(tally, document)
        backup.end(NOW)
    with pytest.raises(RefusedError) as raised:
        await restored(other, tmp_path / "b")
    assert raised.value.problem is Problem.RESTORE_DIFFERS


async def refused(database: Any, out: Path) -> Problem | None:
    """Return the reason for a refused backup; nothing was left in the folder."""
    with contextlib.suppress(OSError):
        before = names(out.parent)
    with pytest.raises(AppError) as raised:
        await back_up(database, out, at=NOW, report=silent)
    with contextlib.suppress(OSError):
        assert names(out.parent) == before
    return raised.value.problem


async def test_only_its_owner_may_read_a_backup(database: Any, tmp_path: Path):
    await saved(database, tmp_path / "b")
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert names(tmp_path) == ["b"]


async def test_no_file_is_overwritten(database: Any, tmp_path: Path):
    (tmp_path / "b").write_text("mine")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "folder").mkdir()
    for name in ("b", "nowhere", "folder"):
        assert await refused(database, tmp_path / name) is Problem.BACKUP_EXISTS
    assert (tmp_path / "b").read_text() == "mine"


async def test_a_file_that_appears_meanwhile_is_not_overwritten(database: Any, tmp_path: Path):
    await fill_at_random(database, 9, count=5)
    out = tmp_path / "b"
    with pytest.raises(RefusedError) as raised:
        await back_up(database, out, at=NOW, report=lambda _: out.touch())
    assert raised.value.problem is Problem.BACKUP_EXISTS
    assert names(tmp_path) == ["b"]
    assert out.read_bytes() == b""


async def test_places_in_which_no_file_can_be_written(database: Any, tmp_path: Path):
    (tmp_path / "file").touch()
    for place in ("file", "missing"):
        out = tmp_path / place / "b"
        assert await refused(database, out) is Problem.BACKUP_NOT_WRITABLE
    with mounted(tmp_path / "ro", "ro", "size=64k") as read_only:
        assert await refused(database, read_only / "b") is Problem.BACKUP_NOT_WRITABLE


async def test_a_disk_that_fills_up(database: Any, tmp_path: Path):
    await fill_at_random(database, 10, count=300)
    with mounted(tmp_path / "small", "size=64k") as small:
        assert await refused(database, small / "b") is Problem.BACKUP_DISK_FULL
        fill(small)
        assert await refused(database, small / "b") is Problem.BACKUP_DISK_FULL


async def test_a_file_that_cannot_be_read(tmp_path: Path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(RefusedError) as raised:
            check_backup(path, silent)
        assert raised.value.problem is Problem.BACKUP_NOT_READABLE


async def test_what_a_pipe_got_of_a_backup_that_failed_is_no_backup(database: Any, tmp_path: Path):
    await fill_at_random(database, 12, count=20)

    def fail(_: Progress) -> None:
        raise TryLaterError("the database is gone")

    with (tmp_path / "b").open("wb") as pipe, pytest.raises(TryLaterError):
        await back_up(database, pipe, at=NOW, report=fail)
    assert gzip.decompress((tmp_path / "b").read_bytes()).startswith(MAGIC)
    with pytest.raises(RefusedError) as raised:
        check_backup(tmp_path / "b", silent)
    assert raised.value.problem is Problem.BACKUP_DAMAGED


@pytest.mark.embedded
async def test_a_database_that_goes_away(database: Any, tmp_path: Path):
    await fill_at_random(database, 11, count=20)
    path = await saved(database, tmp_path / "b")
    folder = tmp_path / "out"
    folder.mkdir()
    async with (
        short_lived(tmp_path / "data") as uri,
        connected_until_lost(uri) as dying,
    ):
        await ensure_indexes(dying)
        await restored(dying, path)

        def end_it(_: Progress) -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(noted_pid(tmp_path / "data"), signal.SIGKILL)

        with pytest.raises(TryLaterError) as raised:
            await back_up(dying, folder / "c", at=NOW, report=end_it)
        assert raised.value.problem is Problem.DATABASE_GONE
    assert names(folder) == []
