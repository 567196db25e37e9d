"""The command `balcao demo`."""

import asyncio
import signal
from typing import Annotated

import typer

from bot.cli.terminal.console import finish, out
from bot.runtime.logs import configure_logs


def demo(
    port: Annotated[int, typer.Option(help="Porta da página; 0 escolhe uma livre.")] = 8090,
) -> None:
    """Mostra tudo funcionando em uma página, sem conta, sem token e sem internet."""
    configure_logs(level="WARNING", log_format="console")
    finish(_demo(port))


async def _demo(port: int) -> None:
    from bot.demo.run import open_demo

    stop = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    out.print("Preparando a demonstração…")
    async with open_demo(port=port) as running:
        out.print(f"\n  Abra no navegador:  [bold]{running.url}[/bold]\n")
        out.print("Para terminar, tecle Ctrl-C. Nada fica gravado.")
        await stop.wait()
        out.print("Encerrando…")
