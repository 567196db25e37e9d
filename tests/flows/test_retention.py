"""The running bot's daily deletion, and its line in /status."""

from datetime import timedelta
from typing import Any

from bot.demo import people as demo
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start


async def test_old_conversations_are_deleted_and_status_tells_it(
    start: Start, database: Any, clock: Clock
):
    async with start(retain_conversations_days=1) as people:
        admin = Admin(people, ADMIN_ID)
        assert "Atendimentos antigos" not in await admin.says("/status")
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        await people.press(BIA, "✋ Atender")
        await people.press(BIA, "☑️ Encerrar")
        await jose.is_in_conversation()
        clock.advance(timedelta(days=2))
        assert people.balcao
        run = await people.balcao.company.retain()
        assert run
        assert run.conversations == 1
        assert run.messages >= 1
        [left] = await database["conversations"].find({}).to_list(None)
        assert left["chat_id"] == jose.id
        assert await database["relayed"].count_documents({"conversation_id": left["_id"]}) == 1
        said = await admin.says("/status")
        assert "🗑 Atendimentos antigos apagados em" in said
        # The customer is still known, and starts a new conversation.
        assert "<protocol>" in await ana.says("oi de novo")
