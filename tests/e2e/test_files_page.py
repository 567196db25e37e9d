"""An admin imports and exports spreadsheets, on the demo's page in a real browser."""

import base64
import csv
import io
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.documents import make_cpf
from bot.demo.run import Demo
from tests.browsers import new_context
from tests.e2e.chat import screen

pytestmark = pytest.mark.browser

HEADER = ("Nome", "CPF", "Celular", "E-mail", "Tipo de registro", "Observação")
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "text/csv" }));
  const pane = document.querySelector("#pane-admin");
  const drop = { dataTransfer: data, bubbles: true, cancelable: true };
  pane.dispatchEvent(new DragEvent("drop", drop));
}"""
ROWS = 2_400


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await new_context(browser, viewport={"width": 1440, "height": 900}, locale="pt-BR")
    page = await context.new_page()
    await page.goto(demo.url)
    await page.wait_for_selector("body[data-ready]")
    yield page
    await context.close()


def spreadsheet(numbers: range, *, phone: str, note: str, bad: int = 0) -> bytes:
    """Return a CSV as Brazilian Excel saves it; with `bad`, each n-th row has a wrong CPF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for n in numbers:
        tax_id = "111.111.111-11" if bad and n % bad == 0 else make_cpf(300_000_000 + n).masked
        name, email = f"Conceição Gonçalves {n}", f"p{n}@example.com.br"
        writer.writerow((name, tax_id, f"(49) {phone}{n % 10_000:04}", email, "cliente", note))
    return text.getvalue().encode("cp1252")


async def test_a_file_is_dropped_confirmed_watched_read_and_taken_back(page: Page) -> None:
    admin = page.locator("#pane-admin")
    await drop(page, "antes.csv", spreadsheet(range(1, 21), phone="98888-", note="antiga"))
    await press(admin, "Conferir arquivo")
    await press(admin, "Importar 20")
    await expect(messages(admin, "Importação concluída")).to_have_count(1)

    await drop(
        page, "março.csv", spreadsheet(range(1, ROWS + 1), phone="97777-", note="nova", bad=100)
    )
    await expect(screen(admin)).to_contain_text("Excel (cp1252)")
    await expect(screen(admin)).to_contain_text("Nome: Conceição Gonçalves 1")
    await press(admin, "Atualizar registros existentes? Não")
    await press(admin, "Campos a atualizar")
    # Two of the file's five fields stay ticked; the presses below untick the other three.
    for field in ("Nome", "E-mail", "Tipo de cadastro"):
        await press(admin, f"☑️ {field}")
    await press(admin, "Voltar")
    await press(admin, "Conferir arquivo")
    preview = messages(admin, "Prévia da importação").last
    await expect(preview).to_contain_text("24 recusadas")
    await expect(preview).to_contain_text("2.356 novos")
    await expect(preview).to_contain_text("20 mudam")
    await expect(preview).to_contain_text("Celular: 20")
    await expect(preview).to_contain_text("Observação fixa: 20")
    await expect(preview).to_contain_text("antiga → nova")

    await press(admin, "Importar 2.376")
    report = messages(admin, "Importação concluída").nth(1)
    # A browser that is late finds the bar replaced by the report.
    await expect(messages(admin, "▓").or_(report).last).to_be_visible()
    await expect(report).to_contain_text("2.356 novos")
    await expect(report).to_contain_text("20 atualizados")
    await expect(admin.get_by_text("recusados-tarefa-2.csv")).to_be_visible()
    async with page.expect_download() as downloading:
        await admin.get_by_text("recusados-tarefa-2.csv").click()
    refused = (await (await downloading.value).path()).read_text("utf-8-sig").splitlines()
    assert len(refused) == 25
    assert refused[0].endswith("linha;erro")
    assert "todos os dígitos são iguais" in refused[1]

    await report.get_by_test_id("inline-button").filter(has_text="Desfazer").click()
    await press(admin, "Sim")
    undone = messages(admin, "da tarefa 2 desfeita").last
    await expect(undone).to_contain_text("2.356 retirados")
    await say(admin, "/clientes Conceição")
    await expect(screen(admin)).to_contain_text("20 cadastros")


def messages(pane: Locator, text: str) -> Locator:
    return pane.get_by_test_id("message").filter(has_text=text)


async def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the admin's chat and send it."""
    admin = page.locator("#pane-admin")
    await page.evaluate(DROP, [name, base64.b64encode(content).decode()])
    await expect(admin.locator(".attachments")).to_contain_text(name)
    await admin.get_by_test_id("input").press("Enter")
    await expect(screen(admin)).to_contain_text(name)


async def press(pane: Locator, text: str) -> None:
    button = screen(pane).get_by_test_id("inline-button").filter(has_text=text).first
    await button.click()
    # Each press in this test removes or changes its button.
    await expect(button).to_have_count(0)


async def say(pane: Locator, text: str) -> None:
    await pane.get_by_test_id("input").fill(text)
    await pane.get_by_test_id("input").press("Enter")
