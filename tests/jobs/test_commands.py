"""`balcao import`, `export`, `jobs`, `undo` and `worker` as a person or a script meets them."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cli.terminal.files import (
    chosen_columns,
    export_paths,
    inspected,
    refuse_as_target,
    refuse_unusable,
    update_fields,
)
from bot.demo.bot_api import BotApiEmulator
from bot.domain.columns import Column, map_header
from bot.domain.errors import RefusedError
from bot.domain.file_shape import Inspected
from bot.domain.job import Job, JobState
from bot.usecases.jobs.manage_jobs import ManageJobs
from storage.engine.embedded import embedded_server
from storage.jobs.choices import Choices
from tests.flows.nats import nats_server
from tests.jobs.conftest import HEADER, JobRunner, table
from tests.jobs.rows import row, stored
from tests.jobs.shell import Shell
from tests.op_msg import named
from tests.patience import HANG_S
from tests.storage.commands import CommandResult, assert_one_sentence, balcao
from tests.storage.replica_set import Command, Spoilt, replica_set_before
from tests.storage.servers import free_port, until, uri

TOKEN = "7000000001:AAabcdefghijklmnopqrstuvwxyz_-12345"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


@pytest.fixture
def shell(runner: JobRunner, mongodb_uri: str, tmp_path: Path) -> Shell:
    return Shell(runner, mongodb_uri, tmp_path)


async def test_refused_rows_come_back_mended(shell: Shell):
    shell.write("c.csv", [HEADER, row(1), row(2, cpfCnpj="123", email="nada"), row(3)])
    said = await shell("import", "c.csv", "--errors", "e.csv")
    assert said.code == 2
    assert said.err == ""
    assert "Tarefa 1: importação de c.csv, concluída" in said.out
    assert "2 novos 0 atualizados 0 já no cadastro, sem mudança 1 linha recusada" in said.words
    assert "Linha 3: E-mail: não é um e-mail" in said.out
    assert "Gravado: e.csv" in said.out
    assert "Para desfazer: balcao undo 1" in said.out
    assert (shell.folder / "e.csv").stat().st_mode & 0o077 == 0
    header, refused = shell.read("e.csv")
    assert header == [*HEADER, "linha", "erro"]
    assert refused[-2] == "3"
    fixed = row(2)
    shell.write("fixed.csv", [header, [*fixed, *refused[len(fixed) :]]])
    said = await shell("import", "fixed.csv")
    assert said.code == 0
    assert "1 novo 0 atualizados 0 já no cadastro, sem mudança 0 linhas recusadas" in said.words
    assert (await stored(shell.runner, 2)).created.by == "cli"


async def test_a_dry_run_tells_and_leaves_nothing(shell: Shell):
    await shell.runner.imported([HEADER, row(1), row(2)])
    before = await shell.runner.register()
    shell.write("c.csv", [HEADER, row(1, celular="(49) 98888-7777"), row(2), row(3), row(3)])
    said = await shell("import", "c.csv", "--update", "--dry-run")
    assert said.code == 2
    assert said.err == ""
    lines = [line.strip() for line in said.out.splitlines()]
    understood = "texto UTF-8, separado por ponto e vírgula, cabeçalho na linha 1"
    assert f"Arquivo: {understood}, 4 linhas com dados" in lines
    assert "2. cpfCnpj → CPF/CNPJ" in lines
    told = ("1 novo", "1 muda", "1 sem mudança", "1 recusada", "Celular: 1")
    assert set(told) <= set(lines)
    assert "linha 2, Pessoa 1: (49) 99999-0001 → (49) 98888-7777" in lines
    assert "Linha 5: repete a linha 4" in lines
    assert await shell.runner.register() == before
    # A dry run is no job that somebody cancelled.
    assert [job.id for job in await shell.runner.manage.latest(9)] == [1]
    assert await shell.runner.database["files.files"].find_one({}) is None


async def test_a_password_is_never_shown(shell: Shell):
    header = (*HEADER, "senha", "usuario", "")
    rows = [[*row(n), f"segredo{n}xyz", f"pessoa{n}", f"segredo-{n}"] for n in range(5)]
    shell.write("c.csv", [header, *rows])
    said = await shell("import", "c.csv", "--dry-run")
    assert said.code == 1
    assert "10. (sem nome) → ? sem nome; por exemplo: segredo-0" in said.out
    shell.write("d.csv", [(*HEADER, "senha", "", "usuario"), *rows])
    said = await shell("import", "d.csv", "--dry-run")
    assert said.code == 1
    assert "segredo" not in said.all
    await shell.runner.imported([HEADER, *map(row, range(5))])
    said = await shell("import", "c.csv", "--update", "--ignore-unknown", "--dry-run")
    assert said.code == 0
    assert "segredo" not in said.all
    assert "5 senhas: protegê-las leva cerca de 1 s a mais" in said.out


async def test_an_update_touches_the_named_fields(shell: Shell):
    await shell.runner.imported([HEADER, row(1)])
    shell.write("c.csv", [HEADER, row(1, Nome="Outro", celular="(49) 98888-7777")])
    said = await shell("import", "c.csv")
    assert said.code == 0
    assert "0 novos 0 atualizados 1 já no cadastro, sem mudança" in said.words
    said = await shell("import", "c.csv", "--update", "--fields", "celular, e-mail")
    assert said.code == 0
    one = await stored(shell.runner, 1)
    assert (one.name, one.phones.mobile) == ("Pessoa 1", "+5549988887777")
    said = await shell("import", "c.csv", "--update")
    assert said.code == 0
    assert (await stored(shell.runner, 1)).name == "Outro"


async def test_columns_that_nobody_knows_are_asked_about(shell: Shell):
    rows = [[*row(n), "recado", f"(11) 98765-43{n:02}"] for n in range(3)]
    shell.write("c.csv", [(*HEADER, "Coluna X", ""), *rows])
    said = await shell("import", "c.csv")
    assert_one_sentence(said, "Não sei o que fazer com 2 colunas")
    assert "8. Coluna X → ? não reconheci esta coluna; por exemplo: recado" in said.out
    assert "9. (sem nome) → ? sem nome; por exemplo: (11) 98765-4300" in said.out
    assert await shell.runner.register() == {}
    assert await shell.runner.manage.latest(1) == []
    assigned = ("--column", "9=foneResidencial", "--column", "coluna x=ignorar")
    said, ignored = await asyncio.gather(
        shell("import", "c.csv", *assigned),
        shell("import", "c.csv", "--ignore-unknown", "--dry-run"),
    )
    assert said.code == 0
    assert ignored.code == 0
    assert "9. (sem nome) → ignorada" in ignored.out
    assert (await stored(shell.runner, 1)).phones.home == "+5511987654301"


async def test_who_has_no_kind_gets_the_one_that_is_given(shell: Shell):
    shell.write("c.csv", [HEADER, row(1, tipoRegistro="")])
    said = await shell.as_python("import", "c.csv", "--kind", "Prestador de Serviço")
    assert said.code == 0
    assert said.err == ""
    assert {str(kind) for kind in (await stored(shell.runner, 1)).kinds} == {"service_provider"}


async def test_an_export_imported_again_changes_nothing(shell: Shell):
    shell.write("c.csv", [HEADER, *map(row, range(30)), row(30, observacao="=1+1\n-2")])
    assert (await shell("import", "c.csv")).code == 0
    csv, xlsx = await asyncio.gather(shell("export", "o.csv"), shell("export", "o.xlsx"))
    assert (csv.code, xlsx.code) == (0, 0)
    assert "31 cadastros" in csv.out
    assert "Gravado: o.xlsx" in xlsx.out
    for name in ("o.csv", "o.xlsx"):
        said = await shell("import", name, "--update")
        assert said.code == 0
        assert "0 novos 0 atualizados 31 sem mudança 0 linhas recusadas" in said.words
    first = (shell.folder / "o.csv").read_bytes()
    refused = await shell("export", "o.csv")
    assert_one_sentence(refused, "o.csv já existe, e não é sobrescrito.")
    assert (await shell("export", "o.csv", "--force")).code == 0
    assert (shell.folder / "o.csv").read_bytes() == first


async def test_an_export_takes_fields_and_filters(shell: Shell):
    await shell.runner.imported(
        [HEADER, row(1, etiqueta="vip"), row(2), row(3, tipoRegistro="fornecedor")]
    )
    said = await shell.as_python(
        *("export", "o.csv", "--fields", "celular,Nome", "--kind", "cliente"),
        *("--status", "ativo", "--text", "pessoa 2"),
    )
    assert (said.code, said.err) == (0, "")
    assert shell.read("o.csv") == [["celular", "Nome"], ["(49) 99999-0002", "Pessoa 2"]]
    kept = await shell.as_python("jobs", "2", "--file", "again.csv")
    assert (kept.code, kept.err) == (0, "")
    assert shell.read("again.csv") == shell.read("o.csv")


async def test_what_is_asked_wrongly_is_one_sentence(shell: Shell):
    shell.write("c.csv", [HEADER, row(1)])
    wrong = {
        ("import", "missing.csv"): "Não encontro o arquivo missing.csv.",
        ("import", "c.csv", "--fields", "email"): "--fields só vale junto com --update.",
        ("import", "c.csv", "--kind", "rei"): "--kind: “rei” não é um tipo",
        ("export", "o.pdf"): "O nome do arquivo a criar termina em .csv ou .xlsx.",
        ("export", "o.csv", "--status", "x"): "--status: “x” não é um status",
        ("export", "o.csv", "--tag", "x"): "--tag: não há etiqueta “x”.",
        ("undo", "7"): "Não há tarefa 7.",
        ("jobs", "--errors", "e.csv"): "Diga de qual tarefa",
    }
    at_once = asyncio.Semaphore(2)

    async def said(command: tuple[str, ...]) -> CommandResult:
        async with at_once:
            return await shell(*command)

    told = await asyncio.gather(*map(said, wrong))
    for one, sentence in zip(told, wrong.values(), strict=True):
        assert_one_sentence(one, sentence)
        assert one.err.startswith("Erro: ")
    assert await shell.runner.manage.latest(1) == []


def test_files_that_are_no_table_and_names_that_are_no_fields(tmp_path: Path):
    (tmp_path / "c.csv").write_bytes(table([HEADER, row(1)]))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "pdf.csv").write_bytes(PDF)
    (tmp_path / "header.csv").write_bytes(table([HEADER]))
    (tmp_path / "nobody.csv").write_bytes(table([("celular",), ("(49) 99999-0001",)]))
    os.mkfifo(tmp_path / "pipe")

    def read(name: str) -> Inspected:
        return asyncio.run(inspected(tmp_path / name, lambda rows: None))

    columns = read("c.csv").columns

    def assigned(*choices: str) -> tuple[Column, ...]:
        return chosen_columns(columns, choices, ignore_unknown=False)

    wrong: dict[str, Callable[[], object]] = {
        "é uma pasta": lambda: read("."),
        "não é um arquivo que se possa ler": lambda: read("pipe"),
        "O arquivo está vazio": lambda: read("empty.csv"),
        "": lambda: read("pdf.csv"),
        "tem só o cabeçalho": lambda: read("header.csv"),
        "Nenhuma coluna é o nome nem": lambda: refuse_unusable(read("nobody.csv").columns),
        "--column celular: escreva a coluna e o campo": lambda: assigned("celular"),
        "o arquivo não tem a coluna “99”": lambda: assigned("99=email"),
        "--column: não conheço o campo “fone”": lambda: assigned("1=fone"),
        "o campo email foi dado a duas colunas": lambda: assigned("1=email", "2=email"),
        "--fields: não conheço o campo “fone”": lambda: update_fields("fone", columns),
        "cpfCnpj não muda em um cadastro": lambda: update_fields("cpfCnpj", columns),
        "o arquivo não tem a coluna senha": lambda: update_fields("senha", columns),
        "escreva os campos separados por vírgula": lambda: update_fields(",", columns),
        "senhas não saem do cadastro": lambda: export_paths("senha"),
        "A pasta": lambda: refuse_as_target(tmp_path / "none" / "e.csv"),
        "já existe": lambda: refuse_as_target(tmp_path / "c.csv"),
    }
    for sentence, doing in wrong.items():
        with pytest.raises(RefusedError) as refused:
            doing()
        assert sentence in str(refused.value)


def test_columns_are_named_by_header_or_place():
    header = ("Nome", "cpf", "fone", "Fone", "celular", "")
    columns = map_header(header)
    chosen = chosen_columns(columns, ["4=foneResidencial", "6=ignorar"], ignore_unknown=False)
    assert [column.field for column in chosen][3:] == ["phones.home", "phones.mobile", None]
    assert chosen[5].doubt is None
    with pytest.raises(RefusedError, match=r"as colunas 3, 4 se chamam “fone”"):
        chosen_columns(columns, ["fone=celular"], ignore_unknown=False)
    mobile = chosen_columns(
        map_header(("celular", "celular")), ["2=celular"], ignore_unknown=False
    )
    assert [(column.field, column.doubt) for column in mobile] == [
        (None, None),
        ("phones.mobile", None),
    ]


async def test_jobs_are_listed_told_and_undone(shell: Shell):
    shell.write("c.csv", [HEADER, *map(row, range(3)), row(4, cpfCnpj="1")])
    assert (await shell("import", "c.csv")).code == 2
    listed, told, kept, unasked = await asyncio.gather(
        shell("jobs"),
        shell("jobs", "1"),
        shell("jobs", "1", "--errors", "e.csv"),
        shell("undo", "1"),
    )
    assert (listed.code, told.code, kept.code) == (0, 0, 0)
    [_, line] = listed.out.splitlines()
    assert line.split("  ")[0] == "1"
    for words in (
        "importação de c.csv",
        "concluída",
        "3 novos, 0 atualizados, 1 recusada",
        "linha de comando",
    ):
        assert words in line
    assert "Linha 5: CPF/CNPJ: tem 1 caractere;" in told.out
    assert len(shell.read("e.csv")) == 2
    assert_one_sentence(unasked, "Fora de um terminal, confirme com --yes.")
    assert (
        "Desfaz a tarefa 1 (importação de c.csv). Os 3 cadastros novos são retirados."
        in unasked.out
    )
    no = await shell.in_a_terminal("undo", "1", answer="não\n")
    assert no.code == 1
    assert len(await shell.runner.register()) == 3
    yes = await shell.in_a_terminal("undo", "1", answer="sim\n")
    assert yes.code == 0
    assert "Tarefa 2: desfazer a tarefa 1, concluída" in yes.out
    assert "3 retirados" in yes.out
    assert await shell.runner.register() == {}
    again = await shell("undo", "1", "--yes")
    assert_one_sentence(again, "A tarefa 1 já foi desfeita, pela tarefa 2.")
    assert (await shell("undo", "2", "--yes")).code == 0
    assert len(await shell.runner.register()) == 3


async def test_what_somebody_changed_since_is_kept_and_listed(shell: Shell):
    shell.write("c.csv", [HEADER, row(1), row(2)])
    assert (await shell("import", "c.csv")).code == 0
    await shell.runner.imported([HEADER, row(1, Nome="Mudada")])
    said = await shell.as_python("undo", "1", "--yes")
    assert (said.code, said.err) == (2, "")
    assert "1 retirado 1 mantido: alguém mudou depois" in said.words
    assert "Mudada: o cadastro todo" in said.out


async def test_on_a_terminal_the_preview_is_shown_and_asked_about(shell: Shell):
    shell.write("c.csv", [HEADER, row(1), row(2)])
    no = await shell.in_a_terminal("import", "c.csv", answer="n\n")
    assert no.code == 1
    assert "Prévia, com nada gravado: 2 linhas" in no.words
    assert "Nada foi mudado." in no.err
    assert await shell.runner.register() == {}
    assert (await shell.runner.job(1)).state is JobState.CANCELLED
    yes = await shell.in_a_terminal("import", "c.csv", answer="s\n")
    assert yes.code == 0
    assert "2 novos 0 atualizados" in yes.words
    assert "Importando" in yes.err
    unasked = await shell.in_a_terminal("import", "c.csv", "--yes", answer="")
    assert unasked.code == 0
    assert "Prévia" not in unasked.out


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
async def test_a_signal_cancels_within_a_batch(shell: Shell, sent: signal.Signals):
    shell.write("c.csv", [HEADER, row(0, cpfCnpj="1"), *map(row, range(1, 6_000))])
    async with shell.running("import", "c.csv") as process:
        await shell.until_it_has_written(1)
        process.send_signal(sent)
        async with asyncio.timeout(HANG_S):
            out, err = map(bytes.decode, await process.communicate())
    assert process.returncode == 1
    assert "Parando: o lote em andamento termina antes…" in err
    assert "Tarefa 1: importação de c.csv, cancelada" in out
    assert "Para desfazer: balcao undo 1" in out
    job = await shell.runner.job(1)
    assert job.state is JobState.CANCELLED
    assert 0 < job.counts.created == len(await shell.runner.register()) < 5_999
    if sent is signal.SIGTERM:
        assert (await shell("undo", "1", "--yes")).code == 0
        assert await shell.runner.register() == {}
        assert_one_sentence(await shell("jobs", "1", "--go-on"), "A tarefa 1 foi desfeita")
        return
    # Nobody goes on with it unasked.
    assert "Nenhuma tarefa" in (await shell("jobs", "--go-on")).out
    said = await shell("jobs", "1", "--go-on")
    assert said.code == 2
    assert "5.999 novos 0 atualizados 0 já no cadastro, sem mudança 1 linha recusada" in said.words
    assert len(await shell.runner.register()) == 5_999
    # Nothing is left of the file, nor of the refused rows of the first run.
    kept = await shell.runner.database["files.files"].find({}).to_list(None)
    [result] = (await shell.runner.job(1)).results
    assert [str(one["_id"]) for one in kept] == [result.file_id]


async def test_a_killed_import_is_told_and_gone_on_with(shell: Shell):
    shell.write("c.csv", [HEADER, *map(row, range(6_000))])
    async with shell.running("import", "c.csv") as process:
        await shell.until_it_has_written(1)
        process.kill()
        await process.communicate()
    listed = await shell("jobs")
    assert "parada" in listed.out
    said = await shell("jobs", "--go-on")
    assert said.code == 0
    assert "Tarefa 1: importação de c.csv, concluída" in said.out
    assert "6.000 novos" in said.out
    assert len(await shell.runner.register()) == 6_000
    said = await shell("jobs", "--go-on")
    assert said == CommandResult(0, "Nenhuma tarefa da linha de comando está parada.\n", "")


@pytest.mark.embedded
async def test_on_the_embedded_database_of_a_bot_that_runs(shell: Shell, tmp_path: Path):
    shell.write("c.csv", [HEADER, row(1)])
    env = {"BALCAO_MONGODB_URI": ""}
    async with embedded_server(tmp_path / "data"):
        assert (await balcao("import", "c.csv", cwd=tmp_path, **(shell.env | env))).code == 0
    # Again without a running server.
    said = await balcao("jobs", cwd=tmp_path, **(shell.env | env))
    assert said.code == 0
    assert "importação de c.csv" in said.out


async def test_troubles_with_places_are_one_sentence(shell: Shell, tmp_path: Path):
    shell.write("c.csv", [HEADER, row(1)])
    (tmp_path / "file").touch()
    gone, no_folder = await asyncio.gather(
        balcao(
            *("import", "c.csv"),
            cwd=tmp_path,
            **(shell.env | {"BALCAO_MONGODB_URI": uri(free_port())}),
        ),
        balcao(
            *("import", "c.csv"),
            cwd=tmp_path,
            **(shell.env | {"BALCAO_DATA_DIR": str(tmp_path / "file")}),
        ),
    )
    assert_one_sentence(gone, "O MongoDB não responde.")
    assert_one_sentence(no_folder, "BALCAO_DATA_DIR: isto não é uma pasta.")


async def test_a_worker_says_what_it_lacks(shell: Shell):
    none, no_token = await asyncio.gather(
        shell("worker"), shell("worker", BALCAO_BROKER_URL="nats://127.0.0.1:4222")
    )
    assert_one_sentence(none, "BALCAO_BROKER_URL: falta o endereço do servidor NATS")
    assert_one_sentence(no_token, "BALCAO_BOT_TOKEN: falta o token do bot")


async def test_a_worker_does_jobs_of_others_until_it_is_stopped(
    shell: Shell, telegram: BotApiEmulator, tmp_path: Path
):
    async with nats_server(tmp_path) as nats:
        env = {
            "BALCAO_BROKER_URL": nats.url(),
            "BALCAO_BOT_TOKEN": TOKEN,
            "BALCAO_TELEGRAM_API_URL": telegram.url,
        }
        async with shell.running("worker", **env) as process:
            job = await begun_elsewhere(shell.runner, [HEADER, *map(row, range(300))])
            async with asyncio.timeout(HANG_S):
                while (await shell.runner.job(job.id)).is_active:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
            assert len(await shell.runner.register()) == 300
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(HANG_S):
                _, err = await process.communicate()
        assert process.returncode == 0
        assert b"stopping" in err
        nats.kill()
        nats.configure("authorization { token: outro }")
        await nats.start()
        refused = await shell("worker", **env)
        assert_one_sentence(refused, "BALCAO_BROKER_URL: o servidor NATS não aceita esta ligação.")


async def begun_elsewhere(runner: JobRunner, rows: Any) -> Job:
    """Begin a job that this process does not work on."""

    async def to_nobody(job_id: int) -> None:
        pass

    runner.manage = ManageJobs(
        store=runner.store,
        files=runner.files,
        choices=Choices(runner.database),
        wake=to_nobody,
        clock=runner.now,
    )
    return await runner.begun(rows, state=JobState.RUNNING)


async def test_an_import_outlives_an_election_of_the_database(
    runner: JobRunner, mongodb_uri: str, tmp_path: Path
):
    with replica_set_before(mongodb_uri) as members:

        def amid_a_commit(command: Command) -> Spoilt | None:
            if named(command) != ("commitTransaction", ""):
                return None
            members.primary = None
            return Spoilt(None, is_after=True)

        members.rule = amid_a_commit
        # For less time than the election takes.
        shell = Shell(runner, f"{members.uri}&serverSelectionTimeoutMS=100", tmp_path)
        shell.write("c.csv", [HEADER, *map(row, range(1_500))])
        async with shell.running("import", "c.csv") as process:
            await until(lambda: members.primary is None)
            await asyncio.sleep(4)
            members.rule = lambda _: None
            members.elect()
            async with asyncio.timeout(HANG_S):
                out, err = map(bytes.decode, await process.communicate())
    assert process.returncode == 0, err
    assert "1.500 novos" in out
    assert len(await runner.register()) == 1_500
