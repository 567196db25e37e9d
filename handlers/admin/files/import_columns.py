"""Windows of an import's dialog for its columns, and for the fields that the file may change."""

from collections.abc import Callable
from dataclasses import replace

from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Group, Row, ScrollingGroup, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.columns import FILE_COLUMNS, Column, Doubt, assign
from bot.domain.job import ImportOptions, Job
from bot.wording.files import updatable
from bot.wording.reasons import COLUMN_LABELS
from bot.wording.values import LABELS
from handlers.admin.files import texts
from handlers.admin.files.services import files_of
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import take_notice
from handlers.admin.register.texts import choice
from handlers.admin.screens import Shown, choices

BACK = "⬅️ Voltar"
_ON_A_PAGE = 8


def columns_window() -> Window:
    return Window(
        Format("{text}"),
        ScrollingGroup(
            choices("column", "columns", _choose_column),
            id="pages",
            width=1,
            height=_ON_A_PAGE,
            hide_on_single_page=True,
        ),
        SwitchTo(Const(BACK), id="back", state=ImportDialog.main),
        state=ImportDialog.columns,
        getter=_columns,
    )


def column_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("field", "fields", _assign), width=2),
        Row(
            Button(Const("🚫 Ignorar"), id="ignore", on_click=_ignore),
            SwitchTo(Const(BACK), id="back", state=ImportDialog.columns),
        ),
        state=ImportDialog.column,
        getter=_column,
    )


def fields_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("field", "fields", _tick), width=2),
        SwitchTo(Const(BACK), id="back", state=ImportDialog.main),
        state=ImportDialog.fields,
        getter=_fields,
    )


async def job_of(manager: DialogManager) -> Job:
    """Return the job of the dialog. Raises LookupError if it is gone."""
    job = await files_of(manager).manage.get(manager.dialog_data["job_id"])
    if job is None:
        raise LookupError("a job that was begun is in the store")
    return job


def file_of(manager: DialogManager) -> texts.FileData:
    file: texts.FileData = manager.dialog_data["file"]
    return file


def columns_of(job: Job, file: texts.FileData) -> tuple[Column, ...]:
    """Return the columns with their current fields."""
    fields = job.import_options.columns if job.import_options else ()
    return tuple(
        Column(index, header, field, Doubt(doubt) if doubt and field is None else None)
        for index, (header, doubt, field) in enumerate(
            zip(file["headers"], file["doubts"], fields, strict=True)
        )
    )


async def choose(manager: DialogManager, change: Callable[[ImportOptions], ImportOptions]) -> bool:
    """Store changed options. Return False if it is too late; the screen then shows the reason."""
    job = await job_of(manager)
    options = job.import_options or ImportOptions()
    chosen = await files_of(manager).manage.choose(job.id, change(options))
    if chosen is None:
        await manager.switch_to(ImportDialog.main)
    return chosen is not None


async def ignore_all(_: CallbackQuery, pressed: Button, manager: DialogManager) -> None:
    """Ignore all columns with the doubt that is the id of the button."""
    await _change(
        manager,
        lambda columns: tuple(
            replace(column, doubt=None) if column.doubt == pressed.widget_id else column
            for column in columns
        ),
    )


async def _columns(dialog_manager: DialogManager, **_: object) -> Shown:
    columns = columns_of(await job_of(dialog_manager), file_of(dialog_manager))
    return {
        "text": take_notice(dialog_manager) + texts.columns_window(columns),
        "columns": [(column.index, texts.column_button(column)) for column in columns],
    }


async def _column(dialog_manager: DialogManager, **_: object) -> Shown:
    file = file_of(dialog_manager)
    columns = columns_of(await job_of(dialog_manager), file)
    column = columns[dialog_manager.dialog_data["column"]]
    taken = {other.field: other.index for other in columns if other.field is not None}

    def label(path: str) -> str:
        if path not in taken:
            return COLUMN_LABELS[path]
        place = taken[path]
        mark = "☑️ " if place == column.index else ""
        return f"{mark}{COLUMN_LABELS[path]} (col. {place + 1})"

    return {
        "text": texts.column_window(column, file),
        "fields": [(path, label(path)) for path in FILE_COLUMNS.values()],
    }


async def _fields(dialog_manager: DialogManager, **_: object) -> Shown:
    job = await job_of(dialog_manager)
    chosen = (job.import_options or ImportOptions()).fields
    columns = columns_of(job, file_of(dialog_manager))
    return {
        "text": texts.IMPORT_FIELDS,
        "fields": [(path, choice(LABELS[path], path in chosen)) for path in updatable(columns)],
    }


async def _change(
    manager: DialogManager, change: Callable[[tuple[Column, ...]], tuple[Column, ...]]
) -> None:
    """Store changed columns. A field that is new among them is also selected for updates."""
    file = file_of(manager)
    before = columns_of(await job_of(manager), file)
    after = change(before)
    new = set(updatable(after)) - set(updatable(before))
    kept = set(updatable(after)) - new
    fields = tuple(column.field for column in after)
    if await choose(
        manager,
        lambda options: options.model_copy(
            update={"columns": fields, "fields": frozenset((options.fields & kept) | new)}
        ),
    ):
        file["doubts"] = [column.doubt for column in after]


async def _choose_column(
    _: CallbackQuery, __: Select[str], manager: DialogManager, index: str
) -> None:
    manager.dialog_data["column"] = int(index)
    await manager.switch_to(ImportDialog.column)


async def _assign(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    await _give_field(manager, path)


async def _ignore(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _give_field(manager, None)


async def _give_field(manager: DialogManager, path: str | None) -> None:
    index = manager.dialog_data["column"]
    await _change(manager, lambda columns: assign(columns, index, path))
    await manager.switch_to(ImportDialog.columns)


async def _tick(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    await choose(manager, lambda o: o.model_copy(update={"fields": o.fields ^ {path}}))
