"""The customer portal's login, as people write it: what is accepted, and who hashes it."""

import re
from enum import Enum, auto
from typing import Final, Protocol

from pydantic import SecretStr

from bot.domain.tax_id import TaxId

USERNAME_LENGTHS: Final = (3, 64)
PASSWORD_LENGTHS: Final = (8, 128)
_USERNAME: Final = re.compile(r"[a-z0-9._@-]+")


class UsernameRefusal(Enum):
    """Why a text is no username."""

    TOO_SHORT = auto()
    TOO_LONG = auto()
    CHARACTERS = auto()
    """Something else than letters without accents, digits, dot, underline, at sign and hyphen."""


class PasswordRefusal(Enum):
    """Why a text is no password."""

    TOO_SHORT = auto()
    TOO_LONG = auto()
    CHARACTERS = auto()
    """Line breaks and what nobody can type again."""
    IS_USERNAME = auto()
    IS_TAX_ID = auto()


class PasswordChecker(Protocol):
    """Compares with the format that is stored; each takes a noticeable part of a second."""

    async def verify(self, password_hash: str | None, password: SecretStr) -> bool:
        """Whether the hash is of this password; False for what is no hash at all, and for None,
        which takes as long as a wrong password."""
        ...


class PasswordHasher(PasswordChecker, Protocol):
    """Hashes in the format that is stored; takes as long."""

    async def hash_password(self, password: SecretStr) -> str: ...


def read_username(text: str) -> str | UsernameRefusal:
    """The username in lower case, or why it cannot be one."""
    username = text.strip().lower()
    # Characters first: of what is no username anyway the length says little.
    if username and not _USERNAME.fullmatch(username):
        return UsernameRefusal.CHARACTERS
    shortest, longest = USERNAME_LENGTHS
    if len(username) < shortest:
        return UsernameRefusal.TOO_SHORT
    return UsernameRefusal.TOO_LONG if len(username) > longest else username


def read_password(
    password: SecretStr, *, username: str | None, tax_id: TaxId | None
) -> SecretStr | PasswordRefusal:
    """The password as it was given, or why it cannot be one."""
    text = password.get_secret_value()
    shortest, longest = PASSWORD_LENGTHS
    if len(text) < shortest:
        return PasswordRefusal.TOO_SHORT
    if len(text) > longest:
        return PasswordRefusal.TOO_LONG
    if not text.isprintable():
        return PasswordRefusal.CHARACTERS
    if username and text.strip().casefold() == username.casefold():
        return PasswordRefusal.IS_USERNAME
    if tax_id and _alone(text) in (_alone(tax_id.number), _digits(tax_id.number)):
        return PasswordRefusal.IS_TAX_ID
    return password


def _alone(text: str) -> str:
    """Without punctuation and spaces: a document is typed with and without them."""
    return "".join(c for c in text.upper() if c.isalnum())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())
