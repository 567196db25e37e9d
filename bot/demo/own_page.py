"""Shared parts of the demo's pages: their files, and their protection against other sites."""

from pathlib import Path
from typing import Final

from aiohttp import web

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class PageFiles:
    """Serves the files of one folder: `index` at `/`, the others below `/static`."""

    def __init__(self, folder: Path, *, index: str) -> None:
        self._files = {path.name: path for path in folder.iterdir() if path.is_file()}
        self._index = index

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", self._get_index)
        app.router.add_get("/static/{name}", self._get_file)

    async def _get_index(self, _request: web.Request) -> web.StreamResponse:
        return self._file(self._index)

    async def _get_file(self, request: web.Request) -> web.StreamResponse:
        return self._file(request.match_info["name"])

    def _file(self, name: str) -> web.StreamResponse:
        path = self._files.get(name)
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(
            path, headers={**PAGE_HEADERS, "Content-Type": _TYPES[path.suffix] + "; charset=utf-8"}
        )


def refuse_others(request: web.Request) -> None:
    """Refuse requests of other sites' pages.

    Checks Origin, and Host against names that resolve to loopback. Raises HTTPForbidden.
    """
    transport = request.transport
    bound = transport.get_extra_info("sockname") if transport is not None else None
    on_loopback = bound is not None and str(bound[0]) in {"127.0.0.1", "::1"}
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    if on_loopback and host not in _LOOPBACK:
        raise web.HTTPForbidden(text="ask by a loopback address")
    if not on_loopback:
        raise web.HTTPForbidden(text="the demo page answers on loopback only")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="not for other sites")
