"""The register in the admin's chat, screen by screen."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, Start
from tests.flows.register import add

CPF = make_cpf(123456789)
CNPJ = make_cnpj("123456780001")


@pytest.fixture
async def admin(start: Start) -> AsyncIterator[Admin]:
    async with start() as telegram:
        yield Admin(telegram, ADMIN_ID)


async def test_an_empty_register_says_so_and_offers_to_add(admin: Admin):
    assert "Parece que nenhum cliente foi adicionado" in await admin.says("/clientes")
    assert "➕ Adicionar novo cliente" in admin.buttons
    assert "🔄 Sincronização rápida" in admin.buttons


async def test_without_an_erp_there_is_no_sync(start: Start):
    async with start(with_erp=False) as telegram:
        admin = Admin(telegram, ADMIN_ID)
        await admin.says("/clientes")
        assert not any("Sincronização" in button for button in admin.buttons)


async def test_a_supplier_is_added_in_three_steps_and_found_by_half_a_surname(admin: Admin):
    await admin.says("/clientes")
    assert "etapa 1 de 3" in await admin.presses("➕")
    assert "Escreva o CPF" in await admin.says("João Conceição <Júnior>")
    assert "dígitos" in await admin.says("111.444.777-36")
    assert "Marque o tipo" in await admin.says(CPF.masked)
    await admin.presses("◻️ Fornecedor")
    assert "etapa 2 de 3" in await admin.presses("Continuar")
    assert "idoso, prefere ligação" in await admin.says("idoso, prefere ligação")
    await admin.presses("Tem prioridade")
    await admin.presses("◻️ Atendimento")
    assert "etapa 3 de 3" in await admin.presses("Continuar")
    await admin.says("Confirmar <antes> de ir.\nDuas linhas.")
    card = await admin.presses("Enviar")
    assert "Cadastro criado" in card
    assert "João Conceição <Júnior>" in card
    assert "Características (avisar atendente)" in card
    await admin.says("/clientes")
    found = await admin.says("concei")
    assert "1 cadastro" in found
    assert f"🔴 João Conceição <Júnior> · {CPF.masked}" in admin.buttons
    # A telephone, which fails as a CPF, is one of somebody or of nobody.
    await admin.presses("João")
    await admin.presses("✏️ Editar")
    await admin.presses("Celular")
    await admin.says("49 99888-7766")
    await admin.says("/clientes")
    found = await admin.says("49998887766")
    assert "1 cadastro" in found
    assert "⚠️" not in found
    nobody = await admin.says("49998887700")
    assert "Ninguém tem este telefone" in nobody
    assert "⚠️" not in nobody


async def test_a_document_that_is_registered_opens_its_record(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    await admin.says("/clientes")
    await admin.presses("➕")
    await admin.says("Outra Ana")
    assert "já está cadastrado: Ana" in await admin.says(CPF.masked)
    assert "Ana" in await admin.presses("📂")


async def test_a_cnpj_makes_a_company_and_cancel_asks(admin: Admin):
    await admin.says("/clientes")
    await admin.presses("➕")
    await admin.says("Padaria")
    assert "Pessoa jurídica: Sim" in await admin.says(CNPJ.masked)
    assert "Descartar" in await admin.presses("Cancelar")
    assert "etapa 1" in await admin.presses("Não")
    await admin.presses("Cancelar")
    assert "Clientes e fornecedores" in await admin.presses("Sim, descartar")


async def test_each_field_is_edited_and_audited(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    await admin.presses("✏️ Editar")
    assert "Celular: vazio\n\nEscreva com DDD" in await admin.presses("Celular")
    assert "Não é um telefone" in await admin.says("12")
    await admin.says("(49) 99999-1234")
    for field, old, value in (
        ("Nome", "Ana", "Ana Maria"),
        ("Fantasia", "", "Ana Doces"),
        ("E-mail", "", "ana@exemplo.com.br"),
        ("Características", "", "idosa, gentil"),
        ("Observação fixa", "", "Ligar antes"),
        ("Usuário do portal", "", "ana.maria"),
        ("CPF/CNPJ", CPF.masked, CNPJ.masked),
    ):
        await admin.presses(f"{field}: {old}" if old else field, exactly=True)
        assert "O que você quer mudar" in await admin.says(value), field
    await admin.presses("Tipo de cadastro")
    await admin.presses("Prospect")
    assert "O que você quer mudar" in await admin.presses("Gravar")
    await admin.presses("Avisar atendente")
    await admin.presses("Sim")
    card = await admin.presses("Voltar ao cadastro")
    for shown in ("Ana Maria", "Ana Doces", "(49) 99999-1234", "idosa, gentil", CNPJ.masked):
        assert shown in card
    audit = await admin.presses("Auditoria")
    assert "Ana Maria" in audit
    await admin.presses("Mais antigas")
    assert "vazio → (49) 99999-1234" in await admin.presses("Celular")


async def test_a_field_is_cleared(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    await admin.presses("✏️ Editar")
    await admin.presses("Fantasia")
    await admin.says("Ana Doces")
    await admin.presses("Fantasia")
    await admin.presses("Deixar vazio")
    await admin.presses("Fantasia")
    assert "Fantasia: vazio" in admin.screen


async def test_a_password_leaves_the_chat_and_is_never_shown(admin: Admin, database: Any):
    await add(admin, "Ana", CPF.masked)
    await admin.presses("✏️ Editar")
    await admin.presses("Senha do portal")
    await admin.says("curta")
    assert "pelo menos 8" in admin.screen
    await admin.says("segredo bem comprido")
    texts = [m.get("text", "") for m in admin.telegram.messages(ADMIN_ID)]
    assert not any("segredo" in text for text in texts)
    [stored] = await database["registrations"].find({}).to_list(None)
    assert stored["portal"]["password_hash"].startswith("$argon2id$")
    assert "segredo" not in str(await database["inbox"].find({}).to_list(None))
    assert "segredo" not in str(await database["states"].find({}).to_list(None))
    card = await admin.presses("Voltar ao cadastro")
    assert "Senha do portal: definida" in card


async def test_a_password_is_gone_from_the_inbox_when_its_handler_fails(
    admin: Admin, database: Any
):
    await add(admin, "Ana", CPF.masked)
    await admin.presses("✏️ Editar")
    await admin.presses("Senha do portal")
    emulator = admin.telegram.emulator
    emulator.fail_next("deleteMessage", 500, chat_id=ADMIN_ID, times=2)
    emulator.send_text(ADMIN_ID, ADMIN_ID, "segredo bem comprido")
    await admin.telegram.settled()
    assert "segredo" not in str(await database["inbox"].find({}).to_list(None))
    assert "Escreva-a de novo" in admin.screen
    texts = [m.get("text", "") for m in admin.telegram.messages(ADMIN_ID)]
    assert not any("segredo" in text for text in texts)
    await admin.says("outro bem comprido")
    [stored] = await database["registrations"].find({}).to_list(None)
    assert stored["portal"]["password_hash"].startswith("$argon2id$")


async def test_delete_asks_and_the_audit_restores(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    assert "Excluir Ana" in await admin.presses("Excluir")
    assert "Cadastro excluído" in await admin.presses("Sim, excluir")
    assert "Cadastro restaurado" in f"{await admin.presses('↩️ Desfazer')} {admin.told}"
    assert "Ana" in admin.screen
    assert "↩️ Desfazer" not in admin.buttons
    await admin.presses("Excluir")
    await admin.presses("Sim, excluir")
    await admin.presses("Auditoria")
    await admin.presses("🗑")
    assert "Exclusão" in admin.screen
    assert "Cadastro restaurado" in await admin.presses("Restaurar")
    await admin.says("/clientes")
    assert "👤 Ana" in await admin.says(CPF.masked)


async def test_status_is_switched_to_what_the_button_said(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    assert "Inativo" in await admin.presses("Inativar")
    assert "🚫" not in await admin.presses("Ativar")


async def test_filters_combine_and_the_audit_is_sent_as_a_file(admin: Admin):
    await add(admin, "Ana", CPF.masked, "Cliente")
    await add(admin, "Bia Ltda", CNPJ.masked, "Fornecedor")
    await admin.says("/clientes")
    await admin.presses("Filtros")
    await admin.presses("Fornecedor")
    await admin.presses("Ativo")
    shown = await admin.presses("Mostrar")
    assert "1 cadastro" in shown
    assert any("Bia Ltda" in button for button in admin.buttons)
    await admin.presses("Mostrar todos")
    assert any("Ana" in button for button in admin.buttons)
    await admin.presses("Auditoria")
    assert any("➕" in button and "Ana" in button for button in admin.buttons)
    await admin.presses("Enviar como arquivo")
    documents = [m for m in admin.telegram.messages(ADMIN_ID) if m.get("document")]
    assert documents[-1]["document"]["file_name"].endswith(".csv")


async def test_the_audit_is_filtered_by_kind_person_and_period(admin: Admin):
    await add(admin, "Ana", CPF.masked)
    await admin.presses("Inativar")
    await admin.says("/auditoria")
    await admin.presses("Filtros")
    await admin.presses("Alteração")
    await admin.presses("Todos")
    await admin.presses("Dora")
    await admin.presses("Sempre")
    assert "Não entendi as datas" in await admin.says("32/13")
    await admin.says("01/01/2020 a 02/01/2020")
    assert "01/01/2020 a 02/01/2020" in admin.screen
    assert "Nenhuma alteração com estes filtros" in await admin.presses("Mostrar")
    await admin.presses("Filtros")
    await admin.presses("📅")
    await admin.presses("7 dias")
    assert "Filtros: Alteração, Dora, desde" in await admin.presses("Mostrar")
    assert len([button for button in admin.buttons if "Ana" in button]) == 1
