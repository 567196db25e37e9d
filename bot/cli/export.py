"""The command `balcao export`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.terminal.console import finish
from bot.cli.terminal.files import export_paths, refuse_as_target
from bot.cli.terminal.job_session import (
    KindName,
    begin,
    open_job_session,
    read_kind,
    save_result,
)
from bot.cli.terminal.running import Stop, stoppable
from bot.domain.errors import RefusedError
from bot.domain.export import ExportOptions, Format
from bot.domain.job import COMMAND_LINE, JobState
from bot.domain.registration import Status
from bot.domain.search import Query, fold
from bot.usecases.register.labels import Tags
from storage.register.registrations import Registrations

_FORMATS: Final[dict[str, Format]] = {".csv": "csv", ".xlsx": "xlsx"}
_STATUSES: Final = {
    "a": Status.ACTIVE,
    "ativo": Status.ACTIVE,
    "i": Status.INACTIVE,
    "inativo": Status.INACTIVE,
}


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
    text: Annotated[
        str, typer.Option(help="Busca como no chat: nome, CPF, telefone, e-mail…")
    ] = "",
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
        async with open_job_session(settings, stop) as session:
            query = Query(
                text=text,
                kinds=frozenset([wanted_kind] if wanted_kind else []),
                statuses=frozenset([wanted_status] if wanted_status else []),
                tags=frozenset([] if tag is None else [await _tag(session.tags, tag)]),
            )
            # The results of a filter are not counted beforehand: that would be a scan.
            total = None
            if query == Query():
                total = await Registrations(session.database).count()
            options = ExportOptions(format=file_format, paths=paths, query=query)
            job = await session.jobs.manage.begin_export(options, by=COMMAND_LINE)
            job = await session.worked(job, total=total)
            await session.report(job)
            if job.state is not JobState.DONE:
                return 1
            await save_result(session, job, out_file, force=force)
            return 0

    finish(stoppable(work))


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
