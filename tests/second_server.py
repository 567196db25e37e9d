"""The tests on another server than the embedded one: `make test MONGODB=<uri>`.

Storage and jobs without `OF_COMMANDS`, and the flows in `FLOWS`, run there, on databases of their
own that are dropped at the end. Tests marked `embedded` do not.

`.ci/run` gives the Rust server of the embedded one's author (.ci/secantusd-rs). It answers queries
as MongoDB does, but it has two faults with unique keys, and the tests that meet them are listed
here. A test of `KEPT_KEYS` that passes fails the run: then the fault is mended.
"""

import functools
import os
from typing import Any, Final

import pytest
from pymongo import MongoClient

MONGODB: Final = os.environ.get("TEST_MONGODB_URI", "")
"""The other server's URI, or empty."""

# Those in which most is written at the same time, or several writes belong together. The others
# use the same calls of storage/, whose own tests run on both servers.
FLOWS: Final = frozenset(
    (
        *("failover", "inbox", "locks_and_steps", "outbox", "queue", "reopen", "replicas"),
        *("retention", "set_aside", "transfer", "verified_by_hand"),
    )
)
# What stands on the terminal or in a file: the calls of storage/ behind it have their own tests.
OF_COMMANDS: Final = frozenset(
    (
        *("backup_command", "command_line", "commands", "corpus", "files_as_they_are"),
        "sync_command",
    )
)
# An update that changes or unsets a uniquely indexed field never frees the old key, so that a
# later document with this key is refused. Only deleting a document frees its keys.
KEPT_KEYS: Final = frozenset(
    (
        "flows/test_reopen.py::test_after_the_time_or_by_a_command_a_new_one_begins",
        "flows/test_reopen.py::test_another_subject_takes_along_what_reopened_the_conversation",
        "flows/test_reopen.py::test_not_while_the_customer_has_another_one",
        "flows/test_reopen.py::test_thanks_are_shown_below_the_closed_card_and_open_nothing",
        "flows/test_reopen.py::test_what_was_kept_for_another_subject_is_forgotten_when_it_was_none",
        "flows/test_reopen.py::test_who_left_or_is_somebody_else_reopens_nothing",
        "flows/test_retention.py::test_old_conversations_are_deleted_and_status_tells_it",
        "flows/test_verified_by_hand.py::test_the_button_asks_first_and_then_the_customer_is_verified",
        "storage/test_backup.py::test_a_backup_taken_while_others_write_restores_cleanly",
        "storage/test_backup.py::test_a_chat_that_reopens_meanwhile_has_one_open_conversation",
        "storage/test_conversations.py::test_after_closing_the_next_conversation_may_open",
        "storage/test_labels.py::test_a_label_is_found_by_id_and_by_name_in_any_case",
        "storage/test_labels.py::test_an_archived_name_is_free_and_cannot_be_taken_back_while_it_is_used",
        "storage/test_query_shapes.py::test_conversations_by_chat_registration_and_owed_lookup",
        "storage/test_queue.py::test_a_chat_with_another_open_one_reopens_none",
        "storage/test_queue.py::test_what_is_found_is_what_a_plain_filter_finds",
    )
)
# Of two transactions that give two documents the same key by an update, both succeed, unless one
# ends before the other begins.
SHARED_KEYS: Final = frozenset(
    ("storage/test_audit.py::test_of_two_who_are_given_one_tax_id_at_once_one_has_it",)
)


@functools.cache
def is_rust_server() -> bool:
    """Return True if the other server is the one with the faults."""
    if not MONGODB:
        return False
    with MongoClient[dict[str, Any]](MONGODB) as client:
        build = client["admin"].command("buildInfo")
    return "secantusVersion" in build and build["buildEnvironment"]["cc"] == "rustc"


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests for the embedded server, and expect those of the faults to fail."""
    dropped = [item for item in items if _is_for_embedded(item)]
    items[:] = [item for item in items if not _is_for_embedded(item)]
    config.hook.pytest_deselected(items=dropped)
    if not is_rust_server():
        return
    for item in items:
        test = item.nodeid.partition("[")[0].removeprefix("tests/")
        if test in KEPT_KEYS:
            item.add_marker(
                pytest.mark.xfail(reason="the Rust server keeps a key that is gone", strict=True)
            )
        elif test in SHARED_KEYS:
            item.add_marker(
                pytest.mark.xfail(reason="the Rust server gives a key twice", strict=False)
            )


def _is_for_embedded(item: pytest.Item) -> bool:
    if item.get_closest_marker("embedded"):
        return True
    name = item.path.stem.removeprefix("test_")
    if name in OF_COMMANDS or (item.path.parent.name == "flows" and name not in FLOWS):
        return True
    # Parametrized for the query shapes of both servers.
    return isinstance(item, pytest.Function) and (
        hasattr(item, "callspec") and item.callspec.params.get("embedded") is True
    )
