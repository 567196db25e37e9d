"""The register as a file, from the admin's chat."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from bot.demo.documents import make_cpf
from bot.domain.export import EXPORT_COLUMNS
from handlers.admin.files import texts
from tests.flows.conftest import ADMIN_ID, Start
from tests.flows.file_admin import FileAdmin, nothing_left_in

ANA, RUI = make_cpf(200_001), make_cpf(200_002)
HOSTILE = "=1+1 <b>"
PEOPLE = (
    "Nome;cpfCnpj;celular;tipoRegistro;status\n"
    f"Ana {HOSTILE};{ANA.masked};(11) 98765-4321;cliente;A\n"
    f"Rui;{RUI.masked};;fornecedor;I\n"
)


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.imports(PEOPLE)
        yield admin


async def test_everything_comes_as_a_csv_that_goes_in_again(admin: FileAdmin, tmp_path: Path):
    screen = await admin.says("/exportar")
    assert "Todos os cadastros" in screen
    assert "2 cadastros" in screen
    assert "Campos: todos" in screen
    await admin.presses("▶️ Exportar")
    sent = await admin.receives()
    assert sent["document"]["file_name"].startswith("cadastros-")
    assert "2 cadastros" in sent["caption"]
    assert "Todos os cadastros" in sent["caption"]
    assert "dados pessoais" in sent["caption"]
    header, ana, rui = admin.rows(sent)
    assert header == list(EXPORT_COLUMNS)
    assert ana[header.index("Nome")] == f"Ana {HOSTILE}"
    assert rui[header.index("status")] == "I"
    await nothing_left_in(tmp_path)
    # The progress message is gone once the export is done.
    await admin.telegram.emulator.until(
        lambda: not any("Exportando" in text for text in admin.telegram.texts(ADMIN_ID))
    )
    await admin.sends(admin.content(sent), "de-volta.csv")
    await admin.presses("Atualizar registros existentes?")
    await admin.presses("Conferir arquivo")
    assert "➖ 2 sem mudança" in await admin.reads("Prévia")


async def test_format_and_fields_are_chosen_and_remembered(admin: FileAdmin):
    await admin.says("/exportar")
    await admin.presses("Excel (XLSX)")
    await admin.presses("Escolher campos")
    for label in [button for button in admin.buttons if button.startswith("☑️")][2:]:
        await admin.presses(label, exactly=True)
    for label in ("☑️ Nome", "☑️ CPF/CNPJ"):
        assert label in admin.buttons
    await admin.presses("☑️ Nome")
    await admin.presses("☑️ CPF/CNPJ")
    await admin.presses("▶️ Exportar")
    assert admin.told == texts.ONE_FIELD
    await admin.presses("◻️ CPF/CNPJ")
    await admin.presses("◻️ Nome")
    assert "Campos: 2 de 16" in await admin.presses("Voltar")
    await admin.presses("▶️ Exportar")
    sent = await admin.receives()
    assert sent["document"]["file_name"].endswith(".xlsx")
    with ZipFile(io.BytesIO(admin.content(sent))) as book:
        strings = book.read("xl/worksheets/sheet1.xml") + b"".join(
            book.read(name) for name in book.namelist() if "haredStrings" in name
        )
    assert ANA.masked.encode() in strings
    assert b"fornecedor" not in strings
    assert "Campos: 2 de 16" in await admin.says("/exportar")
    assert "☑️ Excel (XLSX)" in admin.buttons
    await admin.presses("Escolher campos")
    await admin.presses("Todos")
    assert "Campos: todos" in await admin.presses("Voltar")


async def test_what_is_filtered_in_the_register_is_exported(admin: FileAdmin):
    await admin.says("/clientes")
    await admin.presses("Filtros")
    await admin.presses("◻️ Fornecedor")
    await admin.presses("Mostrar")
    await admin.says("rui")
    screen = await admin.presses("📤 Exportar")
    assert "Filtros: busca “rui”, Fornecedor" in screen
    assert "1 cadastro" in screen
    await admin.presses("▶️ Exportar")
    sent = await admin.receives()
    assert "Filtros: busca “rui”, Fornecedor" in sent["caption"]
    assert [row[0] for row in admin.rows(sent)] == ["Nome", "Rui"]


async def test_filters_can_be_taken_off(admin: FileAdmin):
    await admin.says("/clientes rui")
    await admin.presses("📤 Exportar")
    assert "Todos os cadastros" in await admin.presses("Sem filtros")
    assert "Busca: “rui”" in await admin.presses("Cancelar")


async def test_nobody_to_export_makes_no_file(admin: FileAdmin):
    await admin.says("/clientes ninguém")
    await admin.presses("📤 Exportar")
    await admin.presses("▶️ Exportar")
    assert "Nenhum cadastro" in await admin.reads("Exportação")
    assert admin.documents == []


async def test_a_file_that_telegram_does_not_take_is_said_and_can_be_had_again(admin: FileAdmin):
    admin.telegram.emulator.fail_next("sendDocument", 413, "Request Entity Too Large")
    await admin.says("/exportar")
    await admin.presses("▶️ Exportar")
    await admin.reads("não aceitou o arquivo da tarefa 2")
    await admin.says("/tarefas")
    await admin.presses("✅ 2")
    await admin.presses("Arquivo da exportação")
    assert len(admin.rows(await admin.receives())) == 3


async def test_an_empty_register_offers_an_import_and_no_export(start: Start, tmp_path: Path):
    async with start(data_dir=tmp_path) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.says("/clientes")
        assert "📥 Importar" in admin.buttons
        assert "📤 Exportar" not in admin.buttons
        assert "Importar cadastros" in await admin.presses("📥 Importar")
