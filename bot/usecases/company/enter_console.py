"""Use cases: let an admin into the console, and know him again at each request."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.console import (
    CLOCKS_DIFFER,
    LAUNCH_LASTS,
    SESSION_LASTS,
    Launch,
    NoEntry,
    Session,
)
from bot.usecases.ports import ConsoleSessions


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterConsole:
    read_launch: Callable[[str], Launch | None]
    """Returns what Telegram signed for this bot, or None for anything else; of any age."""
    sessions: ConsoleSessions
    is_admin: Callable[[int], Awaitable[bool]]
    clock: Callable[[], datetime]

    async def __call__(self, init_data: str) -> str | NoEntry:
        """Return the token of a new session.

        A launch opens one session: whoever reads it later, in a log or over a shoulder, gets
        nothing for it. Each tab is a launch of its own.
        """
        launch = self.read_launch(init_data)
        if launch is None:
            return NoEntry.UNSIGNED
        now = self.clock()
        if launch.at > now + CLOCKS_DIFFER:
            return NoEntry.FUTURE
        if launch.at <= now - LAUNCH_LASTS:
            return NoEntry.EXPIRED
        if not await self.is_admin(launch.user_id):
            return NoEntry.NOT_ADMIN
        token = secrets.token_urlsafe(32)
        session = Session(user_id=launch.user_id, ends_at=now + SESSION_LASTS)
        is_new = await self.sessions.add(session, token=token, signature=launch.signature)
        return token if is_new else NoEntry.USED


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowAdmin:
    sessions: ConsoleSessions
    is_admin: Callable[[int], Awaitable[bool]]
    clock: Callable[[], datetime]

    async def __call__(self, token: str) -> int | NoEntry:
        """Return the id of the admin whose session this is; the role is read again."""
        session = await self.sessions.get(token)
        if session is None or session.ends_at <= self.clock():
            return NoEntry.ENDED
        if not await self.is_admin(session.user_id):
            return NoEntry.NOT_ADMIN
        return session.user_id
