"""Dependencies of the admin's screens, and helpers for opening screens and showing notices."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from aiogram import html
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message, User
from aiogram_dialog import DialogManager, ShowMode, StartMode
from pydantic import SecretStr

from bot.domain.label import Label
from bot.usecases.ports import AuditLog, Departments, Registrations, Search, Tags
from bot.usecases.register.add_registration import AddRegistration
from bot.usecases.register.duplicates import ComparePair, FindDuplicates
from bot.usecases.register.edit_registration import (
    EditRegistration,
    RemoveRegistration,
    RestoreRegistration,
)
from bot.usecases.register.show_in_table import ShowInTable
from bot.usecases.register.unite import SeparateRegistrations, UniteRegistrations
from bot.wording.values import Names
from handlers.admin.register.states import EditDialog, WizardDialog
from handlers.admin.screens import Shown

L = TypeVar("L", bound=Label)
# Dialogs that hold typed values not yet saved.
_DRAFTS = (WizardDialog, EditDialog)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterServices:
    registrations: Registrations
    search: Search
    audit: AuditLog
    add: AddRegistration
    edit: EditRegistration
    remove: RemoveRegistration
    restore: RestoreRegistration
    duplicates: FindDuplicates
    compare: ComparePair
    unite: UniteRegistrations
    separate: SeparateRegistrations
    tags: Tags
    departments: Departments
    hash_password: Callable[[SecretStr], Awaitable[str]]
    forget_content: Callable[[int], Awaitable[None]]
    """Removes a message's content from the stored update, in case it is handled again."""
    people: Callable[[], Awaitable[dict[str, str]]]
    """Returns the names of admins, by `Provenance.by`."""
    show_in_table: ShowInTable | None
    """None without a public address."""
    has_erp: bool
    timezone: ZoneInfo
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    async def names(self) -> Names:
        """Return the current names of tags, departments and people, by id."""
        return Names(
            tags={tag.id: tag.shown for tag in await self.tags.all()},
            departments={d.id: d.name for d in await self.departments.all()},
            people=await self.people(),
            timezone=self.timezone,
        )


def services_of(manager: DialogManager) -> RegisterServices:
    return cast(RegisterServices, manager.middleware_data["services"])


def admin_of(manager: DialogManager) -> str:
    """Return the acting admin, as in `Provenance.by`."""
    user: User = manager.middleware_data["event_from_user"]
    return f"admin:{user.id}"


def registration_id(manager: DialogManager) -> str:
    """Return the `id` in the `start_data` of a dialog about one registration."""
    start_data = manager.start_data
    return str(start_data["id"]) if isinstance(start_data, dict) else ""


async def open_over(
    manager: DialogManager,
    state: State,
    data: Shown | None = None,
    *,
    keeping: Collection[type[StatesGroup]] = (),
) -> None:
    """Open a screen by a command. It replaces the open screens.

    A screen with unsaved values, or of a dialog in `keeping`, stays below, and comes back when the
    new screen is closed.
    """
    kept = (*_DRAFTS, *keeping)
    while manager.has_context() and manager.current_context().state.group not in kept:
        await manager.done(show_mode=ShowMode.NO_UPDATE)
    mode = StartMode.NORMAL if manager.has_context() else StartMode.RESET_STACK
    await manager.start(state, data=data, mode=mode, show_mode=ShowMode.SEND)


async def say(manager: DialogManager, text: str) -> None:
    """Show a sentence: as an alert after a press, at the top of the screen after a text."""
    event = manager.event
    if isinstance(event, CallbackQuery):
        await event.answer(text, show_alert=len(text) > 60)
    elif manager.has_context():
        manager.dialog_data["notice"] = text
    elif isinstance(event, Message):
        await event.answer(html.quote(text))


def take_notice(manager: DialogManager) -> str:
    """Return the notice as HTML and remove it, so that it is shown once."""
    notice = manager.dialog_data.pop("notice", None)
    return f"{html.quote(notice)}\n\n" if notice else ""


def offered(labels: Iterable[L], chosen: Collection[str]) -> list[L]:
    """Return the labels to choose from: those that are not archived, and those chosen already."""
    return [one for one in labels if not one.archived or one.id in chosen]


def ticked(chosen: list[str], item: str) -> list[str]:
    """Return the chosen items after a press on `item`: removed if chosen, else added last."""
    return [one for one in chosen if one != item] if item in chosen else [*chosen, item]
