"""Use cases: invite an admin, accept an invitation, remove an admin."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

import structlog

from bot.domain.team import INVITATION_LASTS, Admin, Invitation
from bot.usecases.company.roles import RoleOf
from bot.usecases.ports import Admins, Invitations

# A token has 44 characters: the id of the invitation (12), then a secret that is not stored.
_ID_BYTES: Final = 9
_ID_LENGTH: Final = 12
_SECRET_BYTES: Final = 24
OPEN_AT_ONCE: Final = 10

logger = structlog.get_logger()


class Refusal(Enum):
    """Reasons for which nobody is invited, made an admin or removed."""

    TOO_MANY = "too_many"
    """The limit of open invitations is reached; one must be revoked first."""
    ALREADY_ADMIN = "already_admin"
    """The user is an admin already; the invitation stays open for another person."""
    UNKNOWN = "unknown"
    """There is no such invitation, or its secret is wrong."""
    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"
    """The invitation was revoked, or the admin who made it is no longer one."""
    FROM_SETTINGS = "from_settings"
    """The admin is in the settings; only the operator of the server can remove this one."""
    NO_ADMIN = "no_admin"
    """The user is not an admin, or no longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageTeam:
    """Invites, accepts and removes admins.

    The caller must be an admin, except for `accept`, which any user with a link may call.
    """

    admins: Admins
    invitations: Invitations
    role_of: RoleOf
    clock: Callable[[], datetime]

    async def invite(self, by: int) -> tuple[Invitation, str] | Refusal:
        """Create an invitation; return it and its token, which cannot be read again."""
        if len(await self.open_invitations()) >= OPEN_AT_ONCE:
            return Refusal.TOO_MANY
        invitation_id = secrets.token_urlsafe(_ID_BYTES)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = self.clock()
        invitation = Invitation(
            id=invitation_id,
            secret_hash=_hash(secret),
            invited_by=by,
            created_at=now,
            expires_at=now + INVITATION_LASTS,
        )
        await self.invitations.add(invitation)
        logger.info("admin invited", invitation=invitation_id, by=by)
        return invitation, invitation_id + secret

    async def open_invitations(self) -> list[Invitation]:
        """Return the invitations that can still be accepted, oldest first."""
        now = self.clock()
        return [
            invitation
            for invitation in await self.invitations.all()
            if invitation.is_open(now) and await self.role_of.is_admin(invitation.invited_by)
        ]

    async def revoke(self, invitation_id: str, *, by: int) -> bool:
        """Revoke an invitation; return True if it was unused and not revoked before."""
        revoked = await self.invitations.revoke(invitation_id)
        if revoked:
            logger.info("invitation revoked", invitation=invitation_id, by=by)
        return revoked

    async def accept(self, token: str, user_id: int, name: str) -> Admin | Refusal:
        """Make the user an admin if the token is valid; return the admin.

        A call repeated after a crash completes the acceptance; one repeated later returns USED.
        """
        invitation = await self._found(token)
        if invitation is None:
            return Refusal.UNKNOWN
        mine = invitation.used_by == user_id and not invitation.fulfilled
        if not mine:
            if await self.role_of.is_admin(user_id):
                return Refusal.ALREADY_ADMIN
            if refusal := await self._refusal(invitation):
                return refusal
            if not await self.invitations.use(invitation.id, user_id, at=self.clock()):
                again = await self.invitations.get(invitation.id)
                return (await self._refusal(again) if again else None) or Refusal.USED
        admin = Admin(
            id=user_id,
            name=name,
            since=self.clock(),
            invited_by=invitation.invited_by,
            invitation_id=invitation.id,
        )
        await self.admins.put(admin)
        await self.invitations.fulfil(invitation.id)
        self.role_of.forget()
        logger.info("admin added", user=user_id, by=invitation.invited_by)
        return admin

    async def remove(self, user_id: int, *, by: int) -> Admin | Refusal:
        """Remove the admin and revoke the invitations that he made; return the admin."""
        if user_id in self.role_of.settings_admins:
            return Refusal.FROM_SETTINGS
        admin = await self.admins.get(user_id)
        if admin is None:
            return Refusal.NO_ADMIN
        # First, so that an acceptance cut short by a crash is not completed after the removal.
        await self.invitations.fulfil(admin.invitation_id)
        for invitation in await self.invitations.all():
            if invitation.invited_by == user_id:
                await self.invitations.revoke(invitation.id)
        removed = await self.admins.remove(user_id)
        self.role_of.forget()
        if not removed:
            return Refusal.NO_ADMIN
        logger.info("admin removed", user=user_id, by=by)
        return admin

    async def _found(self, token: str) -> Invitation | None:
        invitation_id, secret = token[:_ID_LENGTH], token[_ID_LENGTH:]
        invitation = await self.invitations.get(invitation_id)
        # Hash and compare in constant time even if there is no such invitation.
        expected = invitation.secret_hash if invitation else _hash("")
        is_right = hmac.compare_digest(_hash(secret), expected)
        return invitation if is_right else None

    async def _refusal(self, invitation: Invitation) -> Refusal | None:
        if invitation.used_by is not None:
            return Refusal.USED
        if invitation.revoked or not await self.role_of.is_admin(invitation.invited_by):
            return Refusal.REVOKED
        return None if invitation.is_open(self.clock()) else Refusal.EXPIRED


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
