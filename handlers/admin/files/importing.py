"""Dialog that prepares an import: meaning of the columns, and fields that the file may change.

Each press stores its choice in the job; the dialog itself holds only a summary of the file.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from aiogram import Bot
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Row, ScrollingGroup, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.columns import FILE_COLUMNS, Column, Doubt, assign
from bot.domain.job import ImportOptions, Job, JobState, Progress
from bot.domain.registration import Kind
from bot.wording.reasons import COLUMN_LABELS
from bot.wording.values import LABELS
from bot.wording.words import KINDS
from handlers.admin.files import report_texts, texts
from handlers.admin.files.buttons import keyboard, while_active
from handlers.admin.files.services import FileServices, edit, files_of
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import say, take_notice
from handlers.admin.register.texts import choice
from handlers.admin.screens import choices

_BACK: Final = "⬅️ Voltar"
_NO_KIND: Final = "none"
_ON_A_PAGE: Final = 8
_OPEN: Final = (JobState.DRAFT, JobState.CHECKED)


def dialog() -> Dialog:
    """Return the dialog of the import whose `job_id` and `file` are in `start_data`."""
    return Dialog(
        Window(
            Format("{text}"),
            Group(
                Button(
                    Format("🚫 Ignorar as sem nome ({unnamed})"),
                    id=Doubt.UNNAMED.value,
                    on_click=_ignore_all,
                    when="unnamed",
                ),
                Button(
                    Format("🚫 Ignorar as que não conheço ({unknown})"),
                    id=Doubt.UNKNOWN.value,
                    on_click=_ignore_all,
                    when="unknown",
                ),
                SwitchTo(Const("🗂 Colunas"), id="columns", state=ImportDialog.columns),
                Button(Format("{update}"), id="update", on_click=_switch_update),
                SwitchTo(
                    Format("☑️ Campos a atualizar ({ticked})"),
                    id="fields",
                    state=ImportDialog.fields,
                    when="is_update",
                ),
                SwitchTo(Format("{kind}"), id="kind", state=ImportDialog.kind),
                Button(Const("▶️ Conferir arquivo"), id="check", on_click=_check),
                Button(Const("❌ Cancelar"), id="cancel", on_click=_cancel),
                when="is_open",
            ),
            Cancel(Const("✖️ Fechar"), when="is_over"),
            state=ImportDialog.main,
            getter=_main,
        ),
        Window(
            Format("{text}"),
            ScrollingGroup(
                choices("column", "columns", _choose_column),
                id="pages",
                width=1,
                height=_ON_A_PAGE,
                hide_on_single_page=True,
            ),
            SwitchTo(Const(_BACK), id="back", state=ImportDialog.main),
            state=ImportDialog.columns,
            getter=_columns_window,
        ),
        Window(
            Format("{text}"),
            Group(
                choices("field", "fields", _assign),
                width=2,
            ),
            Row(
                Button(Const("🚫 Ignorar"), id="ignore", on_click=_ignore),
                SwitchTo(Const(_BACK), id="back", state=ImportDialog.columns),
            ),
            state=ImportDialog.column,
            getter=_column_window,
        ),
        Window(
            Format("{text}"),
            Group(
                choices("field", "fields", _tick),
                width=2,
            ),
            SwitchTo(Const(_BACK), id="back", state=ImportDialog.main),
            state=ImportDialog.fields,
            getter=_fields_window,
        ),
        Window(
            Format("{text}"),
            choices("kind", "kinds", _choose_kind),
            SwitchTo(Const(_BACK), id="back", state=ImportDialog.main),
            state=ImportDialog.kind,
            getter=_kind_window,
        ),
        on_start=_start,
    )


async def _start(start_data: Any, manager: DialogManager) -> None:
    manager.dialog_data.update(start_data)


async def _main(dialog_manager: DialogManager, files: FileServices, **_: Any) -> dict[str, Any]:
    data = dialog_manager.dialog_data
    job = await files.manage.get(data["job_id"])
    shown: dict[str, Any] = {
        **dict.fromkeys(("update", "kind"), ""),
        **dict.fromkeys(("unnamed", "unknown", "ticked"), 0),
        "is_open": False,
        "is_over": True,
        "is_update": False,
    }
    if job is None or job.import_options is None or job.state not in _OPEN:
        return shown | {"text": report_texts.state_message(job) if job else texts.GONE}
    options, columns = job.import_options, _columns(job, data)
    doubts = [column.doubt for column in columns]
    return shown | {
        "text": take_notice(dialog_manager) + texts.main(job, data["file"], columns),
        "is_open": True,
        "is_over": False,
        "unnamed": doubts.count(Doubt.UNNAMED),
        "unknown": doubts.count(Doubt.UNKNOWN),
        "update": f"🔁 Atualizar registros existentes? {'Sim' if options.update else 'Não'}",
        "is_update": options.update,
        "ticked": len(options.fields.intersection(texts.updatable(columns))),
        "kind": texts.kind_button(options.default_kind),
    }


async def _columns_window(
    dialog_manager: DialogManager, files: FileServices, **_: Any
) -> dict[str, Any]:
    columns = _columns(await _job(dialog_manager, files), dialog_manager.dialog_data)
    return {
        "text": take_notice(dialog_manager) + texts.columns_window(columns),
        "columns": [(column.index, texts.column_button(column)) for column in columns],
    }


async def _column_window(
    dialog_manager: DialogManager, files: FileServices, **_: Any
) -> dict[str, Any]:
    data = dialog_manager.dialog_data
    columns = _columns(await _job(dialog_manager, files), data)
    column = columns[data["column"]]
    taken = {other.field: other.index for other in columns if other.field is not None}

    def label(path: str) -> str:
        if path not in taken:
            return COLUMN_LABELS[path]
        place = taken[path]
        mark = "☑️ " if place == column.index else ""
        return f"{mark}{COLUMN_LABELS[path]} (col. {place + 1})"

    return {
        "text": texts.column_window(column, data["file"]),
        "fields": [(path, label(path)) for path in FILE_COLUMNS.values()],
    }


async def _fields_window(
    dialog_manager: DialogManager, files: FileServices, **_: Any
) -> dict[str, Any]:
    job = await _job(dialog_manager, files)
    chosen = (job.import_options or ImportOptions()).fields
    columns = _columns(job, dialog_manager.dialog_data)
    return {
        "text": texts.IMPORT_FIELDS,
        "fields": [
            (path, choice(LABELS[path], path in chosen)) for path in texts.updatable(columns)
        ],
    }


async def _kind_window(
    dialog_manager: DialogManager, files: FileServices, **_: Any
) -> dict[str, Any]:
    job = await _job(dialog_manager, files)
    chosen = (job.import_options or ImportOptions()).default_kind
    return {
        "text": texts.IMPORT_KIND,
        "kinds": [
            *((kind.value, choice(KINDS[kind], chosen is kind)) for kind in Kind),
            (_NO_KIND, choice("Nenhum: recusar a linha", chosen is None)),
        ],
    }


async def _job(manager: DialogManager, files: FileServices) -> Job:
    job = await files.manage.get(manager.dialog_data["job_id"])
    if job is None:
        raise LookupError("a job that was begun is in the store")
    return job


def _columns(job: Job, data: dict[str, Any]) -> tuple[Column, ...]:
    """Return the columns with their current fields."""
    file = data["file"]
    fields = job.import_options.columns if job.import_options else ()
    return tuple(
        Column(index, header, field, Doubt(doubt) if doubt and field is None else None)
        for index, (header, doubt, field) in enumerate(
            zip(file["headers"], file["doubts"], fields, strict=True)
        )
    )


async def _choose(
    manager: DialogManager, change: Callable[[ImportOptions], ImportOptions]
) -> bool:
    """Store changed options. Return False if it is too late; the screen then shows the reason."""
    files = files_of(manager)
    job = await _job(manager, files)
    options = job.import_options or ImportOptions()
    chosen = await files.manage.choose(job.id, change(options))
    if chosen is None:
        await manager.switch_to(ImportDialog.main)
    return chosen is not None


async def _assigned(
    manager: DialogManager, change: Callable[[tuple[Column, ...]], tuple[Column, ...]]
) -> None:
    """Store changed columns. A field that is new among them is also selected for updates."""
    data = manager.dialog_data
    before = _columns(await _job(manager, files_of(manager)), data)
    after = change(before)
    new = set(texts.updatable(after)) - set(texts.updatable(before))
    kept = set(texts.updatable(after)) - new
    fields = tuple(column.field for column in after)
    if await _choose(
        manager,
        lambda options: options.model_copy(
            update={"columns": fields, "fields": frozenset((options.fields & kept) | new)}
        ),
    ):
        data["file"]["doubts"] = [column.doubt for column in after]


async def _ignore_all(_: CallbackQuery, pressed: Button, manager: DialogManager) -> None:
    await _assigned(
        manager,
        lambda columns: tuple(
            replace(column, doubt=None) if column.doubt == pressed.widget_id else column
            for column in columns
        ),
    )


async def _choose_column(
    _: CallbackQuery, __: Select[str], manager: DialogManager, index: str
) -> None:
    manager.dialog_data["column"] = int(index)
    await manager.switch_to(ImportDialog.column)


async def _assign(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    await _assigned(manager, lambda columns: assign(columns, manager.dialog_data["column"], path))
    await manager.switch_to(ImportDialog.columns)


async def _ignore(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _assigned(manager, lambda columns: assign(columns, manager.dialog_data["column"], None))
    await manager.switch_to(ImportDialog.columns)


async def _switch_update(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _choose(manager, lambda o: o.model_copy(update={"update": not o.update}))


async def _tick(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    await _choose(manager, lambda o: o.model_copy(update={"fields": o.fields ^ {path}}))


async def _choose_kind(
    _: CallbackQuery, __: Select[str], manager: DialogManager, kind: str
) -> None:
    chosen = None if kind == _NO_KIND else Kind(kind)
    await _choose(manager, lambda o: o.model_copy(update={"default_kind": chosen}))
    await manager.switch_to(ImportDialog.main)


async def _check(callback: CallbackQuery, _: Button, manager: DialogManager) -> None:
    files = files_of(manager)
    job = await _job(manager, files)
    if job.import_options is None or job.state not in _OPEN:
        return
    columns = _columns(job, manager.dialog_data)
    missing = texts.cannot_check(
        job.import_options, columns, requires_tax_id=files.requires_tax_id
    )
    if missing is not None:
        await say(manager, missing)
        return
    # Stored even if nothing changed since the last preview, so that the preview is made again.
    if await files.manage.choose(job.id, job.import_options) is None:
        return
    bot: Bot = manager.middleware_data["bot"]
    chat_id = callback.from_user.id
    shown = await bot.send_message(
        chat_id,
        report_texts.starting(texts.CHECKING),
        reply_markup=keyboard(while_active(job)),
    )
    progress = Progress(chat_id=chat_id, message_id=shown.message_id)
    if await files.manage.check(job.id, progress) is None:
        # Pressed twice, or in two chats: the other press has started the check.
        await edit(bot, chat_id, shown.message_id, report_texts.state_message(job))
        return
    await manager.done()


async def _cancel(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    job = await files_of(manager).manage.cancel(manager.dialog_data["job_id"])
    if job is not None:
        await say(manager, texts.CANCELLED)
        await manager.done()
