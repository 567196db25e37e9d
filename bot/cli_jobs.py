"""Commands for files and jobs: `import`, `export`, `jobs`, `undo` and `worker`.

They begin jobs as the chat does and work on them in their own process, beside a bot that runs.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli_files import (
    Inspected,
    chosen_columns,
    export_paths,
    inspect,
    refuse_as_target,
    refuse_unusable,
    save,
    update_fields,
)
from bot.cli_reports import (
    column_lines,
    doubts_told,
    file_lines,
    is_left,
    job_lines,
    no_such_job,
    preview_lines,
    row_of_list,
    why_not_undone,
    would_undo,
)
from bot.cli_running import Stop, TerminalDesk, stoppable, worked
from bot.clients import departments_of, open_database, utc_now
from bot.console import finish, out, read_settings, say
from bot.domain.columns import fields_of
from bot.domain.errors import Problem, RefusedError
from bot.domain.export import ExportOptions, Format
from bot.domain.job import COMMAND_LINE, Counts, ImportOptions, Job, JobKind, JobState
from bot.domain.registration import Kind, Status
from bot.domain.row import KINDS
from bot.domain.search import Query, fold
from bot.jobs import Jobs, build_jobs
from bot.runtime.locks import is_dead
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.usecases.labels import Tags
from handlers.admin.register.values import Names
from storage.connection import Database
from storage.labels import Tags as StoredTags
from storage.registrations import Registrations

_LISTED: Final = 20
# A terminal bears more than a chat does.
_PACE_S: Final = 0.3
_WIDE: Final = 200
_NOT_ALL: Final = 2
"""Exit code of what ended well and left something out."""
_FORMATS: Final[dict[str, Format]] = {".csv": "csv", ".xlsx": "xlsx"}
_STATUSES: Final = {
    "a": Status.ACTIVE,
    "ativo": Status.ACTIVE,
    "i": Status.INACTIVE,
    "inativo": Status.INACTIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What a command works with."""

    settings: Settings
    database: Database
    jobs: Jobs
    tags: Tags
    names: Names
    desk: TerminalDesk
    stop: Stop

    async def job(self, job_id: int) -> Job:
        """Raises RefusedError when there is none."""
        job = await self.jobs.manage.get(job_id)
        if job is None:
            raise RefusedError(no_such_job(job_id))
        return job

    async def report(self, job: Job) -> None:
        """Print what the job did."""
        style = {JobState.DONE: "green", JobState.FAILED: "red"}.get(job.state, "yellow")
        found = await self.jobs.work.report(job)
        left = is_left(job, utc_now())
        first, *others = job_lines(job, found, self.names, is_left=left)
        say(first, style=style)
        for line in others:
            say(line)


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command("import")(import_)
    cli.command("export")(export)
    cli.command("jobs")(jobs)
    cli.command("undo")(undo)
    cli.command("worker")(worker_)


_Yes = Annotated[bool, typer.Option("--yes", help="Não pergunta.")]
_Kind = Annotated[
    str | None,
    typer.Option(help="cliente, fornecedor, prestador de serviço ou prospect."),
]


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
    settings = _begin()

    async def work(stop: Stop) -> int:
        if fields is not None and not update:
            raise RefusedError("--fields só vale junto com --update.")
        if errors is not None and dry_run:
            raise RefusedError(
                "--errors não vale com --dry-run: as linhas recusadas são gravadas na importação."
            )
        if errors is not None:
            refuse_as_target(errors)
        default_kind = _kind(kind)
        desk = TerminalDesk()
        inspected = await _inspected(file, stop, desk)
        columns = chosen_columns(inspected.columns, column or (), ignore_unknown=ignore_unknown)
        if any(one.doubt is not None for one in columns):
            for line in (*file_lines(inspected), *column_lines(inspected, columns)):
                say(line)
            raise RefusedError(doubts_told(columns))
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
        async with _bench(settings, stop, desk) as bench:
            job = await _begun(
                bench, file, options, JobState.DRAFT if asks or dry_run else JobState.RUNNING
            )
            if asks or dry_run:
                preview = await _previewed(bench, job, inspected.rows, asks=asks)
                if isinstance(preview, int):
                    return preview
                job = preview
            job = await worked(bench.jobs, job, stop, desk, total=inspected.rows)
            return await _imported(bench, job, errors)

    finish(stoppable(work))


