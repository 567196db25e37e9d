"""Log lines on standard error, from our own logger and from the libraries."""

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.logs import configure_logs
from storage.updates.inbox import Inbox
from tests.unit.documents import CPF

SECRET = "palavra-secreta"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stderr() -> Iterator[io.StringIO]:
    yield io.StringIO()
    configure_logs(level="DEBUG", log_format="console")


def configure(stream: io.StringIO, **choices: Any) -> None:
    with contextlib.redirect_stderr(stream):
        configure_logs(**({"level": "DEBUG", "log_format": "json"} | choices))


@pytest.fixture
def lines(stderr: io.StringIO) -> Lines:
    """Return a function that reads the logged lines as JSON."""
    configure(stderr)
    return lambda: [json.loads(line) for line in stderr.getvalue().splitlines()]


def fail_with_locals(error: BaseException, cause: BaseException | None = None) -> None:
    secret_local = SECRET + "-local"
    assert secret_local
    raise error from cause


def test_a_line_says_when_how_grave_and_by_whom(lines: Lines):
    structlog.get_logger("bot.teste").warning("espera", chat=5551234567)
    logging.getLogger("biblioteca").warning("espera %s", "muito")
    ours, theirs = lines()
    assert (ours["event"], ours["level"], ours["chat"]) == ("espera", "warning", 5551234567)
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == (
        "espera muito",
        "biblioteca",
        "warning",
    )


def test_an_error_of_a_task_that_nobody_awaits_is_logged_without_its_text(lines: Lines):
    async def fail() -> None:
        raise ValueError(SECRET)

    async def nobody_awaits() -> None:
        loop = asyncio.get_running_loop()
        failed = loop.create_task(fail())
        await asyncio.wait({failed})
        loop.call_exception_handler(
            {
                "message": "Task exception was never retrieved",
                "exception": failed.exception(),
                "future": failed,
            }
        )

    # In the loop of all tests, the tasks of others may log too.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(nobody_awaits())
    loop.close()
    [line] = lines()
    assert line["event"] == "Task exception was never retrieved"
    assert "ValueError" in line["exception"]
    assert SECRET not in str(line)


def test_ids_bound_to_the_context_are_in_every_line(lines: Lines):
    with structlog.contextvars.bound_contextvars(update=7):
        structlog.get_logger().info("um")
        logging.getLogger("biblioteca").info("dois")
    structlog.get_logger().info("três")
    assert [line.get("update") for line in lines()] == [7, 7, None]


def test_documents_are_covered_whoever_logs_them(lines: Lines):
    structlog.get_logger().info(f"cpf {CPF.masked}", tax_id=CPF.number)
    logging.getLogger("biblioteca").info("cpf %s", CPF.masked)
    logging.getLogger("biblioteca").info("cpf", extra={"tax_id": CPF.masked})
    structlog.get_logger().info("objeto", tax_id=CPF)
    text = json.dumps(lines())
    assert CPF.masked not in text
    assert CPF.number not in text


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("name", ["structlog", "logging"])
def test_the_words_of_a_foreign_exception_are_withheld(
    name: str, log_format: Any, stderr: io.StringIO
):
    configure(stderr, log_format=log_format)
    logger: Any = structlog.get_logger() if name == "structlog" else logging.getLogger("x")
    try:
        fail_with_locals(ValueError(SECRET), KeyError(SECRET))
    except ValueError:
        logger.exception("falhou")
    text = stderr.getvalue()
    assert SECRET not in text
    assert "ValueError" in text
    assert "KeyError" in text
    assert "fail_with_locals" in text
    assert "which led to" in text


@pytest.mark.parametrize("error", [RefusedError("o porquê"), TryLaterError("o porquê")])
def test_the_words_of_our_own_errors_are_kept(error: Exception, lines: Lines):
    try:
        fail_with_locals(error, ValueError(SECRET))
    except type(error):
        structlog.get_logger().exception("falhou")
    [line] = lines()
    assert line["exception"].splitlines()[-1] == f"{type(error).__name__}: o porquê"
    assert SECRET not in json.dumps(line)


def test_what_happened_while_another_error_was_handled_is_withheld_too(lines: Lines):
    try:
        try:
            fail_with_locals(ValueError(SECRET))
        except ValueError:
            fail_with_locals(OSError(SECRET))
    except OSError:
        structlog.get_logger().exception("falhou")
    [line] = lines()
    assert SECRET not in json.dumps(line)
    assert line["exception"].splitlines()[-1] == "OSError"


def test_an_exception_object_is_told_as_well(lines: Lines):
    structlog.get_logger().error("falhou", exc_info=ValueError(SECRET))
    structlog.get_logger().error("nada falhou", exc_info=True)
    first, second = lines()
    assert first["exception"] == "ValueError"
    assert "exception" not in second


def test_a_group_of_errors_is_told_by_its_kind(lines: Lines):
    try:
        fail_with_locals(ExceptionGroup(SECRET, [ValueError(SECRET)]))
    except ExceptionGroup:
        structlog.get_logger().exception("falhou")
    [line] = lines()
    assert SECRET not in json.dumps(line)
    assert "ExceptionGroup" in line["exception"]


def test_what_is_below_the_level_is_not_logged(lines: Lines, stderr: io.StringIO):
    configure(stderr, level="WARNING")
    structlog.get_logger("a").info("nada")
    logging.getLogger("b").info("nada")
    structlog.get_logger("a").warning("algo")
    assert [line["event"] for line in lines()] == ["algo"]


async def test_pymongo_logs_no_documents_at_debug(database: Any, lines: Lines):
    await Inbox(database).add(
        1, [(1, "c", {"text": SECRET})], at=datetime(2026, 11, 24, tzinfo=UTC)
    )
    assert await Inbox(database).pending_of("c") == [(1, {"text": SECRET}, 0)]
    logged = lines()
    assert SECRET not in json.dumps(logged)
    assert [line for line in logged if line.get("logger", "").startswith("pymongo")] == []
    assert not logging.getLogger("pymongo.command").isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("name", ["aiohttp.access", "asyncio", "urllib3", "pymongo.topology"])
def test_noisy_libraries_are_quiet_below_a_warning(name: str, lines: Lines):
    logging.getLogger(name).info("GET /bot123/x")
    logging.getLogger(name).warning("isto sim")
    assert [line["event"] for line in lines()] == ["isto sim"]
