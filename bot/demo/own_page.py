"""Shared parts of the demo's pages: their files, and their protection against other sites."""

from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

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
_OWN_SITE: Final = frozenset({"none", "same-origin"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class PageFiles:
    """Serves the files of one folder: `index` at `/`, the others below `/static`."""

    def __init__(self, folder: Path, *, index: str, frames: str = "'none'") -> None:
        """frames: what the pages may show in a frame, as in a Content-Security-Policy."""
        policy = f"{PAGE_HEADERS['Content-Security-Policy']}; frame-src {frames}"
        self._headers = PAGE_HEADERS | {"Content-Security-Policy": policy}
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
            path,
            headers={**self._headers, "Content-Type": _TYPES[path.suffix] + "; charset=utf-8"},
        )


def only_own_page(*apis: str) -> Middleware:
    """Return the middleware that answers a demo's own page and nothing of another site.

    apis: beginnings of paths that programs call, from other machines too: a credential protects
    these, but no page of another site may use them either.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        _refuse_others(request, is_api=request.path.startswith(apis))
        return await handler(request)

    return middleware


def _refuse_others(request: web.Request, *, is_api: bool) -> None:
    """Raise HTTPForbidden for a request that a page of another site has made.

    Its name may resolve to loopback, hence the look at Host; Origin is absent in requests for
    pictures, hence the look at what browsers say of the site.
    """
    transport = request.transport
    bound = transport.get_extra_info("sockname") if transport is not None else None
    on_loopback = bound is not None and str(bound[0]) in {"127.0.0.1", "::1"}
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    if on_loopback and host not in _LOOPBACK:
        raise web.HTTPForbidden(text="ask by a loopback address")
    if not on_loopback and not is_api:
        raise web.HTTPForbidden(text="the demo page answers on loopback only")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="not for other sites")
    is_link = request.headers.get("Sec-Fetch-Mode") == "navigate" and not is_api
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE and not is_link:
        raise web.HTTPForbidden(text="not for other sites")
