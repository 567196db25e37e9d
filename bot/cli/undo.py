"""The command `balcao undo`."""

from typing import Annotated

import typer

from bot.cli.terminal.console import finish, say
from bot.cli.terminal.job_session import (
    NOT_ALL,
    Yes,
    begin,
    confirm,
    open_job_session,
)
from bot.cli.terminal.reports import would_undo
from bot.cli.terminal.running import Stop, stoppable
from bot.domain.errors import RefusedError
from bot.domain.job import COMMAND_LINE, Job, JobState
from bot.wording.jobs import cannot_undo


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
        async with open_job_session(settings, stop) as session:
            target = await session.job(job_id)
            if target.can_be_undone:
                say(would_undo(target))
                confirm("Desfazer?", stop, yes=yes)
            begun = await session.jobs.manage.undo(job_id, by=COMMAND_LINE)
            if not isinstance(begun, Job):
                raise RefusedError(cannot_undo(await session.job(job_id)))
            job = await session.worked(begun)
            await session.report(job)
            if job.state is not JobState.DONE:
                return 1
            return NOT_ALL if job.counts.kept else 0

    finish(stoppable(work))
