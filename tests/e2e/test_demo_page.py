"""The whole product on the demo's page in a real browser."""

import asyncio
import re

import pytest
from playwright.async_api import FilePayload, Page, expect

from bot.demo import people
from bot.demo.run import ATTENDANTS, GROUP_ID, Demo, open_demo
from handlers.attendant import texts as attendant_texts
from handlers.customer import texts
from tests.e2e.demo_page import (
    CLAIM,
    CLOSE,
    PHONE,
    OpenPage,
    attach,
    attendants_pane,
    be,
    customer_pane,
    downloaded,
    fits,
    in_conversation,
    latest,
    person,
    protocol_in,
    reply_to,
    say,
    share_phone,
    shows_a_picture,
    start_reply,
    text_file,
    the_card,
)

pytestmark = pytest.mark.browser

(BIA, _, _), (CAIO, _, _) = ATTENDANTS


async def test_a_known_customer_is_recognised_served_and_seen_off(page: Page) -> None:
    customer, attendants = customer_pane(page), attendants_pane(page)
    await be(page, people.MARIA)
    await customer.get_by_test_id("start").click()
    await expect(latest(customer)).to_contain_text("envie seu CPF")
    await person(page, people.MARIA).get_by_test_id("copy-tax-id").click()
    await expect(customer.get_by_test_id("input")).to_have_value(people.MARIA.tax_id)
    await customer.get_by_test_id("send").click()
    await share_phone(customer)

    await expect(customer.get_by_test_id("messages")).to_contain_text(
        "Confirmado: Maria das Graças Lima"
    )
    protocol = await protocol_in(latest(customer))

    card = the_card(attendants, people.MARIA)
    await expect(card).to_contain_text(
        re.compile(r"^Balcão\s*🔴🔴 PRIORIDADE · Maria das Graças Lima")
    )
    await expect(card).to_contain_text("Maria das Graças Lima")
    await expect(card).to_contain_text("✅ confirmado por telefone")
    await expect(card).to_contain_text("❗ Atenção: idosa, prefere ligação")
    await expect(card).to_contain_text("📌 Observação fixa: Mora em área rural")
    await expect(card).to_contain_text(f"Protocolo {protocol}")
    await expect(card).to_contain_text("🟡 Aguardando atendente")

    await card.get_by_role("button", name=CLAIM).click()
    await expect(attendants.get_by_test_id("toast")).to_have_text(attendant_texts.CLAIMED)
    await expect(card).to_contain_text("🟢 Em atendimento por Bia Santos")
    await expect(card.get_by_role("button", name=CLAIM)).to_have_count(0)

    await reply_to(card, attendants, "Bom dia, dona Maria! Como posso ajudar?")
    await expect(latest(customer)).to_contain_text("Bom dia, dona Maria! Como posso ajudar?")
    await say(customer, "Estou sem internet desde ontem.")
    await expect(latest(attendants)).to_contain_text("Estou sem internet desde ontem.")
    await expect(latest(attendants).locator(".sender")).to_have_text("Balcão")
    await reply_to(latest(attendants), attendants, "Já estou vendo.")
    await expect(latest(customer)).to_contain_text("Já estou vendo.")

    await card.get_by_role("button", name=CLOSE).click()
    await expect(attendants.get_by_test_id("toast")).to_have_text(attendant_texts.CLOSED_NOW)
    await expect(card).to_contain_text("⚪ Encerrado por Bia Santos")
    await expect(latest(customer)).to_contain_text("Seu atendimento foi encerrado.")
    assert await protocol_in(latest(customer)) == protocol


async def test_who_chooses_a_department_reaches_its_group(open_page: OpenPage) -> None:
    """The second department's group is a forum; the first one's stays plain."""
    async with open_demo() as both:
        page = await open_page(url=both.url)
        customer, attendants = customer_pane(page), attendants_pane(page)
        await be(page, people.ANA)
        await say(customer, f"oi, meu CPF é {people.ANA.tax_id}")
        await share_phone(customer)
        choice = customer.get_by_test_id("inline-button").filter(has_text="Financeiro")
        await choice.click()
        await expect(latest(customer)).to_contain_text("Departamento: Financeiro")
        tab = attendants.get_by_test_id("group").filter(has_text="Financeiro")
        await expect(tab.locator(".badge")).not_to_have_count(0)
        await expect(attendants.get_by_test_id("message")).to_have_count(0)
        await tab.click()
        await attendants.get_by_test_id("topic-list-toggle").click()
        await attendants.get_by_test_id("topic-row").last.click()
        card = the_card(attendants, people.ANA)
        await card.get_by_role("button", name=CLAIM).click()
        await expect(card).to_contain_text("🟢 Em atendimento por Bia Santos")
        await reply_to(card, attendants, "Bom dia, Ana!")
        await expect(latest(customer)).to_contain_text("Bom dia, Ana!")


