"""An import: the file in pieces, how it is read, the preview with cells to mend, and the run."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from multidict import MultiMapping

from bot.console import import_texts as texts
from bot.console.jobs import job_of, job_page
from bot.console.rendering import page, sentence
from bot.console.request import ConsoleRequest, Route
from bot.domain.columns import FILE_COLUMNS, Column, Doubt
from bot.domain.errors import RefusedError
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import Inspected, Question
from bot.domain.job import ImportOptions, Job, JobState, MendedCell
from bot.domain.registration import Kind, read_line
from bot.domain.upload import PIECE_BYTES
from bot.usecases.jobs.receive_file import Begun, NotReceived
from bot.wording.files import (
    ANSWERS,
    DOUBTS,
    amounts,
    as_last_time,
    cannot_check,
    left_out,
    question,
    understood,
    updatable,
)
from bot.wording.jobs import effort_sentence
from bot.wording.reasons import ACCEPTED, COLUMN_LABELS, describe_file
from bot.wording.values import LABELS
from bot.wording.words import KINDS, short

_OPEN: Final = (JobState.DRAFT, JobState.CHECKED)
_UNDECIDED: Final = "?"
_NAME_LENGTH: Final = 200
_MARK_LENGTH: Final = 40
_MENDED: Final = 2_000
_LONGEST_CELL: Final = 2_500
_DIGITS: Final = 9

logger = structlog.get_logger()


async def open_import(asked: ConsoleRequest) -> web.StreamResponse:
    return page("import_file", {"piece_bytes": PIECE_BYTES})


async def begin_upload(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the key of an upload, and how much of it is there when it goes on."""
    form = await asked.form()
    size = _number(form.get("size", ""))
    begun = await asked.services.receive_file.begin(
        by=asked.by,
        name=read_line(form.get("name", ""))[:_NAME_LENGTH] or "arquivo",
        size_bytes=size,
        mark=form.get("mark", "")[:_MARK_LENGTH],
    )
    if not isinstance(begun, Begun):
        return _not_received(begun)
    return web.json_response(
        {"key": begun.upload.key, "stored": begun.stored, "pieces": begun.upload.pieces}
    )


async def take_piece(asked: ConsoleRequest) -> web.StreamResponse:
    """Store one piece of the file: the body. What breaks off leaves nothing behind."""
    content = bytearray()
    try:
        async for some in asked.http.content.iter_any():
            content += some
            if len(content) > PIECE_BYTES:
                raise web.HTTPRequestEntityTooLarge(PIECE_BYTES, len(content))
    except ConnectionError as error:
        raise web.HTTPBadRequest from error
    refused = await asked.services.receive_file.piece(
        _number(asked.http.match_info["number"]),
        bytes(content),
        key=asked.http.headers.get(UPLOAD_HEADER, ""),
        by=asked.by,
    )
    return _not_received(refused) if refused else web.Response(status=HTTPStatus.NO_CONTENT)


async def end_upload(asked: ConsoleRequest) -> web.StreamResponse:
    """Begin the import of a file that is whole; return the screen that prepares it."""
    key = (await asked.form()).get("key", "")
    try:
        ended = await asked.services.receive_file.end(key=key, by=asked.by)
    except (FileRefused, RefusedError, OSError) as error:
        return _unreadable(error)
    if isinstance(ended, NotReceived):
        return _not_received(ended)
    return await _prepare_page(asked, *ended)


