"""`balcao check`: shows line by line what works and what does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import rich.progress
import typer
from rich.console import Console
from rich.markup import escape

from bot.cli.terminal.console import err, finish, out, read_settings
from bot.cli.terminal.database import open_database
from bot.cli.terminal.set_aside import how_to_tend, tend_set_aside, tending
from bot.cli.terminal.webhook import beside_polling, unfetched, webhook_line
from bot.domain.conversation import Department
from bot.domain.errors import AppError, RefusedError
from bot.domain.group import Right
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring import clients
from bot.wording.errors import EMBEDDED_OUTGROWN, clocks_differ, sentence
from bot.wording.words import counted, number
from storage.engine.connection import Database
from storage.engine.embedded import outgrown
from storage.engine.indexes import missing_indexes
from storage.register.verify import Broken, Fault, verify

if TYPE_CHECKING:
    from bot.runtime.updates.delivery import Delivery

_TELEGRAM_S: Final = 15
_BROKEN_SHOWN: Final = 20
_MISSING: Final = {
    Right.ADMINISTRATOR: "não é administrador: não vê todas as respostas dos atendentes",
    Right.DELETE: "não pode apagar mensagens",
    Right.PIN: "não pode fixar mensagens",
    Right.TOPICS: "não pode gerenciar tópicos",
}
_FAULTS: Final = {
    Fault.ENTRY_CHANGED: "entrada da auditoria alterada",
    Fault.ENTRY_MISSING: "falta uma entrada da auditoria",
    Fault.REGISTRATION_CHANGED: "cadastro alterado",
    Fault.REGISTRATION_MISSING: "o cadastro sumiu sem exclusão registrada",
    Fault.REGISTRATION_BACK: "o cadastro está lá, mas consta como excluído",
}


def check(
    retry: Annotated[
        bool,
        typer.Option(
            "--retry-set-aside",
            help="Antes, faz o bot tratar de novo as mensagens postas de lado.",
        ),
    ] = False,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop-set-aside", help="Antes, apaga as mensagens postas de lado; pergunta primeiro."
        ),
    ] = False,
) -> None:
    """Diz, linha por linha, o que funciona e o que falta."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    if retry or drop:
        finish(tend_set_aside(settings, drop=drop))
    if not asyncio.run(check_all(settings, out=out, err=err)):
        raise typer.Exit(1)


async def check_all(settings: Settings, *, out: Console, err: Console) -> bool:
    """Run all checks, even after a failed one, and print a line for each; return True if all
    passed.

    What works and should be changed all the same has a line, too, which does not count.
    """
    async with _opened(settings) as (database, trouble):
        seen = _Seen()
        checks: dict[str, Callable[[], Awaitable[str]]] = {
            "configuração": lambda: _settings(settings),
            "banco de dados": lambda: _database(settings, database, trouble),
            "Telegram": lambda: _telegram(settings, database, seen),
            "webhook": lambda: webhook_line(settings, database, seen.delivery, seen.doubts),
            "ERP": lambda: _erp(settings, database),
            "servidor de tarefas": lambda: _broker(settings),
            "auditoria": lambda: _audit(database, err),
        }
        doubts: dict[str, Callable[[], Awaitable[list[str]]]] = {
            "configuração": lambda: _exposed(settings),
            "banco de dados": lambda: _of_database(database),
            "webhook": lambda: _said(seen.doubts),
        }
        if not settings.webhook_url:
            del checks["webhook"]
            doubts["Telegram"] = lambda: _said(beside_polling(seen.delivery))
        if not settings.broker_url.get_secret_value():
            del checks["servidor de tarefas"]
        well = True
        for name, check in checks.items():
            try:
                with clients.named_embedded(settings):
                    said = await check()
            except AppError as error:
                well = False
                for line in sentence(error).splitlines():
                    out.print(f"[red]✗[/red] {name}: {escape(line)}", soft_wrap=True)
            else:
                out.print(f"[green]✓[/green] {name}: {escape(said)}")
            for line in await doubts[name]() if name in doubts else ():
                out.print(f"[yellow]![/yellow] {name}: {escape(line)}", soft_wrap=True)
    return well


@dataclass(slots=True)
class _Seen:
    """What one check leaves for another."""

    delivery: "Delivery | None" = None
    """What Telegram says of the webhook; None while it does not answer."""
    doubts: list[str] = field(default_factory=list)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Database | None, AppError | None]]:
    """Yield the database and None, or None and the error that kept it from opening."""
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(open_database(settings))
        except AppError as error:
            yield None, error
            return
        yield database, None


async def _settings(settings: Settings) -> str:
    settings.require_for_run()
    return "completa"


async def _exposed(settings: Settings) -> list[str]:
    return settings.exposed()


