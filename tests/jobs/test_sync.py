"""Syncs with the ERP: imported and kept values, and the cursor of the next sync."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli.terminal.reports import cannot_go_on, job_lines
from bot.demo.documents import make_cnpj
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import customer, supplier
from bot.domain.job import (
    COMMAND_LINE,
    SCHEDULE,
    Job,
    JobKind,
    JobState,
    JobTrouble,
    Report,
    SyncMode,
)
from bot.domain.registration import Kind
from bot.runtime.jobs import job_progress
from bot.runtime.jobs.sync_schedule import SyncSchedule
from bot.usecases.jobs.begin_sync import RunsAlready
from bot.wording.values import Names
from storage.register.verify import verify
from tests.erp.conftest import ZONE
from tests.erp.tls_server import make_certificate, with_tls
from tests.jobs.conftest import read_back
from tests.jobs.sync import SyncRunner, change, cpf, people, syncing
from tests.patience import until

COMPANY = make_cnpj("112223330001")
LATER = "2026-03-01 08:00:00"


@pytest.fixture
async def ixc() -> AsyncIterator[IxcEmulator]:
    async with IxcEmulator(people(12)) as emulator:
        yield emulator


@pytest.fixture
async def runner(database: Any, tmp_path: Path, ixc: IxcEmulator) -> AsyncIterator[SyncRunner]:
    async with syncing(database, tmp_path, ixc) as some:
        yield some


async def test_a_full_sync_creates_whom_the_erp_has(runner: SyncRunner, ixc: IxcEmulator):
    ixc.tables["fornecedor"] = [supplier(7, "Cabos Ltda", COMPANY.masked)]
    job = await runner.synced()
    assert (job.kind, job.state) == (JobKind.SYNC, JobState.DONE)
    assert (job.counts.rows, job.counts.created, job.counts.refused) == (13, 13, 0)
    stored = await runner.named()
    one = stored[cpf(3)]
    assert (one["name"], one["email"]) == ("Pessoa 3", "pessoa3@exemplo.com.br")
    assert one["erp_refs"] == [{"system": "ixc", "table": "cliente", "id": "3"}]
    assert one["created"]["way"] == "sync"
    assert one["created"]["job"] == job.key
    assert stored[COMPANY.number]["kinds"] == ["supplier"]
    assert (await verify(runner.database, lambda _: None)).broken == ()


async def test_nothing_of_the_erps_secrets_is_kept(runner: SyncRunner):
    await runner.synced()
    stored = str(await runner.register())
    assert "segredo-da-central" not in stored
    assert "5ebe2294" not in stored


async def test_again_it_changes_nothing_and_writes_nothing(runner: SyncRunner):
    await runner.synced()
    before = await runner.database["registrations"].find({}).to_list(None)
    job = await runner.synced(everything=True)
    assert (job.counts.rows, job.counts.unchanged) == (12, 12)
    assert not job.can_be_undone
    assert await runner.database["registrations"].find({}).to_list(None) == before
    assert await runner.database["audit"].count_documents({}) == 0


async def test_the_erp_wins_and_local_fields_stay(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    await runner.database["registrations"].update_one(
        {"tax_id": cpf(3)},
        {"$set": {"tags": ["t1"], "fixed_note": "liga à tarde", "kinds": ["supplier"]}},
    )
    change(ixc.tables["cliente"], 3, LATER, razao="Nome Novo", ativo="N", email="")
    job = await runner.synced()
    assert job.counts.updated == 1
    one = (await runner.named())[cpf(3)]
    assert (one["name"], one["status"]) == ("Nome Novo", "inactive")
    # A blank field in the ERP erases nothing here, and kinds are added.
    assert one["email"] == "pessoa3@exemplo.com.br"
    assert one["kinds"] == [str(Kind.CUSTOMER), str(Kind.SUPPLIER)]
    assert (one["tags"], one["fixed_note"]) == (["t1"], "liga à tarde")
    [entry] = await runner.database["audit"].find({}).to_list(None)
    paths = {c["path"]: (c["before"], c["after"]) for c in entry["changes"]}
    assert paths["name"] == ("Pessoa 3", "Nome Novo")
    assert paths["status"] == ("active", "inactive")


async def test_the_next_one_reads_only_what_changed_since(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    assert (await runner.syncs.get("ixc")).full_mark == datetime(
        2026, 2, 10, 14, 3, 22, tzinfo=UTC
    )
    change(ixc.tables["cliente"], 5, LATER, telefone_celular="(49) 98811-2233")
    ixc.tables["cliente"] += people(2, begin=50, changed=LATER)
    job = await runner.synced()
    assert job.sync_options is not None
    assert job.sync_options.since == datetime(2026, 2, 10, 14, 3, 22, tzinfo=UTC) - timedelta(
        minutes=15
    )
    assert (job.counts.created, job.counts.updated) == (2, 1)
    ixc.requests.clear()
    again = await runner.synced()
    # Nothing has changed: only the last moment and the overlap before it are read again.
    assert again.counts.rows == 3
    # The newest time and one page of each table.
    assert len(ixc.requests) == 4


async def test_a_quick_one_updates_only_and_leaves_who_is_new_to_a_full_one(
    runner: SyncRunner, ixc: IxcEmulator
):
    await runner.synced()
    ixc.tables["cliente"] += people(1, begin=50, changed=LATER)
    change(ixc.tables["cliente"], 5, "2026-04-01 08:00:00", razao="Mudou")
    quick = await runner.synced(SyncMode.QUICK)
    assert (quick.counts.created, quick.counts.updated, quick.counts.skipped) == (0, 1, 1)
    assert cpf(50) not in await runner.named()
    again = await runner.synced(SyncMode.QUICK)
    assert again.counts.rows == 1
    full = await runner.synced()
    assert full.counts.created == 1
    assert cpf(50) in await runner.named()


async def test_a_quick_one_into_an_empty_register_creates_nobody(runner: SyncRunner):
    job = await runner.synced(SyncMode.QUICK)
    assert (job.counts.rows, job.counts.skipped) == (12, 12)
    assert await runner.register() == {}


async def test_records_of_one_document_are_one_registration(runner: SyncRunner, ixc: IxcEmulator):
    ixc.tables["cliente"] += [
        customer(80, "Nome de Antes", cpf(3), ativo="N", ultima_atualizacao=LATER),
        customer(81, "Nome de Hoje", cpf(3), ultima_atualizacao="2026-02-20 08:00:00"),
    ]
    ixc.tables["fornecedor"] = [supplier(9, "Pessoa 3 ME", cpf(3), ativo="N")]
    job = await runner.synced()
    one = (await runner.named())[cpf(3)]
    assert one["name"] == "Nome de Hoje"
    assert one["status"] == "active"
    assert one["kinds"] == ["customer", "supplier"]
    refs = {(ref["table"], ref["id"]) for ref in one["erp_refs"]}
    assert refs == {("cliente", "3"), ("cliente", "80"), ("cliente", "81"), ("fornecedor", "9")}
    assert job.counts.rows == 15
    # One record changes; the unchanged records still decide which has precedence.
    change(ixc.tables["cliente"], 80, "2026-05-01 08:00:00", razao="Muito Antes")
    job = await runner.synced()
    assert job.counts.updated == 0
    assert (await runner.named())[cpf(3)]["name"] == "Nome de Hoje"
    assert (await runner.synced(everything=True)).counts.updated == 0


async def test_a_record_without_a_usable_document_is_told_and_stops_no_other(
    runner: SyncRunner, ixc: IxcEmulator
):
    ixc.tables["cliente"] += [
        customer(90, "Sem Documento", ""),
        customer(91, "Dígitos Errados", "111.222.333-00"),
        customer(92, "", make_cnpj("998887770001").masked),
        customer(93, "Estrangeiro", "AB12345", tipo_pessoa="E"),
    ]
    job = await runner.synced()
    assert (job.state, job.counts.created, job.counts.refused) == (JobState.DONE, 12, 4)
    [header, *rows] = read_back(await runner.result(job))
    assert header == ["registro", "nome", "erro"]
    assert [row[:2] for row in rows] == [
        ["cliente 90", "Sem Documento"],
        ["cliente 91", "Dígitos Errados"],
        ["cliente 92", ""],
        ["cliente 93", "Estrangeiro"],
    ]
    assert all(row[2] for row in rows)


async def test_the_mark_waits_for_the_last_batch(runner: SyncRunner, ixc: IxcEmulator):
    ixc.fail(faults.status(500), document="fornecedor.id")
    job = await runner.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.ERP_AWAY)
    assert job.counts.created == 12
    assert (await runner.syncs.get("ixc")).full_mark is None
    assert len(runner.waits) == 4
    ixc.heal()
    job = await runner.synced()
    assert (job.state, job.counts.rows, job.counts.created) == (JobState.DONE, 12, 12)
    assert (await runner.syncs.get("ixc")).full_mark is not None


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
    runner: SyncRunner, ixc: IxcEmulator, fault: faults.Fault, trouble: JobTrouble
):
    ixc.fail(fault)
    job = await runner.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, trouble)
    assert await runner.register() == {}


async def test_where_the_erp_went_away_the_next_sync_goes_on(runner: SyncRunner, ixc: IxcEmulator):
    ixc.fail(faults.status(503), table="fornecedor")
    stopped = await runner.synced()
    assert (stopped.trouble, stopped.counts.created) == (JobTrouble.ERP_AWAY, 12)
    ixc.heal()
    ixc.requests.clear()
    done = await runner.synced()
    assert (done.id, done.state, done.trouble) == (stopped.id, JobState.DONE, None)
    assert (done.counts.rows, done.counts.created) == (12, 12)
    assert [request.table for request in ixc.requests] == ["fornecedor"]
    state = await runner.syncs.get("ixc")
    assert state.full_mark is not None
    assert (await runner.synced()).id != done.id


@pytest.mark.parametrize("why", ["another kind", "everything", "undone", "long ago", "refused"])
async def test_another_sync_begins_anew(runner: SyncRunner, ixc: IxcEmulator, why: str):
    if why == "everything":
        await runner.synced()
    change(ixc.tables["cliente"], 3, LATER, razao="Nome Novo")
    # A token for customers only ends a sync well, so it is refused altogether.
    refused = why == "refused"
    ixc.fail(
        faults.IP_NOT_ALLOWED if refused else faults.status(503),
        table=None if refused else "fornecedor",
    )
    stopped = await runner.synced()
    assert stopped.state is JobState.FAILED
    ixc.heal()
    if why == "undone":
        await runner.store.force_update(stopped.id, undone_by=99)
    if why == "long ago":
        runner.at += timedelta(hours=7)
    mode = SyncMode.QUICK if why == "another kind" else SyncMode.FULL
    job = await runner.synced(mode, everything=why == "everything")
    assert (job.id == stopped.id, job.state) == (False, JobState.DONE)


async def test_a_certificate_that_is_not_trusted_is_told_as_such(
    database: Any, tmp_path: Path, ixc: IxcEmulator
):
    async with (
        with_tls(ixc.url, make_certificate(tmp_path, "own")) as url,
        syncing(database, tmp_path, SimpleNamespace(url=url)) as runner,
    ):
        job = await runner.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.ERP_CERTIFICATE)


async def test_trouble_that_passes_is_waited_for(runner: SyncRunner, ixc: IxcEmulator):
    ixc.fail(faults.status(503), document="cliente.id", times=7)
    job = await runner.synced()
    assert (job.state, job.counts.created) == (JobState.DONE, 12)
    assert runner.waits == [2.0, 4.0]


async def test_a_change_filter_that_is_ignored_costs_time_and_loses_nothing(
    runner: SyncRunner, ixc: IxcEmulator
):
    await runner.synced()
    ixc.tables["cliente"] += people(1, begin=50, changed="2026-01-01 00:00:00")
    ixc.fail(faults.OTHER_DOCUMENTS, table="cliente")
    job = await runner.synced()
    assert (job.state, job.counts.created) == (JobState.DONE, 1)


async def test_a_record_from_the_future_moves_no_mark(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    before = (await runner.syncs.get("ixc")).full_mark
    ixc.tables["cliente"] += people(1, begin=50, changed="2099-01-01 00:00:00")
    await runner.synced()
    assert (await runner.syncs.get("ixc")).full_mark == before


async def test_one_at_a_time_whoever_begins_it(runner: SyncRunner, ixc: IxcEmulator):
    answers = asyncio.Event()
    ixc.fail(faults.held(answers), times=1)
    beginning = [
        asyncio.create_task(runner.begin(SyncMode.FULL, by=f"admin:{n}")) for n in range(4)
    ]
    # The winning call works on its sync before it returns.
    await until(lambda: sum(task.done() for task in beginning) == 3)
    answers.set()
    outcomes = await asyncio.gather(*beginning)
    [begun] = [one for one in outcomes if isinstance(one, Job)]
    assert sum(isinstance(one, RunsAlready) for one in outcomes) == 3
    assert (await runner.job(begun.id)).counts.created == 12
    jobs = await runner.store.latest(10)
    assert sum(job.state is JobState.DONE for job in jobs) == 1
    assert await runner.store.active() == []


async def test_a_sync_is_taken_back(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    before = await runner.register()
    change(ixc.tables["cliente"], 3, LATER, razao="Nome Novo")
    ixc.tables["cliente"] += people(2, begin=50, changed=LATER)
    job = await runner.synced()
    undo = await runner.undone(job)
    assert (undo.counts.removed, undo.counts.updated) == (2, 1)
    assert await runner.register() == before
    assert (await verify(runner.database, lambda _: None)).broken == ()


async def test_whom_it_met_twice_is_taken_back_too(runner: SyncRunner, ixc: IxcEmulator):
    ixc.tables["fornecedor"] = [
        supplier(7, "Pessoa 3 ME", cpf(3)),
        supplier(8, "Pessoa 4 ME", cpf(4)),
    ]
    job = await runner.synced()
    assert (job.counts.created, job.counts.updated) == (12, 2)
    one = (await runner.named())[cpf(4)]
    await runner.database["registrations"].update_one(
        {"_id": one["_id"]}, {"$set": {"version": 3, "fixed_note": "de alguém"}}
    )
    undo = await runner.undone(job)
    assert [d["tax_id"] for d in (await runner.register()).values()] == [cpf(4)]
    assert (undo.counts.removed, undo.counts.kept) == (11, 1)
    again = await runner.undone(undo)
    assert again.counts.restored == 11
    assert (await runner.named())[cpf(3)]["kinds"] == ["customer", "supplier"]


async def test_who_was_killed_before_its_first_step_holds_nobody_up(runner: SyncRunner):
    begun = await runner.begin(SyncMode.FULL, by="admin:1")
    assert isinstance(begun, Job)
    # The state between the claim of the sync and its first step.
    await runner.store.force_update(begun.id, state=JobState.DRAFT)
    assert isinstance(await runner.begin(SyncMode.FULL, by="admin:2"), RunsAlready)
    assert (await runner.job(begun.id)).state is JobState.DRAFT
    runner.at += timedelta(minutes=2)
    again = await runner.begin(SyncMode.FULL, by="admin:2")
    assert isinstance(again, RunsAlready)
    assert (await runner.job(begun.id)).state is JobState.RUNNING


class RecordingSyncNotifier:
    """A sync notifier that records its calls."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def sync_fails(self, job: Job) -> None:
        self.told.append("fails")

    async def sync_works_again(self, job: Job) -> None:
        self.told.append("works again")

    async def sync_asks(self, job: Job) -> None:
        self.told.append(f"asks about {job.id}")


