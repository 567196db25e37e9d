"""An unreachable database is one clear error with its problem code."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine.client_options import unsafe_with_set
from storage.engine.connection import answers, connected, is_embedded
from tests.patience import HANG_MS
from tests.storage.servers import SOON_MS, free_port, plain_server, uri

PASSWORD = "senha-secreta"


async def refused(
    address: str, database: str = "balcao", *, server_selection_ms: int = HANG_MS
) -> AppError:
    """Return the error, raised without a search for a server.

    A search would run into the test's time-out; give `server_selection_ms` where one is meant.
    """
    with pytest.raises(AppError) as raised:
        async with connected(address, database, server_selection_ms=server_selection_ms):
            pytest.fail("connected")
    return raised.value


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mongodb://",
        "http://127.0.0.1",
        "mongodb://127.0.0.1:port",
        "mongodb://127.0.0.1:99999",
        "mongodb://[::1",
        f"mongodb://balcao:{PASSWORD}@@127.0.0.1",
        f"mongodb://balcao:p@{PASSWORD}@127.0.0.1",
        "mongodb://balcao@127.0.0.1",
        "mongodb://%zz@127.0.0.1",
        "mongodb+srv://127.0.0.1",
        "mongodb://127.0.0.1/?authMechanism=MONGODB-X509&authSource=x",
        "mongodb://127.0.0.1:1/?tls=true&tlsCAFile=/nowhere/ca.pem",
        "mongodb://127.0.0.1:1/?tls=true&tlsCertificateKeyFile=/nowhere/key.pem",
    ],
)
async def test_an_address_that_cannot_be_right_is_refused_at_once(address: str):
    error = await refused(address)
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATABASE_URI
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    "option",
    [
        *("w=0", "w=1", "w=2", "w=rack", "W=0", "w=majority&w=1", "journal=false", "j=false"),
        *("readPreference=secondary", "readPreference=primaryPreferred", "readpreference=nearest"),
        *("readConcernLevel=available", "readConcernLevel=linearizable"),
        *("serverSelectionTimeoutMS=900000", "serverSelectionTimeoutMS=x"),
    ],
)
async def test_an_option_that_would_break_a_promise_is_refused_before_anything_is_sent(
    option: str,
):
    error = await refused(f"mongodb://127.0.0.1:1/?{option}")
    assert (type(error), error.problem) == (RefusedError, Problem.DATABASE_OPTION)
    assert option.partition("=")[0].lower()[:1] in str(error)


@pytest.mark.parametrize(
    ("options", "hello", "unsafe"),
    [
        ("retryWrites=false", {}, ["retrywrites"]),
        ("retryWrites=true&directConnection=true", {}, []),
        ("directConnection=true", {"hosts": ["a", "b"]}, ["directconnection"]),
        # A set of one that has just been started.
        ("directConnection=true", {"isWritablePrimary": False}, []),
        ("directConnection=false", {"hosts": ["a", "b"]}, []),
        ("", {"hosts": ["a", "b"]}, []),
    ],
)
def test_some_options_depend_on_the_set(options: str, hello: dict[str, Any], unsafe: list[str]):
    told = {"hosts": ["a"], "isWritablePrimary": True} | hello
    assert unsafe_with_set(f"mongodb://a/?{options}", told) == unsafe


async def test_a_harmless_option_of_the_operator_wins(mongodb_uri: str):
    given = "maxPoolSize=3&socketTimeoutMS=9000&appName=loja&w=majority&readConcernLevel=majority"
    async with connected(f"{mongodb_uri}&{given}", "balcao") as database:
        options = database.client.options
        assert options.pool_options.max_pool_size == 3
        assert options.pool_options.socket_timeout == 9
        assert options.pool_options.appname == "loja"
        assert options.read_concern.level == "majority"
        assert options.write_concern.document["w"] == "majority"
        assert options.write_concern.document["j"] is True
        assert options.read_preference.mongos_mode == "primary"


@pytest.mark.parametrize("name", ["a b", "a.b", "", "a/b", "$x"])
async def test_a_database_name_that_cannot_be_right_is_refused(name: str):
    error = await refused("mongodb://127.0.0.1:1", name)
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATABASE_URI


@pytest.mark.parametrize(
    "address",
    [
        uri(free_port()),
        "mongodb://nowhere.invalid",
        "mongodb://127.0.0.1:1/?replicaSet=rs0",
        f"mongodb://balcao:{PASSWORD}@127.0.0.1:1/",
    ],
    # Explicit ids, because the port differs in each run and a test's name must not.
    ids=["free port", "no such host", "no such set", "with a password"],
)
async def test_a_server_that_is_not_there_may_be_there_later(address: str):
    error = await refused(address, server_selection_ms=SOON_MS)
    assert isinstance(error, TryLaterError)
    assert error.problem is Problem.DATABASE_GONE
    assert PASSWORD not in str(error)
    # These are the driver's own words: it would look for half a minute.
    assert f"Timeout: {SOON_MS / 1000}s" in str(error.__cause__)


@pytest.mark.embedded
async def test_an_embedded_server_is_known_whatever_becomes_of_other_clients(mongodb_uri: str):
    earlier = connected(mongodb_uri, "balcao")
    assert is_embedded(await earlier.__aenter__())
    async with connected(mongodb_uri, "balcao") as database:
        await earlier.__aexit__(None, None, None)
        del earlier
        gc.collect()
        assert is_embedded(database)


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """Start a server that requires a password, and give its port."""
    files: Path = tmp_path_factory.mktemp("guarded") / "files"
    async with plain_server(files) as port, connected(uri(port), "admin") as admin:
        await admin.command("createUser", "balcao", pwd=PASSWORD, roles=["root"])
    async with plain_server(files, "--auth") as port:
        yield port


@pytest.mark.embedded
@pytest.mark.parametrize("user", ["", "balcao:errada@", f"outro:{PASSWORD}@"])
async def test_a_wrong_password_is_refused_and_not_repeated(guarded: int, user: str):
    error = await refused(uri(guarded, user))
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATABASE_PASSWORD
    assert "errada" not in str(error)
    assert PASSWORD not in str(error)


@pytest.mark.embedded
async def test_the_right_password_opens(guarded: int):
    async with connected(uri(guarded, f"balcao:{PASSWORD}@"), "balcao") as database:
        await answers(database)
        await database["x"].insert_one({"_id": 1})
        assert await database["x"].find_one() == {"_id": 1}
