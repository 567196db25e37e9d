"""Syncs with the ERP: imported and kept values, and the cursor of the next sync."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cnpj
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import customer, supplier
from bot.domain.job import SCHEDULE, Job, JobKind, JobState, JobTrouble, SyncMode
from bot.domain.registration import Kind
from bot.runtime.jobs.sync_schedule import SyncSchedule
from bot.usecases.jobs.begin_sync import RunsAlready
from storage.register.verify import verify
from tests.jobs.conftest import read_back
from tests.jobs.sync import SyncBench, change, cpf, people, syncing
from tests.patience import until

COMPANY = make_cnpj("112223330001")
LATER = "2026-03-01 08:00:00"


@pytest.fixture
async def ixc() -> AsyncIterator[IxcEmulator]:
    async with IxcEmulator(people(12)) as emulator:
        yield emulator


@pytest.fixture
async def bench(database: Any, tmp_path: Path, ixc: IxcEmulator) -> AsyncIterator[SyncBench]:
    async with syncing(database, tmp_path, ixc) as some:
        yield some


async def test_a_full_sync_creates_whom_the_erp_has(bench: SyncBench, ixc: IxcEmulator):
    ixc.tables["fornecedor"] = [supplier(7, "Cabos Ltda", COMPANY.masked)]
    job = await bench.synced()
    assert (job.kind, job.state) == (JobKind.SYNC, JobState.DONE)
    assert (job.counts.rows, job.counts.created, job.counts.refused) == (13, 13, 0)
    stored = await bench.named()
    one = stored[cpf(3)]
    assert (one["name"], one["email"]) == ("Pessoa 3", "pessoa3@exemplo.com.br")
    assert one["erp_refs"] == [{"system": "ixc", "table": "cliente", "id": "3"}]
    assert one["created"]["way"] == "sync"
    assert one["created"]["job"] == job.key
    assert stored[COMPANY.number]["kinds"] == ["supplier"]
    assert (await verify(bench.database, lambda _: None)).broken == ()


async def test_nothing_of_the_erps_secrets_is_kept(bench: SyncBench):
    await bench.synced()
    stored = str(await bench.register())
    assert "segredo-da-central" not in stored
    assert "5ebe2294" not in stored


async def test_again_it_changes_nothing_and_writes_nothing(bench: SyncBench):
    await bench.synced()
    before = await bench.database["registrations"].find({}).to_list(None)
    job = await bench.synced(everything=True)
    assert (job.counts.rows, job.counts.unchanged) == (12, 12)
    assert not job.can_be_undone
    assert await bench.database["registrations"].find({}).to_list(None) == before
    assert await bench.database["audit"].count_documents({}) == 0


async def test_the_erp_wins_and_local_fields_stay(bench: SyncBench, ixc: IxcEmulator):
    await bench.synced()
    await bench.database["registrations"].update_one(
        {"tax_id": cpf(3)},
        {"$set": {"tags": ["t1"], "fixed_note": "liga à tarde", "kinds": ["supplier"]}},
    )
    change(ixc.tables["cliente"], 3, LATER, razao="Nome Novo", ativo="N", email="")
    job = await bench.synced()
    assert job.counts.updated == 1
    one = (await bench.named())[cpf(3)]
    assert (one["name"], one["status"]) == ("Nome Novo", "inactive")
    # A blank field in the ERP erases nothing here, and kinds are added.
    assert one["email"] == "pessoa3@exemplo.com.br"
    assert one["kinds"] == [str(Kind.CUSTOMER), str(Kind.SUPPLIER)]
    assert (one["tags"], one["fixed_note"]) == (["t1"], "liga à tarde")
    [entry] = await bench.database["audit"].find({}).to_list(None)
    paths = {c["path"]: (c["before"], c["after"]) for c in entry["changes"]}
    assert paths["name"] == ("Pessoa 3", "Nome Novo")
    assert paths["status"] == ("active", "inactive")


async def test_the_next_one_reads_only_what_changed_since(bench: SyncBench, ixc: IxcEmulator):
    await bench.synced()
    assert (await bench.syncs.get("ixc")).full_mark == datetime(2026, 2, 10, 14, 3, 22, tzinfo=UTC)
    change(ixc.tables["cliente"], 5, LATER, telefone_celular="(49) 98811-2233")
    ixc.tables["cliente"] += people(2, begin=50, changed=LATER)
    job = await bench.synced()
    assert job.sync_options is not None
    assert job.sync_options.since == datetime(2026, 2, 10, 14, 3, 22, tzinfo=UTC) - timedelta(
        minutes=15
    )
    assert (job.counts.created, job.counts.updated) == (2, 1)
    ixc.requests.clear()
    again = await bench.synced()
    # Nothing has changed: only the last moment and the overlap before it are read again.
    assert again.counts.rows == 3
    assert len(ixc.requests) == 2


async def test_a_quick_one_updates_only_and_leaves_who_is_new_to_a_full_one(
    bench: SyncBench, ixc: IxcEmulator
):
    await bench.synced()
    ixc.tables["cliente"] += people(1, begin=50, changed=LATER)
    change(ixc.tables["cliente"], 5, "2026-04-01 08:00:00", razao="Mudou")
    quick = await bench.synced(SyncMode.QUICK)
    assert (quick.counts.created, quick.counts.updated, quick.counts.skipped) == (0, 1, 1)
    assert cpf(50) not in await bench.named()
    again = await bench.synced(SyncMode.QUICK)
    assert again.counts.rows == 1
    full = await bench.synced()
    assert full.counts.created == 1
    assert cpf(50) in await bench.named()


async def test_a_quick_one_into_an_empty_register_creates_nobody(bench: SyncBench):
    job = await bench.synced(SyncMode.QUICK)
    assert (job.counts.rows, job.counts.skipped) == (12, 12)
    assert await bench.register() == {}


async def test_records_of_one_document_are_one_registration(bench: SyncBench, ixc: IxcEmulator):
    ixc.tables["cliente"] += [
        customer(80, "Nome de Antes", cpf(3), ativo="N", ultima_atualizacao=LATER),
        customer(81, "Nome de Hoje", cpf(3), ultima_atualizacao="2026-02-20 08:00:00"),
    ]
    ixc.tables["fornecedor"] = [supplier(9, "Pessoa 3 ME", cpf(3), ativo="N")]
    job = await bench.synced()
    one = (await bench.named())[cpf(3)]
    assert one["name"] == "Nome de Hoje"
    assert one["status"] == "active"
    assert one["kinds"] == ["customer", "supplier"]
    refs = {(ref["table"], ref["id"]) for ref in one["erp_refs"]}
    assert refs == {("cliente", "3"), ("cliente", "80"), ("cliente", "81"), ("fornecedor", "9")}
    assert job.counts.rows == 15
    # One record changes; the unchanged records still decide which has precedence.
    change(ixc.tables["cliente"], 80, "2026-05-01 08:00:00", razao="Muito Antes")
    job = await bench.synced()
    assert job.counts.updated == 0
    assert (await bench.named())[cpf(3)]["name"] == "Nome de Hoje"
    assert (await bench.synced(everything=True)).counts.updated == 0


async def test_a_record_without_a_usable_document_is_told_and_stops_no_other(
    bench: SyncBench, ixc: IxcEmulator
):
    ixc.tables["cliente"] += [
        customer(90, "Sem Documento", ""),
        customer(91, "Dígitos Errados", "111.222.333-00"),
        customer(92, "", make_cnpj("998887770001").masked),
        customer(93, "Estrangeiro", "AB12345", tipo_pessoa="E"),
    ]
    job = await bench.synced()
    assert (job.state, job.counts.created, job.counts.refused) == (JobState.DONE, 12, 4)
    [header, *rows] = read_back(await bench.result(job))
    assert header == ["registro", "nome", "erro"]
    assert [row[:2] for row in rows] == [
        ["cliente 90", "Sem Documento"],
        ["cliente 91", "Dígitos Errados"],
        ["cliente 92", ""],
        ["cliente 93", "Estrangeiro"],
    ]
    assert all(row[2] for row in rows)


async def test_the_mark_waits_for_the_last_batch(bench: SyncBench, ixc: IxcEmulator):
    ixc.fail(faults.status(500), table="fornecedor")
    job = await bench.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.ERP_AWAY)
    assert job.counts.created == 12
    assert (await bench.syncs.get("ixc")).full_mark is None
    assert len(bench.waits) == 4
    ixc.heal()
    job = await bench.synced()
    assert (job.state, job.counts.unchanged) == (JobState.DONE, 12)
    assert (await bench.syncs.get("ixc")).full_mark is not None


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (faults.DOWN, JobTrouble.ERP_AWAY),
        (faults.html(200), JobTrouble.ERP_AWAY),
        (faults.IP_NOT_ALLOWED, JobTrouble.ERP_REFUSED),
        (faults.BROKEN_JSON, JobTrouble.ERP_UNREADABLE),
    ],
)
async def test_an_erp_in_trouble_fails_the_job_and_changes_nothing(
    bench: SyncBench, ixc: IxcEmulator, fault: faults.Fault, trouble: JobTrouble
):
    ixc.fail(fault)
    job = await bench.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, trouble)
    assert await bench.register() == {}


async def test_trouble_that_passes_is_waited_for(bench: SyncBench, ixc: IxcEmulator):
    ixc.fail(faults.status(503), times=7)
    job = await bench.synced()
    assert (job.state, job.counts.created) == (JobState.DONE, 12)
    assert bench.waits == [2.0, 4.0]


async def test_a_change_filter_that_is_ignored_costs_time_and_loses_nothing(
    bench: SyncBench, ixc: IxcEmulator
):
    await bench.synced()
    ixc.tables["cliente"] += people(1, begin=50, changed="2026-01-01 00:00:00")
    ixc.fail(faults.OTHER_DOCUMENTS, table="cliente")
    job = await bench.synced()
    assert (job.state, job.counts.created) == (JobState.DONE, 1)


async def test_a_record_from_the_future_moves_no_mark(bench: SyncBench, ixc: IxcEmulator):
    await bench.synced()
    before = (await bench.syncs.get("ixc")).full_mark
    ixc.tables["cliente"] += people(1, begin=50, changed="2099-01-01 00:00:00")
    await bench.synced()
    assert (await bench.syncs.get("ixc")).full_mark == before


async def test_one_at_a_time_whoever_begins_it(bench: SyncBench, ixc: IxcEmulator):
    answers = asyncio.Event()
    ixc.fail(faults.held(answers), times=1)
    beginning = [
        asyncio.create_task(bench.begin(SyncMode.FULL, by=f"admin:{n}")) for n in range(4)
    ]
    # The winning call works on its sync before it returns.
    await until(lambda: sum(task.done() for task in beginning) == 3)
    answers.set()
    outcomes = await asyncio.gather(*beginning)
    [begun] = [one for one in outcomes if isinstance(one, Job)]
    assert sum(isinstance(one, RunsAlready) for one in outcomes) == 3
    assert (await bench.job(begun.id)).counts.created == 12
    jobs = await bench.store.latest(10)
    assert sum(job.state is JobState.DONE for job in jobs) == 1
    assert await bench.store.active() == []


async def test_a_sync_is_taken_back(bench: SyncBench, ixc: IxcEmulator):
    await bench.synced()
    before = await bench.register()
    change(ixc.tables["cliente"], 3, LATER, razao="Nome Novo")
    ixc.tables["cliente"] += people(2, begin=50, changed=LATER)
    job = await bench.synced()
    undo = await bench.undone(job)
    assert (undo.counts.removed, undo.counts.updated) == (2, 1)
    assert await bench.register() == before
    assert (await verify(bench.database, lambda _: None)).broken == ()


async def test_whom_it_met_twice_is_taken_back_too(bench: SyncBench, ixc: IxcEmulator):
    ixc.tables["fornecedor"] = [
        supplier(7, "Pessoa 3 ME", cpf(3)),
        supplier(8, "Pessoa 4 ME", cpf(4)),
    ]
    job = await bench.synced()
    assert (job.counts.created, job.counts.updated) == (12, 2)
    one = (await bench.named())[cpf(4)]
    await bench.database["registrations"].update_one(
        {"_id": one["_id"]}, {"$set": {"version": 3, "fixed_note": "de alguém"}}
    )
    undo = await bench.undone(job)
    assert [d["tax_id"] for d in (await bench.register()).values()] == [cpf(4)]
    assert (undo.counts.removed, undo.counts.kept) == (11, 1)
    again = await bench.undone(undo)
    assert again.counts.restored == 11
    assert (await bench.named())[cpf(3)]["kinds"] == ["customer", "supplier"]


async def test_who_was_killed_before_its_first_step_holds_nobody_up(bench: SyncBench):
    begun = await bench.begin(SyncMode.FULL, by="admin:1")
    assert isinstance(begun, Job)
    # The state between the claim of the sync and its first step.
    await bench.store.force_update(begun.id, state=JobState.DRAFT)
    assert isinstance(await bench.begin(SyncMode.FULL, by="admin:2"), RunsAlready)
    assert (await bench.job(begun.id)).state is JobState.DRAFT
    bench.at += timedelta(minutes=2)
    again = await bench.begin(SyncMode.FULL, by="admin:2")
    assert isinstance(again, RunsAlready)
    assert (await bench.job(begun.id)).state is JobState.RUNNING


class Said:
    """A sync notifier that records its calls."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def sync_fails(self, job: Job) -> None:
        self.told.append("fails")

    async def sync_works_again(self, job: Job) -> None:
        self.told.append("works again")


