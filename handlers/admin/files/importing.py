"""Dialog that prepares an import: meaning of the columns, and fields that the file may change.

Each press stores its choice in the job; the dialog itself holds only a summary of the file.
"""

from typing import Final

from aiogram import Bot
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.columns import Doubt
from bot.domain.job import ImportOptions, JobState
from bot.domain.registration import Kind
from bot.wording.files import as_last_time, cannot_check, updatable
from bot.wording.words import KINDS, short
from handlers.admin.files import report_texts, texts
from handlers.admin.files.import_columns import (
    BACK,
    choose,
    column_window,
    columns_of,
    columns_window,
    fields_window,
    file_of,
    ignore_all,
    job_of,
)
from handlers.admin.files.import_reading import accept_window, answer, answers, choose_sheet
from handlers.admin.files.services import FileServices, edit, files_of, show_progress
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import say, take_notice
from handlers.admin.register.texts import choice
from handlers.admin.screens import Shown, choices

_NO_KIND: Final = "none"
_SHEET: Final = 28
_SHEETS: Final = 8
_OPEN: Final = (JobState.DRAFT, JobState.CHECKED)


def dialog() -> Dialog:
    """Return the dialog of the import whose `job_id` and `file` are in `start_data`."""
    return Dialog(
        _main_window(),
        columns_window(),
        column_window(),
        fields_window(),
        _kind_window(),
        accept_window(),
        on_start=_start,
    )


def _main_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("answer", "answers", answer), width=1, when="is_open"),
        Group(choices("sheet", "sheets", choose_sheet), width=1, when="is_open"),
        Group(
            Button(
                Format("🚫 Ignorar as sem nome ({unnamed})"),
                id=Doubt.UNNAMED.value,
                on_click=ignore_all,
                when="unnamed",
            ),
            Button(
                Format("🚫 Ignorar as não reconhecidas ({unknown})"),
                id=Doubt.UNKNOWN.value,
                on_click=ignore_all,
                when="unknown",
            ),
            SwitchTo(Const("🗂 Colunas"), id="columns", state=ImportDialog.columns),
            Button(Format("{last}"), id="last", on_click=_as_last_time, when="last"),
            Button(Format("{update}"), id="update", on_click=_switch_update),
            SwitchTo(
                Format("🧾 Campos a atualizar ({ticked})"),
                id="fields",
                state=ImportDialog.fields,
                when="is_update",
            ),
            SwitchTo(Format("{kind}"), id="kind", state=ImportDialog.kind),
            SwitchTo(Format("{accept}"), id="accept", state=ImportDialog.accept),
            Button(Const("▶️ Conferir arquivo"), id="check", on_click=_check),
            Button(Const("❌ Cancelar"), id="cancel", on_click=_cancel),
            when="is_open",
        ),
        Cancel(Const("✖️ Fechar"), when="is_over"),
        state=ImportDialog.main,
        getter=_main,
    )


def _kind_window() -> Window:
    return Window(
        Format("{text}"),
        choices("kind", "kinds", _choose_kind),
        SwitchTo(Const(BACK), id="back", state=ImportDialog.main),
        state=ImportDialog.kind,
        getter=_kinds,
    )


async def _start(start_data: texts.ImportData, manager: DialogManager) -> None:
    manager.dialog_data.update(start_data)


async def _main(dialog_manager: DialogManager, files: FileServices, **_: object) -> Shown:
    job = await files.manage.get(dialog_manager.dialog_data["job_id"])
    shown: Shown = {
        **dict.fromkeys(("update", "kind", "accept", "last"), ""),
        **dict.fromkeys(("answers", "sheets"), ()),
        **dict.fromkeys(("unnamed", "unknown", "ticked"), 0),
        "is_open": False,
        "is_over": True,
        "is_update": False,
    }
    if job is None or job.import_options is None or job.state not in _OPEN:
        return shown | {"text": report_texts.state_message(job) if job else texts.GONE}
    file, options = file_of(dialog_manager), job.import_options
    columns = columns_of(job, file)
    doubts = [column.doubt for column in columns]
    last = await files.manage.last_choice(job)
    return shown | {
        "text": take_notice(dialog_manager) + texts.main(job, file, columns),
        "is_open": True,
        "is_over": False,
        "unnamed": doubts.count(Doubt.UNNAMED),
        "unknown": doubts.count(Doubt.UNKNOWN),
        "update": f"🔁 Atualizar registros existentes? {'Sim' if options.update else 'Não'}",
        "last": as_last_time(last, columns) if last else "",
        "is_update": options.update,
        "ticked": len(options.fields.intersection(updatable(columns))),
        "kind": texts.kind_button(options.default_kind),
        "accept": texts.accept_button(options),
        "answers": answers(file),
        "sheets": [
            (place, f"📑 Ler a aba “{short(name, _SHEET)}”")
            for place, name in enumerate(file.get("sheets", ())[:_SHEETS])
        ],
    }


async def _kinds(dialog_manager: DialogManager, **_: object) -> Shown:
    job = await job_of(dialog_manager)
    chosen = (job.import_options or ImportOptions()).default_kind
    return {
        "text": texts.IMPORT_KIND,
        "kinds": [
            *((kind.value, choice(KINDS[kind], chosen is kind)) for kind in Kind),
            (_NO_KIND, choice("Nenhum: recusar a linha", chosen is None)),
        ],
    }


async def _as_last_time(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    last = await files_of(manager).manage.last_choice(await job_of(manager))
    if last is not None:
        await choose(manager, lambda _: last)


async def _switch_update(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await choose(manager, lambda o: o.model_copy(update={"update": not o.update}))


async def _choose_kind(
    _: CallbackQuery, __: Select[str], manager: DialogManager, kind: str
) -> None:
    chosen = None if kind == _NO_KIND else Kind(kind)
    await choose(manager, lambda o: o.model_copy(update={"default_kind": chosen}))
    await manager.switch_to(ImportDialog.main)


async def _check(callback: CallbackQuery, _: Button, manager: DialogManager) -> None:
    files = files_of(manager)
    job = await job_of(manager)
    if job.import_options is None or job.state not in _OPEN:
        return
    if file_of(manager).get("questions"):
        await say(manager, texts.UNANSWERED)
        return
    columns = columns_of(job, file_of(manager))
    missing = cannot_check(job.import_options, columns, requires_tax_id=files.requires_tax_id)
    if missing is not None:
        await say(manager, missing)
        return
    # Stored even if nothing changed since the last preview, so that the preview is made again.
    if await files.manage.choose(job.id, job.import_options) is None:
        return
    bot: Bot = manager.middleware_data["bot"]
    progress = await show_progress(bot, callback.from_user.id, texts.CHECKING, job)
    if await files.manage.check(job.id, progress) is None:
        # Pressed twice, or in two chats: the other press has started the check.
        await edit(bot, progress, report_texts.state_message(job))
        return
    await manager.done()


async def _cancel(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    job = await files_of(manager).manage.cancel(manager.dialog_data["job_id"])
    if job is not None:
        await say(manager, texts.CANCELLED)
        await manager.done()