def export(
    out_file: Annotated[
        Path, typer.Argument(metavar="SAÍDA", help="O arquivo a criar: .csv ou .xlsx.")
    ],
    fields: Annotated[
        str | None,
        typer.Option(help="Quais campos, nesta ordem: Nome,cpfCnpj,celular,… Sem isto, todos."),
    ] = None,
    kind: _Kind = None,
    status: Annotated[str | None, typer.Option(help="ativo ou inativo.")] = None,
    tag: Annotated[str | None, typer.Option(help="Uma etiqueta, por nome ou id.")] = None,
    text: Annotated[str, typer.Option(help="Busca por nome, CPF ou CNPJ, como no chat.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Sobrescreve o que já existe.")] = False,
) -> None:
    """Exporta o cadastro para um arquivo que, importado de novo, não muda nada.

    Com mais de 45 MB o CSV sai compactado (.csv.zip) e, se preciso, em partes. Termina com 0
    quando os arquivos estão gravados; 1 quando não.
    """
    settings = _begin()

    async def work(stop: Stop) -> int:
        file_format = _FORMATS.get(out_file.suffix.lower())
        if file_format is None:
            raise RefusedError("O nome do arquivo a criar termina em .csv ou .xlsx.")
        refuse_as_target(out_file, force=force)
        paths, wanted_kind, wanted_status = export_paths(fields), _kind(kind), _status(status)
        desk = TerminalDesk()
        async with _bench(settings, stop, desk) as bench:
            query = Query(
                text=text,
                kind=wanted_kind,
                status=wanted_status,
                tag=None if tag is None else await _tag(bench.tags, tag),
            )
            # How many a filter leaves is not counted beforehand: that would be a scan.
            total = None
            if query == Query():
                total = await Registrations(bench.database).count()
            options = ExportOptions(format=file_format, paths=paths, query=query)
            job = await bench.jobs.manage.begin_export(options, by=COMMAND_LINE)
            job = await worked(bench.jobs, job, stop, desk, total=total)
            await bench.report(job)
            if job.state is not JobState.DONE:
                return 1
            await _save(bench, job, out_file, force=force)
            return 0

    finish(stoppable(work))


def jobs(
    job_id: Annotated[
        int | None, typer.Argument(metavar="TAREFA", help="O número de uma tarefa.", min=1)
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="SAÍDA.csv", help="Grava as linhas recusadas de uma importação."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="SAÍDA", help="Grava o arquivo de uma exportação.")
    ] = None,
    go_on: Annotated[
        bool,
        typer.Option(
            "--go-on",
            help="Termina as tarefas da linha de comando que pararam. As do chat continuam "
            "quando o bot inicia.",
        ),
    ] = False,
) -> None:
    """Lista as 20 últimas tarefas; com o número, diz tudo de uma.

    “parada” é a tarefa que ninguém está fazendo: quem a fazia foi morto. O próximo `balcao run`
    continua com ela; sem bot, `balcao jobs --go-on`. Arquivos de tarefas ficam guardados 7 dias.
    """
    settings = _begin()

    async def work(stop: Stop) -> int:
        if job_id is None and (errors or file):
            raise RefusedError("Diga de qual tarefa: balcao jobs 12 --errors SAÍDA.csv")
        async with _bench(settings, stop, TerminalDesk()) as bench:
            if go_on:
                return await _went_on(bench, job_id)
            if job_id is None:
                await _list(bench)
                return 0
            job = await bench.job(job_id)
            for path, kind in ((errors, JobKind.IMPORT), (file, JobKind.EXPORT)):
                if path is not None:
                    return await _results(bench, job, path, kind)
            await bench.report(job)
            return 0

    finish(stoppable(work))


def undo(
    job_id: Annotated[int, typer.Argument(metavar="TAREFA", help="O número da tarefa.", min=1)],
    yes: _Yes = False,
) -> None:
    """Desfaz uma tarefa: o que ela criou sai, o que ela mudou volta ao que era.

    O que alguém mudou depois fica como está e é listado. Desfazer também é uma tarefa, que pode
    ser desfeita. Termina com 0 quando tudo voltou; 2 quando algo foi mantido; 1 quando não.
    """
    settings = _begin()

    async def work(stop: Stop) -> int:
        desk = TerminalDesk()
        async with _bench(settings, stop, desk) as bench:
            target = await bench.job(job_id)
            if target.can_be_undone:
                say(would_undo(target))
                _confirm("Desfazer?", stop, yes=yes)
            begun = await bench.jobs.manage.undo(job_id, by=COMMAND_LINE)
            if not isinstance(begun, Job):
                raise RefusedError(why_not_undone(begun, job_id, target))
            job = await worked(bench.jobs, begun, stop, desk)
            await bench.report(job)
            if job.state is not JobState.DONE:
                return 1
            return _NOT_ALL if job.counts.kept else 0

    finish(stoppable(work))


