"""/status: every part has its own line, even if other parts fail."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.backup import Backups, latest_backups
from bot.domain.broker_link import BrokerAway
from bot.domain.conversation import Department
from bot.domain.errors import Problem
from bot.domain.job import COMMAND_LINE, Job, JobKind, JobState, JobTrouble, Source
from bot.usecases.company.status import Failed, ReportStatus
from handlers.admin.company import maintenance_texts as texts
from storage.engine.connection import answers
from storage.jobs.jobs import Jobs
from storage.register.registrations import Registrations
from storage.updates.inbox import Inbox
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Start, Telegram
from tests.patience import HANG_S
from tests.second_server import MONGODB
from tests.storage.servers import connected_until_lost, kill, noted_pid, short_lived


@pytest.fixture
def admin(people: Telegram) -> Admin:
    # Wait for parts that are only slow.
    report_of(people, part_s=HANG_S)
    return Admin(people, ADMIN_ID)


def report_of(people: Telegram, **changed: Any) -> ReportStatus:
    """Replace the bot's status report by one with these values, and return it."""
    assert people.balcao is not None
    data = people.balcao.dispatcher.workflow_data
    data["report_status"] = dataclasses.replace(data["report_status"], **changed)
    report: ReportStatus = data["report_status"]
    return report


async def test_everything_is_well(people: Telegram, admin: Admin):
    await people.customer(demo.ANA).is_in_conversation()
    said = await admin.says("/status")
    assert re.search(r"Balcão \d+\.\d+\S*, no ar desde \d\d/\d\d/\d{4} às \d\d:\d\d", said)
    for line in (
        f"✅ Banco de dados ({'MongoDB' if MONGODB else 'embutido'}): responde",
        "▫️ Cadastros: cerca de 1",
        "▫️ Atendimentos abertos: 1",
        "▫️ Mensagens na fila: 0",
        "▫️ Envios esperando: 0",
        "✅ ERP (ixc): responde",
        "✅ Atendimento: grupo Atendimento",
        "⚠️ Último backup: nenhum até agora. Faça um com /backup",
    ):
        assert line in said.splitlines(), said
    # No broker is set here.
    assert "NATS" not in said
    assert texts.CHECKING not in people.texts(ADMIN_ID)


async def test_the_button_asks_again_in_the_same_message(people: Telegram, admin: Admin):
    await admin.says("/status")
    shown = len(people.messages(ADMIN_ID))
    await people.customer(demo.ANA).is_in_conversation()
    assert "Atendimentos abertos: 1" in await admin.presses("Atualizar")
    assert len(people.messages(ADMIN_ID)) == shown
    # A second press within one second changes nothing and sends no second answer.
    await admin.presses("Atualizar")
    await admin.presses("Atualizar")
    assert len(people.messages(ADMIN_ID)) == shown


async def test_an_old_message_that_is_gone_is_answered_below(people: Telegram, admin: Admin):
    await admin.says("/status")
    gone = admin.message["message_id"]
    emulator = people.emulator
    emulator.remove(emulator.chat(ADMIN_ID), gone)
    emulator.press(ADMIN_ID, ADMIN_ID, gone, data="status", force=True)
    await people.settled()
    assert "Banco de dados" in admin.screen


async def test_without_an_erp_there_is_none(start: Start):
    async with start(with_erp=False) as people:
        assert "▫️ ERP: nenhum" in await Admin(people, ADMIN_ID).says("/status")


async def test_an_erp_that_is_down_is_said_and_the_rest_shown(
    people: Telegram, admin: Admin, erp: IxcEmulator
):
    erp.fail(faults.DOWN)
    refused = BrokerAway(datetime(2026, 11, 24, 15, 30, tzinfo=UTC), is_refused=True)
    report_of(people, has_broker=True, broker_away=lambda: refused)
    said = await admin.says("/status")
    assert "⚠️ Servidor de tarefas (NATS): recusa a ligação, desde 24/11/2026 às 12:30." in said
    assert "As tarefas andam mesmo assim: cada processo as busca no banco de dados." in said
    assert "❌ ERP (ixc): não respond" in said
    assert "Os clientes continuam sendo atendidos" in said
    assert "✅ Banco de dados" in said


async def test_what_takes_longer_than_a_second_is_announced_and_limited(
    people: Telegram, admin: Admin, erp: IxcEmulator, monkeypatch: pytest.MonkeyPatch
):
    # Announce at once: on a busy machine the second and the limit can end together.
    monkeypatch.setattr("handlers.admin.company.status._SOON_S", 0.0)
    erp.fail(faults.slow(3600))
    report_of(people, part_s=1.2)
    said = await admin.says("/status")
    assert "❌ ERP (ixc): não respondeu a tempo" in said
    [sent] = [c for c in people.emulator.calls_of("sendMessage") if c.params.get("text")][-1:]
    assert sent.params["text"] == texts.CHECKING
    assert texts.CHECKING not in people.texts(ADMIN_ID)


