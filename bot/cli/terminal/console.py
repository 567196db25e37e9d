"""What every command prints with, and how it ends: in pt-BR, and without a traceback."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from bot.domain.errors import AppError
from bot.settings import Settings
from bot.wording.errors import sentence

out = Console()
err = Console(stderr=True)


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a line for the person, or for whatever reads it: as it is, and in one piece."""
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Somebody's text on one line, without what a terminal would obey."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def read_settings() -> Settings:
    """The settings; a wrong one ends the command."""
    try:
        return Settings.read()
    except AppError as error:
        _fail(error)


def finish(work: Coroutine[Any, Any, int | None]) -> None:
    """Do the command's work and end with the exit code that it gives, or 1 for an error."""
    try:
        code = asyncio.run(work)
    except AppError as error:
        _fail(error)
    if code:
        raise typer.Exit(code)


def _fail(error: AppError) -> NoReturn:
    err.print(f"[red]Erro:[/red] {escape(sentence(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
