"""A file from the admin's chat into the register, and back out of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.bot_api.faults import Raw
from bot.demo.documents import make_cpf
from bot.domain.job import JobState
from bot.domain.registration import Registration
from bot.wording.files import NO_FIELDS
from handlers.admin.files import texts
from tests.flows.conftest import ADMIN_ID, BIA, Start
from tests.flows.file_admin import FileAdmin, left_in, nothing_left_in
from tests.patience import HANG_S

# Long, and not about the database.
pytestmark = pytest.mark.embedded

CPFS = [make_cpf(100_000 + n) for n in range(40)]
HEADER = "Nome;cpfCnpj;celular;tipoRegistro"
PEOPLE = f"{HEADER}\n" + "".join(
    f"Pessoa {n};{CPFS[n].masked};(11) 98765-43{n:02};cliente\n" for n in range(10, 22)
)
HOSTILE = "<b>&{x}</i>"


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path) as telegram:
        yield FileAdmin(telegram, ADMIN_ID)


async def test_what_a_killed_process_left_of_an_upload_goes_at_the_next_start(
    start: Start, tmp_path: Path
):
    left = tmp_path / "upload-abc"
    left.mkdir()
    (left / "file").write_text(PEOPLE)
    async with start(data_dir=tmp_path):
        await nothing_left_in(tmp_path)


async def stored(admin: FileAdmin, number: int) -> Registration:
    assert admin.telegram.balcao is not None
    found = await admin.telegram.balcao.registrations.by_tax_ids([CPFS[number]])
    return found[CPFS[number].key]


async def count(admin: FileAdmin) -> int:
    assert admin.telegram.balcao is not None
    return await admin.telegram.balcao.registrations.count()


async def job(database: Any, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = await database["jobs"].find_one({"_id": number})
    return found


async def test_a_file_is_understood_checked_written_and_taken_back(
    admin: FileAdmin, tmp_path: Path
):
    lines = [f"Pessoa {n};{CPFS[n].masked};(11) 98765-43{n:02};cliente;x" for n in range(10, 22)]
    bad = f"João Ninguém;{CPFS[30].masked[:-1]}0;;cliente;"
    screen = await admin.sends("\n".join(["Nome;CPF;Fone 9;Papel;", *lines, bad, ""]))
    assert "Excel (cp1252), separado por ponto e vírgula, cabeçalho na linha 1" in screen
    assert f"Linha 2\nNome: Pessoa 10\nCPF/CNPJ: {CPFS[10].masked}" in screen
    assert "Coluna 4 (“Papel”): não reconheci esta coluna; ex. cliente" in screen
    assert "Coluna 5 (sem nome): ex. x" in screen
    await admin.presses("Conferir arquivo")
    assert "Decida antes as colunas" in admin.told
    await admin.presses("Ignorar as sem nome (1)")
    await admin.presses("Colunas")
    assert "5. (sem nome) → ignorada" in admin.buttons
    assert "Exemplos: (11) 98765-4310" in await admin.presses("3. ")
    await admin.presses("Celular")
    await admin.presses("4. ")
    await admin.presses("Tipo de cadastro")
    await admin.presses("Voltar")
    await admin.presses("Conferir arquivo")
    preview = await admin.reads("Prévia")
    assert "13 linhas com dados" in preview
    assert "🆕 12 novos" in preview
    assert "⛔ 1 recusada" in preview
    assert "Nada foi gravado ainda." in preview
    assert await count(admin) == 0
    await admin.presses("Importar 12")
    report = await admin.reads("Importação concluída")
    assert "🆕 12 novos" in report
    assert "• Linha 14: CPF/CNPJ: os dígitos não conferem" in report
    assert await count(admin) == 12
    assert (await stored(admin, 10)).phones.mobile == "+5511987654310"
    # The refused row comes back with its reason, and is imported once corrected.
    refused = await admin.receives()
    header, row = admin.rows(refused)
    assert header == ["Nome", "CPF", "Fone 9", "Papel", "", "linha", "erro"]
    assert row[0] == "João Ninguém"
    assert row[5] == "14"
    assert "dígitos não conferem" in row[6]
    await nothing_left_in(tmp_path)
    assert "Os 12 cadastros novos são retirados" in await admin.presses("Desfazer")
    await admin.presses("Sim, desfazer")
    assert "🗑 12 retirados" in await admin.reads("importação da tarefa 1 desfeita")
    assert await count(admin) == 0


async def test_only_ticked_fields_of_those_who_exist_are_updated(admin: FileAdmin):
    await admin.imports(PEOPLE)
    changed = f"{HEADER};email\nOutro Nome;{CPFS[10].masked};(21) 98888-7777;;novo@example.com\n"
    screen = await admin.sends(changed)
    assert "Quem já está no cadastro fica como está" in screen
    await admin.presses("Atualizar registros existentes? Não")
    await admin.presses("Campos a atualizar (4)")
    for field in ("Nome", "E-mail", "Tipo de cadastro"):
        await admin.presses(f"☑️ {field}", exactly=True)
    assert "é atualizado em: Celular" in await admin.presses("Voltar")
    assert not any("última vez" in label for label in admin.buttons)
    await admin.presses("Linhas sem tipo: recusar")
    await admin.presses("◻️ Prospect")
    await admin.presses("Conferir arquivo")
    preview = await admin.reads("Prévia")
    assert "✏️ 1 muda" in preview
    assert "• Celular: 1\n   linha 2, Pessoa 10: (11) 98765-4310 → (21) 98888-7777" in preview
    await admin.presses("Importar 1")
    assert "✏️ 1 atualizado" in await admin.reads("Tarefa 2 · Importação concluída")
    person = await stored(admin, 10)
    assert (person.name, person.email) == ("Pessoa 10", None)
    assert person.phones.mobile == "+5521988887777"
    # The next file starts at "Não"; what was chosen for this one is offered.
    assert "fica como está" in await admin.sends(changed)
    assert "🏷 Linhas sem tipo: recusar" in admin.buttons
    await admin.presses("Colunas")
    await admin.presses("Voltar")
    last = "Como da última vez: atualizar Celular; tipo Prospect"
    assert "é atualizado em: Celular" in await admin.presses(last)
    assert "🏷 Linhas sem tipo: Prospect" in admin.buttons
    assert not any("última vez" in label for label in admin.buttons)


async def test_without_a_ticked_field_nothing_is_checked(admin: FileAdmin):
    await admin.sends(f"Nome;cpfCnpj\nAna;{CPFS[0].masked}\n")
    await admin.presses("Atualizar registros existentes?")
    await admin.presses("Campos a atualizar")
    await admin.presses("☑️ Nome")
    await admin.presses("Voltar")
    await admin.presses("Conferir arquivo")
    assert admin.told == NO_FIELDS


async def test_whoever_has_no_kind_gets_the_chosen_one(admin: FileAdmin):
    await admin.sends(f"Nome;cpfCnpj\nAna;{CPFS[0].masked}\n")
    await admin.presses("Linhas sem tipo: recusar")
    await admin.presses("◻️ Prospect")
    assert "🏷 Linhas sem tipo: Prospect" in admin.buttons
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    await admin.presses("Importar 1")
    await admin.reads("Importação concluída")
    assert (await stored(admin, 0)).kinds == {"prospect"}


async def test_a_file_without_documents_says_which_column_is_missing(admin: FileAdmin):
    await admin.sends("Nome;celular\nAna;(11) 98765-4321\n")
    await admin.presses("Conferir arquivo")
    assert "qual coluna é o CPF ou CNPJ" in admin.told


async def test_a_preview_says_yes_once_and_only_to_itself(admin: FileAdmin):
    await admin.sends(PEOPLE)
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    old = admin.message
    assert "Importar" in await admin.presses("Mudar opções")
    await admin.presses("Atualizar registros existentes?")
    await admin.presses("Importar 12", screen=old)
    assert "confira o arquivo primeiro" in admin.told
    await admin.presses("Conferir arquivo")
    await admin.reads("✏️ 0 mudam")
    new = admin.message
    await admin.presses("Importar 12", screen=old)
    assert "com uma prévia mais nova" in admin.told
    assert await count(admin) == 0
    await admin.presses("Importar 12", screen=new)
    await admin.reads("Importação concluída")
    await admin.presses("Importar 12", screen=new)
    assert admin.told == "A tarefa 1 já terminou."
    await admin.presses("Mudar opções", screen=new)
    assert admin.told == "A tarefa 1 já terminou."
    await admin.presses("Cancelar", screen=new)
    assert admin.told == "A tarefa 1 já terminou."
    assert await count(admin) == 12


async def test_cancelling_writes_nothing_and_keeps_no_file(
    admin: FileAdmin, database: Any, tmp_path: Path
):
    await admin.sends(PEOPLE)
    await admin.presses("Cancelar")
    assert admin.told == texts.CANCELLED
    await admin.sends(PEOPLE)
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    assert "Nada foi gravado" in await admin.presses("Cancelar")
    assert await count(admin) == 0
    assert await database["files.files"].count_documents({"filename": "clientes.csv"}) == 0
    assert left_in(tmp_path) == []


async def test_a_second_file_comes_over_the_first_which_comes_back(admin: FileAdmin):
    await admin.sends(PEOPLE, "primeiro.csv")
    assert "segundo.csv" in await admin.sends(PEOPLE, "segundo.csv")
    assert "primeiro.csv" in await admin.presses("Cancelar")
    # A command closes the screen; the import waits in the list.
    await admin.says("/clientes")
    assert "sendo preparada" in await admin.says("/tarefas")
    await admin.presses("✏️ 1")
    assert "primeiro.csv" in await admin.presses("Continuar")
    assert "▶️ Conferir arquivo" in admin.buttons


async def test_two_admins_prepare_two_imports(start: Start, tmp_path: Path):
    async with start(data_dir=tmp_path, admin_ids=(ADMIN_ID, BIA)) as telegram:
        dora, bia = FileAdmin(telegram, ADMIN_ID), FileAdmin(telegram, BIA)
        await dora.sends(PEOPLE, "dora.csv")
        await bia.sends(PEOPLE, "bia.csv")
        await dora.presses("Conferir arquivo")
        await dora.reads("Prévia")
        await dora.presses("Importar 12")
        await dora.reads("Importação concluída")
        await bia.presses("Conferir arquivo")
        assert "➖ 12 já no cadastro, sem mudança" in await bia.reads("Prévia")
        assert "Não há nada a gravar" in bia.screen
        assert not any("Importar" in label for label in bia.buttons)


async def test_a_restart_in_the_middle_changes_nothing(start: Start, tmp_path: Path):
    async with start(data_dir=tmp_path) as telegram:
        await FileAdmin(telegram, ADMIN_ID).sends(PEOPLE)
    async with start(data_dir=tmp_path) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.presses("Conferir arquivo")
        await admin.reads("Prévia")
    async with start(data_dir=tmp_path) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.presses("Importar 12")
        await admin.reads("Importação concluída")


async def test_the_command_may_stand_below_the_file(admin: FileAdmin):
    admin.telegram.emulator.send_file(
        ADMIN_ID, ADMIN_ID, "document", PEOPLE.encode(), name="a.csv", caption="/importar"
    )
    await admin.telegram.settled()
    assert "▶️ Conferir arquivo" in admin.buttons


async def test_what_is_no_table_is_answered(admin: FileAdmin, tmp_path: Path):
    assert "não importo" in await admin.sends(b"%PDF-1.7\n", "boleto.pdf")
    assert "não é uma planilha" in await admin.sends(b"%PDF-1.7\n%\xe2\xe3\n" * 20, "boleto.csv")
    assert "vazio" in await admin.sends(b" ", "nada.csv")
    assert "só o cabeçalho" in await admin.sends("Nome;cpfCnpj\n")
    broken = b"Nome;cpfCnpj\nAna;1\n" + b"\x81\x8d\n"
    assert "caracteres que não são texto" in await admin.sends(broken)
    assert left_in(tmp_path) == []


async def test_a_type_without_an_ending_is_taken_for_what_telegram_says(admin: FileAdmin):
    assert "12 linhas" not in await admin.sends(PEOPLE, "export", "text/csv")
    assert "📄 export" in admin.screen


async def test_more_than_telegram_gives_is_sent_to_the_command_line(admin: FileAdmin):
    said = await admin.sends(b"x" * (20 * 1024 * 1024 + 1), "grande.csv")
    assert "20 MB" in said
    assert "balcao import ARQUIVO" in said


async def test_a_file_that_telegram_does_not_give_is_said(admin: FileAdmin, tmp_path: Path):
    admin.telegram.emulator.fail_next("getFile", 400, "Bad Request: file is too big")
    assert "20 MB" in await admin.sends(PEOPLE)
    admin.telegram.emulator.fail_next("getFile", 400, "Bad Request: wrong file_id")
    assert "Não consegui buscar" in await admin.sends(PEOPLE)
    admin.telegram.emulator.fail_next("getFile", 502, "Bad Gateway")
    assert "Não consegui buscar" in await admin.sends(PEOPLE)
    assert left_in(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_said(start: Start, tmp_path: Path):
    place = tmp_path / "file"
    place.write_text("no folder")
    async with start(data_dir=place / "data") as telegram:
        said = await FileAdmin(telegram, ADMIN_ID).sends(PEOPLE)
        assert "Não consigo gravar o arquivo no servidor" in said


async def test_the_template_goes_in_as_it_is(admin: FileAdmin):
    assert "Importar cadastros" in await admin.says("/importar")
    await admin.presses("Modelo")
    sent = admin.documents[-1]
    assert sent["document"]["file_name"] == texts.TEMPLATE_NAME
    header, example = admin.rows(sent)
    assert header[:4] == ["Nome", "cpfCnpj", "fantasia", "foneComercial"]
    assert len(example) == len(header)
    report = await admin.imports(admin.content(sent))
    assert "🆕 1 novo\n" in report
    assert "⛔ 0" in report


async def test_names_headers_and_cells_are_shown_as_they_are(admin: FileAdmin):
    content = f"Nome;cpfCnpj;{HOSTILE};tipoRegistro\n{HOSTILE};{CPFS[0].masked};{HOSTILE};x\n"
    screen = await admin.sends(content, f"{HOSTILE}.csv")
    assert f"📄 {HOSTILE}.csv" in screen
    assert f"Nome: {HOSTILE}" in screen
    assert f"Coluna 3 (“{HOSTILE}”)" in screen
    await admin.presses("Colunas")
    assert HOSTILE in await admin.presses("3. ")
    await admin.presses("Ignorar")
    await admin.presses("Voltar")
    await admin.presses("Conferir arquivo")
    assert f"📄 {HOSTILE}.csv" in await admin.reads("Prévia")
    # The file of refused rows is sent even if no row can be imported.
    await admin.presses("Receber as recusadas")
    assert "“x” não é um tipo" in await admin.reads("Importação concluída")
    assert admin.rows(await admin.receives())[1][0] == HOSTILE


async def test_passwords_are_hidden_and_their_time_is_told(admin: FileAdmin, database: Any):
    secret = "Segredo-9876"
    content = f"{HEADER};usuario;senha\nAna;{CPFS[0].masked};;cliente;ana;{secret}\n"
    screen = await admin.sends(content)
    assert "Senha do portal: ••••" in screen
    await admin.presses("Colunas")
    assert secret not in await admin.presses("senha")
    await admin.presses("Voltar")
    await admin.presses("Voltar")
    await admin.presses("Conferir arquivo")
    assert "🔑 1 senha: protegê-las leva cerca de 1 s" in await admin.reads("Prévia")
    async for state in database["states"].find():
        assert secret not in str(state)
    await admin.presses("Importar 1")
    await admin.reads("Importação concluída")
    assert ((await stored(admin, 0)).portal.password_hash or "").startswith("$argon2id$")


async def test_the_widest_file_fits_on_every_screen(admin: FileAdmin):
    width = 256
    header = ";".join(["Nome", "cpfCnpj", *(f"{HOSTILE * 5} {n}" for n in range(2, width))])
    row = ";".join(["N" * 300, CPFS[0].masked, *(HOSTILE * 30 for _ in range(2, width))])
    screen = await admin.sends(f"{header}\n{row}\n" * 2)
    assert "… e mais 246" in screen
    assert len(screen) < 4096
    await admin.presses("Ignorar as não reconhecidas (254)")
    await admin.presses("Colunas")
    assert len(admin.buttons) < 20


async def test_an_import_that_is_over_elsewhere_says_so_on_its_screen(
    admin: FileAdmin, database: Any
):
    await admin.sends(PEOPLE)
    assert admin.telegram.balcao is not None
    await admin.telegram.balcao.jobs.manage.cancel(1)
    assert "A tarefa 1 foi cancelada." in await admin.presses("Atualizar registros existentes?")
    assert admin.buttons == ["✖️ Fechar"]
    assert (await job(database))["state"] == JobState.CANCELLED


async def test_refused_rows_are_mended_and_sent_back(admin: FileAdmin):
    await admin.imports(f"{HEADER}\nAna;{CPFS[0].masked};;cliente\nRui;;;cliente\n")
    header, row = admin.rows(await admin.receives())
    row[1] = CPFS[1].masked
    mended = "\r\n".join(";".join(cells) for cells in (header, row))
    report = await admin.imports(mended.encode("utf-8-sig"), "recusados-tarefa-1.csv")
    assert "🆕 1 novo\n" in report


CUT = Raw(sent_bytes=0)
HTML = Raw(status=502, body=b"<html><h1>502 Bad Gateway</h1></html>")


@pytest.mark.parametrize(("is_done", "copies"), [(False, 1), (True, 2)], ids=["before", "after"])
async def test_the_end_of_a_job_is_said_until_telegram_takes_it(
    admin: FileAdmin, database: Any, is_done: bool, copies: int
):
    await admin.sends(PEOPLE)
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    # The message with the progress, then the report.
    admin.telegram.emulator.fail_next("sendMessage", chat_id=ADMIN_ID)
    admin.telegram.emulator.fail_next("sendMessage", raw=HTML, after=is_done, chat_id=ADMIN_ID)
    await admin.presses("✅ Importar")

    async def is_told() -> bool:
        found = await job(database)
        return found["state"] == JobState.DONE and bool(found["told"])

    async with asyncio.timeout(HANG_S):
        while not await is_told():  # noqa: ASYNC110 - the worker sets no event
            await asyncio.sleep(0.01)
    texts_sent = [message.get("text", "") for message in admin.said]
    assert sum("Importação concluída" in text for text in texts_sent) == copies


async def test_an_end_that_is_confirmed_neither_time_is_shown_in_place_of_the_progress(
    admin: FileAdmin,
):
    await admin.sends(PEOPLE)
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    # The message with the progress, then the report and its repeat.
    admin.telegram.emulator.fail_next("sendMessage", chat_id=ADMIN_ID)
    for _ in range(2):
        admin.telegram.emulator.fail_next("sendMessage", raw=CUT, chat_id=ADMIN_ID)
    await admin.presses("✅ Importar")
    await admin.reads("Importação concluída")
    assert "↩️ Desfazer" in admin.buttons
