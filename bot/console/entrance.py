"""What anybody may ask for: the empty page, its files, and a session for an admin."""

import gzip
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from bot.console import texts
from bot.console.rendering import no_entry, page, sentence
from bot.console.request import ANYBODY, ConsoleRequest, Route
from bot.domain.console import NoEntry

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    path.name: path.read_bytes()
    for path in (Path(__file__).parent / "static").iterdir()
    if path.suffix in _TYPES
}
_GZIPPED: Final = {name: gzip.compress(content, mtime=0) for name, content in _FILES.items()}
# In the addresses of the files, so that a browser keeps each version as long as it wants.
_VERSION: Final = sha256(b"".join(_FILES[name] for name in sorted(_FILES))).hexdigest()[:12]
_LAUNCH_BYTES: Final = 8 * 1024


async def open_page(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the page without any data: scripts ask for those with a session."""
    script = asked.services.place.telegram_script
    return page("page", {"telegram_script": script, "version": _VERSION})


async def static_file(asked: ConsoleRequest) -> web.StreamResponse:
    name = asked.http.match_info["name"]
    content = asked.services.place.own_files.get(name) or _FILES.get(name)
    if content is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if name in _GZIPPED and "gzip" in asked.http.headers.get("Accept-Encoding", ""):
        content, headers["Content-Encoding"] = _GZIPPED[name], "gzip"
    return web.Response(
        body=content, content_type=_TYPES[Path(name).suffix], charset="utf-8", headers=headers
    )


async def open_session(asked: ConsoleRequest) -> web.StreamResponse:
    """Exchange what Telegram signed for a session's token; the body is what Telegram gave."""
    body = await asked.http.content.read(_LAUNCH_BYTES + 1)
    if len(body) > _LAUNCH_BYTES:
        return sentence(texts.TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    token = await asked.services.enter(body.decode(errors="replace"))
    return no_entry(token) if isinstance(token, NoEntry) else web.json_response({"token": token})


ROUTES: Final = (
    Route(method="GET", path="/", handle=open_page, roles=ANYBODY),
    Route(method="GET", path="/static/{name}", handle=static_file, roles=ANYBODY),
    Route(method="POST", path="/session", handle=open_session, roles=ANYBODY),
)
