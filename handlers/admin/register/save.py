"""Saving of one changed field; on a conflict, the admin sees the other change."""

from dataclasses import asdict, dataclass
from typing import assert_never

from aiogram_dialog import DialogManager

from bot.domain.registration import read_value
from bot.usecases.register.edit_registration import (
    ChangedMeanwhile,
    Edited,
    Gone,
    TaxIdTaken,
    Unchanged,
)
from bot.wording.reading import Typed
from handlers.admin.register import texts
from handlers.admin.register.services import admin_of, say, services_of
from handlers.admin.register.states import EditDialog


@dataclass(frozen=True, slots=True)
class Draft:
    """A change not yet saved: one value at one path, and the version that it is based on."""

    registration_id: str
    version: int
    path: str
    value: Typed | bool | None


async def save(manager: DialogManager, draft: Draft, *, done: str = texts.SAVED) -> bool:
    """Save the change. Return True if nothing is left to do: saved, unchanged, or record gone.

    On False the admin is shown the reason, or a colleague's change, and decides.
    """
    services = services_of(manager)
    outcome = await services.edit(
        draft.registration_id,
        read_version=draft.version,
        values={draft.path: read_value(draft.path, draft.value)},
        by=admin_of(manager),
    )
    match outcome:
        case Edited():
            await say(manager, done)
            return True
        case Unchanged():
            await say(manager, texts.UNCHANGED)
            return True
        case Gone():
            await say(manager, texts.GONE_NOW)
            return True
        case TaxIdTaken(existing):
            await say(manager, texts.exists(existing))
            return False
        case ChangedMeanwhile():
            await _ask(manager, draft)
            return False
        case _:
            assert_never(outcome)


async def _ask(manager: DialogManager, draft: Draft) -> None:
    if manager.current_context().state.group is EditDialog:
        manager.dialog_data["draft"] = asdict(draft)
        await manager.switch_to(EditDialog.conflict)
    else:
        data = {"id": draft.registration_id, "draft": asdict(draft)}
        await manager.start(EditDialog.conflict, data=data)
