"""Structured logs that never hold a whole tax id, telephone, message text or token."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, Literal

import structlog

from bot.domain.errors import AppError

# A last net under the rule that no such value is logged in the first place. Only texts are
# searched: ids that are logged as numbers stay readable.
_TOKEN: Final = re.compile(r"\b[0-9]{5,}:[A-Za-z0-9_-]{10,}")
_CNPJ: Final = re.compile(
    r"\b[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-?[0-9]{2}\b|\b[0-9A-Z]{12}[0-9]{2}\b"
)
_LONG_NUMBER: Final = re.compile(r"(?<![\w.-])\+?\(?[0-9](?:[ .()/-]{0,2}[0-9]){9,14}\b")
# pymongo logs whole commands at DEBUG, documents included; aiohttp's server logs paths with the
# bot's token in them; selectors are noise.
_QUIET: Final = ("pymongo", "aiohttp.access", "asyncio", "urllib3")

Event = MutableMapping[str, Any]


def configure_logs(*, level: str, log_format: Literal["console", "json"]) -> None:
    """Send structlog's and the standard library's records through one chain to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain_errors,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                hide_personal_data,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def hide_personal_data(_: Any, __: str, event: Event) -> Event:
    """The event with everything covered that looks like a token, a document or a telephone."""
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = scrub(value)
    return event


def scrub(text: str) -> str:
    """The text with tokens, documents and telephones covered."""
    text = _TOKEN.sub("<token>", text)
    text = _CNPJ.sub(lambda found: found[0] if found[0].isalpha() else "<document>", text)
    return _LONG_NUMBER.sub("<number>", text)


def _plain_errors(_: Any, __: str, event: Event) -> Event:
    """Replace exception objects by where they were raised and what they are.

    A library's message can quote what a person wrote (pydantic and int() do), so only the
    messages of our own errors are kept; local variables never are.
    """
    found = event.pop("exc_info", None)
    error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found else None
    if isinstance(found, tuple):
        error = found[1]
    if error is not None:
        event["exception"] = "\n".join(_told(error))
    return event


def _told(error: BaseException) -> list[str]:
    lines = []
    if error.__cause__ is not None:
        lines = [*_told(error.__cause__), "which led to:"]
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}')
    message = f": {error}" if isinstance(error, AppError) else ""
    return [*lines, type(error).__name__ + message]
