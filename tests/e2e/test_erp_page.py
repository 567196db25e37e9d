"""The demo ERP's own screen, opened from the chat page, in a real browser."""

from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from bot.demo import people
from bot.demo.documents import make_cpf
from bot.demo.people import DemoPerson
from bot.demo.run import Demo
from tests.browsers import new_context

pytestmark = pytest.mark.browser

NEW = make_cpf(111222333)


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await new_context(browser, viewport={"width": 1440, "height": 900}, locale="pt-BR")
    troubles: list[str] = []
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    yield context
    await context.close()
    assert troubles == []


@pytest.fixture
async def page(context: BrowserContext, demo: Demo) -> Page:
    """Open the ERP's screen through the link on the chat page."""
    chats = await context.new_page()
    await chats.goto(demo.url)
    await chats.wait_for_selector("body[data-ready]")
    async with chats.expect_popup() as opened:
        await chats.get_by_role("link", name="ERP de demonstração").click()
    page = await opened.value
    await page.wait_for_selector("body[data-ready]")
    return page


async def test_a_phone_is_changed_and_the_erp_says_since_when(page: Page, demo: Demo) -> None:
    before = datetime.now(ZoneInfo("America/Sao_Paulo")).strftime("%Y-%m-%d %H:%M:%S")
    await page.get_by_test_id("search").fill("gracas")
    await expect(record(page)).to_have_count(1)
    await record(page, people.MARIA).get_by_test_id("edit").click()
    await expect(page.get_by_test_id("mobile")).to_have_value("(49) 99001-0003")

    await page.get_by_test_id("mobile").fill("123")
    await page.get_by_test_id("save").click()
    await expect(page.get_by_test_id("refused")).to_contain_text("Digite o celular com DDD")
    await expect(page.get_by_test_id("mobile")).to_be_focused()
    await page.get_by_test_id("mobile").fill("49 98765-4321")
    await page.get_by_test_id("mobile").press("Enter")

    await expect(page.get_by_test_id("editor")).to_be_hidden()
    await expect(page.get_by_test_id("said")).to_contain_text("Maria das Graças Lima: salvo")
    await expect(record(page, people.MARIA)).to_contain_text("(49) 98765-4321")
    [row] = [row for row in demo.erp.tables["cliente"] if row["cnpj_cpf"] == people.MARIA.tax_id]
    assert row["telefone_celular"] == "(49) 98765-4321"
    assert row["ultima_atualizacao"] >= before


async def test_somebody_is_added_made_inactive_and_deleted(page: Page, demo: Demo) -> None:
    await page.get_by_test_id("add").click()
    await page.get_by_role("radio", name="Fornecedor").check()
    await page.get_by_test_id("name").fill("Cabos <b>& Fios</b>")
    await page.get_by_test_id("document").fill("111.222.333-00")
    await page.get_by_test_id("save").click()
    refused = page.get_by_test_id("refused")
    await expect(refused).to_contain_text("Os dígitos verificadores não conferem")
    await page.get_by_test_id("document").fill(NEW.number)
    await page.get_by_test_id("save").click()
    new = page.get_by_test_id("record").filter(has_text=NEW.masked)
    await expect(new).to_contain_text("Cabos <b>& Fios</b>")
    await expect(page.get_by_test_id("count")).to_have_text("14 cadastros")

    await new.get_by_test_id("edit").click()
    await expect(page.get_by_test_id("document")).not_to_be_editable()
    await page.get_by_test_id("is-active").uncheck()
    await page.get_by_test_id("save").click()
    await expect(new).to_contain_text("Inativo")

    await new.get_by_test_id("ask-delete").click()
    await page.get_by_test_id("sure").get_by_role("button", name="Cancelar").click()
    await expect(new).to_have_count(1)
    await new.get_by_test_id("ask-delete").click()
    await page.get_by_test_id("delete").click()
    await expect(new).to_have_count(0)
    assert len(demo.erp.tables["fornecedor"]) == 2


async def test_it_says_when_the_demonstration_is_over(page: Page, demo: Demo) -> None:
    await demo.erp.stop()
    await page.get_by_test_id("search").fill("ana")
    await expect(page.get_by_test_id("trouble")).to_contain_text("O ERP não respondeu")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_fits_on_a_phone(browser: Browser, demo: Demo, theme: str) -> None:
    context = await new_context(
        browser,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
        locale="pt-BR",
    )
    page = await context.new_page()
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.goto(demo.erp.url)
    await page.wait_for_selector("body[data-ready]")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    # The computed colours must follow the theme: in the dark one, text is lighter than its ground.
    await record(page, people.FIBRA).get_by_test_id("edit").tap()
    await expect(page.get_by_test_id("save")).to_be_in_viewport(ratio=1)
    light = await page.evaluate(
        """["color", "backgroundColor"].map((part) =>
        getComputedStyle(document.body)[part].match(/\\d+/g).reduce((sum, n) => sum + +n, 0))"""
    )
    assert (light[0] > light[1]) is (theme == "dark")
    await context.close()


def record(page: Page, whom: DemoPerson | None = None) -> Locator:
    records = page.get_by_test_id("record")
    return records.filter(has_text=whom.tax_id) if whom else records