async def _of_database(database: Database | None) -> list[str]:
    # Where the database does not answer, its own line says so.
    if database is None:
        return []
    ahead_s = clients.wrong_clock_s(database)
    found = [clocks_differ(ahead_s)] if ahead_s else []
    with suppress(AppError):
        if count := await tending(database).store.count():
            found.append(how_to_tend(count))
    return found


async def _said(lines: list[str]) -> list[str]:
    return lines


async def _database(
    settings: Settings, database: Database | None, trouble: AppError | None
) -> str:
    if trouble is not None:
        raise trouble
    missing = await missing_indexes(database)
    kind = "MongoDB" if settings.mongodb_uri.get_secret_value() else "embutido"
    if missing:
        raise AppError(f"faltam índices: {', '.join(missing)}")
    if await outgrown(database):
        return f"{kind}, responde, índices completos. {EMBEDDED_OUTGROWN}"
    return f"{kind}, responde, índices completos"


async def _telegram(settings: Settings, database: Database | None, seen: _Seen) -> str:
    if not settings.bot_token.get_secret_value():
        raise AppError("sem token, não dá para testar")
    # Telegram's library takes seconds to load.
    from bot.runtime.group_access import group_access
    from bot.runtime.updates.delivery import read_delivery
    from bot.runtime.updates.serve import wait_for_telegram
    from bot.wiring import telegram

    async with telegram.open_bot(settings) as bot:
        await wait_for_telegram(bot, patience_s=_TELEGRAM_S)
        me = await bot.me()
        seen.delivery = await read_delivery(bot)
        groups = await _groups(settings, database)
        if not groups:
            return f"@{me.username}; sem grupo para testar{unfetched(settings, seen.delivery)}"
        titles, lacking = [], []
        for group_id, department in groups.items():
            try:
                access = await group_access(bot, group_id)
            except RefusedError as error:
                if group_id == settings.attendants_chat_id:
                    lacking.append(sentence(error))
                else:
                    lacking.append(
                        f"o bot não alcança o grupo do departamento “{department}”: "
                        "envie /departamentos no grupo certo"
                    )
                continue
            titles.append(f"“{access.title}”")
            lacking += [
                f"@{me.username} está no grupo “{access.title}”, mas {_MISSING[right]}"
                for right in access.missing
            ]
    if lacking:
        raise AppError("\n".join(lacking))
    of = "do grupo" if len(titles) == 1 else "dos grupos"
    rules = f"@{me.username}, administrador {of} {', '.join(titles)}"
    return rules + unfetched(settings, seen.delivery)


async def _groups(settings: Settings, database: Database | None) -> dict[int, str]:
    """Return every group that receives cards, with the name of its department."""
    departments: tuple[Department, ...] = ()
    # Without the database, the group of the settings can still be checked.
    if database is not None:
        with suppress(AppError):
            departments = await clients.departments_of(settings, database).offered()
    groups = {d.group_id: d.name for d in departments if d.group_id is not None}
    if not groups and settings.attendants_chat_id is not None:
        return {settings.attendants_chat_id: ""}
    return groups


async def _erp(settings: Settings, database: Database | None) -> str:
    if not settings.erp_kind:
        return "nenhum configurado"
    async with clients.open_erp_of(settings, database) as erp:
        await erp.probe()
    return f"{settings.erp_kind} responde"


async def _broker(settings: Settings) -> str:
    # As long to load as Telegram's.
    from bot.runtime.jobs.broker import open_broker

    url = settings.broker_url.get_secret_value()
    async with open_broker(url, None, queue=settings.mongodb_database):
        return "NATS, responde"


async def _audit(database: Database | None, err: Console) -> str:
    if database is None:
        # The database's own line shows the reason.
        raise AppError("sem o banco de dados, não dá para conferir")
    with rich.progress.Progress(
        *("Conferindo a auditoria:", "{task.completed} cadastros"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bar:
        task = bar.add_task("", total=None)
        found = await verify(database, lambda count: bar.update(task, completed=count))
    registrations = counted(found.registrations, "cadastro", "cadastros")
    read = f"{registrations} e {counted(found.entries, 'entrada', 'entradas')}"
    old = found.registrations_before_chain + found.entries_before_chain
    if not found.broken:
        return f"{read} conferem" + (f"; antes da corrente: {number(old)}" if old else "")
    shown = [_broken(one) for one in found.broken[:_BROKEN_SHOWN]]
    if (more := len(found.broken) - len(shown)) > 0:
        shown.append(f"e mais {number(more)}")
    broken = counted(len(found.broken), "cadastro não confere", "cadastros não conferem")
    raise AppError(
        f"de {read}, {broken}. Alguém mexeu no banco "
        "de dados por fora do Balcão:\n" + "\n".join(shown)
    )


def _broken(one: Broken) -> str:
    version = f" (versão {one.version})" if one.version is not None else ""
    return f"{one.registration_id}: {_FAULTS[one.fault]}{version}"
