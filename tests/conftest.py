"""Real parts for every test: an embedded server, the emulated Telegram and ERP over HTTP."""

import functools
import gc
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from pymongo import monitoring

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import IxcEmulator, demo_emulator
from bot.runtime.logs import configure_logs
from bot.runtime.memory import freeze_gc
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.databases import Databases, IndexChanges, Reads
from tests.long_tests import IS_WANTED, leave_out
from tests.patience import be_patient
from tests.second_server import MONGODB, choose, is_rust_server
from tests.storage.servers import short_lived

# A busy machine makes no example fail, and each run tries the same ones.
hypothesis.settings.register_profile(
    "busy",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("busy")

# Modules imported from here on stay in memory, so collect garbage less often.
gc.set_threshold(100_000, 50, 50)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests, and those that are not for another server than the embedded."""
    if not IS_WANTED:
        leave_out(config, items)
    if MONGODB:
        choose(config, items)


def pytest_collection_finish() -> None:
    """Freeze the garbage collector, as in production.

    Otherwise each full collection scans all modules and all tests.
    """
    freeze_gc()


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """Raise all time-outs, so that a busy machine makes no test fail."""
    be_patient()


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Configure logs as in production, so that a failed test shows what an operator sees."""
    configure_logs(level="DEBUG", log_format="console")


@pytest.fixture(autouse=True)
def uncached_loggers(logs: None) -> None:
    """Disable logger caching: a cached logger would bypass a test that captures its lines."""
    structlog.configure(cache_logger_on_first_use=False)


@pytest.fixture(scope="session", autouse=True)
def trusted_certificates() -> Iterator[None]:
    """Share one TLS context: otherwise each client reads the certificates, even without TLS."""
    once = functools.cache(ssl.create_default_context)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", once)
        yield


@pytest.fixture(scope="session")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Start one embedded server for the whole session, unless another server is given."""
    if MONGODB:
        yield MONGODB
        return
    data_dir: Path = tmp_path_factory.mktemp("data")
    async with embedded_server(data_dir) as uri:
        yield uri


@pytest.fixture(scope="session")
async def protected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose server has its user, which takes one more start to create."""
    data_dir: Path = tmp_path_factory.mktemp("protected")
    async with short_lived(data_dir):
        pass
    return data_dir


@pytest.fixture
def data_dir(protected: Path, tmp_path: Path) -> Path:
    """Return a data directory of the test's own, with an empty database."""
    return Path(shutil.copytree(protected, tmp_path / "data"))


@pytest.fixture(scope="session")
def all_reads() -> Reads:
    """Return the counter of reads; it hears of every client that is opened later."""
    reads = Reads()
    monitoring.register(reads)
    return reads


@pytest.fixture
def reads(all_reads: Reads, database: Any) -> Reads:
    """Return the counter of the reads in the test's database."""
    all_reads.database = database.name
    all_reads.of.clear()
    return all_reads


@pytest.fixture(scope="session")
async def databases(mongodb_uri: str, all_reads: Reads) -> AsyncIterator[Databases]:
    """Return the databases of this worker."""
    changes = IndexChanges()
    monitoring.register(changes)
    async with connected(mongodb_uri, "tests") as opened:
        made = Databases(opened.client, changes, reuse=not is_rust_server())
        yield made
        if MONGODB:
            await made.drop()


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Any]:
    """Lend an empty database with its indexes; tests reuse it one after the other."""
    async with databases.lent() as lent:
        yield lent


@pytest.fixture
async def own_database(databases: Databases) -> Any:
    """Return a new database for one test alone, which may change its indexes."""
    return await databases.new()


@pytest.fixture
async def telegram() -> AsyncIterator[BotApiEmulator]:
    async with BotApiEmulator() as emulator:
        yield emulator


@pytest.fixture
async def erp() -> AsyncIterator[IxcEmulator]:
    async with demo_emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """One Chromium for the whole session."""
    # Loaded only where it is used: most workers run no test of a page.
    from tests.browsers import chromium

    async with chromium() as started:
        yield started
