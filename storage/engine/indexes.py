"""All indexes, by name: only those that a query of this package needs.

Each costs about 70 microseconds per document on the embedded server. All are ascending: that
server misses documents in descending indexes and in some compound ones.
"""

from datetime import timedelta
from typing import Final

import pymongo
from pymongo import ASCENDING, IndexModel, errors

from bot.domain.errors import RefusedError
from bot.domain.retention import (
    CHOICES_KEPT,
    DIFFERENT_KEPT,
    MEMBERS_KEPT,
    PAIRS_KEPT,
    STEPS_KEPT,
    UNDELIVERED_KEPT,
)
from storage.engine.connection import Collection, Database, translated

_DAY_S: Final = 24 * 3600
# Telegram repeats an update for a day at most, so marks kept for two days detect every repeat.
_DONE_S: Final = 2 * 24 * 3600
INBOX_DAYS: Final = 2
TRANSCRIPT_DAYS: Final = 30
_BUILD_S: Final = 24 * 3600


def _s(length: timedelta) -> int:
    return int(length.total_seconds())


def _index(name: str, field: str, **options: object) -> IndexModel:
    return IndexModel([(field, ASCENDING)], name=name, **options)


# Expired invitations are kept for this long, so that a person who opens one late learns that it
# has expired.
_INVITATION_OVER_S: Final = 30 * 24 * 3600
# The tries of a day are read on that day only, which is longer where clocks are put back.
_TRIES_S: Final = 2 * 24 * 3600
# A late reply is matched to its question for this long.
_QUESTION_OVER_S: Final = 30 * 24 * 3600
# Leases last seconds, and clocks differ by minutes: by then nobody has it.
_LEASE_OVER_S: Final = 24 * 3600
# A server ends the session of a killed worker within a minute by itself.
_WRITER_OVER_S: Final = 24 * 3600


# The index for `scan`: on the embedded server a range over `_id` is quick only with an index that
# begins with `_id`. The second field is in no document; it is there because MongoDB allows no
# second index on `_id` alone.
_WALK: Final = IndexModel([("_id", ASCENDING), ("walk", ASCENDING)], name="walk")

INDEXES: Final = {
    # Sparse: registrations without a tax id have no key. Country and number are one string,
    # because finds on the embedded server use sparse single-field indexes but no partial ones.
    "registrations": [
        _index("tax_key", "tax_key", unique=True, sparse=True),
        _index("sort_name", "sort_name"),
        # A list: the index holds each of its elements.
        _index("words", "words"),
        _WALK,
    ],
    "audit": [
        _index("registration", "registration_id"),
        _index("event_moment", "event_moment"),
        _index("by_moment", "by_moment"),
        # Entries of deletions: few.
        _index("deleted_tax_key", "deleted.tax_key", sparse=True),
    ],
    "chats": [
        _index("registration", "registration_id", sparse=True),
        _index("tax_id", "tax_id", sparse=True),
        _WALK,
    ],
    "conversations": [
        _index("protocol", "protocol", unique=True),
        # Present only while open, so that a chat has one open conversation in any race.
        _index("open_chat", "open_chat", unique=True, sparse=True),
        _index("registration", "registration_id", sparse=True),
        _index("chat", "chat_id"),
        _index("tax_id", "tax_id", sparse=True),
        _index("lookup_at", "lookup.next_at", sparse=True),
        # The key of a group and its topic; absent in groups without topics.
        _index("topic", "topic", sparse=True),
        _WALK,
    ],
    "kept_messages": [
        _index("chat", "chat_id"),
        _index("over", "at", expireAfterSeconds=_DAY_S),
    ],
    "relayed": [
        _index("conversation", "conversation_id"),
        # A list: several texts can be forwarded as one message.
        _index("customer", "customer", sparse=True),
        # Present only without a customer's message.
        _index("item", "item", sparse=True),
    ],
    "outbox": [
        _index("waiting", "waiting", sparse=True),
        _index("conversation", "conversation_id"),
        _index("failed", "failed_at", sparse=True, expireAfterSeconds=_s(UNDELIVERED_KEPT)),
        _index("done", "done_at", sparse=True, expireAfterSeconds=_DONE_S),
        # What people said, which stays for the transcript.
        _index("said", "said_at", sparse=True, expireAfterSeconds=TRANSCRIPT_DAYS * _DAY_S),
    ],
    "questions": [
        _index("over", "asked_at", expireAfterSeconds=_QUESTION_OVER_S),
        _index("conversation", "conversation_id"),
    ],
    "inbox": [
        _index("pending", "pending", sparse=True),
        _index("set_aside", "set_aside_at", sparse=True),
        # A field of its own: an older program cannot start where the index above has an end.
        _index("ends", "ends_at", sparse=True, expireAfterSeconds=0),
        _index("done", "done_at", sparse=True, expireAfterSeconds=INBOX_DAYS * _DAY_S),
    ],
    # Present only while not archived: when two admins add the same name at once, one succeeds.
    "tags": [_index("name", "name_key", unique=True, sparse=True)],
    "departments": [
        _index("name", "name_key", unique=True, sparse=True),
        _index("group", "group_id", unique=True, sparse=True),
    ],
    # The department and the word that is unique in it.
    "ready_answers": [_index("word", "word_key", unique=True, sparse=True)],
    "admins": [],
    "invitations": [_index("over", "expires_at", expireAfterSeconds=_INVITATION_OVER_S)],
    "console_sessions": [
        _index("token", "token"),
        _index("over", "ends_at", expireAfterSeconds=0),
    ],
    "uploads": [_index("over", "ends_at", expireAfterSeconds=0)],
    "console_searches": [_index("over", "ends_at", expireAfterSeconds=0)],
    "members": [
        _index("group", "group_id"),
        _index("over", "at", expireAfterSeconds=_s(MEMBERS_KEPT)),
    ],
    "jobs": [
        _index("active", "active", sparse=True),
        _index("backup", "backup", sparse=True),
        _index("has_files", "has_files", sparse=True),
    ],
    "job_batches": [],
    "pairs": [
        # Present only while listed.
        _index("rank", "rank", sparse=True),
        _index("over", "at", sparse=True, expireAfterSeconds=_s(PAIRS_KEPT)),
        _index("forgotten", "different_at", sparse=True, expireAfterSeconds=_s(DIFFERENT_KEPT)),
    ],
    "job_writers": [_index("over", "at", expireAfterSeconds=_WRITER_OVER_S)],
    "choices": [_index("over", "used_at", expireAfterSeconds=_s(CHOICES_KEPT))],
    "erp_tokens": [],
    # A value that is not used any more: of a bot or an ERP that was replaced.
    "limits": [_index("over", "used_at", expireAfterSeconds=_DAY_S)],
    "marks": [_index("over", "until", expireAfterSeconds=0)],
    "login_tries": [_index("over", "at", expireAfterSeconds=_TRIES_S)],
    "states": [_index("over", "used_at", expireAfterSeconds=_s(STEPS_KEPT))],
    "locks": [
        # Present only while another replica waits for the lease.
        _index("wanted", "wanted", sparse=True),
        _index("over", "until", expireAfterSeconds=_LEASE_OVER_S),
    ],
}


