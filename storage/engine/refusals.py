"""MongoDB's errors and what follows from each: refused, later, or unreadable.

A refusal means that a value or a key can never be stored. So only codes that a value or a key
causes count as one. Whatever else the server answers may be over in a moment, also what sounds
final: a user whose password is just being changed, a full quota, a shard that moves.
Source of the codes: `src/mongo/base/error_codes.yml` of MongoDB; 8000 is Atlas's own.
"""

from typing import Final

from bson.errors import BSONError, InvalidBSON
from gridfs.errors import CorruptGridFile, NoFile
from pymongo import errors

from bot.domain.errors import (
    AppError,
    Problem,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)

DUPLICATE_KEY: Final = frozenset((11000, 11001, 12582))
_REFUSED: Final = DUPLICATE_KEY | frozenset(
    (
        2,  # BadValue
        9,  # FailedToParse
        14,  # TypeMismatch
        15,  # Overflow: nested too deeply, too
        16,  # InvalidLength
        22,  # InvalidBSON
        28,  # PathNotViable
        30,  # InvalidPath
        40,  # ConflictingUpdateOperators
        52,  # DollarPrefixedFieldName
        53,  # InvalidIdField
        54,  # NotSingleValueField
        55,  # InvalidDBRef
        56,  # EmptyFieldName
        57,  # DottedFieldName
        66,  # ImmutableField
        121,  # DocumentValidationFailure
        171,  # CannotIndexParallelArrays
        201,  # CannotBuildIndexKeys
        357,  # InvalidBSONType
        378,  # NonConformantBSON
        10334,  # BSONObjectTooLarge
        17280,  # KeyTooLong
        17419,  # the document is too large after the update
        17420,  # the same, in a replacement
    )
)

_INTERNAL_ERROR: Final = 1
_ATLAS: Final = 8000
_OUT_OF_DISK: Final = 14031
_NOT_ALLOWED: Final = frozenset((11, 13, 18, 31, 33, 391))
# Known to pass, so they say nothing about the item: not reachable, not the primary, interrupted,
# shutting down, overloaded, out of a quota, not allowed at this moment.
_PASSING: Final = _NOT_ALLOWED | frozenset(
    (
        *(6, 7, 20, 24, 43, 46, 50, 63, 64, 75, 79, 89, 90, 91, 96, 100, 107, 112, 117, 133, 134),
        *(143, 145, 146, 150, 175, 189, 202, 203, 208, 211, 215, 216, 225, 237, 239, 244, 245),
        *(246, 249, 250, 251, 261, 262, 264, 267, 272, 279, 281, 282, 290, 303, 314, 333, 334),
        *(355, 358, 363, 365, 371, 384, 388, 398, 402, 406, 407, 412, 433, 449, _ATLAS),
        *(9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, _OUT_OF_DISK, 16500),
    )
)
# The host, the network or the cursor went away in the middle.
_BROKEN_OFF: Final = frozenset((6, 7, 43, 89, 134, 175, 237, 9001, 11601))
_AGAIN: Final = ("TransientTransactionError", "RetryableWriteError")

LOCAL: Final = (BSONError, OverflowError, UnicodeEncodeError, RecursionError)
"""Raised by the driver, before or after the server, for what it cannot encode or decode."""


class DuplicateError(RefusedError):
    """A unique index has the key already."""


def of_code(code: int | None, *, what: str = "the operation") -> AppError:
    """Return the error for a code of the server; None where it gave none."""
    # The server's own message can quote a document, so only its code is passed on.
    if code in DUPLICATE_KEY:
        return DuplicateError(f"MongoDB has the key of {what} already (code {code})")
    if code in _REFUSED:
        return RefusedError(
            f"MongoDB refused {what} (code {code})", problem=Problem.DATABASE_REFUSES
        )
    if code == _OUT_OF_DISK:
        return TryLaterError("MongoDB has no disk space left", problem=Problem.DISK_FULL)
    if code == _INTERNAL_ERROR:
        # WiredTiger's panic on the embedded server: every call fails with it until a restart.
        return TryLaterError(
            "the database cannot read or write until it is restarted",
            problem=Problem.DATABASE_BROKEN,
        )
    later = TryLaterError if code is None or code in _PASSING else UnknownRefusalError
    return later(f"MongoDB does not do {what} now (code {code})", problem=Problem.DATABASE_REFUSES)


