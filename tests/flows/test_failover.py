"""The primary is lost amid chats, an import and a sync, for longer than a call waits for one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.documents import make_cpf
from handlers.customer import texts
from storage.engine.connection import connected
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Start
from tests.flows.file_admin import FileAdmin
from tests.flows.test_outbox import words
from tests.op_msg import named
from tests.patience import HANG_MS
from tests.storage.replica_set import Command, ReplicaSet, Spoilt, replica_set_before
from tests.storage.servers import until

ROWS = 600
FILE = "Nome;cpfCnpj;tipoRegistro\n" + "".join(
    f"Pessoa {n};{make_cpf(n).masked};cliente\n" for n in range(50_000, 50_000 + ROWS)
)
_SELECTION_MS = 300
_AWAY_S = 1.5


@pytest.fixture
def members(mongodb_uri: str) -> Iterator[ReplicaSet]:
    with replica_set_before(mongodb_uri) as members:
        yield members


@pytest.fixture
async def database(members: ReplicaSet, databases: Any) -> AsyncIterator[Any]:
    async with databases.lent() as lent:
        opening = connected(
            members.uri, lent.name, server_selection_ms=_SELECTION_MS, connect_ms=HANG_MS
        )
        async with opening as opened:
            yield opened


class SecondBatch:
    """Resets the connection that stores the second batch of a job, after it was stored."""

    def __init__(self) -> None:
        self.commits = 0

    def __call__(self, command: Command) -> Spoilt | None:
        name, collection = named(command)
        if (name, collection) == ("insert", "job_batches"):
            self.commits += 1
        if name == "commitTransaction" and self.commits == 2:
            self.commits += 1
            return Spoilt(None, is_after=True)
        return None


async def test_chats_an_import_and_a_sync_go_on_with_the_next_primary(
    start: Start, members: ReplicaSet, database: Any, tmp_path: Path
):
    async with start(data_dir=tmp_path, admin_ids=(ADMIN_ID, CAIO)) as people:
        emulator = people.emulator
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        importing, syncing = FileAdmin(people, ADMIN_ID), FileAdmin(people, CAIO)
        await ana.is_in_conversation()
        await importing.sends(FILE)
        await importing.presses("Conferir arquivo")
        await importing.reads("Prévia")
        await syncing.says("/sincronizar")
        rule = members.rule = SecondBatch()
        emulator.send_text(ana.id, ana.id, "w0")
        await importing.presses("✅ Importar")
        await until(lambda: rule.commits > 2)
        await members.lose_primary()
        emulator.press(BIA, GROUP_ID, people.card["message_id"], text="✋ Atender")
        emulator.send_text(jose.id, jose.id, "/start")
        emulator.press(CAIO, CAIO, syncing.message["message_id"], text="🔁 Sincronização completa")
        for number in range(1, 6):
            emulator.send_text(ana.id, ana.id, f"w{number}")
            await asyncio.sleep(_AWAY_S / 5)
        assert texts.SOMETHING_WENT_WRONG not in ana.read + jose.read
        members.elect()
        emulator.send_text(ana.id, ana.id, "w6")
        await importing.reads("Importação concluída")
        await syncing.reads("Sincronização")
        await emulator.until(lambda: "w6" in words(people, GROUP_ID))
        await people.settled()
        assert words(people, GROUP_ID) == [f"w{n}" for n in range(7)]
        assert len(people.cards) == 1
        assert "Em atendimento por Bia" in people.card["text"]
        assert len(jose.read) == 1
        assert texts.SOMETHING_WENT_WRONG not in ana.read + jose.read
        assert await database["inbox"].count_documents({"set_aside_at": {"$exists": True}}) == 0
        jobs = await database["jobs"].find({}).to_list(None)
        assert [job["state"] for job in jobs] == ["done", "done"]
        assert jobs[0]["counts"]["created"] == ROWS
        written = [key async for key in _tax_keys(database)]
        created = sum(job["counts"]["created"] for job in jobs)
        # Ana came by her own look-up.
        assert len(written) == len(set(written)) == created + 1


async def _tax_keys(database: Any) -> AsyncIterator[str]:
    async for document in database["registrations"].find({}, {"tax_id": 1}):
        yield document["tax_id"]
