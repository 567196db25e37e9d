"""The demo's ERP and the register that is synced with it, on both pages in a real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo import people
from bot.demo.run import Demo
from tests.browsers import new_context
from tests.e2e.chat import press, say, screen

pytestmark = pytest.mark.browser

DESKTOP, PHONE = (1440, 900), (390, 844)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, demo: Demo
) -> AsyncIterator[Page]:
    width, height = request.param
    context = await new_context(
        browser, viewport={"width": width, "height": height}, locale="pt-BR"
    )
    troubles: list[str] = []
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    page = await context.new_page()
    await page.goto(demo.url)
    await page.wait_for_selector("body[data-ready]")
    if request.param == PHONE:
        await page.get_by_test_id("tab-admin").click()
    yield page
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    await context.close()
    assert troubles == []


async def test_the_erps_people_come_and_a_change_there_comes_after_them(page: Page) -> None:
    admin = page.locator("#pane-admin")
    await say(admin, "/sincronizar")
    await expect(screen(admin)).to_contain_text("nenhuma ainda, sem horário automático")
    await press(admin, "🔁 Sincronização completa")
    report = await report_of(admin, "Tarefa 1")
    # Three of the demo's people are in the register from the start.
    await expect(report).to_contain_text("8 novos")
    await expect(report).to_contain_text("0 registros recusados")
    await say(admin, "/clientes")
    await expect(screen(admin)).to_contain_text("11 cadastros")
    await expect(screen(admin)).to_contain_text("Paulo Henrique Dias")

    await change_phone_in_the_erp(page, "49 98765-4321")
    await press(admin, "Sincronização rápida")
    report = await report_of(admin, "Tarefa 2")
    await expect(report).to_contain_text("rápida, lendo só o que mudou")
    await expect(report).to_contain_text("1 atualizado")

    await say(admin, "/clientes graças")
    await expect(screen(admin)).to_contain_text("1 cadastro")
    await press(admin, "Maria das Graças Lima")
    await expect(screen(admin)).to_contain_text("Celular: (49) 98765-4321")
    # Data that only the register has stays.
    await expect(screen(admin)).to_contain_text("Mora em área rural")
    await press(admin, "Auditoria")
    await press(admin, "Celular")
    await expect(screen(admin)).to_contain_text("Celular: (49) 99001-0003 → (49) 98765-4321")
    await say(admin, "/auditoria")
    newest = screen(admin).get_by_test_id("inline-button").first
    await expect(newest).to_contain_text("Maria das Graças Lima")
    await newest.click()
    await expect(screen(admin)).to_contain_text("por ERP (sincronização)")
    await say(admin, "/tarefas")
    await expect(screen(admin)).to_contain_text("Sincronização rápida")
    await say(admin, "/status")
    await expect(screen(admin)).to_contain_text("0 novos, 1 atualizado, sem horário automático")


async def change_phone_in_the_erp(page: Page, phone: str) -> None:
    """Change Maria's phone on the ERP's screen, opened through the link on the chat page."""
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="ERP de demonstração").click()
    erp = await opened.value
    await erp.wait_for_selector("body[data-ready]")
    await erp.get_by_test_id("search").fill("gracas")
    record = erp.get_by_test_id("record").filter(has_text=people.MARIA.tax_id)
    await record.get_by_test_id("edit").click()
    await erp.get_by_test_id("mobile").fill(phone)
    await erp.get_by_test_id("save").click()
    await expect(erp.get_by_test_id("said")).to_contain_text("salvo")
    await erp.close()


async def report_of(pane: Locator, job: str) -> Locator:
    """Return the final report, once the message with the progress is gone."""
    messages = pane.get_by_test_id("message")
    report = messages.filter(has_text=f"{job} · Sincronização concluída")
    await expect(report).to_have_count(1)
    await expect(messages.filter(has_text="⏳")).to_have_count(0)
    return report
