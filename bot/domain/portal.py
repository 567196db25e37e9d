"""The customer portal's login: the rules for username and password, and the hasher's protocol."""

import re
from enum import Enum, auto
from typing import Final, Protocol

from pydantic import SecretStr

from bot.domain.tax_id import TaxId

USERNAME_LENGTHS: Final = (3, 64)
PASSWORD_LENGTHS: Final = (8, 128)
_USERNAME: Final = re.compile(r"[a-z0-9._@-]+")


class UsernameRefusal(Enum):
    """The reasons why a text is not a valid username."""

    TOO_SHORT = auto()
    TOO_LONG = auto()
    CHARACTERS = auto()
    """Characters other than unaccented letters, digits, dot, underscore, at sign and hyphen."""


class PasswordRefusal(Enum):
    """The reasons why a text is not a valid password."""

    TOO_SHORT = auto()
    TOO_LONG = auto()
    CHARACTERS = auto()
    """Line breaks, and other characters that cannot be typed again."""
    IS_USERNAME = auto()
    IS_TAX_ID = auto()


class PasswordChecker(Protocol):
    """Checks passwords against stored hashes; each check takes a noticeable part of a second."""

    async def verify(self, password_hash: str | None, password: SecretStr) -> bool:
        """Return True if the hash belongs to this password.

        Return False for a malformed hash and for None; None takes as long as a wrong password.
        """
        ...


class PasswordHasher(PasswordChecker, Protocol):
    """Also hashes passwords in the stored format; each hash takes as long as a check."""

    async def hash_password(self, password: SecretStr) -> str: ...


def read_username(text: str) -> str | UsernameRefusal:
    """Return the username in lower case, or the reason why it is invalid."""
    username = text.strip().lower()
    # Check the characters first: with wrong ones, the length does not help to correct the text.
    if username and not _USERNAME.fullmatch(username):
        return UsernameRefusal.CHARACTERS
    shortest, longest = USERNAME_LENGTHS
    if len(username) < shortest:
        return UsernameRefusal.TOO_SHORT
    return UsernameRefusal.TOO_LONG if len(username) > longest else username


def read_password(
    password: SecretStr, *, username: str | None, tax_id: TaxId | None
) -> SecretStr | PasswordRefusal:
    """Return the password unchanged, or the reason why it is invalid."""
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
    """Return only the letters and digits; a document can be typed with or without punctuation."""
    return "".join(c for c in text.upper() if c.isalnum())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())
