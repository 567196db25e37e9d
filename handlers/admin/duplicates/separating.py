"""Undoing of a union, from the screen of double entries and from the audit."""

from typing import assert_never

from aiogram_dialog import DialogManager

from bot.usecases.register.edit_registration import Gone, TaxIdTaken
from bot.usecases.register.unite import NoCopy, NotUnited, Separated, UnitedFurther
from bot.wording.duplicates import NO_COPY, NOT_UNITED, RESTORE_FIRST, separated, united_further
from handlers.admin.register.services import admin_of, say, services_of
from handlers.admin.register.texts import exists


async def separate(manager: DialogManager, goes_id: str) -> bool:
    """Undo the union by which this registration went; return True if the two are two again.

    The admin is told the outcome.
    """
    admin_id = int(admin_of(manager).partition(":")[2])
    outcome = await services_of(manager).separate(goes_id, admin_id=admin_id)
    match outcome:
        case Separated():
            await say(manager, separated(outcome))
            return True
        case NotUnited():
            await say(manager, NOT_UNITED)
            return True
        case UnitedFurther(into):
            await say(manager, united_further(into))
        case TaxIdTaken(existing):
            await say(manager, exists(existing))
        case NoCopy():
            await say(manager, NO_COPY)
        case Gone():
            await say(manager, RESTORE_FIRST)
        case _:
            assert_never(outcome)
    return False
