"""Syncs with an ERP that takes something away: records, documents, telephones, addresses."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import customer, supplier
from bot.domain.job import JobState, JobTrouble, SyncMode
from bot.domain.registration import Status
from bot.usecases.register.edit_registration import Edited, EditRegistration
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from storage.register.verify import verify
from tests.jobs.sync import SyncRunner, change, cpf, people, syncing

LATER = "2026-03-01 08:00:00"


@pytest.fixture
async def ixc() -> AsyncIterator[IxcEmulator]:
    async with IxcEmulator(people(30)) as emulator:
        yield emulator


@pytest.fixture
async def runner(database: Any, tmp_path: Path, ixc: IxcEmulator) -> AsyncIterator[SyncRunner]:
    async with syncing(database, tmp_path, ixc) as some:
        yield some


def drop(ixc: IxcEmulator, *numbers: int, table: str = "cliente") -> None:
    ixc.tables[table] = [row for row in ixc.tables[table] if int(row["id"]) not in numbers]


async def lost(runner: SyncRunner) -> dict[str, Any]:
    """Return the registrations that are not in the ERP any more, by tax id."""
    return {tax_id: one for tax_id, one in (await runner.named()).items() if "lost_refs" in one}


async def edited(runner: SyncRunner, number: int, **values: Any) -> None:
    """Change a registration as an admin does; double underscores are dots."""
    register = Registrations(runner.database)
    [one] = [
        d
        for d in (await runner.database["registrations"].find().to_list(None))
        if d["tax_id"] == cpf(number)
    ]
    edit = EditRegistration(
        register=register, audit=Audit(runner.database), clock=lambda: runner.at
    )
    paths = {path.replace("__", "."): value for path, value in values.items()}
    outcome = await edit(one["_id"], read_version=one["version"], values=paths, by="admin:1")
    assert isinstance(outcome, Edited), outcome


async def test_a_record_that_vanished_or_has_another_document_is_lost_here(
    runner: SyncRunner, ixc: IxcEmulator
):
    ixc.tables["cliente"] += [customer(80, "Pessoa 6 de novo", cpf(6))]
    ixc.tables["fornecedor"] = [supplier(5, "Pessoa 5 ME", cpf(5))]
    await runner.synced()
    before = await runner.register()
    drop(ixc, 3, 80)
    new = make_cpf(987_654_321)
    change(ixc.tables["cliente"], 4, LATER, cnpj_cpf=new.masked)
    # Not readable, but there: nobody is lost for a wrong digit.
    change(ixc.tables["cliente"], 7, LATER, cnpj_cpf="111.222.333-00")
    # Only the record as a supplier goes.
    drop(ixc, 5, table="fornecedor")
    changed_only = await runner.synced()
    assert (changed_only.counts.lost, await lost(runner)) == (0, {})
    assert (await runner.named())[new.number]["erp_refs"][0]["id"] == "4"
    # Two are lost, and two keep another record: more than 2 % of so small a register.
    asking = await runner.synced(everything=True)
    job = await runner.applied(asking)
    assert (job.state, job.counts.lost, job.counts.updated) == (JobState.DONE, 2, 4)
    named = await runner.named()
    assert set(await lost(runner)) == {cpf(3), cpf(4)}
    assert named[cpf(3)]["lost_refs"] == [{"id": "3", "system": "ixc", "table": "cliente"}]
    assert (named[cpf(3)]["erp_refs"], named[cpf(3)]["status"]) == ([], "active")
    assert "!left_erp" in named[cpf(3)]["labels"]
    assert [ref["id"] for ref in named[cpf(6)]["erp_refs"]] == ["6"]
    assert [ref["table"] for ref in named[cpf(5)]["erp_refs"]] == ["cliente"]
    entries = (
        await runner.database["audit"]
        .find({"registration_id": named[cpf(3)]["_id"]})
        .to_list(None)
    )
    assert [c["path"] for c in entries[0]["changes"]] == ["erp_refs", "lost_refs"]
    batches = [one async for one in runner.store.batches(job.id)]
    assert not any(one.seen for one in batches)
    # It is seen once, and taken back as a whole.
    assert (await runner.synced(everything=True)).counts.lost == 0
    undo = await runner.undone(job)
    assert undo.counts.kept == 0
    await runner.undone(changed_only)
    assert await runner.register() == before
    assert (await verify(runner.database, lambda _: None)).broken == ()


async def test_who_comes_back_is_lost_no_longer(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    [row] = [row for row in ixc.tables["cliente"] if row["id"] == "3"]
    drop(ixc, 3)
    await runner.synced(everything=True)
    assert set(await lost(runner)) == {cpf(3)}
    ixc.tables["cliente"].append({**row, "id": "90", "ultima_atualizacao": LATER})
    await runner.synced(SyncMode.QUICK)
    one = (await runner.named())[cpf(3)]
    assert "lost_refs" not in one
    assert [ref["id"] for ref in one["erp_refs"]] == ["90"]
    assert "!left_erp" not in one["labels"]


async def test_who_is_inactive_is_left_alone(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    await edited(runner, 3, status=Status.INACTIVE)
    drop(ixc, 3)
    change(ixc.tables["cliente"], 4, LATER, ativo="N", email="")
    before = (await runner.named())[cpf(3)]
    await runner.synced(everything=True)
    named = await runner.named()
    assert (named[cpf(3)], await lost(runner)) == (before, {})
    assert named[cpf(4)]["status"] == "inactive"


@pytest.mark.parametrize("how", ["quick", "changed", "everything"])
async def test_what_the_erp_had_filled_and_empties_is_emptied(
    runner: SyncRunner, ixc: IxcEmulator, how: str
):
    # Numbers 4 to 6 have values of ours, in fields that the ERP leaves or has left blank.
    for number, fields in {5: {"email": ""}, 6: {"telefone_celular": ""}}.items():
        change(ixc.tables["cliente"], number, "2026-02-10 14:03:22", **fields)
    await runner.synced()
    before = await runner.register()
    await edited(runner, 4, email="corrigido@exemplo.com.br")
    await edited(runner, 5, email="daqui@exemplo.com.br")
    await edited(runner, 6, phones__mobile="+5549988887777")
    table = ixc.tables["cliente"]
    change(table, 2, LATER, email="", razao="Nome Novo")
    change(table, 3, LATER, telefone_celular="")
    change(table, 4, LATER, email="")
    change(table, 5, LATER, razao="Pessoa Cinco")
    change(table, 6, LATER, razao="Pessoa Seis")
    # Something is there, even if it is no telephone to us.
    change(table, 7, LATER, telefone_celular="(49) 9999-8888 ramal 1", email="sem arroba")
    mode = SyncMode.QUICK if how == "quick" else SyncMode.FULL
    job = await runner.synced(mode, everything=how == "everything")
    assert (job.state, job.counts.emptied) == (JobState.DONE, 2)
    named = await runner.named()
    assert (named[cpf(2)]["email"], named[cpf(3)]["phones"]["mobile"]) == (None, None)
    assert named[cpf(2)]["name"] == "Nome Novo"
    assert named[cpf(4)]["email"] == "corrigido@exemplo.com.br"
    assert named[cpf(5)]["email"] == "daqui@exemplo.com.br"
    assert named[cpf(6)]["phones"]["mobile"] == "+5549988887777"
    assert named[cpf(7)]["phones"]["mobile"]
    assert named[cpf(7)]["email"]
    again = await runner.synced(everything=True)
    assert (again.counts.updated, again.counts.unchanged) == (0, 30)
    # What an admin takes back stays, although the ERP is blank.
    await runner.undone(job)
    assert (await runner.named())[cpf(2)]["email"] == "pessoa2@exemplo.com.br"
    await runner.synced(everything=True)
    assert (await runner.named())[cpf(2)]["email"] == "pessoa2@exemplo.com.br"
    # The values of ours have not become the ERP's.
    assert len(before) == 30


async def test_one_of_several_records_empties_what_no_other_has(
    runner: SyncRunner, ixc: IxcEmulator
):
    ixc.tables["cliente"] += [
        customer(80, "Pessoa 3", cpf(3), telefone_celular="", email="outro@exemplo.com.br"),
    ]
    await runner.synced()
    change(ixc.tables["cliente"], 80, LATER, email="")
    change(ixc.tables["cliente"], 3, LATER, telefone_celular="")
    await runner.synced()
    one = (await runner.named())[cpf(3)]
    assert (one["email"], one["phones"]["mobile"]) == ("pessoa3@exemplo.com.br", None)


async def test_many_are_asked_about_before_any_is_touched(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    before = await runner.register()
    for number in (1, 2):
        change(ixc.tables["cliente"], number, "2026-01-01 08:00:00", email="")
    drop(ixc, 9)
    change(ixc.tables["cliente"], 8, LATER, razao="Nome Novo")
    job = await runner.synced(everything=True)
    assert job.asks_about_losses
    assert job.preview is not None
    assert (job.preview.rows, job.preview.lost, job.preview.emptied) == (29, 1, 2)
    assert sorted((one.path, one.name) for one in job.samples) == [
        ("email", "Pessoa 1"),
        ("email", "Pessoa 2"),
        ("lost_refs", "Pessoa 9"),
    ]
    changed = {k for k, one in (await runner.register()).items() if one != before[k]}
    assert [before[k]["tax_id"] for k in changed] == [cpf(8)]
    assert not job.can_be_undone
    # Meanwhile one is corrected by hand, one is back, and the next sync reads on.
    await edited(runner, 1, email="corrigido@exemplo.com.br")
    ixc.tables["cliente"].append({**ixc.tables["cliente"][0], "id": "9", "cnpj_cpf": cpf(9)})
    runner.at += timedelta(hours=1)
    assert (await runner.synced(SyncMode.QUICK)).state is JobState.DONE
    done = await runner.applied(job)
    assert (done.state, done.counts.lost, done.counts.emptied) == (JobState.DONE, 0, 1)
    named = await runner.named()
    assert named[cpf(1)]["email"] == "corrigido@exemplo.com.br"
    assert (named[cpf(2)]["email"], await lost(runner)) == (None, {})
    assert await runner.manage.apply_losses(job.id) is None
    assert await runner.manage.leave_losses(job.id) is None


async def test_an_answer_of_leaving_it_leaves_it(runner: SyncRunner, ixc: IxcEmulator):
    await runner.synced()
    before = await runner.register()
    ixc.tables["cliente"] = []
    job = await runner.synced(everything=True)
    assert job.preview is not None
    assert (job.preview.rows, job.preview.lost) == (0, 30)
    left = await runner.manage.leave_losses(job.id)
    assert left is not None
    assert (left.state, await runner.register()) == (JobState.DONE, before)
    assert not left.can_be_undone


@pytest.mark.parametrize(
    "how", ["cut", "suppliers refused", "only listed no more", "look-up fails", "look-up cut"]
)
async def test_only_a_whole_list_and_a_second_answer_tell_of_a_loss(
    runner: SyncRunner, ixc: IxcEmulator, how: str
):
    ixc.tables["fornecedor"] = [supplier(5, "Cabos", cpf(60))]
    await runner.synced()
    before = await runner.register()
    [row] = [row for row in ixc.tables["cliente"] if row["id"] == "3"]
    drop(ixc, 3)
    match how:
        case "cut":
            ixc.fail(faults.status(503), table="fornecedor")
        case "suppliers refused":
            ixc.fail(faults.IP_NOT_ALLOWED, table="fornecedor")
        case "only listed no more":
            # No list has a record with this id, but the answer to its document does.
            ixc.tables["cliente"].append({**row, "id": "0"})
        case "look-up fails":
            ixc.fail(faults.BROKEN_JSON, document="cliente.cnpj_cpf")
        case "look-up cut":
            ixc.fail(faults.status(503), document=cpf(3))
    job = await runner.synced(everything=True)
    ends = {
        "cut": JobTrouble.ERP_AWAY,
        "look-up fails": JobTrouble.ERP_UNREADABLE,
        "look-up cut": JobTrouble.ERP_AWAY,
    }
    assert job.trouble is ends.get(how)
    assert (job.counts.lost, await lost(runner)) == (0, {})
    if how != "only listed no more":
        assert await runner.register() == before
    ixc.heal()
    drop(ixc, 0)
    ended = await runner.synced(everything=True)
    # Where everything was read, it goes on behind that.
    assert (ended.id == job.id) == (how == "look-up cut")
    assert (ended.counts.lost, set(await lost(runner))) == (1, {cpf(3)})
