"""Printing and exit codes of every command: in pt-BR, and without a traceback."""

import asyncio
from collections.abc import Coroutine
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from bot.domain.errors import AppError
from bot.settings import Settings
from bot.wording.errors import sentence

out = Console()
err = Console(stderr=True)


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a line for a person or a program: without markup, and without wrapping it."""
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Return a person's text on one line, without characters that control a terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def read_settings() -> Settings:
    """Return the settings; an invalid one ends the command."""
    try:
        return Settings.read()
    except AppError as error:
        _fail(error)


def finish(work: Coroutine[None, None, int | None]) -> None:
    """Run the command's work and exit with the code that it returns, or with 1 for an error."""
    try:
        code = asyncio.run(work)
    except AppError as error:
        _fail(error)
    if code:
        raise typer.Exit(code)


def _fail(error: AppError) -> NoReturn:
    err.print(f"[red]Erro:[/red] {escape(sentence(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
