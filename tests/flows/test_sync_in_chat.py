"""Syncs with the ERP: an admin begins, watches, cancels and undoes them in chat."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo import people
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import customer
from bot.domain.job import (
    SCHEDULE,
    Counts,
    Job,
    JobKind,
    JobState,
    SyncMode,
    SyncOptions,
)
from bot.runtime.jobs import job_progress
from bot.runtime.jobs.runs import JobRuns
from bot.usecases.jobs.ask_erp import AskErp
from handlers.admin import sync_texts
from handlers.admin.files import report_texts
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID, Clock, Start
from tests.flows.file_admin import FileAdmin

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
LATER = "2026-06-01 10:00:00"


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path, admin_ids=(ADMIN_ID, BIA)) as telegram:
        yield FileAdmin(telegram, ADMIN_ID)


async def synced(admin: FileAdmin, button: str = "🔁 Sincronização completa") -> str:
    """Run a sync and return its report."""
    await admin.says("/sincronizar")
    await admin.presses(button)
    return await admin.reads("Sincronização concluída")


def without_waiting(admin: FileAdmin) -> None:
    """Retry an unavailable ERP without back-off from now on."""
    assert admin.telegram.balcao is not None
    work = admin.telegram.balcao.jobs.work
    runs = work._run
    assert isinstance(runs, JobRuns)
    assert runs.sync_erp is not None

    async def no_time(seconds: float) -> None:
        pass

    work._run = replace(runs, sync_erp=replace(runs.sync_erp, ask=AskErp(wait=no_time)))


async def test_a_full_one_brings_the_erps_people_and_is_taken_back(admin: FileAdmin):
    menu = await admin.says("/sincronizar")
    assert "Sincronização: nenhuma ainda, sem horário automático" in menu
    assert admin.buttons == [
        "🔄 Sincronização rápida",
        "🔁 Sincronização completa",
        "⏮ Sincronização completa, desde o começo",
    ]
    await admin.presses("🔁 Sincronização completa")
    report = await admin.reads("Sincronização concluída")
    assert "🔗 ERP IXC: completa, lendo tudo" in report
    assert "11 novos" in report
    assert "⛔ 0 registros recusados" in report
    assert "linha" not in report
    await admin.says("graças")
    assert [label for label in admin.buttons if "Maria das Graças Lima" in label]
    await admin.says("/tarefas")
    await admin.presses("✅ 1")
    await admin.presses("Desfazer")
    await admin.presses("Sim")
    assert "11 retirados" in await admin.reads("sincronização da tarefa 1 desfeita")


async def test_what_cannot_enter_comes_as_a_file(admin: FileAdmin, erp: IxcEmulator):
    erp.tables["cliente"] += [customer(500, "Sem <b>Documento", "")]
    report = await synced(admin)
    assert "1 registro recusado" in report
    assert "Recusados:\n• No ERP, cliente 500 (Sem <b>Documento): falta o CPF ou CNPJ" in report
    sent = await admin.receives()
    assert sent["document"]["file_name"] == "recusados-sincronizacao-1.csv"
    assert "Corrija no ERP" in sent["caption"]
    assert admin.rows(sent) == [
        ["registro", "nome", "erro"],
        ["cliente 500", "Sem <b>Documento", "falta o CPF ou CNPJ"],
    ]
    await admin.presses("Registros recusados")
    assert admin.rows(await admin.receives(2)) == admin.rows(sent)
    for screen in ("/tarefas", "/status", "/sincronizar"):
        assert "11 novos, 1 atualizado, 1 recusado" in await admin.says(screen)


async def test_one_that_would_take_away_much_asks_first(admin: FileAdmin, erp: IxcEmulator):
    await synced(admin)
    everybody = list(erp.tables["cliente"])
    [maria] = [r for r in everybody if r["cnpj_cpf"] == people.MARIA.tax_id]
    gone = [row for row in everybody if row is not maria][:3]
    erp.tables["cliente"] = [row for row in everybody if row not in gone]
    maria["email"] = ""

    async def asked() -> str:
        await admin.says("/sincronizar")
        await admin.presses("⏮ Sincronização completa, desde o começo")
        return await admin.reads("faltam dados de muitos cadastros")

    question = await asked()
    assert "3 não estão mais lá e 1 com telefone ou e-mail que o ERP esvaziou" in question
    assert question.count("• ") == 3
    assert admin.buttons == ["✅ Aplicar mesmo assim", "✋ Deixar como está"]
    assert "espera sua resposta" in await admin.says("/sincronizar")
    await admin.says("/tarefas")
    await admin.presses("❓ 2")
    await admin.presses("✋ Deixar como está")
    await admin.reads("Fica como está")
    await asked()
    await admin.presses("✅ Aplicar mesmo assim")
    report = await admin.reads("Sincronização concluída")
    assert "3 não estão mais no ERP: veja em /clientes" in report
    assert "1 com telefone ou e-mail que o ERP esvaziou" in report
    await admin.says("/clientes")
    await admin.presses("🔎 Filtros")
    await admin.presses("Não estão mais no ERP")
    assert "3 cadastros" in await admin.presses("✅ Mostrar")
    name = next(label for label in admin.buttons if label.startswith("👋"))
    assert "Não está mais no ERP" in await admin.presses(name)
    await admin.presses("🚫 Inativar")
    assert "Não está mais no ERP" in admin.screen
    await admin.presses("⬅️ Voltar")
    assert "2 cadastros" in admin.screen
    await admin.presses("🚫 Inativar estes todos")
    assert "Inativar" in await admin.reads("Prévia")
    await admin.presses("Confirmar (2)")
    assert "2 mudaram" in await admin.reads("Alteração em lote concluída")
    await admin.says("/clientes")
    await admin.presses("🔎 Filtros")
    await admin.presses("Não estão mais no ERP")
    assert "Nada encontrado" in await admin.presses("✅ Mostrar")
    # They come back with the ERP, active as it says.
    erp.tables["cliente"] = everybody
    await admin.says("/sincronizar")
    await admin.presses("⏮ Sincronização completa, desde o começo")
    assert "3 atualizados" in await admin.reads("Sincronização concluída")


async def test_a_quick_one_leaves_out_who_is_new_and_says_so(admin: FileAdmin, erp: IxcEmulator):
    await synced(admin)
    [maria] = [r for r in erp.tables["cliente"] if r["cnpj_cpf"] == people.MARIA.tax_id]
    maria |= {"telefone_celular": "(49) 98765-4321", "ultima_atualizacao": LATER}
    new = customer(600, "Nova Pessoa", people.STRANGER.tax_id, ultima_atualizacao=LATER)
    erp.tables["cliente"].append(new)
    report = await synced(admin, "🔄 Sincronização rápida")
    assert "🔗 ERP IXC: rápida, lendo só o que mudou" in report
    assert "1 atualizado" in report
    assert "1 só no ERP: entra com a sincronização completa" in report
    assert admin.telegram.balcao is not None
    register = admin.telegram.balcao.registrations
    await admin.says("graças")
    assert "(49) 98765-4321" in await admin.presses("Maria das Graças")
    assert await register.count() == 11
    assert "1 novo" in await synced(admin)
    assert await register.count() == 12


async def test_the_buttons_of_the_register_do_the_same(admin: FileAdmin):
    await admin.says("/clientes")
    listing = admin.message
    await admin.presses("🔄 Sincronização rápida")
    report = await admin.reads("Tarefa 1 · Sincronização concluída")
    assert "12 só no ERP: entram com a sincronização completa" in report
    assert "Nada mudou no cadastro." in report
    await admin.presses("🔁 Sincronização completa", screen=listing)
    assert "11 novos" in await admin.reads("Tarefa 2 · Sincronização concluída")


async def test_all_is_read_again_when_that_is_asked(admin: FileAdmin):
    await synced(admin)
    assert "lendo só o que mudou" in await synced(admin)
    report = await synced(admin, "⏮ Sincronização completa, desde o começo")
    assert "lendo tudo" in report
    assert "🆕 0 novos" in report
    assert "Nada mudou no cadastro." in report


async def test_while_one_runs_no_other_begins_and_it_can_be_cancelled(
    admin: FileAdmin, erp: IxcEmulator, monkeypatch: pytest.MonkeyPatch
):
    # A job looks for its cancellation now and then; here after each page, however quick that was.
    monkeypatch.setattr(job_progress, "_LOOK_S", 0.0)
    answers = asyncio.Event()
    erp.fail(faults.held(answers), table="cliente", times=1)
    await admin.says("/sincronizar")
    await admin.presses("🔁 Sincronização completa")
    assert admin.screen == "⏳ Sincronizando com o ERP…"
    assert admin.buttons == ["✖️ Cancelar"]
    assert "⏳ Sincronização: andando desde" in await admin.says("/status")
    other = FileAdmin(admin.telegram, BIA)
    assert "⏳ Sincronização: andando desde" in await other.says("/sincronizar")
    await other.presses("🔄 Sincronização rápida")
    assert "A sincronização da tarefa 1 ainda está andando." in other.last
    await other.presses("Ver como anda")
    assert "Lendo o ERP…" in other.last
    await other.presses("Cancelar")
    answers.set()
    assert "🆕 10 novos" in await admin.reads("Sincronização cancelada")
    assert "O que já tinha sido gravado continua gravado" in admin.last
    assert admin.buttons == ["↩️ Desfazer"]
    # The progress message is deleted, and the next sync reads the rest.
    await admin.telegram.emulator.until(
        lambda: not [m for m in admin.said if "Sincronizando" in m["text"]]
    )
    assert "▫️ Sincronização: cancelada às" in await admin.says("/sincronizar")
    assert "🆕 1 novo\n" in await synced(admin)


async def test_an_erp_that_is_wrong_is_told_in_words(admin: FileAdmin, erp: IxcEmulator):
    erp.fail(faults.IP_NOT_ALLOWED)
    await admin.says("/sincronizar")
    await admin.presses("🔁 Sincronização completa")
    told = await admin.reads("não terminou")
    assert "O ERP recusou o acesso ou a pergunta" in told
    assert "balcao check" in told
    assert "❌ Sincronização: falhou" in await admin.says("/status")


async def test_an_erp_that_is_away_is_told_in_words(admin: FileAdmin, erp: IxcEmulator):
    without_waiting(admin)
    erp.fail(faults.DOWN)
    await admin.says("/sincronizar")
    await admin.presses("🔁 Sincronização completa")
    told = await admin.reads("Sincronização não terminou")
    assert "O ERP não respondeu, apesar de várias tentativas. Veja se ele está no ar" in told
    assert "Nada foi gravado." in told
    assert "❌ Sincronização: falhou às" in await admin.says("/sincronizar")
    assert "⚠️ 1 · Sincronização completa" in await admin.says("/tarefas")


async def test_scheduled_ones_are_in_the_status_and_told_once_when_they_fail(
    start: Start, tmp_path: Path, erp: IxcEmulator, clock: Clock
):
    async with start(data_dir=tmp_path, sync_interval_minutes=60) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        assert telegram.balcao is not None
        schedule, jobs = telegram.balcao.sync_schedule, telegram.balcao.jobs
        begin = jobs.begin_sync
        assert schedule is not None
        assert begin is not None

        async def an_hour_later() -> None:
            clock.advance(timedelta(minutes=60))
            await schedule.look()
            # The bot also runs its own schedule and job broker.
            while (last := await begin.last()).job is None or last.job.is_active:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await schedule.look()

        await an_hour_later()
        status = await admin.says("/status")
        assert "✅ Sincronização:" in status
        assert "11 novos, 1 atualizado, próxima às" in status
        said = len(admin.said)
        erp.fail(faults.IP_NOT_ALLOWED)
        for _ in range(3):
            await an_hour_later()
        assert len(admin.said) == said + 1
        assert "A sincronização com o ERP falhou" in admin.last
        erp.heal()
        for _ in range(2):
            await an_hour_later()
        assert len(admin.said) == said + 2
        assert "voltou a funcionar" in admin.last
        # Only admins are notified.
        assert telegram.texts(BIA) == telegram.texts(GROUP_ID) == []


async def test_who_began_one_by_hand_needs_no_other_word_of_its_failure(
    admin: FileAdmin, erp: IxcEmulator
):
    assert admin.telegram.balcao is not None
    schedule = admin.telegram.balcao.sync_schedule
    assert schedule is not None
    erp.fail(faults.IP_NOT_ALLOWED)
    await admin.says("/sincronizar")
    await admin.presses("🔁 Sincronização completa")
    await admin.reads("não terminou")
    await schedule.look()
    alert = "A sincronização com o ERP falhou"
    assert not [text for text in admin.telegram.texts(ADMIN_ID) if alert in text]
    assert admin.telegram.texts(BIA) == []


async def test_without_an_erp_there_is_nothing_to_press(start: Start, tmp_path: Path):
    async with start(data_dir=tmp_path, with_erp=False) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        assert await admin.says("/sincronizar") == sync_texts.NO_ERP
        await admin.says("/clientes")
        assert not [label for label in admin.buttons if "incroniza" in label]
        listed = telegram.emulator.commands["chat", ADMIN_ID, 0, ""]
        assert "sincronizar" not in {one["command"] for one in listed}
        assert "Sincronização" not in await admin.says("/status")


async def test_an_erp_without_a_list_has_nothing_to_sync_and_says_so(start: Start, tmp_path: Path):
    voalle = {"erp_kind": "voalle", "erp_client_id": "integration", "erp_client_secret": "c-0000"}
    async with start(data_dir=tmp_path, **voalle) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        assert await admin.says("/sincronizar") == sync_texts.NO_LIST
        await admin.says("/clientes")
        assert not [label for label in admin.buttons if "incroniza" in label]


def test_its_progress_counts_records():
    job = Job(
        id=12,
        kind=JobKind.SYNC,
        state=JobState.RUNNING,
        by=SCHEDULE,
        created_at=NOW,
        sync_options=SyncOptions(system="ixc", mode=SyncMode.QUICK),
    )
    said = report_texts.progress(job, Counts(rows=1_500), rows_a_second=250.2, left_s=None)
    assert said.splitlines() == [
        "⏳ <b>Tarefa 12 · Sincronização</b>",
        "🔗 ERP IXC: rápida, lendo tudo",
        "Lendo o ERP…",
        "",
        "1.500 registros do ERP",
        "250 por segundo",
    ]


async def test_what_a_sync_changed_is_in_the_audit(admin: FileAdmin, erp: IxcEmulator):
    await synced(admin)
    [maria] = [r for r in erp.tables["cliente"] if r["cnpj_cpf"] == people.MARIA.tax_id]
    maria |= {"razao": "Maria Lima", "ultima_atualizacao": LATER}
    await synced(admin)
    assert admin.telegram.balcao is not None
    await admin.says("/auditoria")
    audited = await admin.presses("Maria Lima")
    assert "Maria das Graças Lima → Maria Lima" in audited
    assert "ERP" in audited
    assert "sincroniza" in audited.lower()
