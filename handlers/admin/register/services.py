"""What the admin's screens work with, and how a press or a text reaches it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from aiogram import html
from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message, User
from aiogram_dialog import DialogManager, ShowMode, StartMode
from pydantic import SecretStr

from bot.usecases.ports import AuditLog, Departments, Registrations, Search, Tags
from bot.usecases.register.add_registration import AddRegistration
from bot.usecases.register.edit_registration import (
    EditRegistration,
    RemoveRegistration,
    RestoreRegistration,
)
from bot.wording.values import Names
from handlers.admin.register.states import EditDialog, WizardDialog

# Dialogs that hold what an admin has typed and not yet saved.
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
    tags: Tags
    departments: Departments
    hash_password: "HashPassword"
    forget_content: "ForgetContent"
    people: "PeopleNames"
    has_erp: bool
    timezone: ZoneInfo
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    async def names(self) -> Names:
        """What ids are called now."""
        return Names(
            tags={tag.id: tag.shown for tag in await self.tags.all()},
            departments={d.id: d.name for d in await self.departments.all()},
            people=await self.people(),
            timezone=self.timezone,
        )


class HashPassword(Protocol):
    async def __call__(self, password: SecretStr) -> str:
        """Argon2id, off the event loop."""


class ForgetContent(Protocol):
    async def __call__(self, update_id: int) -> None:
        """Should the update be handled again, it comes without what was written."""


class PeopleNames(Protocol):
    def __call__(self) -> Awaitable[dict[str, str]]:
        """Names of admins by `Provenance.by`."""


def services_of(manager: DialogManager) -> RegisterServices:
    return cast(RegisterServices, manager.middleware_data["services"])


def admin_of(manager: DialogManager) -> str:
    """Who is pressing or writing, as a `Provenance.by`."""
    user: User = manager.middleware_data["event_from_user"]
    return f"admin:{user.id}"


async def open_over(
    manager: DialogManager, state: State, data: dict[str, Any] | None = None
) -> None:
    """Open a screen by a command: it replaces the screens there are, down to something typed and
    not yet saved, which stays below and comes back when this one is closed."""
    while manager.has_context() and manager.current_context().state.group not in _DRAFTS:
        await manager.done(show_mode=ShowMode.NO_UPDATE)
    mode = StartMode.NORMAL if manager.has_context() else StartMode.RESET_STACK
    await manager.start(state, data=data, mode=mode, show_mode=ShowMode.SEND)


async def say(manager: DialogManager, text: str) -> None:
    """Say something about a press or a text that the screen alone does not: an alert for a press,
    a line at the top of the screen for a text."""
    event = manager.event
    if isinstance(event, CallbackQuery):
        await event.answer(text, show_alert=len(text) > 60)
    elif manager.has_context():
        manager.dialog_data["notice"] = text
    elif isinstance(event, Message):
        await event.answer(html.quote(text))


def take_notice(manager: DialogManager) -> str:
    """The line to show once at the top of the screen, as HTML."""
    notice = manager.dialog_data.pop("notice", None)
    return f"{html.quote(notice)}\n\n" if notice else ""


def ticked(chosen: list[str], item: str) -> list[str]:
    """The chosen items after a press on one: it goes when it was there, else it comes last."""
    return [one for one in chosen if one != item] if item in chosen else [*chosen, item]
