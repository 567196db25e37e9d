"""Takes the screenshot docs/demo.png: `.venv/bin/python docs/make_picture.py`. Needs Chromium."""

import asyncio
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.Image import Dither
from playwright.async_api import Locator, Page, async_playwright, expect

from bot.demo import people
from bot.demo.run import open_demo
from bot.runtime.logs import configure_logs

PICTURE = Path(__file__).with_name("demo.png")
WIDTH, HEIGHT = 1440, 900


async def main(chromium: str) -> None:
    async with open_demo() as demo, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, locale="pt-BR", color_scheme="light"
        )
        await page.goto(demo.url)
        await _serve_maria(page)
        drawn = await page.screenshot()
        await browser.close()
    # 256 colours: a third of the size, with no visible difference.
    few_colours = Image.open(BytesIO(drawn)).convert("RGB").quantize(256, dither=Dither.NONE)
    few_colours.save(PICTURE, optimize=True)


async def _serve_maria(page: Page) -> None:
    customer = page.get_by_test_id("pane-customer")
    attendants = page.get_by_test_id("pane-attendants")
    maria = page.get_by_test_id("person").filter(has_text=people.MARIA.tax_id)
    await maria.get_by_test_id("be-person").click()
    await customer.get_by_test_id("start").click()
    await _told(customer, "envie seu CPF")
    await maria.get_by_test_id("copy-tax-id").click()
    await customer.get_by_test_id("send").click()
    await customer.get_by_test_id("reply-button").first.click()
    await customer.get_by_role("button", name="Atendimento").click()
    await _told(customer, "Seu protocolo é")
    card = attendants.get_by_test_id("message").first
    await card.get_by_role("button", name="Atender").click()
    await expect(card).to_contain_text("Em atendimento por")
    # A short dialog, so that the card stays in the picture from its priority mark down.
    await card.hover()
    await card.get_by_test_id("reply").click()
    await _say(attendants, "Bom dia! Como posso ajudar?")
    await _told(customer, "Como posso ajudar?")
    await _say(customer, "Bom dia! Estou sem internet.")
    await _told(attendants, "sem internet")
    admin = page.get_by_test_id("pane-admin")
    await _say(admin, f"/titular {people.MARIA.tax_id}")
    await _told(admin, "Anonimizar")
    await _say(admin, "/fila")
    await _told(admin, "1 em atendimento")
    # Hide what shows only for a moment: the toast, and the effects of pointer and focus.
    await expect(attendants.get_by_test_id("toast")).to_be_hidden()
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")


async def _say(pane: Locator, text: str) -> None:
    await pane.get_by_test_id("input").fill(text)
    await pane.get_by_test_id("input").press("Enter")
    await _told(pane, text)


async def _told(pane: Locator, text: str) -> None:
    await expect(pane.get_by_test_id("messages")).to_contain_text(text)


if __name__ == "__main__":
    path = shutil.which("chromium")
    if path is None:
        sys.exit("no Chromium on PATH")
    configure_logs(level="WARNING", log_format="console")
    asyncio.run(main(path))