async def prepare(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the screen of an import that was not confirmed yet."""
    job = await _import_of(asked)
    if job.state not in _OPEN:
        return await job_page(asked, job)
    try:
        inspected = await asked.services.read_file.again(job)
    except (FileRefused, RefusedError, OSError) as error:
        return _unreadable(error)
    return await _prepare_page(asked, job, inspected)


async def choose_as_last(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the screen with what this admin chose for the last file; nothing is stored yet."""
    job, form = await _import_of(asked), await asked.form()
    columns = tuple(column.field for column in _columns(job, form))
    options = (job.import_options or ImportOptions()).model_copy(update={"columns": columns})
    job = job.model_copy(update={"import_options": options})
    if job.state not in _OPEN:
        return await job_page(asked, job)
    last = await asked.services.jobs.last_choice(job)
    try:
        inspected = await asked.services.read_file.again(job)
    except (FileRefused, RefusedError, OSError) as error:
        return _unreadable(error)
    as_last = job.model_copy(update={"import_options": last or options})
    return await _prepare_page(asked, as_last, inspected)


async def answer(asked: ConsoleRequest) -> web.StreamResponse:
    """Read the file by an answer to a question about it, or another sheet of it."""
    job = await _import_of(asked)
    name, _, value = (await asked.form()).get("answer", "").partition(":")
    offered = {one for some in ANSWERS.values() for one, _ in some}
    sheets = {one.name for one in job.shape.other_sheets} if job.shape else set()
    if not (f"{name}:{value}" in offered or (name == "sheet" and value in sheets)):
        raise web.HTTPBadRequest
    try:
        read = await asked.services.read_file.answer(job, {name: value})
    except (FileRefused, RefusedError, OSError) as error:
        return _unreadable(error)
    if read is None:
        return await job_page(asked, await _import_of(asked))
    return await _prepare_page(asked, *read)


async def show_fields(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the fields that an update may change, as the columns are assigned now."""
    job, form = await _import_of(asked), await asked.form()
    columns = _columns(job, form)
    fields, before = updatable(columns), set(form.getall("offered", []))
    ticked = set(form.getall("field", [])) | (set(fields) - before)
    return page("import_fields", {"job": job, "fields": _labelled(fields), "ticked": ticked})


async def check(asked: ConsoleRequest) -> web.StreamResponse:
    """Store the choices of the form, and start the dry run."""
    services, job, form = asked.services, await _import_of(asked), await asked.form()
    if job.state not in _OPEN:
        return await job_page(asked, job)
    columns = _columns(job, form)
    used = [column.field for column in columns if column.field is not None]
    if twice := next((field for field in used if used.count(field) > 1), None):
        places = [str(c.index + 1) for c in columns if c.field == twice]
        return sentence(texts.twice(COLUMN_LABELS[twice], places), 422)
    try:
        options = ImportOptions(
            columns=tuple(column.field for column in columns),
            update=form.get("update") == "1",
            fields=frozenset(form.getall("field", [])) & set(updatable(columns)),
            default_kind=Kind(form["kind"]) if form.get("kind") else None,
            accepted=frozenset(form.getall("accept", [])) & ACCEPTED.keys(),
            mended=job.import_options.mended if job.import_options else (),
        )
    except ValueError as error:
        raise web.HTTPBadRequest from error
    if job.shape is not None and job.shape.questions:
        return sentence(texts.UNANSWERED, 422)
    if missing := cannot_check(options, columns, requires_tax_id=services.requires_tax_id):
        return sentence(missing, 422)
    return await _checked(asked, job, options)


async def mend(asked: ConsoleRequest) -> web.StreamResponse:
    """Take the cells that were written anew in the preview, and check the file again."""
    job, form = await _import_of(asked), await asked.form()
    if job.state is not JobState.CHECKED or form.get("seen") != job.plan_file_id:
        return sentence(texts.OLD_PREVIEW, HTTPStatus.CONFLICT)
    options = job.import_options or ImportOptions()
    width = len(options.columns)
    shown = {row.line: (*row.cells, *[""] * width)[:width] for row in job.shown_rows}
    mended = {(cell.line, cell.column): cell for cell in options.mended}
    for name, text in form.items():
        kind, *place = name.split(":")
        if kind != "cell":
            continue
        line, column = map(_number, place) if len(place) == 2 else (0, 0)
        if line not in shown or column >= width:
            raise web.HTTPBadRequest
        # A text area gives line breaks of its own.
        text = text.replace("\r\n", "\n")[:_LONGEST_CELL]
        if text != shown[line][column].replace("\r\n", "\n"):
            mended[line, column] = MendedCell(line=line, column=column, text=text)
    if len(mended) > _MENDED:
        return sentence(texts.TOO_MANY_MENDED, 422)
    changed = options.model_copy(update={"mended": tuple(mended.values())})
    if changed == options:
        return sentence(texts.NOTHING_MENDED, 422)
    return await _checked(asked, job, changed)


async def create_tags(asked: ConsoleRequest) -> web.StreamResponse:
    """Create the tags of the file that do not exist, and check it again."""
    job = await _import_of(asked)
    if job.state is not JobState.CHECKED:
        return await job_page(asked, job)
    for name in job.unknown_tags:
        await asked.services.create_tag(name)
    return await _checked(asked, job, job.import_options or ImportOptions())


async def confirm(asked: ConsoleRequest) -> web.StreamResponse:
    """Write what the preview has shown. The report also goes to the admin's chat."""
    job = await _import_of(asked)
    seen = (await asked.form()).get("seen")
    if job.state is not JobState.CHECKED or seen != job.plan_file_id:
        return sentence(texts.OLD_PREVIEW, HTTPStatus.CONFLICT)
    if job.effort is not None and not job.fits:
        return sentence(effort_sentence(job.effort), 422)
    progress = await asked.services.show_in_chat(asked.user_id, texts.IMPORTING)
    begun = await asked.services.jobs.confirm(job.id, progress)
    return await job_page(asked, begun or await _import_of(asked))


async def _checked(asked: ConsoleRequest, job: Job, options: ImportOptions) -> web.Response:
    """Store the options and start the dry run; a job that has moved on is shown as it is."""
    if await asked.services.jobs.choose(job.id, options) is not None:
        await asked.services.jobs.check(job.id)
    return await job_page(asked, await _import_of(asked))


def _columns(job: Job, form: MultiMapping[str]) -> tuple[Column, ...]:
    """Return the columns as the menus of the form assign them."""
    header = job.shape.header if job.shape else ()
    chosen = form.getall("column", [])
    known = {_UNDECIDED, "", *FILE_COLUMNS.values()}
    if len(chosen) != len(header) or not known.issuperset(chosen):
        raise web.HTTPBadRequest
    return tuple(
        Column(
            index,
            text,
            None if field == _UNDECIDED else field or None,
            Doubt.UNKNOWN if field == _UNDECIDED else None,
        )
        for index, (text, field) in enumerate(zip(header, chosen, strict=True))
    )


async def _prepare_page(asked: ConsoleRequest, job: Job, inspected: Inspected) -> web.Response:
    last = await asked.services.jobs.last_choice(job)
    options, shape = job.import_options or ImportOptions(), inspected.shape
    was_chosen = job.state is not JobState.DRAFT
    columns = [
        Column(
            column.index,
            column.header,
            field,
            None if was_chosen or field is not None else column.doubt,
        )
        for column, field in zip(inspected.columns, options.columns, strict=True)
    ]
    fields = updatable(columns)
    return page(
        "import_prepare",
        {
            "job": job,
            "name": job.source.name if job.source else "",
            "understood": understood(shape),
            "amounts": amounts(shape),
            "left_out": list(left_out(shape)),
            "questions": [
                (question(inspected, one), ANSWERS[Question(one)]) for one in shape.questions
            ],
            "sheets": [one.name for one in shape.other_sheets if not one.is_hidden],
            "columns": [
                {
                    "index": column.index,
                    "header": short(column.header, 60),
                    "chosen": _UNDECIDED if column.doubt is not None else column.field or "",
                    "doubt": DOUBTS[column.doubt] if column.doubt is not None else "",
                    "examples": [short(one, 40) for one in inspected.examples(was)]
                    if column.field != "portal.password"
                    else [],
                }
                for column, was in zip(columns, inspected.columns, strict=True)
            ],
            "choices": {path: COLUMN_LABELS[path] for path in FILE_COLUMNS.values()},
            "fields": _labelled(fields),
            "ticked": options.fields,
            "options": options,
            "last": as_last_time(last, columns) if last else "",
            "kinds": KINDS,
            "accepts": ACCEPTED,
            "mended": len(options.mended),
        },
    )


def _labelled(fields: Sequence[str]) -> Mapping[str, str]:
    return {path: LABELS[path] for path in fields}


async def _import_of(asked: ConsoleRequest) -> Job:
    job = await job_of(asked)
    if job.import_options is None:
        raise web.HTTPNotFound
    return job


def _not_received(reason: NotReceived) -> web.Response:
    is_large = reason is NotReceived.TOO_LARGE
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_large else HTTPStatus.CONFLICT
    return sentence(texts.NOT_RECEIVED[reason], status)


def _unreadable(error: Exception) -> web.Response:
    if isinstance(error, FileRefused):
        logger.info("file refused", reason=error.reason, line=error.line)
        return sentence(describe_file(error), 422)
    if isinstance(error, OSError):
        logger.warning("file not kept", error=type(error).__name__, errno=error.errno)
        return sentence(texts.DISK, HTTPStatus.INSUFFICIENT_STORAGE)
    return sentence(texts.FILE_GONE, HTTPStatus.GONE)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS + 1):
        raise web.HTTPBadRequest
    return int(text)


UPLOAD_HEADER: Final = "X-Balcao-Upload"
"""Carries the key of the upload to which a piece belongs."""
ROUTES: Final = (
    Route(method="GET", path="/import", handle=open_import),
    Route(method="POST", path="/import/begin", handle=begin_upload),
    Route(method="PUT", path="/import/piece/{number}", handle=take_piece),
    Route(method="POST", path="/import/end", handle=end_upload),
    Route(method="GET", path="/import/{id}", handle=prepare),
    Route(method="POST", path="/import/{id}/answer", handle=answer),
    Route(method="POST", path="/import/{id}/fields", handle=show_fields),
    Route(method="POST", path="/import/{id}/last", handle=choose_as_last),
    Route(method="POST", path="/import/{id}/check", handle=check),
    Route(method="POST", path="/import/{id}/mend", handle=mend),
    Route(method="POST", path="/import/{id}/tags", handle=create_tags),
    Route(method="POST", path="/import/{id}/confirm", handle=confirm),
)