async def ensure_indexes(
    database: Database, *, inbox_days: int | None = None, transcript_days: int | None = None
) -> None:
    """Create the missing indexes. Raises RefusedError when stored data violates a unique one.

    inbox_days: for how many days an update that is done is recognised. transcript_days: for how
    many days words are kept; 0 ends them after one, for which their message has to be recognised.
    None changes nothing.
    """
    said = None if transcript_days is None else max(transcript_days, 1)
    ending = {
        "inbox": await _ending(database["inbox"], INDEXES["inbox"], "done", inbox_days),
        "outbox": await _ending(database["outbox"], INDEXES["outbox"], "said", said),
    }
    for name, models in {**INDEXES, **ending}.items():
        if not models:
            continue
        with translated():
            try:
                # Instead of the client's time-out: a build takes as long as the data is large.
                with pymongo.timeout(_BUILD_S):
                    await database[name].create_indexes(models)
            except errors.DuplicateKeyError as error:
                raise RefusedError(f"{name} holds documents twice that must be unique") from error


async def _ending(
    collection: Collection, models: list[IndexModel], name: str, days: int | None
) -> list[IndexModel]:
    """Return the collection's indexes, after setting the expiry time of this one if it exists.

    A server refuses to create an existing index with another expiry time.
    """
    model = next(one.document for one in models if one.document["name"] == name)
    with translated():
        there = (await collection.index_information()).get(name)
        kept_s = there["expireAfterSeconds"] if there else model["expireAfterSeconds"]
        wanted_s = days * _DAY_S if days else kept_s
        if there and wanted_s != kept_s:
            index = {"name": name, "expireAfterSeconds": wanted_s}
            await collection.database.command({"collMod": collection.name, "index": index})
    [field] = model["key"]
    ending = _index(name, field, sparse=True, expireAfterSeconds=wanted_s)
    return [ending if one.document["name"] == name else one for one in models]


async def missing_indexes(database: Database) -> list[str]:
    """Return the names of the missing indexes, as `collection.index`."""
    missing = []
    for name, models in INDEXES.items():
        with translated():
            there = await database[name].index_information()
        missing += [
            f"{name}.{model.document['name']}"
            for model in models
            if model.document["name"] not in there
        ]
    return missing


async def drop_index(database: Database, collection: str, name: str) -> None:
    """Drop an index that no query uses any more, unless it is gone."""
    with translated():
        if name in await database[collection].index_information():
            await database[collection].drop_index(name)