def of_local(error: Exception) -> AppError:
    """Return the error for one of `LOCAL`. Their messages quote the value, ours does not."""
    if isinstance(error, InvalidBSON):
        return UnreadableError("a stored document cannot be decoded")
    return RefusedError("a value cannot be stored in a document")


def of_server(error: errors.PyMongoError) -> AppError:
    """Return the error for one that the driver raised."""
    if isinstance(error, errors.BulkWriteError):
        return _of_bulk(error)
    if isinstance(error, errors.WriteConcernError):
        return TryLaterError("MongoDB did not confirm the write", problem=Problem.DATABASE_GONE)
    if isinstance(error, errors.OperationFailure):
        if _passes(error):
            return TryLaterError(
                f"MongoDB asks to try again (code {error.code})", problem=Problem.DATABASE_REFUSES
            )
        return of_code(error.code)
    if isinstance(error, NoFile):
        return RefusedError("there is no such file")
    if isinstance(error, CorruptGridFile):
        return UnreadableError("a stored file is not whole")
    return TryLaterError(
        f"MongoDB does not answer ({type(error).__name__})", problem=Problem.DATABASE_GONE
    )


def at_the_start(error: errors.PyMongoError) -> AppError:
    """Return the error for one that the driver raised before the first answer.

    Only then do the address and the password come into question: those of a process that works
    were right.
    """
    if isinstance(error, errors.InvalidURI | errors.ConfigurationError):
        return RefusedError("the MongoDB URI is not usable", problem=Problem.DATABASE_URI)
    if isinstance(error, errors.OperationFailure) and _is_of_user(error):
        return RefusedError(
            "MongoDB refused the user or the password", problem=Problem.DATABASE_PASSWORD
        )
    return of_server(error)


def _is_of_user(error: errors.OperationFailure) -> bool:
    if error.code == _ATLAS:
        return "auth" in str((error.details or {}).get("errmsg", "")).lower()
    return error.code in _NOT_ALLOWED


def _of_bulk(error: errors.BulkWriteError) -> AppError:
    found = of_writes(error)
    if found is None:
        return TryLaterError("MongoDB did not confirm the writes", problem=Problem.DATABASE_GONE)
    # A refusal only if all are refused: the others can be written later.
    return min(found.values(), key=_how_final)


def _how_final(error: AppError) -> int:
    return 2 if isinstance(error, RefusedError) else isinstance(error, UnknownRefusalError)


def of_writes(error: errors.BulkWriteError) -> dict[int, AppError] | None:
    """Return the error of each write of a bulk that failed, by its place.

    Returns None when the server does not say which of them were done.
    """
    failures = error.details.get("writeErrors")
    if not failures or error.details.get("writeConcernErrors") or _passes(error):
        return None
    return {one["index"]: of_code(one.get("code"), what="a write") for one in failures}


def is_broken_off(error: errors.PyMongoError) -> bool:
    """Return True if the call may have been done, or done in part, and can be made again."""
    if isinstance(error, errors.BulkWriteError):
        return of_writes(error) is None
    if isinstance(error, errors.OperationFailure):
        is_unconfirmed = isinstance(error, errors.WriteConcernError)
        return is_unconfirmed or error.code in _BROKEN_OFF or _passes(error)
    return isinstance(error, errors.ConnectionFailure)


def is_duplicate(error: errors.OperationFailure) -> bool:
    """Return True if all that failed did so for a key that a unique index has already."""
    if not isinstance(error, errors.BulkWriteError):
        return isinstance(error, errors.DuplicateKeyError)
    failed = of_writes(error)
    return failed is not None and all(isinstance(e, DuplicateError) for e in failed.values())


def _passes(error: errors.OperationFailure) -> bool:
    return any(map(error.has_error_label, _AGAIN))
