"""Every index by name: what each query of this package needs, and no more.

Each costs about 70 microseconds a document on the embedded server. Ascending only: it misses
documents in descending and in some compound ones.
"""

from typing import Final

from pymongo import ASCENDING, IndexModel, errors

from bot.domain.errors import RefusedError
from storage.engine.connection import Database, translated

_DAY_S: Final = 24 * 3600
# Telegram repeats an update for a day at most; two days of marks are enough to know it again.
_DONE_S: Final = 2 * 24 * 3600
# For so long what was not delivered can be sent again.
_FAILED_S: Final = 7 * 24 * 3600
INBOX_DAYS: Final = 2


def _index(name: str, field: str, **options: object) -> IndexModel:
    return IndexModel([(field, ASCENDING)], name=name, **options)


# For so long a link that is opened too late is known, and said to have expired.
_INVITATION_OVER_S: Final = 30 * 24 * 3600
# A day's tries are asked for on that day, which is longer in places where clocks are put back.
_TRIES_S: Final = 2 * 24 * 3600
# Until then a late reply to it is known for what it is.
_QUESTION_OVER_S: Final = 30 * 24 * 3600
# A server ends what a killed worker left within a minute by itself.
_WRITER_OVER_S: Final = 24 * 3600


# What `scan` steps along: only an index that begins with `_id` makes a range over it quick on the
# embedded server. Its second field is in no document; MongoDB has no second index on `_id`.
_WALK: Final = IndexModel([("_id", ASCENDING), ("walk", ASCENDING)], name="walk")

INDEXES: Final = {
    # Sparse: registrations without a tax id have no key. Country and number are one string, as
    # the embedded server's finds use a sparse single index and no partial one.
    "registrations": [
        _index("tax_key", "tax_key", unique=True, sparse=True),
        _index("sort_name", "sort_name"),
        # Lists: each of their elements is in the index. Nearly all registrations have no marks.
        _index("words", "words"),
        _index("marks", "marks", sparse=True),
        _WALK,
    ],
    "audit": [
        _index("registration", "registration_id"),
        _index("event_moment", "event_moment"),
        _index("by_moment", "by_moment"),
        _index("marks", "marks", sparse=True),
        # Whose registration was deleted: few.
        _index("deleted_tax_key", "deleted.tax_key", sparse=True),
    ],
    "chats": [
        _index("registration", "registration_id", sparse=True),
        _index("tax_id", "tax_id", sparse=True),
        _WALK,
    ],
    "conversations": [
        _index("protocol", "protocol", unique=True),
        # Present only while open: a chat has one open conversation, whoever races for it.
        _index("open_chat", "open_chat", unique=True, sparse=True),
        _index("registration", "registration_id", sparse=True),
        _index("chat", "chat_id"),
        _index("tax_id", "tax_id", sparse=True),
        _index("lookup_at", "lookup.next_at", sparse=True),
        # Of a group and its topic; absent in groups without topics.
        _index("topic", "topic", sparse=True),
        _WALK,
    ],
    "relayed": [
        _index("conversation", "conversation_id"),
        # A list: texts that were sent on as one message.
        _index("customer", "customer", sparse=True),
    ],
    "outbox": [
        _index("waiting", "waiting", sparse=True),
        _index("conversation", "conversation_id"),
        _index("failed", "failed_at", sparse=True, expireAfterSeconds=_FAILED_S),
        _index("done", "done_at", sparse=True, expireAfterSeconds=_DONE_S),
    ],
    "questions": [
        _index("over", "asked_at", expireAfterSeconds=_QUESTION_OVER_S),
        _index("conversation", "conversation_id"),
    ],
    "inbox": [
        _index("pending", "pending", sparse=True),
        _index("set_aside", "set_aside_at", sparse=True),
        _index("done", "done_at", sparse=True, expireAfterSeconds=INBOX_DAYS * _DAY_S),
    ],
    # Present only while not archived: of two admins who give one name at once, one does.
    "tags": [_index("name", "name_key", unique=True, sparse=True)],
    "departments": [
        _index("name", "name_key", unique=True, sparse=True),
        _index("group", "group_id", unique=True, sparse=True),
    ],
    "admins": [],
    "invitations": [_index("over", "expires_at", expireAfterSeconds=_INVITATION_OVER_S)],
    "members": [_index("group", "group_id")],
    "backups": [],
    "jobs": [
        _index("active", "active", sparse=True),
        _index("has_files", "has_files", sparse=True),
    ],
    "job_batches": [],
    "job_writers": [_index("over", "at", expireAfterSeconds=_WRITER_OVER_S)],
    "choices": [],
    "erp_tokens": [],
    "login_tries": [_index("over", "at", expireAfterSeconds=_TRIES_S)],
    "states": [],
    "locks": [],
}


async def ensure_indexes(database: Database, *, inbox_days: int | None = None) -> None:
    """Create what is missing; raises RefusedError when data already there breaks a unique one.

    inbox_days: for how long updates that are done are known again; None leaves that as it is.
    """
    inbox = await _inbox(database, inbox_days)
    for name, models in {**INDEXES, "inbox": inbox}.items():
        if not models:
            continue
        with translated():
            try:
                await database[name].create_indexes(models)
            except errors.DuplicateKeyError as error:
                raise RefusedError(f"{name} holds documents twice that must be unique") from error


async def _inbox(database: Database, days: int | None) -> list[IndexModel]:
    """The inbox's indexes, after the one that deletes was told for how long to keep.

    An index is not created anew with another time: that is refused.
    """
    with translated():
        there = (await database["inbox"].index_information()).get("done")
        kept_s = there["expireAfterSeconds"] if there else INBOX_DAYS * _DAY_S
        wanted_s = days * _DAY_S if days else kept_s
        if there and wanted_s != kept_s:
            await database.command(
                {"collMod": "inbox", "index": {"name": "done", "expireAfterSeconds": wanted_s}}
            )
    done = _index("done", "done_at", sparse=True, expireAfterSeconds=wanted_s)
    return [done if one.document["name"] == "done" else one for one in INDEXES["inbox"]]


async def missing_indexes(database: Database) -> list[str]:
    """Names of the indexes that are not there, as `collection.index`."""
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
