"""Admins, invitations, and the known members of groups."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pymongo import ReplaceOne

from bot.domain.team import Admin, GroupMember, Invitation
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import delete_once, update_once

_KNOWN_FOR: Final = timedelta(seconds=10)


class Admins:
    """Admins, who accepted an invitation, by Telegram id."""

    def __init__(self, database: Database) -> None:
        self._admins: Collection = database["admins"]
        self._find = FindOne(self._admins)
        self._write = Write(self._admins)

    async def all(self) -> list[Admin]:
        """Return all admins, the longest serving first; there are few."""
        with translated():
            documents = await self._admins.find().to_list(None)
        found = [Admin.model_validate(_read(document)) for document in documents]
        return sorted(found, key=lambda admin: (admin.since, admin.id))

    async def get(self, user_id: int) -> Admin | None:
        document = await self._find(user_id)
        return Admin.model_validate(_read(document)) if document else None

    async def put(self, admin: Admin) -> None:
        await self._write(ReplaceOne({"_id": admin.id}, _written(admin), upsert=True))

    async def remove(self, user_id: int) -> bool:
        """Return True if the user was an admin until now."""
        with translated():
            return await delete_once(self._admins, {"_id": user_id})


class Invitations:
    """Links that make an admin; each is used once, in any race."""

    def __init__(self, database: Database) -> None:
        self._invitations: Collection = database["invitations"]
        self._find = FindOne(self._invitations)
        self._insert = InsertOne(self._invitations)

    async def add(self, invitation: Invitation) -> None:
        await self._insert(_written(invitation))

    async def get(self, invitation_id: str) -> Invitation | None:
        document = await self._find(invitation_id)
        return Invitation.model_validate(_read(document)) if document else None

    async def all(self) -> list[Invitation]:
        """Return all invitations, also ended ones that are not yet deleted, oldest first; there
        are few."""
        with translated():
            documents = await self._invitations.find().to_list(None)
        found = [Invitation.model_validate(_read(document)) for document in documents]
        return sorted(found, key=lambda invitation: (invitation.created_at, invitation.id))

    async def use(self, invitation_id: str, user_id: int, *, at: datetime) -> bool:
        """Return True if the user used it now: it was open, and no other user was quicker."""
        return await self._set(
            {
                "_id": invitation_id,
                "used_by": None,
                "revoked": False,
                "expires_at": {"$gt": at},
            },
            {"used_by": user_id},
        )

    async def fulfil(self, invitation_id: str) -> None:
        """Store that the right was given."""
        await self._set({"_id": invitation_id}, {"fulfilled": True})

    async def revoke(self, invitation_id: str) -> bool:
        """Return True if it was unused and not revoked until now."""
        return await self._set(
            {"_id": invitation_id, "used_by": None, "revoked": False}, {"revoked": True}
        )

    async def _set(self, query: Document, values: Document) -> bool:
        with translated():
            return await update_once(self._invitations, query, {"$set": values})


class Members:
    """Members of groups, as Telegram reported them last.

    Those read before are cached for some seconds: an attendant writes several answers in a row.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._members: Collection = database["members"]
        self._find = FindOne(self._members)
        self._write = Write(self._members)
        self._clock = clock
        self._known: dict[str, GroupMember] = {}
        self._until: datetime | None = None

    async def get(self, group_id: int, user_id: int) -> GroupMember | None:
        """Return the member, or None if nothing is known of this person.

        A change by another replica shows after some seconds; one by this replica shows at once.
        """
        now = self._clock()
        if self._until is None or self._until <= now:
            self._forget(now + _KNOWN_FOR)
        key, known = _member_key(group_id, user_id), self._known
        if key in known:
            return known[key]
        document = await self._find(key)
        if document is None:
            return None
        # Into the cache of before the read, which is no longer used if something was changed.
        known[key] = GroupMember.model_validate(document)
        return known[key]

    async def put(self, member: GroupMember) -> None:
        key = _member_key(member.group_id, member.user_id)
        document = {"_id": key, **member.model_dump()}
        try:
            await self._write(ReplaceOne({"_id": key}, document, upsert=True))
        finally:
            self._forget()
        self._until = self._clock() + _KNOWN_FOR
        self._known[key] = member

    async def of_group(self, group_id: int) -> list[GroupMember]:
        """Return all known members of the group, also those who left it."""
        with translated():
            documents = await self._members.find({"group_id": group_id}).to_list(None)
        return [GroupMember.model_validate(document) for document in documents]

    async def forget_group(self, group_id: int) -> None:
        """Delete the members of the group, so that Telegram is asked again about each of them."""
        try:
            with translated():
                await self._members.delete_many({"group_id": group_id})
        finally:
            self._forget()

    def _forget(self, until: datetime | None = None) -> None:
        self._known, self._until = {}, until


def _member_key(group_id: int, user_id: int) -> str:
    return f"{group_id}:{user_id}"


def _written(model: Admin | Invitation) -> Document:
    return {"_id": model.id, **model.model_dump(exclude={"id"})}


def _read(document: Document) -> Document:
    return {**document, "id": document["_id"]}
