"""The command `balcao panel`."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.terminal.console import finish, say
from bot.cli.terminal.database import open_database
from bot.cli.terminal.job_session import begin
from bot.domain.errors import AppError, RefusedError
from bot.domain.panel import MAX_DAYS, Figures, latest_days
from bot.runtime.charts.drawing import DrawCharts
from bot.settings import Settings
from bot.usecases.company.panel import ReadFigures
from bot.wiring.clients import departments_of, utc_now
from bot.wording.panel import charts, period, summary
from storage.talk.panel import OpenedConversations, RegisterCounts

_NAMES: Final = "painel-{}.png"


def panel(
    out_dir: Annotated[
        Path,
        typer.Argument(metavar="PASTA", help="Onde gravar painel-1.png, painel-2.png…"),
    ],
    days: Annotated[
        int, typer.Option(min=1, max=MAX_DAYS, help="Os últimos dias, com o de hoje.")
    ] = 30,
) -> None:
    """Desenha espera, departamentos, cadastro e identificação, como /painel; o bot pode estar no
    ar."""
    finish(draw_panel(begin(), out_dir, days=days))


async def draw_panel(settings: Settings, out_dir: Path, *, days: int) -> None:
    """Write the pictures and print their numbers. Raises an AppError."""
    try:
        await asyncio.to_thread(out_dir.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(out_dir, error) from error
    figures = await _figures(settings, days)
    say(period(figures.period))
    for line in summary(figures):
        say(line)
    if not (to_draw := charts(figures)):
        return
    try:
        pictures = await DrawCharts()(to_draw)
    except AppError as error:
        raise RefusedError(f"Os gráficos não foram desenhados: {error}") from error
    try:
        paths = await asyncio.to_thread(_save, out_dir, pictures)
    except OSError as error:
        raise _not_written(out_dir, error) from error
    say(f"✓ {', '.join(map(str, paths))}", style="green")


async def _figures(settings: Settings, days: int) -> Figures:
    async with open_database(settings) as database:
        read = ReadFigures(
            conversations=OpenedConversations(database),
            register=RegisterCounts(database),
            departments=departments_of(settings, database).latest,
            clock=utc_now,
            timezone=settings.zone,
        )
        today = utc_now().astimezone(settings.zone).date()
        return await read(latest_days(days, today=today))


def _save(out_dir: Path, pictures: list[bytes]) -> list[Path]:
    paths = [out_dir / _NAMES.format(number) for number in range(1, len(pictures) + 1)]
    for path, png in zip(paths, pictures, strict=True):
        path.write_bytes(png)
    return paths


def _not_written(out_dir: Path, error: OSError) -> RefusedError:
    return RefusedError(f"Não consigo gravar em {out_dir}: {error.strerror}")