async def test_scheduled_ones_run_when_due_and_tell_of_trouble_once(
    bench: SyncBench, ixc: IxcEmulator
):
    said = Said()
    schedules = [
        SyncSchedule(begin=bench.begin, syncs=bench.syncs, get_job=bench.store.get, notifier=said)
        for _ in range(2)
    ]

    async def done() -> list[Job]:
        # The loser of a race leaves a cancelled job.
        return [one for one in await bench.store.latest(30) if one.state is not JobState.CANCELLED]

    async def an_hour_later() -> None:
        bench.at += timedelta(minutes=60)
        for _ in range(3):
            await asyncio.gather(*(one.look() for one in schedules))

    await an_hour_later()
    [job] = await done()
    assert (job.by, job.counts.created) == (SCHEDULE, 12)
    bench.at += timedelta(minutes=59)
    await schedules[0].look()
    assert len(await done()) == 1
    ixc.fail(faults.DOWN)
    for _ in range(3):
        await an_hour_later()
    assert said.told == ["fails"]
    ixc.heal()
    for _ in range(2):
        await an_hour_later()
    assert said.told == ["fails", "works again"]
    assert [job.state for job in await done()].count(JobState.FAILED) == 3


async def test_a_quick_one_puts_off_no_scheduled_one(bench: SyncBench):
    assert await bench.begin.when_due() is not None
    for _ in range(3):
        bench.at += timedelta(minutes=25)
        await bench.synced(SyncMode.QUICK)
    due = await bench.begin.when_due()
    assert due is not None
    assert due.sync_options is not None
    assert due.sync_options.mode is SyncMode.FULL


async def test_pages_are_read_to_their_end(bench: SyncBench, ixc: IxcEmulator):
    ixc.tables["cliente"] = people(1_203)
    job = await bench.synced()
    assert job.counts.created == 1_203
    # Rows that changed at one moment fill several pages.
    for row in ixc.tables["cliente"]:
        row |= {"ultima_atualizacao": LATER, "email": f"novo{row['id']}@exemplo.com.br"}
    job = await bench.synced()
    assert job.counts.updated == 1_203


async def test_cancelled_it_ends_and_the_next_one_goes_on(bench: SyncBench, ixc: IxcEmulator):
    begun = await bench.begin(SyncMode.FULL, by="admin:1")
    assert isinstance(begun, Job)
    cancelled = await bench.manage.cancel(begun.id)
    # The sync may have ended already, as this bench works at once; another must be able to begin.
    assert cancelled is None or cancelled.state is JobState.CANCELLED
    assert (await bench.synced()).state is JobState.DONE
