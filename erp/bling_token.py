"""Bling's tokens: each refresh token is valid for one renewal, and a lost one ends the connection.

Source: the vendor's API documentation (developer.bling.com.br).
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeGuard

from bot.domain.errors import RefusedError, UnreadableError
from erp.adapter import Connection
from erp.answer import HttpAnswer, UnauthorizedError
from erp.client import ErpClient
from erp.fields import Fields, moment
from erp.login import refuses_login

SYSTEM: Final = "bling"
_TOKEN: Final = "oauth/token"  # noqa: S105 - a path
_SOON: Final = timedelta(minutes=1)
_LIFE_S: Final = 21_600
_AGAIN: Final = "authorize Balcão in Bling again and set its refresh token as ERP_TOKEN"


class Renewal:
    """The token of all processes: one process renews it, and stores it before any of them uses
    it."""

    def __init__(self, at: Connection, client: ErpClient, clock: Callable[[], datetime]) -> None:
        if at.tokens is None:
            raise RefusedError(f"ERP {SYSTEM}: needs a place to keep the tokens that Bling renews")
        self._tokens = at.tokens
        self._own = at.credentials
        self._client = client
        self._clock = clock
        self._given = ""
        self._dead = ""
        self._running: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """Return an access token that is not the one returned before.

        A caller may stop waiting, but the renewal continues: a new token that is not stored is
        lost, and the old one with it.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._next())
            self._running.add_done_callback(_looked_at)
        self._given = await asyncio.shield(self._running)
        return self._given

    async def _next(self) -> str:
        kept = await self._kept()
        if self._is_good(kept):
            return kept["access"]
        async with self._tokens.alone():
            # Another process may have renewed it meanwhile.
            kept = await self._kept()
            if self._is_good(kept):
                return kept["access"]
            made = moment(kept.get("made"))
            if kept.get("access") and made and self._clock() - made < _SOON:
                # Twenty renewals a minute get the address blocked for an hour.
                raise UnauthorizedError(f"ERP {SYSTEM}: a new token is not accepted")
            new = await self._renewed(kept["refresh"])
            await self._tokens.store({**new, "setting": kept["setting"]})
            return new["access"]

    async def _kept(self) -> Mapping[str, str]:
        """Return the stored tokens; if the setting has changed since, only the setting."""
        refresh = self._own.token.get_secret_value().strip()
        setting = hashlib.sha256(refresh.encode()).hexdigest()[:16]
        kept = await self._tokens.load()
        if kept.get("setting") == setting and kept.get("refresh"):
            return kept
        return {"refresh": refresh, "setting": setting}

    def _is_good(self, kept: Mapping[str, str]) -> bool:
        until = moment(kept.get("until"))
        return (
            bool(kept.get("access"))
            and kept["access"] != self._given
            and until is not None
            and self._clock() < until
        )

    async def _renewed(self, refresh: str) -> dict[str, str]:
        refused = f"ERP {SYSTEM} login: the token or the application is not accepted: {_AGAIN}"
        if refresh == self._dead:
            # Repeated requests get the address blocked.
            raise RefusedError(refused)

        def read(answer: HttpAnswer) -> Fields:
            if refuses_login(answer):
                self._dead = refresh
                raise RefusedError(refused)
            return answer.fields()

        own = self._own
        pair = f"{own.client_id.strip()}:{own.client_secret.get_secret_value().strip()}"
        answer = await self._client.request(
            "POST",
            _TOKEN,
            what="login",
            # The refresh token may be spent although no answer came.
            is_read=False,
            form={"grant_type": "refresh_token", "refresh_token": refresh},
            headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
            read=read,
        )
        access, following = answer.get("access_token"), answer.get("refresh_token")
        if not _is_token(access) or not _is_token(following):
            raise UnreadableError(f"ERP {SYSTEM} login: no tokens in the answer")
        life = answer.get("expires_in")
        life_s = life if isinstance(life, int) and 0 < life <= _LIFE_S else _LIFE_S
        now = self._clock()
        return {
            "access": access,
            "refresh": following,
            "made": now.isoformat(),
            "until": (now + timedelta(seconds=life_s) - _SOON).isoformat(),
        }


def _looked_at(task: "asyncio.Task[str]") -> None:
    # The waiting caller may be gone, and asyncio logs an exception that is never retrieved.
    if not task.cancelled():
        task.exception()


def _is_token(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(r"[!-~]+", value) is not None
