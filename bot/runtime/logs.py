"""Structured logs that never hold a whole tax id, telephone, message text or token."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.domain.errors import AppError
from bot.domain.normal_form import normalized

# A safety net: the rule is that no such value is logged in the first place. Only texts are
# searched, so ids that are logged as numbers stay readable.
_TOKEN: Final = re.compile(r"(?<![0-9])[0-9]{5,}:[A-Za-z0-9_-]{10,}")
_CNPJ: Final = re.compile(
    r"(?<![0-9A-Za-z])"
    r"[0-9A-Za-z]{2}[ .]?[0-9A-Za-z]{3}[ .]?[0-9A-Za-z]{3}[ /]?[0-9A-Za-z]{4}[ -]?[0-9]{2}"
    r"(?![0-9A-Za-z])"
)
# Values that an operator needs to read and that are neither tax ids nor telephones.
_HARMLESS: Final = (
    r"(?P<harmless>"
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"  # dates and times
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # uuids
    r"|\b[0-9a-f]{24,}\b"  # other ids
    r"|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b(?:\:[0-9]+)?(?![./-]?[0-9])"  # addresses
    r"|\b[0-9]+\.[0-9]+\b(?![ ./-]?[0-9])"  # seconds
    r"|(?<![0-9])-100[0-9]{10}\b"  # groups
    r")"
)
_NUMBER: Final = re.compile(
    _HARMLESS + r"|(?<![0-9])\+?\(?[0-9](?:(?: ?[-./()] ?| {1,2}|\) ?)?[0-9]){9,14}(?![0-9])"
)
# pymongo logs whole commands at DEBUG, documents included; aiohttp's server logs paths with the
# bot's token in them; asyncio's lines on selectors are noise.
_QUIET: Final = (
    *("pymongo", "aiohttp.access", "asyncio", "urllib3"),
    *("taskiq", "taskiq_nats", "nats"),
)
# It logs at each attempt what the last error says once.
_QUIETER: Final = ("stamina",)


def configure_logs(*, level: str, log_format: Literal["console", "json"]) -> None:
    """Send the records of structlog and the standard library through one chain to standard
    error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain_errors,
    ]
    renderer: Processor = (
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
    for name in _QUIETER:
        logging.getLogger(name).setLevel(logging.ERROR)
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


def hide_personal_data(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Return the event with everything redacted that looks like a token, a tax id or a
    telephone."""
    for key, value in event.items():
        if key != "timestamp":
            event[key] = _hidden(value)
    return event


def _hidden(value: object) -> object:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, BaseException):
        return _named(value)
    if isinstance(value, Mapping):
        return {_hidden(key): _hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(item) for item in value]
    return value


def scrub(text: str) -> str:
    """Return the text with tokens, tax ids and telephones redacted."""
    if not text.isascii():
        text = normalized("NFKC", text)
    text = _TOKEN.sub("<token>", text)
    text = _NUMBER.sub(lambda found: found["harmless"] or "<number>", text)
    return _CNPJ.sub(_covered, text)


def _covered(found: re.Match[str]) -> str:
    # With only two digits it is a word followed by a number, unless it is written like a tax id.
    text = found[0]
    is_document = sum(c.isdecimal() for c in text) > 2 or "/" in text or text.isupper()
    return "<document>" if is_document else text


def _plain_errors(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace exception objects by their type and the places they were raised at.

    A library's message can quote what a person wrote (pydantic and int() do). So only the messages
    of our own errors are kept, and local variables never are.
    """
    found = event.pop("exc_info", None)
    error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found else None
    if isinstance(found, tuple):
        error = found[1]
    if error is not None:
        if event.get("logger") == "asyncio":
            # Its further lines quote the error.
            event["event"] = str(event["event"]).partition("\n")[0]
        event["exception"] = "\n".join(described(error))
    return event


def described(error: BaseException) -> list[str]:
    """Return the error's type and the places it was raised at, without a library's message."""
    lines = []
    if error.__cause__ is not None:
        lines = [*described(error.__cause__), "which led to:"]
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}')
    return [*lines, _named(error)]


def _named(error: BaseException) -> str:
    message = f": {error}" if isinstance(error, AppError) else ""
    return type(error).__name__ + message
