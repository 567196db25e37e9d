"""Use case: verify a customer by the login of the customer portal."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from bot.domain.conversation import Chat, VerifiedBy, fingerprint
from bot.domain.portal import PasswordChecker
from bot.domain.proof import login_proof
from bot.domain.registration import Registration
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.introduce import NotVerified, Verified
from bot.usecases.ports import LoginTries

TRIES_A_DAY: Final = 5

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NoMoreTries:
    """The login is closed until tomorrow, for this chat or for the document typed in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Compares user name and password with those on record.

    An unknown document, a registration without a login and a wrong user name take the same steps
    as a wrong password, so that timing reveals nothing.
    """

    passwords: PasswordChecker
    tries: LoginTries
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def is_open(self, current: CurrentChat) -> bool:
        """Return True if there are tries left today."""
        counts = [await self.tries.count(key) for key in self._keys(await current.get())]
        return max(counts) < TRIES_A_DAY

    async def is_username(self, current: CurrentChat, username: str) -> bool:
        """Return True if the registration behind the chat has this user name.

        The chat is never shown the result. The caller stores only the result, so neither the name
        nor a password typed by mistake in its place has to be stored.
        """
        registration = await current.registration()
        return registration is not None and registration.portal.username == username

    async def verified(self, current: CurrentChat) -> Registration | None:
        """Return the registration that the chat is verified for, or None.

        Finds, for instance, a login that succeeded and then was cut short.
        """
        return await current.verified()

    async def __call__(
        self, current: CurrentChat, password: SecretStr, *, username_fits: bool, try_id: str
    ) -> Verified | NotVerified | NoMoreTries:
        """Count the try, compare the password, and verify the chat if it is right.

        username_fits: the result of `is_username`.
        try_id: the same value when the same message is handled again.
        """
        chat = await current.get()
        now = self.clock()
        # Count before the comparison: of many concurrent tries only five are compared.
        taken = [
            await self.tries.take(key, try_id, at=now, limit=TRIES_A_DAY)
            for key in self._keys(chat)
        ]
        if not all(taken):
            logger.warning("too many logins in a day", chat=chat.id)
            return NoMoreTries()
        registration = await current.registration()
        password_hash = (
            registration.portal.password_hash if registration and username_fits else None
        )
        is_right = await self.passwords.verify(password_hash, password)
        if registration is None or not is_right:
            # Write here too, so that a failure takes as long as a success.
            await current.put(chat)
            return NotVerified() if await self.is_open(current) else NoMoreTries()
        customer = chat.customer.verified(
            VerifiedBy.PORTAL, at=now, proof=login_proof(registration.portal)
        )
        await current.put(replace(chat, customer=customer))
        return Verified(registration)

    def _keys(self, chat: Chat) -> list[str]:
        """Return the keys that tries count against: the chat and the document typed in it.

        Not the registration: a login that is closed from the start would reveal that the
        registration exists.
        """
        today = self.clock().astimezone(self.timezone).date().isoformat()
        keys = [f"{today}:chat:{chat.id}"]
        if chat.customer.tax_id:
            keys.append(f"{today}:document:{fingerprint(chat.customer.tax_id)}")
        return keys
