"""Files that an admin sends: each starts the preparation of an import."""

import errno
from pathlib import Path, PurePath
from typing import Final

import structlog
from aiogram import Bot, html
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, Document, Message
from aiogram_dialog import DialogManager, ShowMode

from bot.domain.errors import RefusedError
from bot.domain.file_refusal import FileRefused
from bot.domain.job import ImportOptions, Job, JobState
from bot.domain.registration import read_line
from bot.wording.reasons import describe_file
from handlers.admin.files import texts
from handlers.admin.files.buttons import Verb, button, keyboard
from handlers.admin.files.services import FileServices
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import admin_of, open_over
from handlers.answers import bot_of

DOWNLOAD_LIMIT_BYTES: Final = 20 * 1024 * 1024
"""The largest file that Telegram lets a bot download."""
_DOWNLOAD_S: Final = 300
_NAME_LENGTH: Final = 200
_ENDINGS: Final = frozenset(
    (
        *(".csv", ".txt", ".tsv", ".tab", ".xlsx", ".zip", ".gz"),
        # These cannot be read, but opening them explains how to convert them.
        *(".xls", ".xlsm", ".xlsb", ".ods", ".vcf", ".ics", ".json", ".sql"),
    )
)
_TYPES: Final = frozenset(
    (
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "text/comma-separated-values",
        "application/csv",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/zip",
        "application/x-zip-compressed",
        "application/gzip",
        "application/x-gzip",
    )
)
_DISK: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES))

logger = structlog.get_logger()


async def ask_for_file(bot: Bot, chat_id: int) -> None:
    """Answer /importar."""
    rows = [[button(texts.TEMPLATE_BUTTON, Verb.TEMPLATE)]]
    await bot.send_message(chat_id, texts.ASK_FILE, reply_markup=keyboard(rows))


async def send_template(bot: Bot, chat_id: int) -> None:
    file = BufferedInputFile(texts.template(), texts.TEMPLATE_NAME)
    await bot.send_document(chat_id, file, caption=texts.TEMPLATE)


async def receive(message: Message, dialog_manager: DialogManager, files: FileServices) -> None:
    """Inspect and store a file that an admin sent, and open its import screen."""
    document = message.document
    if document is None:
        return
    name = read_line(document.file_name or "")[:_NAME_LENGTH] or "arquivo"
    if not _may_be_table(name, document.mime_type or ""):
        await message.answer(texts.NOT_ACCEPTED)
        return
    if (document.file_size or 0) > DOWNLOAD_LIMIT_BYTES:
        await message.answer(texts.TOO_LARGE)
        return
    bot = bot_of(message)
    await bot.send_chat_action(message.chat.id, "typing")
    try:
        async with files.work_folder() as folder:
            path = folder / "file"
            if trouble := await _downloaded(bot, document, path):
                await message.answer(trouble)
                return
            by = admin_of(dialog_manager)
            job, inspected = await files.read_file.begin(path, name=name, by=by)
    except FileRefused as refused:
        logger.info("file refused", reason=refused.reason, line=refused.line)
        await message.answer(f"⚠️ {html.quote(describe_file(refused))}")
        return
    except OSError as error:
        logger.warning("file not kept", error=type(error).__name__, errno=error.errno)
        await message.answer(texts.DISK)
        return
    await open_import(dialog_manager, job.id, texts.as_data(inspected, name))


async def open_import(manager: DialogManager, job_id: int, file: texts.FileData) -> None:
    """Open the screen of an import, above the screen of another import in preparation."""
    data: dict[str, object] = {"job_id": job_id, "file": file}
    if manager.has_context() and manager.current_context().state.group is ImportDialog:
        await manager.start(ImportDialog.main, data=data, show_mode=ShowMode.SEND)
    else:
        await open_over(manager, ImportDialog.main, data)


async def reopen(manager: DialogManager, files: FileServices, job: Job) -> str | None:
    """Open the screen of an import again, from its stored file.

    Returns a sentence with the reason if that fails, else None.
    """
    if job.source is None:
        return texts.FILE_GONE
    try:
        inspected = await files.read_file.again(job)
    except FileRefused as refused:
        return describe_file(refused)
    except RefusedError:
        return texts.FILE_GONE
    except OSError as error:
        logger.warning("file not fetched", job=job.id, error=type(error).__name__)
        return texts.DISK
    file = texts.as_data(inspected, job.source.name)
    options = job.import_options or ImportOptions()
    chosen = job.state is not JobState.DRAFT
    file["doubts"] = [
        None if chosen or field is not None else column.doubt
        for column, field in zip(inspected.columns, options.columns, strict=True)
    ]
    await open_import(manager, job.id, file)
    return None


async def _downloaded(bot: Bot, document: Document, path: Path) -> str | None:
    """Download the file. Return None, or a sentence with the reason if that fails."""
    try:
        await bot.download(document, destination=path, timeout=_DOWNLOAD_S)
    except TelegramBadRequest as error:
        if "too big" in error.message:
            return texts.TOO_LARGE
        logger.warning("file not downloaded", error=error.message)
        return texts.NOT_DOWNLOADED
    except OSError as error:
        logger.warning("file not downloaded", error=type(error).__name__, errno=error.errno)
        return texts.DISK if error.errno in _DISK else texts.NOT_DOWNLOADED
    except Exception as error:
        # Errors of the download are not translated: any error of the HTTP client may arrive here.
        logger.warning("file not downloaded", error=type(error).__name__)
        return texts.NOT_DOWNLOADED
    return None


def _may_be_table(name: str, mime: str) -> bool:
    return PurePath(name.lower()).suffix in _ENDINGS or mime.lower() in _TYPES
