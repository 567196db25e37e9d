"""The headers of every answer, and the refusal of other sites' requests."""

from typing import Final

from aiohttp import web

from bot.console.services import Surroundings

SESSION_HEADER: Final = "X-Balcao-Session"
"""Carries the session. No other site can send it: a browser asks first, and is refused."""


def headers(place: Surroundings) -> dict[str, str]:
    """Return the headers of every answer; only static files may be kept by a browser."""
    script = place.telegram_script
    elsewhere = f" {'/'.join(script.split('/')[:3])}" if "://" in script else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'{elsewhere}; style-src 'self'; "
            "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            f"frame-ancestors {' '.join(place.framed_by)}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def refuse_other_sites(request: web.Request, place: Surroundings) -> None:
    """Raise HTTPForbidden for a request that another site's page has made.

    A browser says in Origin or in Sec-Fetch-Site whose page asks. The page itself is opened from
    anywhere, which is navigation; it holds nothing.
    """
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    is_opening = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if origin is not None and origin != place.origin and not is_opening:
        raise web.HTTPForbidden
    if site not in ("same-origin", "none") and not is_opening:
        raise web.HTTPForbidden
