"""HTML from templates. Every value is escaped, as names and notes are data."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.console.texts import NO_ENTRY
from bot.domain.console import NoEntry

_TEMPLATES: Final = Environment(
    loader=PackageLoader("bot.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, values: Mapping[str, object]) -> web.Response:
    """Return an answer of HTML. template: its name in `templates`, without the ending."""
    text = _TEMPLATES.get_template(f"{template}.html").render(values)
    response = web.Response(text=text, content_type="text/html")
    response.enable_compression()
    return response


def sentence(text: str, status: int) -> web.Response:
    """Return a refusal, which the page shows as it is."""
    return web.Response(text=text, status=status, content_type="text/plain")


def no_entry(reason: NoEntry) -> web.Response:
    """Return the refusal: 403 for whom we know and do not let in, else 401."""
    is_known = reason is NoEntry.NOT_ADMIN
    status = HTTPStatus.FORBIDDEN if is_known else HTTPStatus.UNAUTHORIZED
    return sentence(NO_ENTRY[reason], status)
