"""The register's screens under trouble: two admins, old buttons, hostile text."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiogram_dialog.api.entities import Stack

from bot.demo.documents import make_cpf
from handlers.admin.register.states import RegisterDialog
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start
from tests.flows.register import add

CPF, OTHER_CPF = make_cpf(123456789), make_cpf(987654321)


@pytest.fixture
async def admins(start: Start) -> AsyncIterator[tuple[Admin, Admin]]:
    async with start(admin_ids=(ADMIN_ID, BIA)) as telegram:
        yield Admin(telegram, ADMIN_ID), Admin(telegram, BIA)


@pytest.fixture
def dora(admins: tuple[Admin, Admin]) -> Admin:
    return admins[0]


async def open_record(admin: Admin) -> None:
    await admin.says(f"/clientes {CPF.masked}")
    await admin.presses(CPF.masked)


async def test_the_second_of_two_admins_sees_what_changed_and_decides(
    admins: tuple[Admin, Admin],
):
    dora, bia = admins
    await add(dora, "Ana", CPF.masked)
    await open_record(bia)
    for admin in admins:
        await admin.presses("✏️ Editar")
        await admin.presses("Fantasia")
    await dora.says("Ana Doces")
    asked = await bia.says("Ana Bolos")
    assert "mudou enquanto você editava" in asked
    assert "Fantasia: vazio → Ana Doces" in asked
    assert "Fantasia → Ana Bolos" in asked
    await bia.presses("Ficar como está")
    assert "Ana Doces" in await bia.presses("Voltar ao cadastro")
    await bia.presses("✏️ Editar")
    await bia.presses("Fantasia")
    await dora.presses("Fantasia")
    await dora.says("Ana Tortas")
    await bia.says("Ana Bolos")
    await bia.presses("Gravar a minha")
    assert "Ana Bolos" in await bia.presses("Voltar ao cadastro")


async def test_what_was_deleted_meanwhile_is_not_changed(admins: tuple[Admin, Admin]):
    dora, bia = admins
    await add(dora, "Ana", CPF.masked)
    await open_record(bia)
    await bia.presses("✏️ Editar")
    await bia.presses("Fantasia")
    await dora.presses("Excluir")
    await dora.presses("Sim, excluir")
    assert "não existe mais" in await bia.says("Ana Bolos")
    await dora.says("/clientes")
    assert "nenhum cliente" in dora.screen


async def test_a_delete_asked_of_an_older_version_is_asked_again(admins: tuple[Admin, Admin]):
    dora, bia = admins
    await add(dora, "Ana", CPF.masked)
    await open_record(bia)
    await bia.presses("Excluir")
    await dora.presses("Inativar")
    assert "Inativo" in await bia.presses("Sim, excluir")
    assert "mudou há pouco" in bia.told
    await bia.presses("Excluir")
    assert "Cadastro excluído" in await bia.presses("Sim, excluir")


async def test_a_button_of_a_closed_screen_says_so_and_changes_nothing(dora: Admin):
    await add(dora, "Ana", CPF.masked)
    await dora.presses("Excluir")
    old = dora.message
    await dora.says("/clientes")
    await dora.presses("Fechar")
    await dora.presses("Sim, excluir", screen=old)
    assert "já foi fechada" in dora.told
    await dora.says("/clientes")
    assert "1 cadastro" in dora.screen


async def test_a_button_a_week_old_still_means_what_it_said(dora: Admin, clock: Clock):
    await add(dora, "Ana", CPF.masked)
    clock.advance(timedelta(days=7))
    assert "Inativo" in await dora.presses("Inativar")


async def test_a_screen_opened_over_a_draft_keeps_the_draft(dora: Admin):
    await dora.says("/clientes")
    await dora.presses("➕")
    await dora.says("Ana Maria")
    old = dora.message
    await dora.says("/etiquetas")
    assert "tiquetas" in dora.screen
    await dora.presses("Cancelar", screen=old)
    assert "mensagem mais nova" in dora.told
    await dora.says("/clientes")
    assert "Ana Maria" in await dora.presses("Fechar")


async def test_pressed_twice_enviar_adds_one(dora: Admin):
    await dora.says("/clientes")
    await dora.presses("➕")
    await dora.says("Ana")
    await dora.says(CPF.masked)
    await dora.presses("◻️ Cliente")
    await dora.presses("Continuar")
    await dora.presses("Continuar")
    last = dora.message
    await dora.presses("Enviar")
    await dora.presses("Enviar", screen=last)
    await dora.says("/clientes")
    assert "1 cadastro" in dora.screen


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A" * 200, "A" * 200),
        ("Ana <b>Forte</b> & Cia", "Ana <b>Forte</b> & Cia"),
        ("Ana\nMaria\tda  Silva", "Ana Maria da Silva"),
        ("\u202eanA\u202c", "anA"),
        ("Ana 🌻 {text} %s", "Ana 🌻 {text} %s"),
        ("محمد علي", "محمد علي"),
    ],
)
async def test_hostile_names_are_kept_and_shown_as_they_are(dora: Admin, name: str, shown: str):
    await add(dora, name, CPF.masked)
    assert f"👤 {shown}\n" in dora.screen
    await dora.says(f"/clientes {CPF.number}")
    assert any(shown[:30] in button for button in dora.buttons)


async def test_names_that_cannot_be_say_why(dora: Admin):
    await dora.says("/clientes")
    await dora.presses("➕")
    assert "201 caracteres" in await dora.says("A" * 201)
    assert "ficou vazio" in await dora.says("\u200b \u2800")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("não sei", "Não encontrei um número"),
        ("123", "tem 3 caracteres"),
        ("111.111.111-11", "mesmo dígito"),
        ("390.533.447-06", "não conferem"),
        (f"{CPF.masked} ou {OTHER_CPF.masked}", "dois números diferentes"),
    ],
)
async def test_every_refusal_of_a_document_says_its_reason(dora: Admin, text: str, reason: str):
    await dora.says("/clientes")
    await dora.presses("➕")
    await dora.says("Ana")
    assert reason in await dora.says(text)


async def test_a_taken_document_is_not_given_to_a_second_record(dora: Admin):
    await add(dora, "Ana", CPF.masked)
    await add(dora, "Bia", OTHER_CPF.masked)
    await dora.presses("✏️ Editar")
    await dora.presses("CPF/CNPJ")
    assert "já está cadastrado: Ana" in await dora.says(CPF.masked)


async def test_a_restart_in_the_middle_loses_nothing(start: Start):
    async with start() as telegram:
        admin = Admin(telegram, ADMIN_ID)
        await admin.says("/clientes")
        await admin.presses("➕")
        await admin.says("Ana")
    async with start() as telegram:
        admin = Admin(telegram, ADMIN_ID)
        assert "Nome: Ana" in await admin.says(CPF.masked)
        assert CPF.masked in admin.screen


async def test_another_countrys_document(dora: Admin):
    await dora.says("/clientes")
    await dora.presses("➕")
    await dora.says("Juan")
    await dora.presses("🌎")
    await dora.says("parag")
    await dora.presses("Paraguai")
    assert "País: Paraguai" in dora.screen
    assert "Não parece um documento desse país" in await dora.says("80028061-1")
    await dora.says("80028061-0")
    assert "Documento: 800280610" in dora.screen
    await dora.presses("🌎")
    await dora.presses("Brasil")
    assert "CPF: —" in dora.screen


async def test_a_record_with_everything_at_its_longest_fits_into_a_message(
    dora: Admin, database: Any
):
    await add(dora, "A" * 200, CPF.masked)
    longest = {
        "trade_name": "F" * 200,
        "traits": ["t" * 60 for _ in range(200)],
        "fixed_note": "n" * 2000,
        "email": f"{'e' * 60}@{'d' * 180}.br",
    }
    await database["registrations"].update_one({}, {"$set": longest})
    await open_record(dora)
    assert "n" * 2000 in dora.screen


def test_screens_opened_at_one_moment_have_names_of_their_own():
    stacks = [Stack(_id="") for _ in range(50)]
    names = [stack.push(RegisterDialog.listing, None).id for stack in stacks for _ in range(50)]
    assert len(set(names)) == len(names)
