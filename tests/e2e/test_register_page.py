"""An admin at the register, on the demo's page in a real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from bot.demo.documents import make_cpf
from bot.demo.run import Demo, open_demo
from tests.browsers import new_context
from tests.e2e.chat import press, say, screen

pytestmark = pytest.mark.browser

CPF = make_cpf(246813579)


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    # The whole demo, with a database server of its own.
    async with open_demo(departments=1) as demo:
        yield demo


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await new_context(browser, viewport={"width": 1440, "height": 900}, locale="pt-BR")
    page = await context.new_page()
    await page.goto(demo.url)
    await page.wait_for_selector("body[data-ready]")
    yield page
    await context.close()


async def test_a_supplier_is_added_found_changed_audited_deleted_and_restored(page: Page) -> None:
    admin = page.locator("#pane-admin")
    await say(admin, "/clientes")
    await press(admin, "Adicionar novo cadastro")
    await expect(screen(admin)).to_contain_text("etapa 1 de 3")
    await say(admin, "Antônia Gonçalves Conceição")
    await say(admin, CPF.masked)
    await press(admin, "Fornecedor")
    await expect(screen(admin)).to_contain_text("Tipo de cadastro: Fornecedor")
    await press(admin, "Continuar")
    await say(admin, "só atende à tarde, prefere ligação")
    await expect(screen(admin)).to_contain_text("Características: só atende à tarde")
    await press(admin, "Tem prioridade")
    await press(admin, "Atendimento")
    await press(admin, "Continuar")
    await say(admin, "Entregar notas <sempre> pela portaria.")
    await expect(screen(admin)).to_contain_text("Confira e toque em Enviar")
    await press(admin, "Enviar")
    await expect(screen(admin)).to_contain_text("Cadastro criado")

    await say(admin, "/clientes goncal")
    await expect(screen(admin)).to_contain_text("1 cadastro")
    await press(admin, f"Antônia Gonçalves Conceição · {CPF.masked}")
    await expect(screen(admin)).to_contain_text("Prioridade: Atendimento")
    await expect(screen(admin)).to_contain_text("Entregar notas <sempre> pela portaria.")

    await press(admin, "Editar")
    await press(admin, "Celular")
    await say(admin, "49 99888-7766")
    await expect(screen(admin)).to_contain_text("O que você quer mudar?")
    await press(admin, "Voltar ao cadastro")
    await expect(screen(admin)).to_contain_text("Celular: (49) 99888-7766")

    await press(admin, "Auditoria")
    await press(admin, "Celular")
    await expect(screen(admin)).to_contain_text("Celular: vazio → (49) 99888-7766")
    await expect(screen(admin)).to_contain_text("por Dora Lima (chat)")
    await press(admin, "Voltar")
    await press(admin, "Voltar")

    await press(admin, "Excluir")
    await expect(screen(admin)).to_contain_text("Excluir Antônia Gonçalves Conceição?")
    await press(admin, "Sim, excluir")
    await expect(screen(admin)).to_contain_text("Cadastro excluído")
    await press(admin, "Auditoria")
    await press(admin, "Exclusão")
    await press(admin, "Restaurar o cadastro")
    await expect(screen(admin)).to_contain_text("Cadastro restaurado")
    await expect(screen(admin)).to_contain_text("Celular: (49) 99888-7766")
