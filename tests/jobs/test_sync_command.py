"""`balcao sync` for people and scripts: with an IXC, without an ERP, and without its list."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.documents import make_cnpj
from bot.demo.ixc import CREDENTIAL, IxcEmulator, faults
from bot.demo.ixc.records import customer, supplier
from bot.domain.job import COMMAND_LINE, Job, SyncMode
from bot.usecases.jobs.begin_sync import BeginSync
from erp.registry import find_adapter
from tests.jobs.conftest import JobRunner
from tests.jobs.shell import Shell
from tests.jobs.sync import OVERLAP, change, people, syncing
from tests.storage.commands import CommandResult, assert_one_sentence, balcao

LATER = "2026-03-01 08:00:00"


class ErpShell(Shell):
    """Commands of a Balcão that is connected to this ERP."""

    def __init__(
        self, runner: JobRunner, mongodb_uri: str, folder: Path, erp: IxcEmulator
    ) -> None:
        super().__init__(runner, mongodb_uri, folder)
        self.env |= {
            "BALCAO_ERP_KIND": "ixc",
            "BALCAO_ERP_URL": erp.url,
            "BALCAO_ERP_TOKEN": CREDENTIAL,
        }

    async def __call__(self, *command: str, **env: str) -> CommandResult:
        said = await super().__call__(*command, **env)
        assert CREDENTIAL not in said.all
        return said


@pytest.fixture
async def ixc() -> AsyncIterator[IxcEmulator]:
    async with IxcEmulator(people(12)) as emulator:
        yield emulator


@pytest.fixture
def shell(runner: JobRunner, mongodb_uri: str, tmp_path: Path, ixc: IxcEmulator) -> ErpShell:
    return ErpShell(runner, mongodb_uri, tmp_path, ixc)


async def test_what_would_take_away_much_needs_an_option(
    shell: ErpShell, ixc: IxcEmulator, tmp_path: Path
):
    async with syncing(shell.runner.database, tmp_path, ixc) as runner:
        await runner.synced()
    del ixc.tables["cliente"][8:]
    asks = await shell("sync", "full", "--all")
    assert asks.code == 1
    assert "O ERP respondeu 8 registros, e faltam dados de muitos cadastros" in asks.out
    assert "balcao sync full --all --accept-many" in asks.err
    done = await shell("sync", "full", "--all", "--accept-many")
    assert (done.code, done.err) == (0, "")
    assert "4 não estão mais no ERP" in done.out


async def test_full_then_quick_then_everything_and_back(shell: ErpShell, ixc: IxcEmulator):
    change(ixc.tables["cliente"], 12, "2026-02-12 08:00:00")
    full = await shell("sync", "full")
    assert (full.code, full.err) == (0, "")
    assert "Tarefa 1: sincronização completa, concluída" in full.out
    assert "por linha de comando" in full.out
    assert "12 novos 0 atualizados 0 sem mudança 0 registros recusados" in full.words
    assert "Para desfazer: balcao undo 1" in full.out
    assert (await shell.runner.job(1)).by == COMMAND_LINE
    assert len(await shell.runner.register()) == 12

    ixc.tables["cliente"] += people(1, begin=50, changed=LATER)
    change(ixc.tables["cliente"], 5, LATER, razao="Mudou de Nome")
    quick = await shell("sync", "quick")
    # A quick sync leaves new people to a full one; this is no failure.
    assert (quick.code, quick.err) == (0, "")
    assert "0 novos 1 atualizado 1 sem mudança" in quick.words
    assert "Para desfazer: balcao undo 2" in quick.out
    before = await shell.runner.register()
    names = {one["name"] for one in before.values()}
    assert "Mudou de Nome" in names
    assert "Pessoa 50" not in names

    everything = await shell("sync", "full", "--all")
    assert everything.code == 0
    assert "1 novo 0 atualizados 12 sem mudança" in everything.words

    undone = await shell("undo", "3", "--yes")
    assert undone.code == 0
    assert "1 retirado" in undone.out
    assert await shell.runner.register() == before


async def test_refused_records_are_told_and_saved(shell: ErpShell, ixc: IxcEmulator):
    ixc.tables["cliente"] += [
        customer(90, "Sem Documento", ""),
        customer(91, "Dígitos; Errados", "111.222.333-00"),
    ]
    said = await shell.as_python("sync", "full", "--errors", "e.csv")
    assert said.code == 2
    assert "12 novos 0 atualizados 0 sem mudança 2 registros recusados" in said.words
    assert "No ERP, cliente 90 (Sem Documento): falta o CPF ou CNPJ" in said.out
    assert "Gravado: e.csv" in said.out
    header, *refused = shell.read("e.csv")
    assert header == ["registro", "nome", "erro"]
    assert [row[:2] for row in refused] == [
        ["cliente 90", "Sem Documento"],
        ["cliente 91", "Dígitos; Errados"],
    ]
    assert "os dígitos não conferem" in refused[1][2]
    assert (shell.folder / "e.csv").stat().st_mode & 0o077 == 0

    # The refused rows are stored with their job.
    kept, listed = await asyncio.gather(shell("jobs", "1", "--errors", "k.csv"), shell("jobs"))
    assert kept.code == 0
    assert shell.read("k.csv") == [header, *refused]
    [_, line] = listed.out.splitlines()
    for words in ("sincronização completa", "concluída", "12 novos, 0 atualizados, 2 recusados"):
        assert words in line


async def test_what_keeps_it_from_the_end_is_exit_code_1(shell: ErpShell, ixc: IxcEmulator):
    ixc.fail(faults.IP_NOT_ALLOWED)
    failed = await shell("sync", "full")
    assert failed.code == 1
    assert "Tarefa 1: sincronização completa, falhou" in failed.out
    assert "O ERP recusou o acesso ou a pergunta" in failed.out
    assert await shell.runner.register() == {}
    ixc.heal()
    job = await begun_elsewhere(shell.runner)
    running = await shell("sync", "quick")
    assert running.code == 1
    assert f"A sincronização da tarefa {job.id} espera o bot" in running.words
    assert [one.id for one in await shell.runner.store.latest(10)] == [2, 1]


async def test_killed_it_says_how_to_go_on(shell: ErpShell, ixc: IxcEmulator):
    ixc.tables["fornecedor"] = [supplier(7, "Cabos Ltda", make_cnpj("112223330001").masked)]
    held = asyncio.Event()
    # The list of suppliers, after that of customers.
    ixc.fail(faults.held(held), document="fornecedor.id")
    async with shell.running("sync", "full") as process:
        await shell.until_it_has_written(1)
        running = await shell("sync", "full")
        assert running.words == "A sincronização da tarefa 1 ainda está andando."
        process.kill()
        await process.communicate()
    killed, one = await asyncio.gather(shell("sync", "quick"), shell("jobs", "1"))
    assert killed.code == 1
    assert "A sincronização da tarefa 1 parou no meio" in killed.words
    assert "balcao jobs 1 --go-on" in killed.words
    assert "parada" in one.words
    assert "balcao jobs 1 --go-on" in one.words

    held.set()
    ended = await shell("jobs", "1", "--go-on")
    assert ended.code == 0
    assert "Tarefa 1: sincronização completa, concluída" in ended.out
    assert "13 novos" in ended.words
    assert "Para desfazer: balcao undo 1" in ended.out


async def test_without_an_erp_or_its_list_one_sentence_says_so(shell: ErpShell):
    assert not find_adapter("voalle").facts.lists_all
    voalle = {
        "BALCAO_ERP_KIND": "voalle",
        "BALCAO_ERP_CLIENT_ID": "integration",
        "BALCAO_ERP_CLIENT_SECRET": "c-0000",
    }
    none, no_list, no_mode = await asyncio.gather(
        balcao("sync", "full", cwd=shell.folder, **(shell.env | {"BALCAO_ERP_KIND": ""})),
        balcao("sync", "quick", cwd=shell.folder, **(shell.env | voalle)),
        shell("sync", "tudo"),
    )
    assert_one_sentence(none, "BALCAO_ERP_KIND: falta dizer qual é o ERP")
    assert_one_sentence(no_list, "A API de voalle não oferece uma lista de clientes")
    assert no_mode.code == 2
    assert await shell.runner.store.latest(1) == []


async def begun_elsewhere(runner: JobRunner) -> Job:
    """Begin a sync that this process does not work on."""

    async def to_nobody(job_id: int) -> None:
        pass

    begin = BeginSync(
        system="ixc",
        lists_all=True,
        lists_changes=True,
        overlap=OVERLAP,
        every=None,
        jobs=runner.store,
        syncs=runner.syncs,
        wake=to_nobody,
        clock=runner.now,
    )
    job = await begin(SyncMode.FULL, by="admin:1")
    assert isinstance(job, Job)
    return job
