"""Transactions: all writes of one are stored or none, also when the primary changes meanwhile.

The primary's change ends every transaction that is not committed, and the driver repeats none. A
commit whose answer is lost may have been done or not. Both are settled here, where nobody has been
told anything yet: the transaction is begun again, and the commit is repeated.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pymongo.errors import PyMongoError

from storage.engine.client_options import shortly
from storage.engine.connection import Session
from storage.engine.repeating import Patience

_WRITE_CONFLICT: Final = 112
# Another transaction writes the same. It takes some milliseconds; one of a killed process takes up
# to a minute, which is too long to wait for.
_CONFLICTS: Final = 6

Write = Callable[[Session], Awaitable[bool]]


async def in_transaction(client: Any, write: Write) -> bool:
    """Return the result of `write`: if it is True its writes are stored, else none of them is.

    `write` may be called several times, each time with nothing stored of the time before. Raises
    the driver's errors, untranslated.
    """
    async with await client.start_session() as session:
        return await in_transaction_of(session, write)


async def in_transaction_of(session: Session, write: Write) -> bool:
    """Do the same in this session, which stays open."""
    patience, conflicts = Patience(), 0
    while True:
        try:
            return await _once(session, write)
        except PyMongoError as error:
            conflicts += getattr(error, "code", None) == _WRITE_CONFLICT
            if not error.has_error_label("TransientTransactionError") or conflicts == _CONFLICTS:
                raise
            await patience.pause(error)


async def _once(session: Session, write: Write) -> bool:
    session.start_transaction()
    try:
        if not await write(session):
            return False
        await _commit(session)
    finally:
        if session.in_transaction:
            # A primary that is gone has aborted it already, and need not be looked for.
            with shortly(session.client):
                await session.abort_transaction()
    return True


async def _commit(session: Session) -> None:
    patience = Patience()
    while True:
        try:
            await session.commit_transaction()
            return
        except PyMongoError as error:
            if not error.has_error_label("UnknownTransactionCommitResult"):
                raise
            await patience.pause(error)
