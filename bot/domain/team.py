"""Admins, invitations to become one, and the members of groups."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

INVITATION_LASTS: Final = timedelta(hours=24)
INVITATION_PREFIX: Final = "convite_"
"""Prefix of the token in the payload of /start."""


class Admin(BaseModel):
    """An admin who accepted an invitation; admins from the settings are not stored."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    """The name that Telegram showed at that time."""
    since: datetime
    invited_by: int
    invitation_id: str


class Invitation(BaseModel):
    """An invitation link: the first user who opens it becomes an admin."""

    model_config = ConfigDict(frozen=True)

    id: str
    secret_hash: str
    """SHA-256 of the secret, in hex; the secret itself is only in the link."""
    invited_by: int
    created_at: datetime
    expires_at: datetime
    used_by: int | None = None
    fulfilled: bool = False
    """True once the user is an admin: the same link does not give the right a second time."""
    revoked: bool = False

    def is_open(self, now: datetime) -> bool:
        return self.used_by is None and not self.revoked and now < self.expires_at


class GroupMember(BaseModel):
    """A user's membership of a group, as Telegram reported it at a given time."""

    model_config = ConfigDict(frozen=True)

    group_id: int
    user_id: int
    name: str
    is_member: bool
    at: datetime
