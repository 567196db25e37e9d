"""The command `balcao import`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal.console import finish, plain, say
from bot.cli.terminal.files import (
    chosen_columns,
    inspected,
    read_accepted,
    read_reading,
    refuse_as_target,
    refuse_unusable,
    update_fields,
)
from bot.cli.terminal.job_session import (
    NOT_ALL,
    JobSession,
    begin,
    confirm,
    open_job_session,
    read_kind,
    save_result,
)
from bot.cli.terminal.reports import (
    doubts_message,
    file_lines,
    left_out_lines,
    preview_lines,
    questions_message,
)
from bot.cli.terminal.running import Stop, TerminalProgress, stoppable
from bot.domain.columns import Column, fields_of
from bot.domain.effort import Effort
from bot.domain.errors import RefusedError
from bot.domain.file_shape import FileShape, Inspected, Reading
from bot.domain.job import COMMAND_LINE, ImportOptions, Job, JobState
from bot.domain.label import Tag
from bot.domain.row import RowReader
from bot.runtime.files.table import open_table
from bot.wording.job_report import has_something_to_write
from bot.wording.jobs import effort_sentence

_File = Annotated[
    Path, typer.Argument(metavar="ARQUIVO", help=".csv, .xlsx, ou um deles em .zip ou .gz.")
]
_Update = Annotated[
    bool, typer.Option("--update", help="Também atualiza quem já está no cadastro.")
]
_Fields = Annotated[
    str | None,
    typer.Option(help="O que atualizar: celular,email,… Sem isto, tudo o que o arquivo tem."),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Só mostra o que aconteceria. Nada fica gravado.")
]
_Errors = Annotated[
    Path | None,
    typer.Option(metavar="SAÍDA.csv", help="Grava aqui as linhas recusadas, com o motivo."),
]
_Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUNA=CAMPO",
        help='Diz o que é uma coluna: "Fone 2=celular", ou pelo número, "4=celular"; '
        '"4=ignorar" a deixa de fora. Pode repetir.',
    ),
]
_IgnoreUnknown = Annotated[
    bool,
    typer.Option("--ignore-unknown", help="Deixa de fora as colunas sem nome e as desconhecidas."),
]
_KindOfNew = Annotated[
    str | None,
    typer.Option(
        help="Tipo de quem é novo e vem sem: cliente, fornecedor, prestador de serviço ou "
        "prospect."
    ),
]
_Quotes = Annotated[
    str | None,
    typer.Option(
        metavar="text|cell",
        help="Quando há linhas inteiras entre aspas: text se a aspa é parte do texto, cell se é "
        "uma célula só.",
    ),
]
_Encoding = Annotated[
    str | None,
    typer.Option(help="Acentos do arquivo: utf-8, cp1252, cp850, mac, utf-16 ou utf-8-2x."),
]
_SheetName = Annotated[
    str | None, typer.Option("--sheet", help="Aba da planilha, pelo nome ou pelo número.")
]
_Accept = Annotated[
    str | None,
    typer.Option(
        help="Deixa entrar sem o campo que não se lê: phone,email,tag,trade_name,department,"
        "traits,username,password,name (só o nome, quando o documento não é obrigatório)."
    ),
]
_CreateTags = Annotated[
    bool, typer.Option("--create-tags", help="Cria as etiquetas do arquivo que não existem.")
]
_Unasked = Annotated[
    bool, typer.Option("--yes", help="Importa sem mostrar a prévia e sem perguntar.")
]


def import_(
    file: _File,
    update: _Update = False,
    fields: _Fields = None,
    dry_run: _DryRun = False,
    errors: _Errors = None,
    column: _Columns = None,
    ignore_unknown: _IgnoreUnknown = False,
    kind: _KindOfNew = None,
    quotes: _Quotes = None,
    encoding: _Encoding = None,
    sheet: _SheetName = None,
    accept: _Accept = None,
    create_tags: _CreateTags = False,
    yes: _Unasked = False,
) -> None:
    """Importa um arquivo, como no chat, de qualquer tamanho; o bot pode estar no ar.

    Em um terminal mostra a prévia e pergunta; fora dele importa logo. Ctrl-C para depois do lote
    em andamento; `balcao jobs TAREFA --go-on` continua de onde parou, por 7 dias. Se for morto no
    meio, o próximo `balcao run` continua, ou `balcao jobs --go-on`.

    Termina com 0 quando todas as linhas entraram ou já estavam; 2 quando houve recusadas; 1 quando
    não terminou, foi cancelado, ou o arquivo não pôde ser lido.
    """
    settings = begin()
    asks = not yes and not dry_run and sys.stdin.isatty()

    async def work(stop: Stop) -> int:
        _refuse_contradictions(update=update, fields=fields, dry_run=dry_run, errors=errors)
        default_kind, accepted = read_kind(kind), read_accepted(accept)
        found = await _inspected(file, stop, read_reading(encoding, quotes, sheet))
        columns = chosen_columns(found.columns, column or (), ignore_unknown=ignore_unknown)
        _say_file(found, columns, previews=asks or dry_run)
        options = ImportOptions(
            columns=tuple(fields_of(columns)),
            update=update,
            fields=update_fields(fields, columns),
            default_kind=default_kind,
            accepted=accepted,
            confirm=asks,
        )
        async with open_job_session(settings, stop) as session:
            if not asks and not dry_run:
                say_effort(session.jobs.effort(found.shape.rows), is_sure=yes)
            if create_tags and not dry_run:
                await created_tags(session, file, found.shape, options)
            return await _run(session, file, found.shape, options, dry_run=dry_run, errors=errors)

    finish(stoppable(work))


def _refuse_contradictions(
    *, update: bool, fields: str | None, dry_run: bool, errors: Path | None
) -> None:
    if fields is not None and not update:
        raise RefusedError("--fields só vale junto com --update.")
    if errors is not None and dry_run:
        raise RefusedError(
            "--errors não vale com --dry-run: as linhas recusadas são gravadas na importação."
        )
    if errors is not None:
        refuse_as_target(errors)


def _say_file(file: Inspected, columns: Sequence[Column], *, previews: bool) -> None:
    """Print how the file was understood, before a preview or when a column is left in doubt.

    Raises RefusedError for such a column, and when no column could identify a person.
    """
    is_doubtful = any(one.doubt is not None for one in columns)
    asks = bool(file.shape.questions)
    if not is_doubtful and not asks:
        refuse_unusable(columns)
    if previews or is_doubtful or asks:
        for line in file_lines(file, columns):
            say(line)
    for line in left_out_lines(file.shape):
        say(line)
    if asks:
        raise RefusedError(questions_message(file))
    if is_doubtful:
        raise RefusedError(doubts_message(columns))


def say_effort(effort: Effort | None, *, is_sure: bool) -> None:
    """Print what a large import takes. Raises RefusedError where it would fill the disk, unless
    the person is sure: rows that change nothing take nothing."""
    if effort is None:
        return
    if not effort.fits and not is_sure:
        raise RefusedError(
            f"{effort_sentence(effort)} Nada foi importado. Se boa parte já está no cadastro, "
            "confira com --dry-run e importe com --yes."
        )
    say(f"Atenção: {effort_sentence(effort)}")


async def _inspected(file: Path, stop: Stop, reading: Reading) -> Inspected:
    notifier = TerminalProgress()

    def report(rows: int) -> None:
        # A thread cannot be cancelled from outside.
        if stop.is_pressed:
            raise RefusedError("Interrompido. Nada foi importado.")
        notifier.show("Lendo o arquivo", 0, None, f"{rows} linhas")

    with notifier.showing("Lendo o arquivo"):
        return await inspected(file, report, reading)


async def created_tags(
    session: JobSession, file: Path, shape: FileShape, options: ImportOptions
) -> None:
    """Create the tags that the file has and that do not exist yet, and print their names."""
    if "tags" not in options.columns:
        return
    reader = RowReader([one if one == "tags" else None for one in options.columns])

    def unknown() -> list[str]:
        with open_table(file, shape) as table:
            return list(
                dict.fromkeys(tag for row in table.rows() for tag in reader.tags_in(row[1]))
            )

    names = [
        name
        for name in await asyncio.to_thread(unknown)
        if await session.tags.by_name_or_id(name) is None
        and isinstance(await session.tags.create(name), Tag)
    ]
    if names:
        say(f"Etiquetas criadas: {plain(', '.join(names))}")


async def _run(
    session: JobSession,
    file: Path,
    shape: FileShape,
    options: ImportOptions,
    *,
    dry_run: bool,
    errors: Path | None,
) -> int:
    """Import the file, after a preview if one is wanted, and return the exit code."""
    previews = dry_run or options.confirm
    state = JobState.DRAFT if previews else JobState.RUNNING
    job = await _begun(session, file, shape, options, state)
    begun = await _previewed(session, job, asks=options.confirm) if previews else job
    if isinstance(begun, int):
        return begun
    return await imported(session, await session.worked(begun), errors)


async def _begun(
    session: JobSession, file: Path, shape: FileShape, options: ImportOptions, state: JobState
) -> Job:
    size = (await asyncio.to_thread(file.stat)).st_size

    def report(done: int) -> None:
        text = f"{done / 1e6:,.0f} de {size / 1e6:,.0f} MB"
        session.notifier.show("Guardando o arquivo", done, size, text)

    with session.notifier.showing("Guardando o arquivo", size):
        return await session.jobs.manage.begin_import(
            file,
            name=file.name,
            by=COMMAND_LINE,
            options=options,
            shape=shape,
            state=state,
            report=report,
        )


async def _previewed(session: JobSession, draft: Job, *, asks: bool) -> Job | int:
    """Return the job with its run begun, or the exit code when the command ends here."""
    manage = session.jobs.manage
    job: Job | None = None
    goes_on = False
    try:
        job = await manage.check(draft.id)
        if job is not None:
            job = await session.worked(job)
        if job is None or job.state is not JobState.CHECKED:
            if job is not None:
                await session.report(job)
            return 1
        for line in preview_lines(job, await session.jobs.work.report(job), session.names):
            say(line)
        if not asks:
            return NOT_ALL if job.preview and job.preview.refused else 0
        if not job.fits:
            raise RefusedError("Nada foi importado.")
        # When nothing would be written, there is no question to ask: the run only hands out the
        # refused rows.
        if has_something_to_write(job):
            confirm("Importar?", session.stop, yes=False)
        begun = await manage.confirm(job.id)
        if begun is None:
            raise RefusedError(f"A tarefa {job.id} foi mudada por outra pessoa.")
        goes_on = True
        return begun
    finally:
        if not goes_on:
            await (manage.cancel(draft.id) if asks else manage.forget(draft.id))


async def imported(session: JobSession, job: Job, errors: Path | None) -> int:
    """Print the report, save the refused rows, and return the exit code."""
    await session.report(job)
    if any(result.file_id for result in job.results):
        if errors is not None:
            await save_result(session, job, errors, force=False)
        else:
            say(f"  Para receber as recusadas: balcao jobs {job.id} --errors recusadas.csv")
    if job.can_be_undone:
        say(f"  Para desfazer: balcao undo {job.id}")
    if job.state is not JobState.DONE:
        return 1
    return NOT_ALL if job.counts.refused else 0
