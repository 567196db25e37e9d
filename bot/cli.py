"""The command `balcao`. What it prints is for the person who runs it: pt-BR, and no traceback."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from bot import app
from bot.demo.run import open_demo
from bot.domain.errors import AppError, Problem
from bot.runtime.group_access import group_access
from bot.runtime.logs import configure_logs
from bot.runtime.serve import wait_for_telegram
from bot.settings import PREFIX, Settings
from storage.indexes import missing_indexes

_TELEGRAM_S = 15

cli = typer.Typer(
    name="balcao",
    help="Atendimento por Telegram que sabe com quem está falando.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

# What stands in the way, and what to do about it.
_SENTENCES = {
    Problem.DATABASE_URI: f"{PREFIX}MONGODB_URI: o endereço do MongoDB não está certo. "
    "Ele começa com mongodb:// ou mongodb+srv://.",
    Problem.DATABASE_PASSWORD: f"{PREFIX}MONGODB_URI: o MongoDB recusou o usuário ou a senha.",
    Problem.DATABASE_GONE: "O MongoDB não responde. Confira se ele está no ar e se o endereço em "
    f"{PREFIX}MONGODB_URI está certo.",
    Problem.DATABASE_BROKEN: "O banco de dados parou de ler e gravar. Confira o espaço em disco e "
    "reinicie o Balcão.",
    Problem.DATABASE_TOO_SIMPLE: "O MongoDB precisa ser um replica set, mesmo que de um só "
    "servidor: o Balcão usa transações.",
    Problem.DATA_DIR_READ_ONLY: f"{PREFIX}DATA_DIR: não consigo gravar nesta pasta.",
    Problem.DATA_DIR_NOT_A_FOLDER: f"{PREFIX}DATA_DIR: isto não é uma pasta.",
    Problem.DATA_DIR_CORRUPT: f"{PREFIX}DATA_DIR: os arquivos do banco de dados estão "
    "danificados. Restaure um backup em outra pasta.",
    Problem.DISK_FULL: f"{PREFIX}DATA_DIR: o disco está cheio.",
    Problem.EMBEDDED_MISSING: "O banco de dados embutido não está instalado. "
    f"Instale de novo, ou aponte {PREFIX}MONGODB_URI para um MongoDB.",
    Problem.EMBEDDED_FAILED: "O banco de dados embutido não iniciou. O arquivo "
    f"database/server.log em {PREFIX}DATA_DIR diz por quê.",
    Problem.HTTP_ADDRESS: f"{PREFIX}HTTP_PORT: esta porta já está em uso.",
    Problem.GROUP: f"{PREFIX}ATTENDANTS_CHAT_ID: o bot não alcança este grupo. "
    "Confira o número e se o bot está no grupo.",
    Problem.BOT_TOKEN: f"{PREFIX}BOT_TOKEN: o Telegram não aceita este token. "
    "Confira com o @BotFather.",
}


@cli.command()
def run() -> None:
    """Atende: recebe mensagens até ser parado (Ctrl-C ou SIGTERM)."""
    settings = _settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    _finish(app.run(settings))


@cli.command()
def check() -> None:
    """Diz, linha por linha, o que funciona e o que falta."""
    settings = _settings()
    configure_logs(level="ERROR", log_format="console")
    if not asyncio.run(_check(settings)):
        raise typer.Exit(1)


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Porta da página; 0 escolhe uma livre.")] = 8090,
) -> None:
    """Mostra tudo funcionando em uma página, sem conta, sem token e sem internet."""
    configure_logs(level="WARNING", log_format="console")
    _finish(_demo(port))


def main() -> None:
    """Entry point of the command."""
    cli()


async def _demo(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    out.print("Preparando a demonstração…")
    async with open_demo(port=port) as running:
        out.print(f"\n  Abra no navegador:  [bold]{running.url}[/bold]\n")
        out.print("Para terminar, tecle Ctrl-C. Nada fica gravado.")
        await stop.wait()
        out.print("Encerrando…")


async def _check(settings: Settings) -> bool:
    """Whether everything works; every line is tried, whatever the one before said."""
    checks = (
        ("configuração", _check_settings(settings)),
        ("banco de dados", _check_database(settings)),
        ("Telegram", _check_telegram(settings)),
        ("ERP", _check_erp(settings)),
    )
    well = True
    for name, check_ in checks:
        try:
            said = await check_
        except AppError as error:
            well = False
            for line in _sentence(error).splitlines():
                out.print(f"[red]✗[/red] {name}: {escape(line)}", soft_wrap=True)
        else:
            out.print(f"[green]✓[/green] {name}: {escape(said)}")
    return well


async def _check_settings(settings: Settings) -> str:
    settings.require_for_run()
    return "completa"


async def _check_database(settings: Settings) -> str:
    async with app.open_database(settings) as database:
        missing = await missing_indexes(database)
    kind = "MongoDB" if settings.mongodb_uri.get_secret_value() else "embutido"
    if missing:
        raise AppError(f"faltam índices: {', '.join(missing)}")
    return f"{kind}, responde, índices completos"


async def _check_telegram(settings: Settings) -> str:
    if not settings.bot_token.get_secret_value():
        raise AppError("sem token, não dá para testar")
    async with app.open_bot(settings) as bot:
        try:
            async with asyncio.timeout(_TELEGRAM_S):
                await wait_for_telegram(bot)
        except TimeoutError as error:
            raise AppError("não responde") from error
        me = await bot.me()
        if settings.attendants_chat_id is None:
            return f"@{me.username}; sem grupo para testar"
        access = await group_access(bot, settings.attendants_chat_id)
    if not access.is_administrator:
        raise AppError(
            f"@{me.username} está no grupo “{access.title}”, mas não é administrador: "
            "não vê todas as respostas dos atendentes"
        )
    return f"@{me.username}, administrador do grupo “{access.title}”"


async def _check_erp(settings: Settings) -> str:
    if not settings.erp_kind:
        return "nenhum configurado"
    async with app.open_erp_of(settings) as erp:
        await erp.probe()
    return f"{settings.erp_kind} responde"


def _settings() -> Settings:
    try:
        return Settings.read()
    except AppError as error:
        _fail(error)


def _finish(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except AppError as error:
        _fail(error)


def _fail(error: AppError) -> NoReturn:
    err.print(f"[red]Erro:[/red] {escape(_sentence(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _sentence(error: AppError) -> str:
    return _SENTENCES.get(error.problem, str(error)) if error.problem else str(error)
