"""The answers of an import's dialog on how to read the file, and on what may stay unread."""

from typing import Final

from aiogram import html
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.columns import fields_of
from bot.domain.encodings import ENCODINGS, OLD, TWICE
from bot.domain.errors import RefusedError
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import FileShape, Question, Reading
from bot.domain.job import ImportOptions
from bot.wording.reasons import ACCEPTED, describe_file
from handlers.admin.files import texts
from handlers.admin.files.import_columns import BACK, choose, file_of, job_of
from handlers.admin.files.services import files_of
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import say, take_notice
from handlers.admin.register.texts import choice
from handlers.admin.screens import Shown, choices

_ANSWERS: Final = {
    Question.QUOTES: (
        ("quotes:text", "📏 A aspa é texto: cada linha é um cadastro"),
        ("quotes:cell", "▭ É tudo uma célula"),
    ),
    Question.ENCODING: tuple((f"encoding:{name}", f"🔤 {ENCODINGS[name]}") for name in OLD),
    Question.MOJIBAKE: (
        (f"encoding:{TWICE}", "🔧 Consertar os acentos"),
        ("encoding:", "➖ Deixar como está"),
    ),
}


def answers(file: texts.FileData) -> list[tuple[str, str]]:
    """Return the buttons that answer what is asked about the file."""
    return [one for asked in file.get("questions", {}) for one in _ANSWERS[Question(asked)]]


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
    if job.source is None or job.shape is None or job.import_options is None:
        await say(manager, texts.FILE_GONE)
        return
    if answered.get("encoding") == "":
        answered = {"encoding": job.shape.encoding or ""}
    reading = _reading_of(job.shape).model_copy(update=answered)
    try:
        async with files.work_folder() as folder:
            path = folder / "file"
            await files.manage.files.fetch(job.source.file_id, path)
            inspected = await files.inspect(path, name=job.source.name, reading=reading)
    except FileRefused as refused:
        await say(manager, describe_file(refused))
        return
    except RefusedError:
        await say(manager, texts.FILE_GONE)
        return
    options = job.import_options
    if inspected.shape.header != job.shape.header:
        fields = tuple(fields_of(inspected.columns))
        fitted = await files.manage.options_for(job.by, fields)
        options = fitted.model_copy(update={"accepted": options.accepted})
    file = texts.as_data(inspected, job.source.name)
    if inspected.shape.header == job.shape.header:
        file["doubts"] = file_of(manager)["doubts"]
    if await files.manage.choose(job.id, options, shape=inspected.shape) is not None:
        manager.dialog_data["file"] = file


def _reading_of(shape: FileShape) -> Reading:
    asks = {Question.ENCODING, Question.MOJIBAKE}.intersection(shape.questions)
    return Reading(
        encoding=None if asks else shape.encoding, quotes=shape.quotes, sheet=shape.sheet
    )
