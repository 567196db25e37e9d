"""The tests that only CI and `make test LONG=1` run.

They start processes and kill them, fill disks, or drive a browser for a whole day. Of a hundred
tests they are six, and they take as long as all the others together.
"""

import os
from pathlib import Path
from typing import Final

import pytest

IS_WANTED: Final = bool(os.environ.get("TEST_LONG"))
TESTS: Final = Path(__file__).parent
_OF_ROOM: Final = {
    "chaos": ("machine", "seeds", "soak"),
    "demo": ("page",),
    # The day of a registration stays: one test of the browser for everybody.
    "e2e": (
        *("check", "conversation_day", "demo_page", "demo_sync", "embedded_shared", "erp_page"),
        *("files_page", "places_page", "process", "second_day", "sync_page", "table_page"),
    ),
    "flows": (
        *("database_trouble", "enumeration", "erp_fault_run", "erp_trouble", "failover", "flood"),
        *("outbox_trouble", "replicas", "telegram_trouble"),
    ),
    "jobs": (
        *("broker_away", "change_many", "cluster", "commands", "files_as_they_are", "kills"),
        *("kills_of_others", "sync_command", "sync_kills", "workers"),
    ),
    "storage": (
        *("backup", "backup_command", "command_line", "embedded", "embedded_restart"),
        *("embedded_secret", "embedded_trouble", "failover", "schema", "server_gone", "two_years"),
    ),
}
MODULES: Final = frozenset(
    TESTS / room / f"test_{name}.py" for room, names in _OF_ROOM.items() for name in names
)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the long tests, unless they are wanted or named on the command line."""
    named = {Path(arg.partition("::")[0]).resolve() for arg in config.args}
    left_out = [item for item in items if item.path in MODULES - named]
    items[:] = [item for item in items if item.path not in MODULES - named]
    config.hook.pytest_deselected(items=left_out)
