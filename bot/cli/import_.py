"""The command `balcao import`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal.console import finish, say
from bot.cli.terminal.files import (
    Inspected,
    chosen_columns,
    inspect,
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
from bot.cli.terminal.reports import column_lines, doubts_message, file_lines, preview_lines
from bot.cli.terminal.running import Stop, TerminalProgress, stoppable, worked
from bot.domain.columns import fields_of
from bot.domain.errors import RefusedError
from bot.domain.job import COMMAND_LINE, ImportOptions, Job, JobState
from bot.wording.job_report import has_something_to_write


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="ARQUIVO", help=".csv, .xlsx, ou um deles em .zip ou .gz.")
    ],
    update: Annotated[
        bool, typer.Option("--update", help="Também atualiza quem já está no cadastro.")
    ] = False,
    fields: Annotated[
        str | None,
        typer.Option(help="O que atualizar: celular,email,… Sem isto, tudo o que o arquivo tem."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Só mostra o que aconteceria. Nada fica gravado.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="SAÍDA.csv", help="Grava aqui as linhas recusadas, com o motivo."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUNA=CAMPO",
            help='Diz o que é uma coluna: "Fone 2=celular", ou pelo número, "4=celular"; '
            '"4=ignorar" a deixa de fora. Pode repetir.',
        ),
    ] = None,
    ignore_unknown: Annotated[
        bool,
        typer.Option(
            "--ignore-unknown", help="Deixa de fora as colunas sem nome e as desconhecidas."
        ),
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Tipo de quem é novo e vem sem: cliente, fornecedor, prestador de serviço ou "
            "prospect."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Importa sem mostrar a prévia e sem perguntar.")
    ] = False,
) -> None:
    """Importa um arquivo, como no chat, de qualquer tamanho; o bot pode estar no ar.

    Em um terminal mostra a prévia e pergunta; fora dele importa logo. Ctrl-C cancela depois do
    lote em andamento. Se for morto no meio, o próximo `balcao run` continua, ou
    `balcao jobs --go-on`.

    Termina com 0 quando todas as linhas entraram ou já estavam; 2 quando houve recusadas; 1 quando
    não terminou, foi cancelado, ou o arquivo não pôde ser lido.
    """
    settings = begin()

    async def work(stop: Stop) -> int:
        if fields is not None and not update:
            raise RefusedError("--fields só vale junto com --update.")
        if errors is not None and dry_run:
            raise RefusedError(
                "--errors não vale com --dry-run: as linhas recusadas são gravadas na importação."
            )
        if errors is not None:
            refuse_as_target(errors)
        default_kind = read_kind(kind)
        notifier = TerminalProgress()
        inspected = await _inspected(file, stop, notifier)
        columns = chosen_columns(inspected.columns, column or (), ignore_unknown=ignore_unknown)
        if any(one.doubt is not None for one in columns):
            for line in (*file_lines(inspected), *column_lines(inspected, columns)):
                say(line)
            raise RefusedError(doubts_message(columns))
        refuse_unusable(columns)
        asks = not yes and not dry_run and sys.stdin.isatty()
        options = ImportOptions(
            columns=tuple(fields_of(columns)),
            update=update,
            fields=update_fields(fields, columns),
            default_kind=default_kind,
            confirm=asks,
        )
        if asks or dry_run:
            for line in (*file_lines(inspected), *column_lines(inspected, columns)):
                say(line)
        async with open_job_session(settings, stop, notifier) as session:
            job = await _begun(
                session, file, options, JobState.DRAFT if asks or dry_run else JobState.RUNNING
            )
            if asks or dry_run:
                preview = await _previewed(session, job, inspected.rows, asks=asks)
                if isinstance(preview, int):
                    return preview
                job = preview
            job = await worked(session.jobs, job, stop, notifier, total=inspected.rows)
            return await imported(session, job, errors)

    finish(stoppable(work))


async def _inspected(file: Path, stop: Stop, notifier: TerminalProgress) -> Inspected:
    def report(rows: int) -> None:
        # A thread cannot be cancelled from outside.
        if stop.is_pressed:
            raise RefusedError("Interrompido. Nada foi importado.")
        notifier.show("Lendo o arquivo", 0, None, f"{rows} linhas")

    with notifier.showing("Lendo o arquivo"):
        return await asyncio.to_thread(inspect, file, report)


async def _begun(session: JobSession, file: Path, options: ImportOptions, state: JobState) -> Job:
    size = (await asyncio.to_thread(file.stat)).st_size

    def report(done: int) -> None:
        text = f"{done / 1e6:,.0f} de {size / 1e6:,.0f} MB"
        session.notifier.show("Guardando o arquivo", done, size, text)

    with session.notifier.showing("Guardando o arquivo", size):
        return await session.jobs.manage.begin_import(
            file, name=file.name, by=COMMAND_LINE, options=options, state=state, report=report
        )


async def _previewed(session: JobSession, draft: Job, rows: int, *, asks: bool) -> Job | int:
    """Return the job with its run begun, or the exit code when the command ends here."""
    manage = session.jobs.manage
    job: Job | None = None
    goes_on = False
    try:
        job = await manage.check(draft.id)
        if job is not None:
            job = await worked(session.jobs, job, session.stop, session.notifier, total=rows)
        if job is None or job.state is not JobState.CHECKED:
            if job is not None:
                await session.report(job)
            return 1
        for line in preview_lines(job, await session.jobs.work.report(job), session.names):
            say(line)
        if not asks:
            return NOT_ALL if job.preview and job.preview.refused else 0
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
            await manage.cancel(draft.id)


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
