"""Use cases: manage departments, which are labels with a group of attendants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.opening_hours import OpeningHours
from bot.usecases.register.labels import Labels, Refusal

_DEFAULT: Final = Department(id=DEFAULT_DEPARTMENT, name="Atendimento")
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Departments(Labels[Department]):
    model: type[Department] = Department
    default_group_id: int | None = None
    """The group in the settings; the default department uses it while it has no linked group."""

    async def ensure_default(self) -> None:
        """Create the default department if there is none, so that the first start has one."""
        if not await self.store.latest():
            await self.store.add(_DEFAULT)

    async def all(self) -> tuple[Department, ...]:
        """Return all departments by name, archived ones too; they may be some seconds old."""
        return self._with_default_group(await self.store.all())

    async def latest(self) -> tuple[Department, ...]:
        """Return the same list as `all`, read from the database now."""
        return self._with_default_group(await self.store.latest())

    async def offered(self) -> tuple[Department, ...]:
        """Return the departments a customer can choose: at least one, even without a group."""
        active = [one for one in await self.all() if not one.archived]
        with_group = tuple(one for one in active if one.group_id is not None)
        return with_group or tuple(active[:1]) or self._with_default_group((_DEFAULT,))

    async def of_group(self, group_id: int) -> Department | None:
        """Return the department, archived or not, that this group belongs to now, or None."""
        return next((one for one in await self.latest() if one.group_id == group_id), None)

    async def linkable(self, group_id: int) -> tuple[Department, ...]:
        """Return the departments that this group can be linked to.

        They have no group, are not archived, and are not the one that has this group now.
        """
        current = await self.of_group(group_id)
        return tuple(
            one
            for one in await self.store.latest()
            if not one.archived and one.group_id is None
            if current is None or one.id != current.id
        )

    async def link(self, department_id: str, group_id: int) -> Department | Refusal:
        """Link the group to the department; return the department. Safe to repeat.

        Another department that had the group is unlinked.
        """
        stored = {one.id: one for one in await self.store.latest()}
        department = stored.get(department_id)
        if department is None or department.archived:
            return Refusal.ARCHIVED
        if department.group_id not in (None, group_id):
            return Refusal.TAKEN
        for other in stored.values():
            if other.group_id == group_id and other.id != department_id:
                unlinked = await self._changed(other, group_id=None)
                if isinstance(unlinked, Refusal):
                    return unlinked
        return await self._changed(department, group_id=group_id)

    async def set_hours(self, label: Department, hours: OpeningHours) -> Department | Refusal:
        return await self._changed(label, hours=hours)

    async def follow(self, old_group_id: int, new_group_id: int) -> Department | None:
        """Store the new id of a group that became a supergroup.

        Returns its department. Returns None when the group belongs to none, or when the change was
        refused five times.
        """
        for _ in range(_ROUNDS):
            department = await self.of_group(old_group_id)
            if department is None:
                return None
            moved = await self._changed(department, group_id=new_group_id)
            if isinstance(moved, Department):
                return moved
        return None

    async def archive(self, label: Department) -> Department | Refusal:
        """Archive a department, but not the last one, nor the last one that has a group."""
        others = [one for one in await self.latest() if one.id != label.id and not one.archived]
        if not others:
            return Refusal.LAST
        if label.group_id is not None and all(one.group_id is None for one in others):
            return Refusal.LAST_WITH_GROUP
        archived = await self._changed(label, archived=True)
        if isinstance(archived, Refusal):
            return archived
        if all(one.archived for one in await self.latest()):
            # Two admins have archived the last two departments at the same moment.
            await self._changed(archived, archived=False)
            return Refusal.LAST
        return archived

    def _with_default_group(self, departments: Sequence[Department]) -> tuple[Department, ...]:
        group_id = self.default_group_id
        if group_id is None or any(one.group_id == group_id for one in departments):
            return tuple(departments)
        return tuple(
            one.model_copy(update={"group_id": group_id})
            if one.id == DEFAULT_DEPARTMENT and one.group_id is None
            else one
            for one in departments
        )
