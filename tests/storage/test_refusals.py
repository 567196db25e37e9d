"""Which answers of MongoDB mean "never" and which mean "later"."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import UpdateOne, errors

from bot.domain.errors import (
    AppError,
    Problem,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
)
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import connected, translated
from storage.engine.refusals import of_code, of_server
from storage.updates.states import States
from tests.storage.wire import Wire, wire_before

PASSING = [13, 18, 20, 50, 112, 8000, 14031, 16500]
# After these the driver waits for the server's next sign of life.
NO_PRIMARY = [91, 189, 10107, 11600, 11602, 13435]
UNKNOWN = [0, 8, 47, 72, 115, 59, 999_999]
REFUSED = [2, 9, 14, 15, 40, 52, 57, 121, 10334, 17280, 17419]


@pytest.fixture(scope="module")
def wire(mongodb_uri: str) -> Iterator[Wire]:
    with wire_before(urlsplit(mongodb_uri).port or 0) as wire:
        yield wire


@pytest.fixture
def through(wire: Wire, mongodb_uri: str) -> str:
    """Return the server's address, with the proxy before it."""
    address = urlsplit(mongodb_uri)
    return mongodb_uri.replace(f":{address.port}", f":{wire.port}")


@pytest.fixture
async def behind(through: str, database: Any) -> AsyncIterator[Any]:
    """Return the test's database, reached through the proxy."""
    async with connected(through, database.name) as opened:
        yield opened


async def error_of(work: Any) -> AppError:
    with pytest.raises(AppError) as raised:
        await work
    return raised.value


@pytest.mark.parametrize("code", PASSING + UNKNOWN)
async def test_a_code_that_no_value_causes_means_later(wire: Wire, behind: Any, code: int):
    every = [("find", "states"), ("update", "states"), ("insert", "states")]
    with wire.refusing(code, *every):
        for work in (
            FindOne(behind["states"])("k"),
            InsertOne(behind["states"])({"_id": "k"}),
            Write(behind["states"])(UpdateOne({"_id": "k"}, {"$set": {"a": 1}})),
            States(behind).save([("k", "s", {})], update_id=1),
        ):
            error = await error_of(work)
            assert isinstance(error, TryLaterError)
            assert isinstance(error, UnknownRefusalError) == (code in UNKNOWN)
            assert "refused by the proxy" not in str(error)
    assert await States(behind).load("k") == (None, {}, 0)


@pytest.mark.parametrize("code", REFUSED)
async def test_a_code_that_a_value_causes_is_a_refusal(wire: Wire, behind: Any, code: int):
    with wire.refusing(code, ("insert", "states")):
        assert isinstance(await error_of(InsertOne(behind["states"])({"_id": "k"})), RefusedError)


@pytest.mark.parametrize("code", NO_PRIMARY)
def test_a_server_that_is_no_primary_any_more_means_later(code: int):
    assert type(of_code(code)) is TryLaterError


@pytest.mark.parametrize("code", [*PASSING, *NO_PRIMARY, 43, 64, 100, 112, 246, 251, 13436])
def test_in_whatever_form_a_passing_trouble_comes_it_means_later_and_away(code: int):
    """A job that meets it is not at fault, however often (`Problem.DATABASE_GONE`, `_REFUSES`)."""
    said = {"ok": 0.0, "code": code, "errmsg": "x"}
    labels = [["TransientTransactionError"], ["UnknownTransactionCommitResult"], []]
    forms: list[errors.PyMongoError] = [
        *(errors.OperationFailure("x", code, said | {"errorLabels": some}) for some in labels),
        errors.NotPrimaryError("x", said),
        errors.WriteConcernError("x", code, said),
        errors.WTimeoutError("x", code, said),
        errors.BulkWriteError({"writeErrors": [], "writeConcernErrors": [said]}),
        errors.BulkWriteError({"writeErrors": [{"index": 0, **said}]}),
        errors.BulkWriteError(
            {"writeErrors": [{"index": 0, "code": 11000}], "writeConcernErrors": [said]}
        ),
    ]
    for form in forms:
        error = of_server(form)
        assert type(error) is TryLaterError, form
        full = Problem.DISK_FULL if code == 14031 else None
        assert error.problem in (Problem.DATABASE_GONE, Problem.DATABASE_REFUSES, full), form


async def test_an_answer_without_a_code_means_later(wire: Wire, behind: Any):
    with wire.answering(("find", "states"), ok=0.0, errmsg="?"):
        error = await error_of(FindOne(behind["states"])("k"))
    assert isinstance(error, TryLaterError)


