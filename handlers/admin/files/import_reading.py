"""The answers of an import's dialog on how to read the file, and on what may stay unread."""

from aiogram import html
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.errors import RefusedError
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import Question
from bot.domain.job import ImportOptions
from bot.wording.files import ANSWERS
from bot.wording.reasons import ACCEPTED, describe_file
from handlers.admin.files import texts
from handlers.admin.files.import_columns import BACK, choose, file_of, job_of
from handlers.admin.files.services import files_of
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import say, take_notice
from handlers.admin.register.texts import choice
from handlers.admin.screens import Shown, choices


def answers(file: texts.FileData) -> list[tuple[str, str]]:
    """Return the buttons that answer what is asked about the file."""
    return [one for asked in file.get("questions", {}) for one in ANSWERS[Question(asked)]]


async def answer(_: CallbackQuery, __: Select[str], manager: DialogManager, chosen: str) -> None:
    name, value = chosen.split(":")
    await _read_again(manager, {name: value})


async def choose_sheet(
    _: CallbackQuery, __: Select[str], manager: DialogManager, place: str
) -> None:
    await _read_again(manager, {"sheet": file_of(manager).get("sheets", [])[int(place)]})


def accept_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("kind_of_problem", "problems", _tick), width=2),
        Button(
            Format("🏷 Criar etiquetas ({unknown_tags})"),
            id="create_tags",
            on_click=_create_tags,
            when="unknown_tags",
        ),
        SwitchTo(Const(BACK), id="back", state=ImportDialog.main),
        state=ImportDialog.accept,
        getter=_accepted,
    )


async def _accepted(dialog_manager: DialogManager, **_: object) -> Shown:
    job = await job_of(dialog_manager)
    accepted = (job.import_options or ImportOptions()).accepted
    tags = ", ".join(job.unknown_tags)
    about = f"\n\nEtiquetas que não existem: {html.quote(tags)}" if tags else ""
    return {
        "text": take_notice(dialog_manager) + texts.IMPORT_ACCEPT + about,
        "problems": [(name, choice(label, name in accepted)) for name, label in ACCEPTED.items()],
        "unknown_tags": len(job.unknown_tags),
    }


async def _tick(_: CallbackQuery, __: Select[str], manager: DialogManager, name: str) -> None:
    await choose(manager, lambda o: o.model_copy(update={"accepted": o.accepted ^ {name}}))


async def _create_tags(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    for name in (await job_of(manager)).unknown_tags:
        await files_of(manager).create_tag(name)
    # The preview was made without them.
    await choose(manager, lambda options: options)
    await say(manager, texts.TAGS_CREATED)
    await manager.switch_to(ImportDialog.main)


async def _read_again(manager: DialogManager, answered: dict[str, str]) -> None:
    """Inspect the stored file by a new answer, and show it."""
    files, job = files_of(manager), await job_of(manager)
    try:
        read = await files.read_file.answer(job, answered)
    except FileRefused as refused:
        await say(manager, describe_file(refused))
        return
    except RefusedError:
        await say(manager, texts.FILE_GONE)
        return
    if read is None or job.source is None or job.shape is None:
        return
    _, inspected = read
    file = texts.as_data(inspected, job.source.name)
    if inspected.shape.header == job.shape.header:
        file["doubts"] = file_of(manager)["doubts"]
    manager.dialog_data["file"] = file