async def test_scheduled_ones_run_when_due_and_tell_of_trouble_once(
    runner: SyncRunner, ixc: IxcEmulator
):
    said = RecordingSyncNotifier()
    schedules = [
        SyncSchedule(
            begin=runner.begin, syncs=runner.syncs, get_job=runner.store.get, notifier=said
        )
        for _ in range(2)
    ]

    async def done() -> list[Job]:
        # The loser of a race leaves a cancelled job.
        return [
            one for one in await runner.store.latest(30) if one.state is not JobState.CANCELLED
        ]

    async def an_hour_later() -> None:
        runner.at += timedelta(minutes=60)
        for _ in range(3):
            await asyncio.gather(*(one.look() for one in schedules))

    await an_hour_later()
    [job] = await done()
    assert (job.by, job.counts.created) == (SCHEDULE, 12)
    runner.at += timedelta(minutes=59)
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
    # In the weekly list of everything, most are gone.
    runner.at += timedelta(days=7)
    del ixc.tables["cliente"][3:]
    await an_hour_later()
    [asking] = [job for job in await done() if job.asks_about_losses]
    await an_hour_later()
    assert said.told == ["fails", "works again", f"asks about {asking.id}"]
    assert (await runner.applied(asking)).counts.lost == 9


async def test_a_quick_one_puts_off_no_scheduled_one(runner: SyncRunner):
    assert await runner.begin.when_due() is not None
    for _ in range(3):
        runner.at += timedelta(minutes=25)
        await runner.synced(SyncMode.QUICK)
    due = await runner.begin.when_due()
    assert due is not None
    assert due.sync_options is not None
    assert due.sync_options.mode is SyncMode.FULL