async def test_what_the_bot_lacks_in_a_group_is_said(people: Telegram, admin: Admin):
    people.emulator.add_group(-100777, "<b>Vendas</b> ‮x", bot="member")

    async def departments() -> list[Department]:
        return [
            Department(id="a", name="Suporte <i>", group_id=GROUP_ID),
            Department(id="b", name="Vendas", group_id=-100777),
            Department(id="c", name="Longe", group_id=-100778),
            Department(id="d", name="Novo"),
            Department(id="e", name="Velho", archived=True),
        ]

    report_of(people, departments=departments)
    said = await admin.says("/status")
    assert "✅ Suporte <i>: grupo Atendimento" in said
    assert "⚠️ Vendas: grupo <b>Vendas</b> ‮x" in said
    assert "Falta ao bot: ser administrador. Veja como em /departamentos" in said
    assert "❌ Longe: não alcanço o grupo: confira se o bot está nele" in said
    assert "⚠️ Novo: sem grupo. Envie /departamentos no grupo dele." in said
    assert "Velho" not in said


async def test_many_departments_with_long_names_fit_into_one_message(
    people: Telegram, admin: Admin
):
    for number in range(40):
        people.emulator.add_group(-100900 - number, "&" * 128, bot="member")

    async def departments() -> list[Department]:
        return [Department(id=f"d{n}", name="<" * 40, group_id=-100900 - n) for n in range(40)]

    report_of(people, departments=departments)
    assert "… e mais 28: veja em /departamentos" in await admin.says("/status")


async def test_updates_that_wait_and_that_were_set_aside_are_counted(
    people: Telegram, admin: Admin, database: Any, clock: Clock
):
    inbox = Inbox(database)
    await inbox.add(7, [(n, "other", {"n": n}) for n in range(5)], at=clock())
    for number in (0, 1):
        await inbox.set_aside(7, number, at=clock())
    said = await admin.says("/status")
    assert "Mensagens na fila: 3" in said
    assert "⚠️ Postas de lado por erro: 2" in said


async def test_the_latest_backup_and_a_later_one_that_failed(
    people: Telegram, admin: Admin, database: Any, clock: Clock
):
    jobs = Jobs(database)
    made = Job(
        id=0,
        kind=JobKind.BACKUP,
        state=JobState.DONE,
        by=COMMAND_LINE,
        created_at=clock(),
        ended_at=clock(),
        results=(Source(file_id="", name="b", size_bytes=12_345_678),),
    )
    await jobs.add(made)
    assert "por linha de comando, 12,3 MB" in await admin.says("/status")
    failed = {"state": JobState.FAILED, "trouble": JobTrouble.DISK_FULL, "results": ()}
    failed |= {"by": f"admin:{ADMIN_ID}", "ended_at": clock() + timedelta(1)}
    await jobs.add(made.model_copy(update=failed))
    said = await admin.presses("Atualizar")
    assert "por linha de comando, 12,3 MB" in said
    assert re.search(rf"Última tentativa: .* por administrador {ADMIN_ID}: disco cheio", said)
    await jobs.add(made.model_copy(update={"ended_at": clock() + timedelta(2)}))
    assert "Última tentativa" not in await admin.presses("Atualizar")


@pytest.mark.embedded
async def test_a_database_that_is_gone_is_said_in_time(people: Telegram, tmp_path: Path):
    async with (
        short_lived(tmp_path) as uri,
        connected_until_lost(uri) as dead,
    ):

        async def backups() -> Backups:
            return latest_backups(await Jobs(dead).backups())

        report = report_of(
            people,
            database_answers=lambda: answers(dead),
            registrations=Registrations(dead).count,
            backups=backups,
            part_s=HANG_S,
        )
        assert (await report()).database is None
        await kill(noted_pid(tmp_path))
        status = await report()
    assert status.database == Failed(Problem.DATABASE_GONE)
    assert isinstance(status.registrations, Failed)
    assert isinstance(status.backups, Failed)
    assert status.erp_answer is None
    said = texts.status(status, timezone=people.balcao.dispatcher["timezone"])
    assert "❌ Banco de dados (embutido): não responde" in said
    assert "❌ Último backup: não responde" in said


async def test_a_fault_in_one_part_hides_no_other(people: Telegram, admin: Admin):
    async def broken() -> int:
        raise ValueError("a fault")

    report_of(people, registrations=broken, departments=broken, open_conversations=broken)
    said = await admin.says("/status")
    assert "❌ Cadastros: não respondeu" in said
    assert "❌ Atendimentos abertos: não respondeu" in said
    assert "❌ Departamentos: não respondeu" in said
    assert "✅ ERP (ixc): responde" in said


async def test_what_waits_to_be_sent_for_long_is_told(
    people: Telegram, admin: Admin, clock: Clock
):
    people.emulator.remove_member(GROUP_ID, people.emulator.bot.id, by=ADMIN_ID)
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("alguém?")
    assert "▫️ Envios esperando: 2" in await admin.says("/status")
    clock.advance(timedelta(minutes=3))
    assert "⚠️ Envios esperando: 2, o primeiro há 3 min" in await admin.says("/status")
