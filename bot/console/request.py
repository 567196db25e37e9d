"""What a page gets, and the form of a route: each says who may use it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from multidict import MultiMapping

from bot.console.services import ConsoleServices
from bot.domain.access import Role

ANYBODY: Final = frozenset(Role)
ADMINS: Final = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    http: web.Request
    user_id: int
    """The admin who asks; 0 on a route for anybody."""
    services: ConsoleServices

    @property
    def by(self) -> str:
        """Return the acting admin, as in `Provenance.by`."""
        return f"admin:{self.user_id}"

    async def form(self) -> MultiMapping[str]:
        """Return the submitted form; raises HTTPBadRequest for what is none, or has files."""
        try:
            posted = await self.http.post()
        except (ValueError, LookupError) as error:
            # No form, or in an encoding that there is not.
            raise web.HTTPBadRequest from error
        if any(not isinstance(value, str) for value in posted.values()):
            raise web.HTTPBadRequest
        form: MultiMapping[str] = posted  # type: ignore[assignment]
        return form


Handle = Callable[[ConsoleRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    handle: Handle
    roles: frozenset[Role] = ADMINS
