"""The console's web application: who may ask for what, and what every answer carries."""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.console import texts
from bot.console.limits import RequestLimit, address_of
from bot.console.rendering import no_entry, sentence
from bot.console.request import ANYBODY, ConsoleRequest, Route
from bot.console.routes import ROUTES
from bot.console.security import SESSION_HEADER, headers, refuse_other_sites
from bot.console.services import ConsoleServices
from bot.domain.console import NoEntry
from bot.domain.errors import AppError

_BODY_BYTES: Final = 256 * 1024
_A_MINUTE_AN_ADDRESS: Final = 120
"""Before there is a session; a page and its files are seven requests."""
_A_MINUTE_A_SESSION: Final = 600
_SENTENCES: Final = {
    HTTPStatus.BAD_REQUEST: texts.BAD_REQUEST,
    HTTPStatus.FORBIDDEN: texts.OTHER_SITE,
    HTTPStatus.NOT_FOUND: texts.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: texts.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: texts.TOO_LARGE,
}

logger = structlog.get_logger()


def console_app(services: ConsoleServices) -> web.Application:
    """Return the application; it is served at an address of its own."""
    of_address = RequestLimit(_A_MINUTE_AN_ADDRESS)
    of_session = RequestLimit(_A_MINUTE_A_SESSION)
    place = services.place
    common = headers(place)

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn every error into a sentence, and give every answer the headers."""
        response = await _answer(request, handler)
        if not response.prepared:
            for name, value in common.items():
                response.headers.setdefault(name, value)
        return response

    @web.middleware
    async def own_site(request: web.Request, handler: Handler) -> web.StreamResponse:
        refuse_other_sites(request, place)
        return await handler(request)

    def handler_of(route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            token = request.headers.get(SESSION_HEADER, "")
            if route.roles == ANYBODY:
                if not of_address.take(address_of(request)):
                    return sentence(texts.TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
                asked = ConsoleRequest(http=request, user_id=0, services=services)
                return await route.handle(asked)
            admin = await services.know_admin(token) if token else NoEntry.ENDED
            if isinstance(admin, NoEntry):
                # Who guesses tokens is counted by address, as who has none.
                if not of_address.take(address_of(request)):
                    return sentence(texts.TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
                return no_entry(admin)
            if not of_session.take(token):
                return sentence(texts.TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
            asked = ConsoleRequest(http=request, user_id=admin, services=services)
            return await route.handle(asked)

        return handle

    app = web.Application(middlewares=[answered, own_site], client_max_size=_BODY_BYTES)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, handler_of(route))
    return app


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return sentence(_SENTENCES.get(HTTPStatus(error.status), texts.BAD_REQUEST), error.status)
    except AppError as error:
        logger.warning("console request not answered", error=str(error))
        return sentence(texts.TRY_LATER, HTTPStatus.SERVICE_UNAVAILABLE)
    except Exception as error:
        # Else the HTTP server answers, without the headers and in English.
        logger.exception("console request failed", exc_info=error)
        return sentence(texts.FAILED, HTTPStatus.INTERNAL_SERVER_ERROR)
