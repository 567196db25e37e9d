"""Use case: decide the role of a user. No other place decides it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.domain.access import Role
from bot.domain.conversation import Department
from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.team import GroupMember
from bot.usecases.ports import Admins, Groups, Members

_ADMINS_KNOWN_FOR: Final = timedelta(seconds=10)
_MEMBER_KNOWN_FOR: Final = timedelta(minutes=10)
# While Telegram does not answer, its last answer is used for this long.
_MEMBER_BELIEVED_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RoleUnknown:
    """Telegram does not say if the user is in the group: no right is granted."""

    try_later: bool
    """False when the bot lacks the right to ask: a retry does not help."""


@dataclass(slots=True)
class _Known:
    ids: frozenset[int] = frozenset()
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOf:
    settings_admins: frozenset[int]
    admins: Admins
    members: Members
    groups: Groups
    departments: Callable[[], Awaitable[Sequence[Department]]]
    """Returns the departments; a member of one's group is an attendant."""
    clock: Callable[[], datetime]
    _known: _Known = field(default_factory=_Known)

    async def __call__(self, user_id: int, *, group_id: int | None = None) -> Role | RoleUnknown:
        """Return the role of the user, in private or in this group; call it before using a right.

        Admins are read from the store; the cached membership may be 10 minutes old.
        """
        if await self.is_admin(user_id):
            return Role.ADMIN
        return Role.CUSTOMER if group_id is None else await self._of_member(user_id, group_id)

    async def of_writer(self, user_id: int) -> Role:
        """Return admin or customer, for plain text in a private chat.

        For a customer it costs no call to the store while the admins are cached. A user whom
        another process made an admin may be a customer for up to 10 seconds more. A removed admin
        is a customer at once.
        """
        if user_id in self.settings_admins:
            return Role.ADMIN
        if user_id in await self._invited() and await self.is_admin(user_id):
            return Role.ADMIN
        return Role.CUSTOMER

    async def of_group_writer(self, user_id: int, group_id: int) -> Role | RoleUnknown:
        """Return the role for a reply or an edit in a group; admins are told as in
        `of_writer`."""
        if await self.of_writer(user_id) is Role.ADMIN:
            return Role.ADMIN
        return await self._of_member(user_id, group_id)

    async def is_admin(self, user_id: int) -> bool:
        """Return True if the user is an admin now, by the settings or the store."""
        return user_id in self.settings_admins or await self.admins.get(user_id) is not None

    async def attends(self, user_id: int, group_id: int) -> bool:
        """Return True if the user is known to be in this department's group, admin or not."""
        return await self._is_attendant(user_id, group_id) is True

    async def admin_ids(self) -> Collection[int]:
        """Return the ids of all admins, read from the store."""
        self.forget()
        return self.settings_admins | await self._invited()

    def forget(self) -> None:
        """Drop the cached admins; call it when they have changed."""
        self._known.until = None

    async def _invited(self) -> frozenset[int]:
        known, now = self._known, self.clock()
        if known.until is None or known.until <= now:
            known.ids = frozenset(admin.id for admin in await self.admins.all())
            known.until = now + _ADMINS_KNOWN_FOR
        return known.ids

    async def _of_member(self, user_id: int, group_id: int) -> Role | RoleUnknown:
        is_member = await self._is_attendant(user_id, group_id)
        if isinstance(is_member, RoleUnknown):
            return is_member
        return Role.ATTENDANT if is_member else Role.CUSTOMER

    async def is_attended(self, group_id: int) -> bool:
        """Return True if the group is a department's."""
        return any(department.group_id == group_id for department in await self.departments())

    async def _is_attendant(self, user_id: int, group_id: int) -> bool | RoleUnknown:
        if not await self.is_attended(group_id):
            return False
        now = self.clock()
        known = await self.members.get(group_id, user_id)
        if known and now - known.at < _MEMBER_KNOWN_FOR:
            return known.is_member
        try:
            name, is_member = await self.groups.member(group_id, user_id)
        except TryLaterError:
            if known and now - known.at < _MEMBER_BELIEVED_FOR:
                return known.is_member
            return RoleUnknown(try_later=True)
        except RefusedError:
            return RoleUnknown(try_later=False)
        await self.members.put(
            GroupMember(group_id=group_id, user_id=user_id, name=name, is_member=is_member, at=now)
        )
        return is_member
