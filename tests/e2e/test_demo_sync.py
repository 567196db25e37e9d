"""The demo's quick syncs by the clock."""

from typing import Any

from bot.demo import people
from bot.demo.run import ADMIN_ID, Demo
from tests.e2e.conftest import OpenDemo


def told(demo: Demo) -> list[str]:
    """Return the bot's texts in the admin's chat about syncs."""
    texts = (message.get("text", "") for message in demo.telegram.messages(ADMIN_ID))
    return [text for text in texts if "Sincronização" in text]


async def test_a_quick_sync_by_the_clock_is_shown_and_registers_nobody(
    on_this_server: OpenDemo, database: Any
) -> None:
    async with on_this_server(departments=1, sync_every_s=0.05) as demo:
        first = await demo.telegram.until(lambda: told(demo)[0])
        assert "A cada 3 minutos a demonstração atualiza pelo ERP quem já está" in first
        assert "9 só no ERP" in first
        [maria] = [
            row
            for row in demo.erp.tables["cliente"]
            if row["razao"] == f"{people.MARIA.first_name} {people.MARIA.last_name}"
        ]
        maria |= {"email": "maria@exemplo.com.br", "ultima_atualizacao": "2026-03-02 08:00:00"}
        # Those in between changed nothing.
        second = await demo.telegram.until(lambda: told(demo)[1])
        assert "1 atualizado" in second
        registered = await database["registrations"].find({}).to_list(None)
    # Whom the demo has to begin with: everybody else is still to come.
    assert len(registered) == 3
    assert "maria@exemplo.com.br" in str(registered)
