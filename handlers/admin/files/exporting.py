"""Dialog that prepares an export: choice of registrations, fields and format."""

from typing import Final

from aiogram import Bot
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Row, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.export import EXPORT_COLUMNS, ExportOptions
from bot.domain.search import Query, read_query
from bot.wording.values import LABELS
from handlers.admin.files import texts
from handlers.admin.files.services import FileServices, files_of, offer_cancel, show_progress
from handlers.admin.files.states import ExportDialog
from handlers.admin.register.services import RegisterServices, admin_of, say, take_notice, ticked
from handlers.admin.register.texts import choice
from handlers.admin.screens import Shown, choices

_ALL: Final = tuple(EXPORT_COLUMNS.values())
_FORMATS: Final = {"csv": "CSV", "xlsx": "Excel (XLSX)"}


def dialog() -> Dialog:
    """Return the dialog. `start_data` may hold a `query`, of `query_data`."""
    return Dialog(
        Window(
            Format("{text}"),
            Row(choices("format", "formats", _choose_format)),
            Row(
                SwitchTo(Const("🧾 Escolher campos"), id="fields", state=ExportDialog.fields),
                Button(Const("✂️ Só alguns"), id="few", on_click=_tick_few),
            ),
            Button(Const("🧹 Sem filtros"), id="clear", on_click=_clear, when="is_narrowed"),
            Button(Const("▶️ Exportar"), id="go", on_click=_export),
            Cancel(Const("❌ Cancelar")),
            state=ExportDialog.main,
            getter=_main,
        ),
        Window(
            Const(texts.EXPORT_FIELDS),
            Group(
                choices("field", "fields", _tick),
                width=2,
            ),
            Row(
                Button(Const("Todos"), id="all", on_click=_tick_all),
                Button(Const("Nenhum"), id="nothing", on_click=_tick_none),
            ),
            Row(
                SwitchTo(Const("⬅️ Voltar"), id="back", state=ExportDialog.main),
                Button(Const("▶️ Exportar"), id="go", on_click=_export),
            ),
            state=ExportDialog.fields,
            getter=_fields,
        ),
        on_start=_start,
    )


async def _start(start_data: dict[str, object] | None, manager: DialogManager) -> None:
    last = await files_of(manager).manage.choices.of_export(admin_of(manager)) or ExportOptions()
    manager.dialog_data.update(
        format=last.format, paths=list(last.paths), query=(start_data or {}).get("query", {})
    )


async def _main(
    dialog_manager: DialogManager, services: RegisterServices, files: FileServices, **_: object
) -> Shown:
    data = dialog_manager.dialog_data
    query = read_query(data["query"])
    count = await services.search.count(query)
    return {
        "text": take_notice(dialog_manager)
        + texts.export_window(query, count, data["paths"], len(_ALL), await files.names()),
        "formats": [
            (key, choice(label, data["format"] == key)) for key, label in _FORMATS.items()
        ],
        "is_narrowed": query != Query(),
    }


async def _fields(dialog_manager: DialogManager, **_: object) -> Shown:
    chosen = dialog_manager.dialog_data["paths"]
    return {"fields": [(path, choice(LABELS[path], path in chosen)) for path in _ALL]}


async def _choose_format(
    _: CallbackQuery, __: Select[str], manager: DialogManager, chosen: str
) -> None:
    manager.dialog_data["format"] = chosen


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["query"] = {}


async def _tick(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    chosen = ticked(manager.dialog_data["paths"], path)
    # In the order of the template, and not in the order of the presses.
    manager.dialog_data["paths"] = [one for one in _ALL if one in chosen]


async def _tick_all(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["paths"] = list(_ALL)


async def _tick_none(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["paths"] = []


async def _tick_few(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["paths"] = []
    await manager.switch_to(ExportDialog.fields)


async def _export(callback: CallbackQuery, _: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    if not data["paths"]:
        await say(manager, texts.ONE_FIELD)
        return
    options = ExportOptions(
        format=data["format"],
        paths=tuple(data["paths"]),
        query=read_query(data["query"]),
    )
    bot: Bot = manager.middleware_data["bot"]
    progress = await show_progress(bot, callback.from_user.id, texts.EXPORTING)
    job = await files_of(manager).manage.begin_export(
        options, by=admin_of(manager), progress=progress
    )
    await offer_cancel(bot, job, texts.EXPORTING)
    await manager.done()
