"""The MongoDB client, the database, and the translation of MongoDB's errors into ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import errors

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine import client_options, refusals
from storage.engine.server_time import ServerTime

# motor ships no types, so these names only document the meaning.
Database = Any
Collection = Any
Session = Any
Document = dict[str, Any]
ReadDocument = Mapping[str, Any]
"""A document as it was read, decoded or raw."""

_BATCHES_AT_ONCE: Final = 2

# A member of a replica set names it; a router says `isdbgrid`, a load balancer its service.
_TELLS_OF_TRANSACTIONS: Final = frozenset(("setName", "msg", "serviceId"))


@contextmanager
def translated(
    of_server: Callable[[errors.PyMongoError], AppError] = refusals.of_server,
) -> Iterator[None]:
    """Translate MongoDB's errors into ours.

    Raises RefusedError when a value or a key can never be stored, UnreadableError when a document
    cannot be decoded, and TryLaterError for all else. Code that knows the meaning of a duplicate
    key catches DuplicateKeyError inside.
    """
    try:
        yield
    except errors.PyMongoError as error:
        # Some are both: a document that is too large is found by the driver.
        is_local = isinstance(error, refusals.LOCAL)
        raise (refusals.of_local(error) if is_local else of_server(error)) from error
    except refusals.LOCAL as error:
        raise refusals.of_local(error) from error


class BatchSlots:
    """The limit on batches that are sent at a time, over all collections of a client.

    A low limit keeps the batches full: the next ones collect while these are answered.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_BATCHES_AT_ONCE)
        self._failed: tuple[float, TryLaterError] | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it.

        Raises TryLaterError when a batch found the server gone meanwhile. Otherwise every waiting
        caller would run into a time-out of its own.
        """
        clock = asyncio.get_running_loop().time
        since = clock()
        async with self._free:
            if self._failed and self._failed[0] >= since:
                raise TryLaterError(str(self._failed[1]), problem=self._failed[1].problem)
            try:
                yield
            except TryLaterError as error:
                # A server that refuses does so at once, and perhaps only in this collection.
                if error.problem is Problem.DATABASE_GONE:
                    self._failed = (clock(), error)
                raise


# By the id of a client that is open: all clients of one address are equal, and hash alike.
_slots: Final[dict[int, BatchSlots]] = {}


def batch_slots(collection: Collection) -> BatchSlots:
    """Return the slots of the collection's client."""
    return _slots.setdefault(id(collection.database.client), BatchSlots())


# By the id of a client, as above. `connected` asks the server when it opens the database.
_embedded: Final[set[int]] = set()
_sorts_first: Final[set[int]] = set()


def is_embedded(database: Database) -> bool:
    """Return True if the server is the embedded one, which needs query shapes of its own."""
    return id(database.client) in _embedded


def sorts_before_limit(database: Database) -> bool:
    """Return True if the server gathers and sorts all matches of a query before it limits them."""
    return id(database.client) in _sorts_first


_times: Final[dict[int, ServerTime]] = {}


def server_time(database: Database) -> Callable[[], datetime]:
    """Return a clock that tells the server's time, which no step of our own clock changes."""
    return _times[id(database.client)].now


def own_clock_is_ahead(database: Database) -> timedelta:
    """Return by how much this machine's clock is ahead of the server's; negative if behind."""
    return _times[id(database.client)].own_is_ahead()


@asynccontextmanager
async def connected(
    uri: str,
    database: str,
    *,
    server_selection_ms: int | None = None,
    connect_ms: int | None = None,
    listeners: Sequence[object] = (),
) -> AsyncIterator[Database]:
    """Yield the database after it has answered a read; close the client at the end.

    server_selection_ms: time limit for finding a server. connect_ms: time limit for the handshake
        of a connection; the same as for finding a server, if that is given. listeners: the
        driver's, such as those of `storage.engine.watching`.
    Raises RefusedError (the URI is wrong, the password is wrong) or TryLaterError (no answer).
    """
    options = client_options.client_options(uri)
    if server_selection_ms is not None:
        options["serverSelectionTimeoutMS"] = server_selection_ms
        options["connectTimeoutMS"] = server_selection_ms if connect_ms is None else connect_ms
    _refuse(client_options.unsafe_options(uri))
    time = ServerTime()
    with translated(refusals.at_the_start):
        try:
            client: Any = AsyncIOMotorClient(
                uri,
                event_listeners=[time, *listeners],
                tz_aware=True,
                tzinfo=UTC,
                **options,
            )
            opened = client.get_database(database)
        # OSError: a file that the URI names, such as a certificate, does not exist.
        except (ValueError, TypeError, OSError, errors.InvalidName) as error:
            raise RefusedError(
                "the MongoDB URI or database name is not usable", problem=Problem.DATABASE_URI
            ) from error
    _times[id(client)] = time
    try:
        await _know_server(opened, uri, time)
        yield opened
    finally:
        client.close()
        _embedded.discard(id(client))
        _sorts_first.discard(id(client))
        _slots.pop(id(client), None)
        del _times[id(client)]


async def _know_server(database: Database, uri: str, time: ServerTime) -> None:
    """Learn the server's kind and time; raise RefusedError if it cannot keep our data safely."""
    with translated(refusals.at_the_start):
        await _read_health(database)
        build = await database.command("buildInfo")
        hello = await database.command("hello")
    if not time.is_known:
        # Behind a load balancer the driver asks no server for its state by itself.
        time.hear(hello["localTime"])
    if not hello.keys() & _TELLS_OF_TRANSACTIONS:
        raise RefusedError(
            "MongoDB is not a replica set, so it has no transactions",
            problem=Problem.DATABASE_TOO_SIMPLE,
        )
    if "secantusVersion" not in build:
        _refuse(client_options.unsafe_with_set(uri, hello))
    else:
        _sorts_first.add(id(database.client))
        # The Rust server of CI has MongoDB's semantics.
        if build.get("buildEnvironment", {}).get("cc") != "rustc":
            _embedded.add(id(database.client))


async def answers(database: Database) -> None:
    """Check that the database can read a document; raise our error if it cannot.

    A ping is not enough: a server with a full disk still answers it.
    """
    with translated(), client_options.shortly(database.client):
        await _read_health(database)


async def _read_health(database: Database) -> None:
    await database["health"].find_one({"_id": "health"})


def _refuse(options: list[str]) -> None:
    if options:
        raise RefusedError(
            f"the MongoDB URI has options that are not safe: {', '.join(options)}",
            problem=Problem.DATABASE_OPTION,
        )
