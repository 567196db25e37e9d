"""Dialog of one registration: everything on record, and the possible actions."""

from typing import assert_never

from aiogram.types import CallbackQuery
from aiogram_dialog import Data, Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Cancel, Row, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.registration import Status
from bot.usecases.register.edit_registration import ChangedMeanwhile, Gone, Removed
from handlers.admin.register import texts
from handlers.admin.register.restoring import restore
from handlers.admin.register.save import Draft, save
from handlers.admin.register.services import (
    RegisterServices,
    admin_of,
    registration_id,
    say,
    services_of,
    take_notice,
)
from handlers.admin.register.states import AuditDialog, EditDialog, RecordDialog
from handlers.admin.screens import Shown
from handlers.attendant.calling import CallButton, call
from handlers.attendant.calling_texts import CALL
from handlers.attendant.group import Press


def dialog() -> Dialog:
    """Return the dialog of the registration whose `id` is in `start_data`.

    `notice` in `start_data` is shown at the top.
    """
    return Dialog(
        Window(
            Format("{text}"),
            Row(
                Button(Const("✏️ Editar"), id="edit", on_click=_edit),
                Button(Format("{status_button}"), id="status", on_click=_switch_status),
                when="is_there",
            ),
            Row(
                Button(Const("📜 Auditoria"), id="audit", on_click=_audit),
                SwitchTo(
                    Const("🗑 Excluir"), id="delete", state=RecordDialog.deleting, when="is_there"
                ),
            ),
            Button(Const(CALL), id="call", on_click=_call, when="is_there"),
            Button(Const("↩️ Desfazer"), id="restore", on_click=_restore, when="is_removed"),
            Cancel(Const("⬅️ Voltar")),
            state=RecordDialog.card,
            getter=_card,
        ),
        Window(
            Format("{text}"),
            Row(
                Button(Const("🗑 Sim, excluir"), id="sure", on_click=_remove, when="is_there"),
                SwitchTo(Const("⬅️ Não"), id="keep", state=RecordDialog.card),
            ),
            state=RecordDialog.deleting,
            getter=_deleting,
        ),
        on_start=_start,
        on_process_result=_closed_above,
    )


async def _start(start_data: Data, manager: DialogManager) -> None:
    if isinstance(start_data, dict) and (notice := start_data.get("notice")):
        manager.dialog_data["notice"] = notice


async def _closed_above(_: Data, result: object, manager: DialogManager) -> None:
    if isinstance(result, dict) and result.get("notice"):
        manager.dialog_data["notice"] = result["notice"]


async def _card(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    registration = await services.registrations.by_id(registration_id(dialog_manager))
    notice = take_notice(dialog_manager)
    if registration is None:
        # Only this admin's own deletion is undone here; others are restored from the audit.
        mine = "removed" in dialog_manager.dialog_data
        text = texts.UNDO_REMOVAL if mine else texts.GONE
        return {
            "text": notice + text,
            "is_there": False,
            "is_removed": mine,
            "status_button": "",
        }
    dialog_manager.dialog_data.pop("removed", None)
    # A press refers to the version on the screen, and is refused if the record changed since.
    dialog_manager.dialog_data["version"] = registration.version
    active = registration.status is Status.ACTIVE
    dialog_manager.dialog_data["to_status"] = Status.INACTIVE if active else Status.ACTIVE
    return {
        "text": notice + texts.record(registration, await services.names()),
        "is_there": True,
        "is_removed": False,
        "status_button": "🚫 Inativar" if active else "✅ Ativar",
    }


async def _deleting(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    registration = await services.registrations.by_id(registration_id(dialog_manager))
    if registration is None:
        return {"text": texts.GONE, "is_there": False}
    dialog_manager.dialog_data["version"] = registration.version
    return {"text": texts.ask_to_delete(registration), "is_there": True}


async def _edit(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if await services_of(manager).registrations.by_id(registration_id(manager)) is None:
        await say(manager, texts.GONE_NOW)
        return
    await manager.start(EditDialog.fields, data={"id": registration_id(manager)})


async def _call(callback: CallbackQuery, __: Button, manager: DialogManager) -> None:
    bot, message = manager.middleware_data["bot"], callback.message
    if message is None:
        return
    await call(
        Press(callback, message, bot, manager.middleware_data["links"]),
        CallButton(of=registration_id(manager)),
        manager.middleware_data["call_customer"],
        manager.middleware_data["sending"],
    )


async def _audit(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.start(AuditDialog.listing, data={"registration_id": registration_id(manager)})


async def _switch_status(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    # The status that the button named, and not the opposite of a colleague's newer change.
    status = Status(manager.dialog_data["to_status"])
    done = texts.ACTIVATED if status is Status.ACTIVE else texts.INACTIVATED
    draft = Draft(registration_id(manager), manager.dialog_data["version"], "status", status.value)
    await save(manager, draft, done=done)


async def _restore(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    removed = manager.dialog_data.get("removed")
    if removed is None:
        await say(manager, texts.RESTORED_ALREADY)
    elif await restore(manager, removed):
        await say(manager, texts.RESTORED)


async def _remove(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    version = manager.dialog_data.get("version", 0)
    outcome = await services_of(manager).remove(
        registration_id(manager), read_version=version, by=admin_of(manager)
    )
    match outcome:
        case Removed(entry_id):
            manager.dialog_data["removed"] = entry_id
            await say(manager, texts.REMOVED)
        case Gone():
            await say(manager, texts.GONE_NOW)
        case ChangedMeanwhile():
            # The record is shown again as it is now; the admin may press again to remove it.
            await say(manager, "Este cadastro mudou há pouco. Confira antes de excluir.")
        case _:
            assert_never(outcome)
    await manager.switch_to(RecordDialog.card)
