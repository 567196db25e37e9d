"""Restoring of a deleted registration, by the audit entry of its deletion."""

from typing import assert_never

from aiogram_dialog import DialogManager

from bot.domain.registration import Registration
from bot.usecases.register.edit_registration import AlreadyThere, Gone, Restored, TaxIdTaken
from handlers.admin.register import texts
from handlers.admin.register.services import admin_of, say, services_of


async def restore(manager: DialogManager, entry_id: str) -> Registration | None:
    """Return the restored registration, or None after telling why it was not restored."""
    outcome = await services_of(manager).restore(entry_id, by=admin_of(manager))
    match outcome:
        case Restored(registration):
            return registration
        case TaxIdTaken(existing):
            await say(manager, texts.exists(existing))
        case AlreadyThere():
            await say(manager, texts.RESTORED_ALREADY)
        case Gone():
            await say(manager, texts.NO_COPY)
        case _:
            assert_never(outcome)
    return None
