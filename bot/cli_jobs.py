"""Commands for files and jobs: `import`, `export`, `jobs`, `undo` and `worker`.

They begin jobs as the chat does and work on them in their own process, beside a bot that runs.
"""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli_bench import (
    NOT_ALL,
    Bench,
    KindName,
    Yes,
    begin,
    bench_of,
    confirm,
    read_kind,
    save_result,
    save_results,
)
from bot.cli_files import (
    export_paths,
    refuse_as_target,
)
from bot.cli_import import import_, imported
from bot.cli_reports import (
    is_left,
    row_of_list,
    why_not_undone,
    would_undo,
)
from bot.cli_running import Stop, TerminalDesk, stoppable, worked
from bot.clients import utc_now
from bot.console import finish, out, read_settings, say
from bot.domain.errors import RefusedError
from bot.domain.export import ExportOptions, Format
from bot.domain.job import COMMAND_LINE, Job, JobKind, JobState
from bot.domain.registration import Status
from bot.domain.search import Query, fold
from bot.runtime.locks import is_dead
from bot.runtime.logs import configure_logs
from bot.usecases.labels import Tags
from storage.registrations import Registrations

_LISTED: Final = 20
_WIDE: Final = 200
_FORMATS: Final[dict[str, Format]] = {".csv": "csv", ".xlsx": "xlsx"}
_STATUSES: Final = {
    "a": Status.ACTIVE,
    "ativo": Status.ACTIVE,
    "i": Status.INACTIVE,
    "inativo": Status.INACTIVE,
}


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command("import")(import_)
    cli.command("export")(export)
    cli.command("jobs")(jobs)
    cli.command("undo")(undo)
    cli.command("worker")(worker_)


def export(
    out_file: Annotated[
        Path, typer.Argument(metavar="SAÍDA", help="O arquivo a criar: .csv ou .xlsx.")
    ],
    fields: Annotated[
        str | None,
        typer.Option(help="Quais campos, nesta ordem: Nome,cpfCnpj,celular,… Sem isto, todos."),
    ] = None,
    kind: KindName = None,
    status: Annotated[str | None, typer.Option(help="ativo ou inativo.")] = None,
    tag: Annotated[str | None, typer.Option(help="Uma etiqueta, por nome ou id.")] = None,
    text: Annotated[str, typer.Option(help="Busca por nome, CPF ou CNPJ, como no chat.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Sobrescreve o que já existe.")] = False,
) -> None:
    """Exporta o cadastro para um arquivo que, importado de novo, não muda nada.

    Com mais de 45 MB o CSV sai compactado (.csv.zip) e, se preciso, em partes. Termina com 0
    quando os arquivos estão gravados; 1 quando não.
    """
    settings = begin()

    async def work(stop: Stop) -> int:
        file_format = _FORMATS.get(out_file.suffix.lower())
        if file_format is None:
            raise RefusedError("O nome do arquivo a criar termina em .csv ou .xlsx.")
        refuse_as_target(out_file, force=force)
        paths, wanted_kind, wanted_status = export_paths(fields), read_kind(kind), _status(status)
        desk = TerminalDesk()
        async with bench_of(settings, stop, desk) as bench:
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
            await save_result(bench, job, out_file, force=force)
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
    settings = begin()

    async def work(stop: Stop) -> int:
        if job_id is None and (errors or file):
            raise RefusedError("Diga de qual tarefa: balcao jobs 12 --errors SAÍDA.csv")
        async with bench_of(settings, stop, TerminalDesk()) as bench:
            if go_on:
                return await _went_on(bench, job_id)
            if job_id is None:
                await _list(bench)
                return 0
            job = await bench.job(job_id)
            for path, kind in ((errors, JobKind.IMPORT), (file, JobKind.EXPORT)):
                if path is not None:
                    return await save_results(bench, job, path, kind)
            await bench.report(job)
            return 0

    finish(stoppable(work))


def undo(
    job_id: Annotated[int, typer.Argument(metavar="TAREFA", help="O número da tarefa.", min=1)],
    yes: Yes = False,
) -> None:
    """Desfaz uma tarefa: o que ela criou sai, o que ela mudou volta ao que era.

    O que alguém mudou depois fica como está e é listado. Desfazer também é uma tarefa, que pode
    ser desfeita. Termina com 0 quando tudo voltou; 2 quando algo foi mantido; 1 quando não.
    """
    settings = begin()

    async def work(stop: Stop) -> int:
        desk = TerminalDesk()
        async with bench_of(settings, stop, desk) as bench:
            target = await bench.job(job_id)
            if target.can_be_undone:
                say(would_undo(target))
                confirm("Desfazer?", stop, yes=yes)
            begun = await bench.jobs.manage.undo(job_id, by=COMMAND_LINE)
            if not isinstance(begun, Job):
                raise RefusedError(why_not_undone(begun, job_id, target))
            job = await worked(bench.jobs, begun, stop, desk)
            await bench.report(job)
            if job.state is not JobState.DONE:
                return 1
            return NOT_ALL if job.counts.kept else 0

    finish(stoppable(work))


def worker_() -> None:
    """Trabalha só nas tarefas, ao lado do bot e de outros; precisa de BALCAO_BROKER_URL."""
    settings = read_settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    from bot import worker

    finish(worker.run(settings))


async def _list(bench: Bench) -> None:
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


async def _went_on(bench: Bench, only: int | None) -> int:
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
            code = max(code, await imported(bench, job, None), key=_weight)
            continue
        await bench.report(job)
        code = max(code, 0 if job.state is JobState.DONE else 1, key=_weight)
    return code


def _weight(code: int) -> int:
    """How bad an exit code is."""
    return (0, 2, 1)[code]


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
