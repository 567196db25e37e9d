"""Real parts for every test: an embedded server, the emulated Telegram and ERP over HTTP."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import IxcEmulator, demo_emulator
from bot.runtime.logs import configure_logs
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes

_QUICKLY_DROPPED = 500


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """As in production, so that a test that fails shows what an operator would see."""
    configure_logs(level="DEBUG", log_format="console")


@pytest.fixture(autouse=True)
def uncached_loggers(logs: None) -> None:
    """A logger that some test has used would show nothing to one that captures its lines."""
    structlog.configure(cache_logger_on_first_use=False)


@pytest.fixture(scope="session")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """One embedded server for the whole session."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    async with embedded_server(data_dir) as uri:
        yield uri


@pytest.fixture
async def database(mongodb_uri: str) -> AsyncIterator[Any]:
    """An empty database with its indexes, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    async with connected(mongodb_uri, name) as opened:
        await ensure_indexes(opened)
        yield opened
        await drop_if_small(opened)


async def drop_if_small(database: Any) -> None:
    """Drop it, unless that takes the embedded server seconds; its files go with the session."""
    names = await database.list_collection_names()
    counts = [await database[name].estimated_document_count() for name in names]
    if sum(counts) <= _QUICKLY_DROPPED:
        await database.client.drop_database(database.name)


@pytest.fixture
async def telegram() -> AsyncIterator[BotApiEmulator]:
    async with BotApiEmulator() as emulator:
        yield emulator


@pytest.fixture
async def erp() -> AsyncIterator[IxcEmulator]:
    async with demo_emulator() as emulator:
        yield emulator
