"""Admins, invitations and members in the store."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from bot.domain.access import Role
from bot.domain.conversation import Department
from bot.domain.team import Admin, GroupMember, Invitation
from bot.usecases.company.roles import RoleOf
from storage.people.team import Admins, Invitations, Members

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def admin(number: int, *, since: datetime = NOW) -> Admin:
    return Admin(id=number, name=f"A{number}", since=since, invited_by=1, invitation_id="i")


def invitation(number: int, *, expires_at: datetime = NOW + DAY) -> Invitation:
    return Invitation(
        id=f"i{number}", secret_hash="h", invited_by=1, created_at=NOW, expires_at=expires_at
    )


async def test_admins_are_kept_once_each_and_removed_once(database: Any):
    admins = Admins(database)
    for number in (3, 2, 3):
        await admins.put(admin(number, since=NOW - number * DAY))
    assert [one.id for one in await admins.all()] == [3, 2]
    assert await admins.get(3) == admin(3, since=NOW - 3 * DAY)
    assert await admins.remove(3)
    assert not await admins.remove(3)
    assert await admins.get(3) is None


async def test_of_twenty_who_use_an_invitation_at_once_one_wins(database: Any):
    invitations = Invitations(database)
    await invitations.add(invitation(1))
    won = await asyncio.gather(*(invitations.use("i1", n, at=NOW) for n in range(1, 21)))
    assert won.count(True) == 1
    stored = await invitations.get("i1")
    assert stored is not None
    assert stored.used_by == won.index(True) + 1


async def test_what_is_revoked_used_expired_or_unknown_is_not_used(database: Any):
    invitations = Invitations(database)
    for number in (1, 2, 3):
        await invitations.add(invitation(number))
    assert await invitations.revoke("i1")
    assert not await invitations.revoke("i1")
    assert not await invitations.use("i1", 7, at=NOW)
    assert await invitations.use("i2", 7, at=NOW)
    assert not await invitations.use("i2", 7, at=NOW)
    assert not await invitations.revoke("i2")
    assert not await invitations.use("i3", 7, at=NOW + DAY)
    assert not await invitations.use("i4", 7, at=NOW)
    assert not await invitations.revoke("i4")


async def test_an_invitation_added_again_stays_as_it_is(database: Any):
    invitations = Invitations(database)
    await invitations.add(invitation(1))
    await invitations.use("i1", 7, at=NOW)
    await invitations.fulfil("i1")
    await invitations.add(invitation(1))
    [stored] = await invitations.all()
    assert (stored.used_by, stored.fulfilled) == (7, True)


@pytest.mark.parametrize("seed", [1, 2])
async def test_members_by_group_and_user(database: Any, seed: int):
    random = Random(seed)  # noqa: S311
    members = Members(database, lambda: NOW)
    kept: dict[tuple[int, int], GroupMember] = {}
    for number in range(200):
        group_id, user_id = random.choice([-100, -10, -1]), random.randrange(30)
        if random.random() < 0.02:
            await members.forget_group(group_id)
            kept = {key: one for key, one in kept.items() if key[0] != group_id}
        one = GroupMember(
            group_id=group_id,
            user_id=user_id,
            name=f"N{number}",
            is_member=random.random() < 0.5,
            at=NOW,
        )
        await members.put(one)
        kept[group_id, user_id] = one
    for group_id in (-100, -10, -1, -2):
        found = await members.of_group(group_id)
        expected = [one for key, one in kept.items() if key[0] == group_id]
        assert sorted(found, key=lambda m: m.user_id) == sorted(expected, key=lambda m: m.user_id)
        for user_id in range(32):
            assert await members.get(group_id, user_id) == kept.get((group_id, user_id))


async def test_members_changed_here_show_at_once_and_elsewhere_after_some_seconds(database: Any):
    now = [NOW]
    here, elsewhere = (Members(database, lambda: now[0]) for _ in range(2))
    member = GroupMember(group_id=-1, user_id=7, name="Bia", is_member=True, at=NOW)
    await here.put(member)
    assert await elsewhere.get(-1, 7) == member
    left = member.model_copy(update={"is_member": False})
    await here.put(left)
    assert await here.get(-1, 7) == left
    assert await elsewhere.get(-1, 7) == member
    now[0] += timedelta(seconds=10)
    assert await elsewhere.get(-1, 7) == left
    await here.forget_group(-1)
    assert await here.get(-1, 7) is None


class Counted(Admins):
    """An admin store that counts its calls."""

    calls = 0

    async def all(self) -> list[Admin]:
        self.calls += 1
        return await super().all()

    async def get(self, user_id: int) -> Admin | None:
        self.calls += 1
        return await super().get(user_id)


class Nobody:
    """A Telegram that these tests must not ask."""

    async def member(self, group_id: int, user_id: int) -> tuple[str, bool]:
        raise AssertionError("asked of Telegram")


async def no_departments() -> tuple[Department, ...]:
    return ()


def role_of(database: Any, now: list[datetime]) -> RoleOf:
    return RoleOf(
        settings_admins=frozenset({1}),
        admins=Counted(database),
        members=Members(database, lambda: now[0]),
        groups=Nobody(),
        departments=no_departments,
        clock=lambda: now[0],
    )


async def test_plain_words_of_a_customer_cost_no_call_while_the_admins_are_known(database: Any):
    now = [NOW]
    roles = role_of(database, now)
    await roles.of_writer(7)
    before = roles.admins.calls
    for user_id in range(1, 200):
        await roles.of_writer(user_id)
    assert roles.admins.calls == before
    now[0] += timedelta(seconds=11)
    await roles.of_writer(7)
    assert roles.admins.calls == before + 1


async def test_an_admin_removed_by_another_process_is_none_at_once(database: Any):
    """The cached list of admins never grants a right by itself."""
    roles, elsewhere = role_of(database, [NOW]), Admins(database)
    await elsewhere.put(admin(7))
    assert await roles.of_writer(7) is Role.ADMIN
    await elsewhere.remove(7)
    assert await roles.of_writer(7) is Role.CUSTOMER
    assert await roles(7) is Role.CUSTOMER


async def test_an_admin_added_by_another_process_may_press_and_command_at_once(database: Any):
    now = [NOW]
    roles = role_of(database, now)
    assert await roles.of_writer(7) is Role.CUSTOMER
    await Admins(database).put(admin(7))
    assert await roles(7) is Role.ADMIN
    assert await roles.of_writer(7) is Role.CUSTOMER
    now[0] += timedelta(seconds=11)
    assert await roles.of_writer(7) is Role.ADMIN
