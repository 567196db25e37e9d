"""An admin at the table, opened as a Mini App on the demo's page in a real browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from bot.demo import people
from bot.demo.documents import make_cnpj
from bot.demo.run import ADMIN_ID, Demo, open_demo
from bot.domain.candidate import Candidate, Policy
from bot.domain.registration import ChangeSource, Kind, Provenance
from tests.browsers import new_context
from tests.e2e.accessibility import assert_accessible
from tests.e2e.chat import say, screen

pytestmark = pytest.mark.browser

SUPPLIERS = ("<i>Cabos & Fios</i> Ltda", "Torres do Sul", "Zinco e Aço")


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with open_demo(departments=1) as demo:
        by = Provenance(at=datetime.now(UTC), by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT)
        for number, name in enumerate(SUPPLIERS):
            candidate = Candidate(
                tax_id=make_cnpj(f"24709490{number:04}"),
                name=name,
                kinds=frozenset({Kind.SUPPLIER}),
            )
            await demo.balcao.apply_candidate(
                candidate, Policy(may_create=True, may_update=False), by
            )
        yield demo


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await new_context(browser, viewport={"width": 1440, "height": 900}, locale="pt-BR")
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text))
    await page.goto(demo.url)
    await page.wait_for_selector("body[data-ready]")
    yield page
    await context.close()
    # Nothing of another host, nothing that the page's own policy refuses.
    assert {url.split("/")[2].partition(":")[0] for url in asked} == {"127.0.0.1"}
    assert not [line for line in refused if "Content Security Policy" in line]
    assert not any("tgWebAppData" in url.partition("#")[0] for url in asked)


async def test_suppliers_without_a_tag_are_tagged_all_at_once_and_untagged_again(page: Page):
    admin = page.locator("#pane-admin")
    await say(admin, "/clientes")
    await screen(admin).get_by_text("📊 Tabela").click()
    table = page.frame_locator('[data-testid="mini-app-frame"]')
    # Half a telephone.
    search = table.get_by_role("searchbox")
    await search.fill(people.MARIA.phone[-8:])
    await expect(rows(table)).to_have_count(1)
    await table.get_by_role("button", name=people.MARIA.first_name).press("Enter")
    side = table.locator("#side")
    await expect(side.get_by_role("heading", level=2)).to_be_focused()
    await expect(side).to_contain_text("Mora em área rural")
    await expect(side).to_contain_text("por Dora Lima")
    await assert_accessible(page.frames[-1])
    await page.keyboard.press("Escape")
    await expect(side).to_be_hidden()
    await search.fill("")
    await expect(rows(table)).not_to_have_count(1)

    await table.get_by_text("Filtros").click()
    await table.get_by_label("Fornecedor").check()
    await table.get_by_label("Sem etiqueta").check()
    await page.keyboard.press("Escape")
    await expect(rows(table)).to_have_count(len(SUPPLIERS))
    await expect(table.get_by_role("button", name=SUPPLIERS[0])).to_be_visible()
    await table.get_by_role("button", name="Agir em todos os 3").click()
    tag = side.get_by_role("combobox", name="Etiqueta")
    await tag.select_option(label="🟠 Comercial")
    await side.get_by_role("button", name="Pôr", exact=True).first.click()
    await side.get_by_role("button", name="Gravar 3").click()
    await expect(side).to_contain_text("3 mudaram")
    # The list beside it shows that nobody is left without a tag.
    await expect(table.locator(".total")).to_contain_text("Nada encontrado")
    await side.get_by_text("Desfazer…").click()
    await side.get_by_role("button", name="Sim, desfazer").click()
    await expect(rows(table)).to_have_count(len(SUPPLIERS))
    await table.get_by_role("button", name="Tirar o filtro Sem etiqueta").click()
    await expect(table.locator(".chip")).to_have_count(1)

    # By keyboard past the tools, and at the same filters when it is opened again.
    await page.get_by_test_id("mini-app-close").click()
    await screen(admin).get_by_text("📊 Tabela").click()
    await expect(rows(table)).to_have_count(len(SUPPLIERS))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(table.locator("#list")).to_be_focused()

    # At 400 % zoom the frame is all there is, and nothing in it stays over the rows.
    await page.set_viewport_size({"width": 320, "height": 256})
    name = rows(table).first.get_by_role("button")
    await name.scroll_into_view_if_needed()
    await expect(table.get_by_role("button", name="Agir em todos")).not_to_be_in_viewport()
    await page.get_by_test_id("people-toggle").wait_for(state="hidden")


def rows(table: FrameLocator):
    return table.locator("#list tbody tr")
