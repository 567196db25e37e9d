"""An admin on a phone in a real browser: add in three steps, mend a file and import it, unite."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from bot.demo.bot_api.web_apps import init_data, launch_url
from bot.demo.documents import make_cpf
from bot.demo.run import ADMIN_ID, Demo
from tests.browsers import new_context
from tests.e2e.accessibility import assert_accessible
from tests.e2e.demo_page import PHONE

pytestmark = pytest.mark.browser

CPFS = [make_cpf(300_000_000 + number * 7919).masked for number in range(5)]
FILE = (
    "Nome;Documento;Fone;tipoRegistro;Zona\r\n"
    f"<i>Bia;111.222.333-44;;cliente;Sul\r\n"
    f"Caio Prado;{CPFS[1]};12;cliente;\r\n"
    f"Davi;{CPFS[2]};;gerente;\r\n"
)


# The browser also tells of refusals, of the network that the test takes away, and of a request
# that was on its way when its page was left. Of each failed request htmx tells in two lines.
_KNOWN = ("tatus", "INTERNET", "htmx:sendAbort", "htmx:afterRequest")


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await new_context(
        browser, **PHONE | {"viewport": {"width": 360, "height": 740}}, locale="pt-BR"
    )
    page = await context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text))
    user = {"id": ADMIN_ID, "first_name": "Dora"}
    signed = init_data(demo.telegram.token, user, at_s=int(datetime.now(UTC).timestamp()))
    assert demo.balcao.settings.public_url
    await page.goto(launch_url(demo.balcao.settings.public_url, signed, theme="dark"))
    yield page
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await context.close()
    assert not [one for one in troubles if not any(known in one for known in _KNOWN)]


async def add(page: Page, name: str, phone: str, document: str) -> None:
    side = page.locator("#side")
    await page.get_by_role("button", name="Adicionar").click()
    await side.get_by_label("Nome", exact=True).fill(name)
    await side.get_by_label("CPF ou CNPJ").fill(document)
    await side.get_by_label("Telefone").fill(phone)
    await side.get_by_label("Cliente", exact=True).check()
    await side.get_by_role("button", name="Continuar").click()
    await expect(side.get_by_role("heading", level=2)).to_contain_text("etapa 2")
    await expect(side.get_by_label("Características")).to_be_hidden()
    await side.get_by_role("button", name="Continuar").click()
    await side.get_by_role("button", name="Enviar").click()
    await expect(side).to_contain_text("Cadastro criado.")
    await side.get_by_role("button", name="Fechar").click()


async def test_three_cells_of_a_file_are_mended_after_the_network_was_gone(page: Page):
    context: BrowserContext = page.context
    side = page.locator("#side")
    arrived: list[int] = []

    async def piece(route: Route) -> None:
        if not arrived:
            # Gone with the first piece, which never arrives.
            await context.set_offline(True)
        arrived.append(len(arrived))
        await route.continue_()

    await page.route(re.compile("/import/piece/"), piece)
    await page.get_by_role("button", name="Importar").click()
    await expect(side.locator("[data-file]")).to_be_attached()
    await assert_accessible(page, "#side")
    await side.locator("[data-file]").set_input_files(
        {"name": "clientes.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    await expect(side).to_contain_text("O envio continua sozinho")
    await context.set_offline(False)
    await expect(side).to_contain_text("Colunas do arquivo")
    await assert_accessible(page, "#side")
    await side.get_by_role("button", name="Ignorar todas").click()
    await side.get_by_label("Sim", exact=True).check()
    await side.get_by_role("button", name="Nenhum").click()
    await side.get_by_role("button", name="Conferir arquivo").click()
    # In words at the top, and the form is still there.
    await expect(page.get_by_role("alert")).to_contain_text("Marque ao menos um campo")
    await side.get_by_role("button", name="Todos").click()
    await side.get_by_role("button", name="Conferir arquivo").click()
    await expect(side.get_by_label("CPF/CNPJ, linha 2")).to_be_visible()
    await assert_accessible(page, "#side")
    await side.get_by_label("CPF/CNPJ, linha 2").fill(CPFS[0])
    await side.get_by_label("Telefone comercial, linha 3").fill("49 99999-8888")
    await side.get_by_label("Tipo de cadastro, linha 4").fill("fornecedor")
    await side.get_by_role("button", name="Corrigir e conferir de novo").click()
    await side.get_by_role("button", name="Importar 3").click()
    await expect(side).to_contain_text("3 novos")
    await side.get_by_text("Desfazer…").click()
    await side.get_by_role("button", name="Sim, desfazer").click()
    await expect(side).to_contain_text("3 retirados")


async def test_two_that_were_added_in_three_steps_are_united_and_two_again(page: Page):
    side = page.locator("#side")
    for document in CPFS[:2]:
        await add(page, "Joana <b>Prado</b>", "49 98888-7777", document)
    await page.get_by_role("button", name="Repetidos").click()
    await assert_accessible(page, "#side")
    await side.get_by_role("button", name="Procurar").click()
    await side.get_by_role("button", name="Ver os repetidos").click()
    await side.get_by_role("button", name="Joana <b>Prado</b> ↔").click()
    await expect(side.get_by_role("button", name="Sim: unir…")).to_be_visible()
    await assert_accessible(page, "#side")
    await side.get_by_role("button", name="Sim: unir…").click()
    await side.get_by_label(CPFS[1]).check()
    await assert_accessible(page, "#side")
    await side.get_by_role("button", name="Unir", exact=True).click()
    await expect(side).to_contain_text("Unidos.")
    await side.get_by_text("Desfazer a união…").first.click()
    await side.get_by_role("button", name="Sim, desfazer").first.click()
    await expect(side).to_contain_text("são dois de novo")


async def test_no_place_on_a_phone_shuts_anybody_out(page: Page):
    """What the tests above do not open; they look at the places where they are."""
    side = page.locator("#side")
    await add(page, "Joana", "49 98888-7777", CPFS[0])
    await assert_accessible(page)
    for menu in ("Filtros", "Colunas"):
        await page.get_by_text(menu, exact=True).click()
        await assert_accessible(page, "details[open]")
        await page.keyboard.press("Escape")
    for place in ("Adicionar", "Exportar", "Sincronizar", "Tarefas", "Auditoria"):
        await page.get_by_role("button", name=place).click()
        await expect(side.get_by_role("heading", level=2)).to_be_focused()
        await assert_accessible(page, "#side")
        await page.keyboard.press("Escape")
        await expect(side).to_be_hidden()
    await page.get_by_label("Marcar Joana").check()
    for name in ("Agir nos marcados", "Joana"):
        await page.get_by_role("button", name=name).click()
        await expect(side.get_by_role("heading", level=2)).to_be_focused()
        await assert_accessible(page, "#side")
        await page.keyboard.press("Escape")
        await expect(side).to_be_hidden()
