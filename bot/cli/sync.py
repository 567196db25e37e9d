"""The command `balcao sync`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.import_ import imported
from bot.cli.terminal.console import err, finish
from bot.cli.terminal.files import refuse_as_target
from bot.cli.terminal.job_session import begin, open_job_session
from bot.cli.terminal.reports import is_left, runs_already
from bot.cli.terminal.running import Stop, stoppable
from bot.domain.errors import RefusedError
from bot.domain.job import COMMAND_LINE, SyncMode
from bot.settings import PREFIX
from bot.usecases.jobs.begin_sync import RunsAlready
from bot.wiring.clients import utc_now

_Mode = Annotated[
    SyncMode,
    typer.Argument(
        metavar="quick|full",
        help="quick atualiza quem já está no cadastro; full inclui também quem é novo.",
    ),
]
_Everything = Annotated[
    bool,
    typer.Option("--all", help="Lê tudo, não só o que mudou desde a última sincronização."),
]
_AcceptMany = Annotated[
    bool,
    typer.Option(
        "--accept-many",
        help="Também esvazia e marca quando o ERP deixou de ter dados de mais de 2 % dos "
        "registros lidos. Sem isto, para e pergunta.",
    ),
]
_Errors = Annotated[
    Path | None,
    typer.Option(metavar="SAÍDA.csv", help="Grava aqui os registros recusados, e por quê."),
]
_ANSWER: Final = (
    "A sincronização espera uma resposta. Se é isso mesmo: balcao sync {mode} --all "
    "--accept-many, ou “Aplicar mesmo assim” na tarefa {id}, em /tarefas no chat. Se não é, não "
    "faça nada."
)


def sync(
    mode: _Mode,
    everything: _Everything = False,
    accept_many: _AcceptMany = False,
    errors: _Errors = None,
) -> None:
    """Traz o cadastro do ERP, como no chat; o bot pode estar no ar. Ctrl-C para depois do lote em
    andamento; o mesmo comando continua de onde parou, por 6 horas. Se for morta no meio, o próximo
    `balcao run` continua, ou `balcao jobs --go-on`.

    Termina com 0 quando todos os registros entraram ou já estavam; 2 quando houve recusados; 1
    quando não terminou, foi cancelada, espera uma resposta, ou já há outra em andamento.
    """
    settings = begin()

    async def work(stop: Stop) -> int:
        if not settings.erp_kind:
            raise RefusedError(f"{PREFIX}ERP_KIND: falta dizer qual é o ERP")
        if errors is not None:
            refuse_as_target(errors)
        async with open_job_session(settings, stop) as session:
            begin_sync = session.jobs.begin_sync
            if begin_sync is None or not begin_sync.lists_all:
                raise RefusedError(
                    f"A API de {settings.erp_kind} não oferece uma lista de clientes: não há o "
                    "que sincronizar. Cada um vem quando envia o CPF ou CNPJ."
                )
            job = await begin_sync(mode, by=COMMAND_LINE, everything=everything)
            if isinstance(job, RunsAlready):
                err.print(runs_already(job.job, is_left=is_left(job.job, utc_now())))
                return 1
            job = await session.worked(job)
            if job.asks_about_losses and not accept_many:
                await session.report(job)
                raise RefusedError(_ANSWER.format(id=job.id, mode=mode))
            if job.asks_about_losses and (begun := await session.jobs.manage.apply_losses(job.id)):
                job = await session.worked(begun)
            return await imported(session, job, errors)

    finish(stoppable(work))
