"""The updates that were set aside, on the command line."""

import typer

from bot.cli.terminal.console import say
from bot.cli.terminal.database import open_database
from bot.domain.retention import SET_ASIDE_KEPT
from bot.settings import Settings
from bot.usecases.company.set_aside import TendSetAside
from bot.wiring.clients import utc_now
from bot.wording.words import counted
from storage.engine.connection import Database
from storage.updates.set_aside import SetAsideUpdates


def tending(database: Database) -> TendSetAside:
    """Return the use case; a running bot finds by itself what is pending again."""
    # Telegram's library takes seconds to load, and every command loads this module.
    from bot.runtime.updates.inbox import chat_key

    store = SetAsideUpdates(database, chat_key)
    return TendSetAside(store=store, wake=lambda _: None, clock=utc_now)


def how_to_tend(count: int) -> str:
    return (
        f"{counted(count, 'mensagem posta', 'mensagens postas')} de lado por erro; cada uma some "
        f"em {SET_ASIDE_KEPT.days} dias. Em /status um administrador vê quais são e repete ou "
        "descarta cada uma. Aqui: balcao check --retry-set-aside, ou --drop-set-aside"
    )


async def tend_set_aside(settings: Settings, *, drop: bool) -> None:
    """Repeat all that are set aside, or drop them after a question, and say how many."""
    async with open_database(settings) as database:
        tend, now = tending(database), utc_now()
        if not drop:
            done = await tend.repeat_all()
            say(f"{counted(done, 'mensagem volta', 'mensagens voltam')} para a fila do bot.")
            return
        there = await tend.store.count()
        question = f"Apagar {counted(there, 'mensagem', 'mensagens')}, sem volta?"
        if there and typer.confirm(question):
            done = await tend.drop_until(now)
            say(f"{counted(done, 'mensagem apagada', 'mensagens apagadas')}.")
