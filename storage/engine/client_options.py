"""What Balcão asks of MongoDB: when a write counts, who is read, how long anything may take.

It stands here alone, with its reasons. An option in the operator's URI wins over the one here
where that is harmless. One with which something could be lost, written twice or shown out of date
is refused with a sentence: an option that is silently ignored would be believed.

**Writes: a majority, in the journal.** Whatever a single member has confirmed can be taken back by
the next election. MongoDB lets also a write that changes nothing, or is refused for its key, wait
for the majority, so "it is there already" holds as long as "it is stored".

**Reads: the primary, with read concern "local".** Nothing is read elsewhere. A secondary is behind
by an unknown time, and all that is read leads to somebody's next step: a screen to a press, an
export to a file that is trusted. Not "majority": after a conflict the version of the other process
would be unseen until it is replicated, and a second attempt would meet the same conflict. What
leaves Balcão follows a majority write of its own, and the primary confirms that one only together
with all that could be read before. It is set, although MongoDB does so by default, because a
cluster can have another default.

**Retries: the driver repeats a read or write once,** with one effect (`retryWrites`), on the
primary that it finds within the time below. `storage.engine.repeating` and `transactions` settle
what the driver leaves open. What takes longer is a TryLaterError: the update stays in the inbox,
and the job goes on after its last batch. Only the embedded server's URI switches the driver's
repetition of writes off (`docs/decisions/embedded-database.md`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import unquote_plus

import pymongo
from motor.frameworks.asyncio import max_workers

# The search for a primary. An election that somebody has asked for takes a second or two, and
# passes unnoticed. One after a crash takes ten to thirty: the rest of it is waited for outside, by
# inbox and jobs, where no thread and no lease is held. One time for screens and jobs: a person who
# waits sees the same in both places, nothing yet. Not longer, because a chat's lease lasts 15 s
# and is renewed every 5 s: a write that waited longer could be done under another owner's lease.
SERVER_SELECTION_MS: Final = 10_000
# A member that takes longer to open a connection is not there. Members that vanish without a word
# are noticed by the driver's own heartbeat (every 10 s) after this time.
CONNECT_MS: Final = 5_000
# One call. The longest are those of the embedded server, for windows of a large collection.
SOCKET_MS: Final = 20_000
# The wait for the majority; shorter than a call, so that the server says what is missing instead
# of a connection that is cut.
MAJORITY_MS: Final = 15_000
# What need not wait for an election: the check of health, whose asker has a limit of its own, and
# the end of a transaction that the old primary has ended already.
SHORT_S: Final = 5.0

# motor has a thread for each call, and `storage.register.bulk` reads in those of `to_thread`: so
# many connections are used at a time. With fewer the threads would wait for each other.
_THREADS: Final = max_workers + min(32, (os.cpu_count() or 1) + 4)


def client_options(uri: str) -> dict[str, Any]:
    """Return the options of the client, without those that the URI has."""
    ours = {
        "w": "majority",
        "journal": True,
        "wTimeoutMS": MAJORITY_MS,
        "readConcernLevel": "local",
        "readPreference": "primary",
        "serverSelectionTimeoutMS": SERVER_SELECTION_MS,
        "connectTimeoutMS": CONNECT_MS,
        "socketTimeoutMS": SOCKET_MS,
        "maxPoolSize": _THREADS,
        # Of no effect unless the operator's maxPoolSize is lower.
        "waitQueueTimeoutMS": SERVER_SELECTION_MS,
        "appName": "balcao",
    }
    given = {name for name, _ in _given(uri)}
    return {name: value for name, value in ours.items() if name.lower() not in given}


def shortly(client: Any) -> AbstractContextManager[Any]:
    """Return a block in which a call may take `SHORT_S`, with the search for a primary."""
    return pymongo.timeout(min(SHORT_S, client.options.server_selection_timeout))


def unsafe_options(uri: str) -> list[str]:
    """Return the names of the URI's options that would break what Balcão promises."""
    return [name for name, value in _given(uri) if name in _SAFE and not _SAFE[name](value)]


def unsafe_with_set(uri: str, hello: dict[str, Any]) -> list[str]:
    """Return the names of those that do so only with this replica set.

    hello: its answer to the command of this name.
    """
    has_others = len(hello.get("hosts", ())) > 1
    return [
        name
        for name, value in _given(uri)
        # Without retries each election breaks writes off, and nobody knows which were done.
        if (name == "retrywrites" and not _is_true(value))
        # After an election the client would stay with a member that is no primary any more.
        or (name == "directconnection" and _is_true(value) and has_others)
    ]


def _given(uri: str) -> Iterator[tuple[str, str]]:
    """Yield the URI's options: the names in small letters, without aliases."""
    for option in uri.partition("?")[2].replace(";", "&").split("&"):
        name, _, value = option.partition("=")
        name = name.lower()
        yield _ALIASES.get(name, name), unquote_plus(value)


def _is_true(value: str) -> bool:
    return value.lower() == "true"


def _is_short(value: str) -> bool:
    return value.isdecimal() and int(value) <= SERVER_SELECTION_MS


_ALIASES: Final = {"j": "journal", "wtimeout": "wtimeoutms"}
_SAFE: Final[dict[str, Callable[[str], bool]]] = {
    # Also a number: it is a majority only until a member is added.
    "w": lambda value: value == "majority",
    "journal": _is_true,
    "readpreference": lambda value: value.lower() == "primary",
    # "snapshot" and "linearizable" are not for writes, "available" can show what is gone.
    "readconcernlevel": lambda value: value in ("local", "majority"),
    "serverselectiontimeoutms": _is_short,
}
