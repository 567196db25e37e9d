"""The command `balcao panel`."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli_bench import begin
from bot.clients import departments_of, open_database, utc_now
from bot.console import finish, say
from bot.domain.errors import AppError, RefusedError
from bot.domain.panel import MAX_DAYS, latest_days
from bot.runtime.charts import DrawCharts
from bot.settings import Settings
from bot.usecases.panel import ReadFigures
from handlers.admin.panel_words import charts, period, summary
from storage.panel import OpenedConversations, RegisterCounts

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
    finish(_panel(begin(), out_dir, days))


async def _panel(settings: Settings, out_dir: Path, days: int) -> None:
    async with open_database(settings) as database:
        read = ReadFigures(
            conversations=OpenedConversations(database),
            register=RegisterCounts(database),
            departments=departments_of(settings, database).latest,
            clock=utc_now,
            timezone=settings.zone,
        )
        today = utc_now().astimezone(settings.zone).date()
        figures = await read(latest_days(days, today=today))
    say(period(figures.period))
    for line in summary(figures):
        say(line)
    to_draw = charts(figures)
    if not to_draw:
        return
    try:
        pictures = await DrawCharts()(to_draw)
    except AppError as error:
        raise RefusedError(f"As figuras não foram desenhadas: {error}") from error
    try:
        paths = await asyncio.to_thread(_save, out_dir, pictures)
    except OSError as error:
        raise RefusedError(f"Não consigo gravar em {out_dir}: {error.strerror}") from error
    say(f"✓ {', '.join(map(str, paths))}", style="green")


def _save(out_dir: Path, pictures: list[bytes]) -> list[Path]:
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = [out_dir / _NAMES.format(number) for number in range(1, len(pictures) + 1)]
    for path, png in zip(paths, pictures, strict=True):
        path.write_bytes(png)
    return paths