def worker_() -> None:
    """Trabalha só nas tarefas, ao lado do bot e de outros; precisa de BALCAO_BROKER_URL."""
    settings = read_settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    from bot import worker

    finish(worker.run(settings))


def _begin() -> Settings:
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    return settings


@asynccontextmanager
async def _bench(settings: Settings, stop: Stop, desk: TerminalDesk) -> AsyncIterator[_Bench]:
    async with open_database(settings) as database:
        await asyncio.to_thread(_refuse_data_dir, settings.data_dir)
        tags = Tags(store=StoredTags(database, utc_now))
        departments = departments_of(settings, database)
        yield _Bench(
            settings=settings,
            database=database,
            jobs=build_jobs(
                settings,
                database,
                desk=desk,
                tags=tags,
                departments=departments,
                clock=utc_now,
                pace_s=_PACE_S,
            ),
            tags=tags,
            names=Names(
                tags={tag.id: tag.shown for tag in await tags.latest()},
                departments={one.id: one.name for one in await departments.latest()},
                timezone=settings.zone,
            ),
            desk=desk,
            stop=stop,
        )


def _refuse_data_dir(data_dir: Path) -> None:
    """With a MongoDB of its own, nobody has tried yet whether files can be put there."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data_dir).close()
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedError(
            f"{data_dir} is not a folder", problem=Problem.DATA_DIR_NOT_A_FOLDER
        ) from error
    except OSError as error:
        raise RefusedError(
            f"{data_dir} cannot be written ({error.strerror})", problem=Problem.DATA_DIR_READ_ONLY
        ) from error


async def _inspected(file: Path, stop: Stop, desk: TerminalDesk) -> Inspected:
    def report(rows: int) -> None:
        # A thread is not cancelled from outside.
        if stop.is_pressed:
            raise RefusedError("Interrompido. Nada foi importado.")
        desk.show("Lendo o arquivo", 0, None, f"{rows} linhas")

    with desk.showing("Lendo o arquivo"):
        return await asyncio.to_thread(inspect, file, report)


async def _begun(bench: _Bench, file: Path, options: ImportOptions, state: JobState) -> Job:
    size = (await asyncio.to_thread(file.stat)).st_size

    def report(done: int) -> None:
        text = f"{done / 1e6:,.0f} de {size / 1e6:,.0f} MB"
        bench.desk.show("Guardando o arquivo", done, size, text)

    with bench.desk.showing("Guardando o arquivo", size):
        return await bench.jobs.manage.begin_import(
            file, name=file.name, by=COMMAND_LINE, options=options, state=state, report=report
        )


async def _previewed(bench: _Bench, draft: Job, rows: int, *, asks: bool) -> Job | int:
    """The job with its run begun, or the exit code when it ends here."""
    manage = bench.jobs.manage
    job: Job | None = None
    goes_on = False
    try:
        job = await manage.check(draft.id)
        if job is not None:
            job = await worked(bench.jobs, job, bench.stop, bench.desk, total=rows)
        if job is None or job.state is not JobState.CHECKED:
            if job is not None:
                await bench.report(job)
            return 1
        for line in preview_lines(job, await bench.jobs.work.report(job), bench.names):
            say(line)
        counts = job.preview or Counts()
        if not asks:
            return _NOT_ALL if counts.refused else 0
        # Where nothing would be written there is nothing to ask, and refused rows to hand out.
        if counts.created or counts.updated or counts.passwords:
            _confirm("Importar?", bench.stop, yes=False)
        begun = await manage.confirm(job.id)
        if begun is None:
            raise RefusedError(f"A tarefa {job.id} foi mudada por outra pessoa.")
        goes_on = True
        return begun
    finally:
        if not goes_on:
            await manage.cancel(draft.id)


async def _imported(bench: _Bench, job: Job, errors: Path | None) -> int:
    await bench.report(job)
    if any(result.file_id for result in job.results):
        if errors is not None:
            await _save(bench, job, errors, force=False)
        else:
            say(f"  Para receber as recusadas: balcao jobs {job.id} --errors recusadas.csv")
    if job.can_be_undone:
        say(f"  Para desfazer: balcao undo {job.id}")
    if job.state is not JobState.DONE:
        return 1
    return _NOT_ALL if job.counts.refused else 0


async def _results(bench: _Bench, job: Job, path: Path, kind: JobKind) -> int:
    if job.kind is not kind:
        what = "importação" if kind is JobKind.IMPORT else "exportação"
        raise RefusedError(f"A tarefa {job.id} não é uma {what}.")
    if not job.results:
        raise RefusedError(f"A tarefa {job.id} não tem arquivo a gravar.")
    if not all(result.file_id for result in job.results):
        raise RefusedError("the file is not kept any more", problem=Problem.FILE_GONE)
    await _save(bench, job, path, force=False)
    return 0


async def _save(bench: _Bench, job: Job, path: Path, *, force: bool) -> None:
    try:
        written = await save(bench.jobs.files.fetch, job.results, path, force=force)
    except OSError as error:
        option = "--file" if job.kind is JobKind.EXPORT else "--errors"
        raise RefusedError(
            f"Não consegui gravar {path}: veja se há espaço no disco. O arquivo fica guardado 7 "
            f"dias: balcao jobs {job.id} {option} SAÍDA"
        ) from error
    for one in written:
        say(f"  Gravado: {one}")


async def _list(bench: _Bench) -> None:
    found = await bench.jobs.manage.latest(_LISTED)
    if not found:
        say("Nenhuma tarefa até agora.")
        return
    table = Table(box=None, pad_edge=False)
    for header in ("Nº", "Tarefa", "Estado", "Resultado", "Quando", "Por"):
        table.add_column(header)
    now = utc_now()
    for job in found:
        row = row_of_list(job, bench.names, is_left=is_left(job, now))
        table.add_row(*map(Text, row))
    # What reads it from a pipe has no lines that end.
    (out if out.is_terminal else Console(width=_WIDE)).print(table)


async def _went_on(bench: _Bench, only: int | None) -> int:
    """Work on what a killed command left; those of the chat need a bot, which tells their end."""
    store = bench.jobs.store
    now = utc_now()
    left = [
        job
        for job in await store.active()
        if is_left(job, now) and job.by == COMMAND_LINE and only in (None, job.id)
    ]
    if not left:
        say("Nenhuma tarefa da linha de comando está parada.")
        return 0
    code = 0
    for job in left:
        if job.owner and is_dead(job.owner):
            await store.change(job, owner=None, until=None)
        job = await worked(bench.jobs, job, bench.stop, bench.desk)
        if job.state is JobState.CHECKED:
            # Whoever was to see this preview is gone.
            await bench.jobs.manage.cancel(job.id)
            continue
        if job.kind is JobKind.IMPORT:
            code = max(code, await _imported(bench, job, None), key=_weight)
            continue
        await bench.report(job)
        code = max(code, 0 if job.state is JobState.DONE else 1, key=_weight)
    return code


def _weight(code: int) -> int:
    """How bad an exit code is."""
    return (0, 2, 1)[code]


def _confirm(question: str, stop: Stop, *, yes: bool) -> None:
    """Go on only when the person says so."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("Nada foi mudado. Fora de um terminal, confirme com --yes.")
    with stop.asking():
        try:
            answer = out.input(f"{question} (s/N) ", markup=False)
        except (EOFError, KeyboardInterrupt):
            answer = ""
    if fold(answer) not in ("s", "sim"):
        raise RefusedError("Nada foi mudado.")


def _kind(text: str | None) -> Kind | None:
    if text is None:
        return None
    kind = KINDS.get(fold(text))
    if kind is None:
        raise RefusedError(
            f"--kind: “{text}” não é um tipo; use cliente, fornecedor, prestador de serviço ou "
            "prospect."
        )
    return kind


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    status = _STATUSES.get(fold(text))
    if status is None:
        raise RefusedError(f"--status: “{text}” não é um status; use ativo ou inativo.")
    return status


async def _tag(tags: Tags, text: str) -> str:
    tag = await tags.by_name_or_id(text)
    if tag is None:
        names = ", ".join(one.name for one in await tags.latest() if not one.archived)
        raise RefusedError(
            f"--tag: não há etiqueta “{text}”. "
            + (f"As etiquetas são: {names}." if names else "Não há nenhuma etiqueta.")
        )
    return tag.id