async def test_with_the_erp_down_the_customer_is_served_and_the_card_follows(page: Page) -> None:
    customer, attendants = customer_pane(page), attendants_pane(page)
    switch = page.get_by_test_id("switch-erp")
    await switch.get_by_text("fora do ar").click()
    await be(page, people.ANA)
    await say(customer, "oi")
    await expect(latest(customer)).to_contain_text("envie seu CPF")
    await say(customer, people.ANA.tax_id)
    await share_phone(customer)
    await expect(latest(customer)).to_have_text(re.compile(re.escape(texts.ASK_NAME)))
    await say(customer, "Aninha")
    await protocol_in(latest(customer))

    card = the_card(attendants, people.ANA)
    await expect(card).to_contain_text("⚠️ Aninha")
    await expect(card).to_contain_text("⏳ ERP não consultado")
    await expect(card).not_to_contain_text("confirmado por telefone")

    await switch.get_by_text("normal").click()
    await expect(card).to_contain_text("👤 Ana Beatriz Souza")
    await expect(card).to_contain_text("✅ confirmado por telefone")
    await expect(card).to_contain_text("🗂 IXC · cliente nº ")
    await expect(card).not_to_contain_text("ERP não consultado")
    # The card is still the one of before, with the greeting below it.
    await expect(attendants.get_by_test_id("message")).to_have_count(2)
    await expect(latest(attendants)).to_contain_text("oi")


async def test_pictures_and_files_go_both_ways(page: Page) -> None:
    customer, attendants = customer_pane(page), attendants_pane(page)
    await be(page, people.JOSE)
    card = await in_conversation(page, people.JOSE)

    picture: FilePayload = {
        "name": "roteador.png",
        "mimeType": "image/png",
        "buffer": await page.screenshot(clip={"x": 0, "y": 0, "width": 320, "height": 200}),
    }
    await attach(customer, picture)
    await customer.get_by_test_id("input").fill("a luz está vermelha")
    await customer.get_by_test_id("send").click()
    await expect(latest(attendants)).to_contain_text("a luz está vermelha")
    await shows_a_picture(latest(attendants), width=320)

    await attach(customer, text_file("contrato.txt", "Contrato do José"))
    await customer.get_by_test_id("send").click()
    await expect(latest(attendants)).to_contain_text("contrato.txt")
    assert await downloaded(latest(attendants)) == ("contrato.txt", "Contrato do José")

    await start_reply(card)
    await attach(attendants, picture | {"name": "exemplo.png"})
    await attendants.get_by_test_id("input").fill("deve ficar assim")
    await attendants.get_by_test_id("send").click()
    await expect(latest(customer)).to_contain_text("deve ficar assim")
    await shows_a_picture(latest(customer), width=320)

    await start_reply(card)
    await attach(attendants, text_file("segunda via.txt", "R$ 99,90"))
    await attendants.get_by_test_id("send").click()
    await expect(latest(customer)).to_contain_text("segunda via.txt")
    assert await downloaded(latest(customer)) == ("segunda via.txt", "R$ 99,90")
    await expect(card).to_contain_text("🟢 Em atendimento por Bia Santos")


async def test_who_presses_too_late_is_told_who_has_it(page: Page, demo: Demo) -> None:
    attendants = attendants_pane(page)
    await be(page, people.ANA)
    card = await in_conversation(page, people.ANA)
    await attendants.get_by_test_id("actor").select_option(str(CAIO))
    # Bia claims first, but Telegram is slow to remove the button from Caio's screen.
    taken_off = asyncio.Event()
    demo.telegram.fail_next("editMessageText", held=taken_off, chat_id=GROUP_ID)
    message_id = int(await card.get_attribute("data-message-id") or 0)
    demo.telegram.press(BIA, GROUP_ID, message_id, text=CLAIM)
    await card.get_by_role("button", name=CLAIM).click()
    alert = page.get_by_test_id("alert")
    await expect(alert).to_contain_text(attendant_texts.taken_by("Bia Santos"))
    taken_off.set()
    await alert.get_by_role("button", name="OK").click()
    await expect(alert).to_be_hidden()
    await expect(card).to_contain_text("🟢 Em atendimento por Bia Santos")
    await expect(card.get_by_role("button", name=CLAIM)).to_have_count(0)


async def test_the_main_job_fits_on_a_phone(open_page: OpenPage) -> None:
    page = await open_page(**PHONE)
    customer, attendants = customer_pane(page), attendants_pane(page)
    await page.get_by_test_id("people-toggle").tap()
    await person(page, people.MARIA).get_by_test_id("be-person").tap()
    await expect(page.get_by_test_id("people")).to_be_hidden()
    await customer.get_by_test_id("start").tap()
    await expect(latest(customer)).to_contain_text("envie seu CPF")
    await fits(page)
    await page.get_by_test_id("people-toggle").tap()
    await person(page, people.MARIA).get_by_test_id("copy-tax-id").tap()
    await expect(page.get_by_test_id("people")).to_be_hidden()
    await customer.get_by_test_id("send").tap()
    await expect(customer.get_by_test_id("reply-button").first).to_be_in_viewport()
    await fits(page)
    await customer.get_by_role("button", name=texts.SHARE_PHONE).tap()
    await protocol_in(latest(customer))
    await fits(page)

    tab = page.get_by_test_id("tab-attendants")
    await expect(tab.locator(".badge")).to_have_text("1")
    await tab.tap()
    await expect(customer).to_be_hidden()
    card = the_card(attendants, people.MARIA)
    await expect(card).to_be_in_viewport()
    await expect(card).to_contain_text("🔴🔴 PRIORIDADE · Maria das Graças Lima")
    await expect(card.get_by_role("button", name=CLAIM)).to_be_in_viewport(ratio=1)
    await expect(card.get_by_role("button", name=CLOSE)).to_be_in_viewport(ratio=1)
    await fits(page)