async def test_pages_are_read_to_their_end(
    runner: SyncRunner, ixc: IxcEmulator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("erp.ixc._PAGE_ROWS", 100)
    ixc.tables["cliente"] = people(403)
    job = await runner.synced()
    assert job.counts.created == 403
    # Rows that changed at one moment fill several pages.
    for row in ixc.tables["cliente"]:
        row |= {"ultima_atualizacao": LATER, "email": f"novo{row['id']}@exemplo.com.br"}
    job = await runner.synced()
    assert job.counts.updated == 403


async def test_stopped_with_ctrl_c_the_next_one_goes_on(
    runner: SyncRunner, ixc: IxcEmulator, monkeypatch: pytest.MonkeyPatch
):
    # A job looks for its cancellation now and then; here after each page, however quick that was.
    monkeypatch.setattr(job_progress, "_LOOK_S", 0.0)
    held = asyncio.Event()
    ixc.fail(faults.held(held), document="fornecedor.id")
    beginning = asyncio.create_task(runner.begin(SyncMode.FULL, by=COMMAND_LINE))
    await until(lambda: ixc.requests and ixc.requests[-1].body["qtype"] == "fornecedor.id")
    # As Stop does at the first Ctrl-C.
    assert await runner.manage.cancel(1)
    held.set()
    await beginning
    stopped = await runner.job(1)
    assert (stopped.state, stopped.counts.created) == (JobState.CANCELLED, 12)
    said = list(job_lines(stopped, Report(), Names(timezone=ZONE)))
    assert "  Para continuar de onde parou, por 6 horas: balcao sync full" in said
    assert cannot_go_on(stopped).endswith("Continue com: balcao sync full")

    ixc.requests.clear()
    done = await runner.synced()
    assert (done.id, done.state, done.counts.created) == (1, JobState.DONE, 12)
    assert "cliente" not in {request.table for request in ixc.requests}


async def test_cancelled_it_ends_and_the_next_one_goes_on(runner: SyncRunner, ixc: IxcEmulator):
    begun = await runner.begin(SyncMode.FULL, by="admin:1")
    assert isinstance(begun, Job)
    cancelled = await runner.manage.cancel(begun.id)
    # The sync may have ended already, as this runner works at once; another must be able to begin.
    assert cancelled is None or cancelled.state is JobState.CANCELLED
    assert (await runner.synced()).state is JobState.DONE


async def test_an_edit_behind_the_reader_is_seen_by_the_next_one(
    runner: SyncRunner, ixc: IxcEmulator
):
    ixc.tables["fornecedor"] = [supplier(7, "Cabos Ltda", COMPANY.masked)]
    goes_on = asyncio.Event()
    # The list of suppliers, after that of customers; not the question for the newest time.
    ixc.fail(faults.held(goes_on), document="fornecedor.id")
    syncing = asyncio.create_task(runner.synced())
    await until(lambda: ixc.requests and ixc.requests[-1].body["qtype"] == "fornecedor.id")
    change(ixc.tables["cliente"], 3, LATER, razao="Atrás do Leitor")
    change(ixc.tables["fornecedor"], 7, "2026-03-01 18:00:00", razao="Cabos e Fios")
    goes_on.set()
    await syncing
    assert (await runner.named())[cpf(3)]["name"] == "Pessoa 3"
    assert (await runner.synced()).counts.updated == 1
    assert (await runner.named())[cpf(3)]["name"] == "Atrás do Leitor"


async def test_changes_after_a_record_from_the_future_are_seen(
    runner: SyncRunner, ixc: IxcEmulator
):
    ixc.tables["cliente"] += people(1, begin=50, changed="2099-01-01 00:00:00")
    await runner.synced()
    for mode in (SyncMode.FULL, SyncMode.QUICK):
        change(ixc.tables["cliente"], 3, LATER, razao=f"Mudou {mode}")
        assert (await runner.synced(mode)).counts.updated == 1


async def test_where_the_newest_time_is_not_told_the_mark_is_hours_before_the_beginning(
    runner: SyncRunner, ixc: IxcEmulator
):
    # By our clock the sync begins at 12:00, and the ERP's may be in another time zone.
    change(ixc.tables["cliente"], 3, "2026-11-24 11:00:00")
    ixc.fail(faults.IP_NOT_ALLOWED, document="desc")
    await runner.synced()
    assert (await runner.syncs.get("ixc")).full_mark == runner.at - timedelta(hours=6)


async def test_pages_of_one_moment_that_never_end_are_read_by_id(
    runner: SyncRunner, ixc: IxcEmulator
):
    await runner.synced()
    ixc.tables["cliente"] += people(1_100, begin=50, changed=LATER)
    ixc.fail(faults.SAME_PAGE)
    job = await runner.synced()
    assert (job.state, job.counts.created) == (JobState.DONE, 1_100)


async def test_a_list_that_goes_round_fails_the_job(runner: SyncRunner, ixc: IxcEmulator):
    ixc.tables["cliente"] = people(600)
    ixc.fail(faults.OTHER_DOCUMENTS)
    job = await runner.synced()
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.ERP_UNREADABLE)


async def test_once_a_week_the_schedule_reads_everything(runner: SyncRunner):
    began = []
    for _ in range(8):
        job = await runner.begin.when_due()
        assert job is not None
        assert job.sync_options is not None
        began.append(job.sync_options.since is None)
        runner.at += timedelta(days=1)
    assert began == [True, *[False] * 6, True]
