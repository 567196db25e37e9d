"""Admins, how one becomes one, and who is in a group."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

INVITATION_LASTS: Final = timedelta(hours=24)
INVITATION_PREFIX: Final = "convite_"
"""Before the token in the payload of /start."""


class Admin(BaseModel):
    """Somebody who accepted an invitation; those of the settings are not stored."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    """As Telegram showed it then."""
    since: datetime
    invited_by: int
    invitation_id: str


class Invitation(BaseModel):
    """A link that makes the first who opens it an admin."""

    model_config = ConfigDict(frozen=True)

    id: str
    secret_hash: str
    """SHA-256, hex; the secret itself is in the link only."""
    invited_by: int
    created_at: datetime
    expires_at: datetime
    used_by: int | None = None
    fulfilled: bool = False
    """The right was given: the same person does not get it again with the same link."""
    revoked: bool = False

    def is_open(self, now: datetime) -> bool:
        return self.used_by is None and not self.revoked and now < self.expires_at


class GroupMember(BaseModel):
    """Whether somebody is in a group, as Telegram said at a time."""

    model_config = ConfigDict(frozen=True)

    group_id: int
    user_id: int
    name: str
    is_member: bool
    at: datetime
