"""The command `balcao jobs`."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.import_ import imported
from bot.cli.terminal.console import finish, out, say
from bot.cli.terminal.job_session import (
    JobSession,
    begin,
    open_job_session,
    save_results,
)
from bot.cli.terminal.reports import cannot_go_on, is_left, row_of_list
from bot.cli.terminal.running import Stop, stoppable
from bot.domain.errors import RefusedError
from bot.domain.job import COMMAND_LINE, JobKind, JobState
from bot.wiring.clients import utc_now

_LISTED: Final = 20
_WIDE: Final = 200
_GO_ON: Final = (JobKind.IMPORT, JobKind.SYNC)


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
            help="Termina as tarefas da linha de comando que pararam; com o número, também a "
            "importação parada com Ctrl-C. As do chat continuam quando o bot inicia.",
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
        async with open_job_session(settings, stop) as session:
            if go_on:
                return await _went_on(session, job_id)
            if job_id is None:
                await _list(session)
                return 0
            job = await session.job(job_id)
            for path, kind in ((errors, JobKind.IMPORT), (file, JobKind.EXPORT)):
                if path is not None:
                    return await save_results(session, job, path, kind)
            await session.report(job)
            return 0

    finish(stoppable(work))


async def _list(session: JobSession) -> None:
    found = await session.jobs.manage.latest(_LISTED)
    if not found:
        say("Nenhuma tarefa até agora.")
        return
    table = Table(box=None, pad_edge=False)
    for header in ("Nº", "Tarefa", "Estado", "Resultado", "Quando", "Por"):
        table.add_column(header)
    now = utc_now()
    for job in found:
        row = row_of_list(job, session.names, is_left=is_left(job, now))
        table.add_row(*map(Text, row))
    # A program that reads a pipe has no line width.
    (out if out.is_terminal else Console(width=_WIDE)).print(table)


async def _went_on(session: JobSession, only: int | None) -> int:
    """Work on jobs that a killed command left; return the exit code.

    Jobs of the chat are not touched: they need a bot, which reports their end.
    """
    store = session.jobs.store
    now = utc_now()
    if only is not None:
        job = await session.job(only)
        was_stopped = job.kind in _GO_ON and job.state is JobState.CANCELLED
        if was_stopped and await session.jobs.manage.go_on(only) is None:
            raise RefusedError(cannot_go_on(job))
    left = [
        job
        for job in await store.active()
        if is_left(job, now) and job.by == COMMAND_LINE and only in (None, job.id)
    ]
    if not left:
        say("Nenhuma tarefa da linha de comando está parada.")
        return 0
    await session.jobs.work.release_the_dead()
    code = 0
    for job in left:
        job = await session.worked(job)
        if job.state is JobState.CHECKED:
            # The person who was to see this preview is gone.
            await session.jobs.manage.cancel(job.id)
            continue
        if job.kind in _GO_ON:
            code = max(code, await imported(session, job, None), key=_weight)
            continue
        await session.report(job)
        code = max(code, 0 if job.state is JobState.DONE else 1, key=_weight)
    return code


def _weight(code: int) -> int:
    """Return the severity of an exit code; higher is worse."""
    return (0, 2, 1)[code]