async def test_each_write_of_a_bulk_has_its_own_answer(wire: Wire, behind: Any):
    insert = InsertOne(behind["states"])
    failed = [{"index": n, "code": code, "errmsg": "x"} for n, code in ((1, 121), (2, 8000))]
    failed += [{"index": 3, "code": 11000, "errmsg": "x"}, {"index": 4, "code": 47, "errmsg": "x"}]
    with wire.answering(("insert", "states"), ok=1.0, n=1, writeErrors=failed):
        found = await asyncio.gather(
            *(insert({"_id": n}) for n in range(5)), return_exceptions=True
        )
    assert found[0] is True
    assert found[3] is False
    kinds = [type(found[n]) for n in (1, 2, 4)]
    assert kinds == [RefusedError, TryLaterError, UnknownRefusalError]


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((121,), RefusedError),
        ((121, 8000), TryLaterError),
        ((11000, 47), UnknownRefusalError),
        ((11000, 47, 13), TryLaterError),
    ],
)
async def test_a_bulk_is_refused_only_if_every_failed_write_of_it_is(
    wire: Wire, behind: Any, codes: tuple[int, ...], kind: type[AppError]
):
    failures = [{"index": n, "code": code, "errmsg": "x"} for n, code in enumerate(codes)]

    async def bulk() -> None:
        with translated():
            writes = [UpdateOne({"_id": n}, {"$set": {"a": 1}}) for n in range(len(codes))]
            await behind["states"].bulk_write(writes, ordered=False)

    with wire.answering(("update", "states"), ok=1.0, n=0, nModified=0, writeErrors=failures):
        error = await error_of(bulk())
    assert type(error) is kind


async def test_one_unknown_refusal_fails_nobody_else(wire: Wire, behind: Any):
    """A write of another collection waits for a slot meanwhile."""
    with wire.refusing(8000, ("update", "states"), ("insert", "states")):
        refused = [InsertOne(behind["states"])({"_id": n}) for n in range(4)]
        others = [InsertOne(behind["choices"])({"_id": n}) for n in range(4)]
        found = await asyncio.gather(*refused, *others, return_exceptions=True)
    assert [type(one) for one in found[:4]] == [TryLaterError] * 4
    assert found[4:] == [True] * 4


@pytest.mark.parametrize(
    "value",
    [
        2**70,
        "\ud800",
        {"\ud800": 1},
        {"a\0b": 1},
        {1: 2},
        "a" * (17 << 20),
        object(),
    ],
    ids=["int", "surrogate", "key", "null", "number", "large", "object"],
)
async def test_a_value_that_fits_in_no_document_is_refused_and_not_quoted(
    database: Any, value: object
):
    error = await error_of(InsertOne(database["states"])({"_id": "k", "secret": value}))
    assert isinstance(error, RefusedError)
    assert len(str(error)) < 100


async def test_a_document_that_is_nested_too_deeply_is_refused(database: Any):
    value: Any = 1
    for _ in range(3000):
        value = {"a": value}
    assert isinstance(
        await error_of(InsertOne(database["states"])({"_id": 1, "x": value})), RefusedError
    )


async def test_a_closed_client_means_later(mongodb_uri: str, database: Any):
    async with connected(mongodb_uri, database.name) as opened:
        pass
    assert isinstance(await error_of(FindOne(opened["states"])("k")), TryLaterError)


@pytest.mark.parametrize("code", [13, 18])
async def test_only_the_first_answer_speaks_of_the_password(wire: Wire, through: str, code: int):
    with wire.refusing(code, ("find", "health")):
        error = await error_of(opened(through))
    assert (type(error), error.problem) == (RefusedError, Problem.DATABASE_PASSWORD)


async def test_atlas_says_wrong_password_with_its_own_code(wire: Wire, through: str):
    for errmsg, problem in (
        ("bad auth : Authentication failed.", Problem.DATABASE_PASSWORD),
        ("you are over your space quota", Problem.DATABASE_REFUSES),
    ):
        with wire.answering(("find", "health"), ok=0.0, code=8000, errmsg=errmsg):
            assert (await error_of(opened(through))).problem is problem


async def test_a_server_that_is_no_replica_set_is_named_at_the_start(wire: Wire, through: str):
    with wire.answering(("hello", "*"), ok=1.0, isWritablePrimary=True, maxWireVersion=21):
        error = await error_of(opened(through))
    assert error.problem is Problem.DATABASE_TOO_SIMPLE


async def opened(address: str) -> None:
    async with connected(address, "balcao"):
        pass
