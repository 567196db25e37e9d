"""Takes the pictures in docs/guia: `.venv/bin/python docs/make_guide_pictures.py`.

Needs Chromium.
"""

import asyncio
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.Image import Dither
from playwright.async_api import (
    FilePayload,
    Locator,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from bot.demo import people
from bot.demo.documents import make_cpf
from bot.demo.run import open_demo
from bot.runtime.logs import configure_logs

FOLDER = Path(__file__).with_name("guia")
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LOWEST = 400
# On a phone the page is one chat; what only the demo has is no part of it.
ONE_CHAT = (
    ".top, .tabs, .groups, .actor-label, .pane-head .icon-button, .toast, .jump, .actions"
    " { display: none !important; }"
)
# Shows the messages from one to another, whole. Returns by how much the page is too low for them.
CROP = """([first, last]) => {
  const list = first.parentElement;
  const all = [...list.children];
  for (const one of [...all.slice(0, all.indexOf(first)), ...all.slice(all.indexOf(last) + 1)]) {
    one.style.display = "none";
  }
  const used = last.offsetTop + last.offsetHeight - first.offsetTop;
  return used + 24 - list.clientHeight;
}"""
SHOW_ALL = "(all) => all.forEach((one) => one.removeAttribute('style'))"
_ROWS = (
    ("Nome", "CPF", "Celular", "E-mail", "Tipo de registro"),
    ("Antônia Gonçalves", make_cpf(246813579).masked, "(49) 98888-0001", "", "cliente"),
    ("Benedito Ramos", make_cpf(135792468).masked, "(49) 98888-0002", "", "cliente"),
    ("Célia Prado", "111.111.111-11", "(49) 98888-0003", "celia@example.com", "cliente"),
)
FILE: FilePayload = {
    "name": "clientes.csv",
    "mimeType": "text/csv",
    "buffer": "".join(f"{';'.join(row)}\r\n" for row in _ROWS).encode("cp1252"),
}


async def main(chromium: str) -> None:
    async with open_demo() as demo, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(
            viewport=DESK,
            device_scale_factor=2,
            locale="pt-BR",
            color_scheme="light",
            # The page forbids the style that is added below.
            bypass_csp=True,
        )
        await page.goto(demo.url)
        await _at_the_counter(page)
        await _at_the_register(page)
        await browser.close()


async def _at_the_counter(page: Page) -> None:
    customer, attendants, admin = (_pane(page, key) for key in ("customer", "attendants", "admin"))
    await _ready_answer(admin)
    maria = page.get_by_test_id("person").filter(has_text=people.MARIA.tax_id)
    await maria.get_by_test_id("be-person").click()
    await customer.get_by_test_id("start").click()
    await _told(customer, "envie seu CPF")
    await _say(customer, people.MARIA.tax_id)
    await _told(customer, "Falta só confirmar")
    await _shoot(page, "cliente-comecar", customer)
    await customer.get_by_test_id("reply-button").first.click()
    await _told(customer, "Com qual departamento")
    await customer.get_by_role("button", name="Atendimento").click()
    await _told(customer, "Seu protocolo é")
    await _say(customer, "Bom dia! Perdi meu boleto deste mês.")
    await _told(attendants, "Perdi meu boleto")
    card = attendants.get_by_test_id("message").first
    await _shoot(page, "atendente-ficha", attendants, card, card)

    await card.get_by_role("button", name="Atender").click()
    await expect(card).to_contain_text("Em atendimento por")
    asked = attendants.get_by_test_id("message").filter(has_text="Perdi meu boleto").first
    await _reply(attendants, asked, "!boleto")
    await _told(customer, "2ª via")
    await _say(customer, "Achei, obrigada! Ah, e meu celular mudou: (49) 99001-7788.")
    await _told(attendants, "meu celular mudou")
    await _shoot(page, "cliente-conversa", customer, _latest(customer, "Com qual departamento"))
    await _shoot(page, "atendente-resposta", attendants, asked)

    await card.get_by_role("button", name="Corrigir cadastro").click()
    await attendants.get_by_role("button", name="Celular").click()
    question = _latest(attendants, "responda a esta mensagem")
    await _reply(attendants, question, "(49) 99001-7788")
    await _told(attendants, "Guardar?")
    await _shoot(
        page, "atendente-corrigir", attendants, _latest(attendants, "Falta o valor certo")
    )


async def _ready_answer(admin: Locator) -> None:
    await _say(admin, "/respostas")
    await admin.get_by_role("button", name="Nova resposta").click()
    await admin.get_by_role("button", name="Todos os departamentos").click()
    await _told(admin, "Com que palavra")
    await _say(admin, "boleto")
    await _told(admin, "Escreva o texto")
    await _say(
        admin,
        "Oi, {nome}! A 2ª via do boleto está no portal do cliente, em Financeiro. "
        "Seu protocolo é {protocolo}.",
    )
    await _told(admin, "Resposta guardada")


async def _at_the_register(page: Page) -> None:
    admin = _pane(page, "admin")
    await _say(admin, "/clientes Maria das Graças")
    await admin.get_by_role("button", name="Maria das Graças Lima ·").last.click()
    await _told(admin, "Criado em")
    await _shoot(page, "admin-cadastro", admin, _latest(admin, "Criado em"))
    async with page.expect_file_chooser() as chooser:
        await admin.get_by_test_id("attach").click()
    await (await chooser.value).set_files(FILE)
    await expect(admin.locator(".attachments")).to_contain_text(FILE["name"])
    await admin.get_by_test_id("input").press("Enter")
    await admin.get_by_role("button", name="Conferir arquivo").click()
    await _told(admin, "Nada foi gravado ainda")
    await _shoot(page, "admin-importar", admin, _latest(admin, "Prévia da importação"))
    await _say(admin, "/departamentos")
    await admin.get_by_role("button", name="Atendimento").last.click()
    await admin.get_by_role("button", name="Horário").last.click()
    await admin.get_by_role("button", name="Escrever o horário").last.click()
    await _told(admin, "Escreva os dias")
    await _say(admin, "seg a sex 8h-18h, sáb 8h-12h")
    await _told(admin, "Entendi assim")
    await _shoot(page, "admin-horario", admin, _latest(admin, "seg a sex 8h-18h, sáb 8h-12h"))


async def _shoot(
    page: Page, name: str, pane: Locator, first: Locator | None = None, last: Locator | None = None
) -> None:
    """Take the chat as a phone shows it, from message `first` to `last`, with no sentence cut."""
    messages = pane.get_by_test_id("message")
    ends = [
        await (first or messages.first).element_handle(),
        await (last or messages.last).element_handle(),
    ]
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")
    key = (await pane.get_attribute("id") or "").removeprefix("pane-")
    await page.evaluate("(key) => { document.body.dataset.pane = key; }", key)
    await page.set_viewport_size(PHONE)
    style = await page.add_style_tag(content=ONE_CHAT)
    height = PHONE["height"] + await page.evaluate(CROP, ends)
    await page.set_viewport_size({"width": PHONE["width"], "height": max(LOWEST, height)})
    drawn = await page.screenshot()
    few_colours = Image.open(BytesIO(drawn)).convert("RGB").quantize(128, dither=Dither.NONE)
    few_colours.save(FOLDER / f"{name}.png", optimize=True)
    await style.evaluate("(style) => style.remove()")
    await pane.locator("[data-testid=messages] > *").evaluate_all(SHOW_ALL)
    await page.set_viewport_size(DESK)


def _pane(page: Page, key: str) -> Locator:
    return page.get_by_test_id(f"pane-{key}")


def _latest(pane: Locator, text: str) -> Locator:
    return pane.get_by_test_id("message").filter(has_text=text).last


async def _reply(pane: Locator, message: Locator, text: str) -> None:
    await message.hover()
    await message.get_by_test_id("reply").click()
    await _say(pane, text)


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
