"""A day at the counter: five customers, two departments, two attendants, in a real browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, Route, expect

from bot.demo import people
from bot.demo.people import DemoPerson
from bot.demo.run import ATTENDANTS, Demo
from handlers.attendant import texts as attendant_texts
from handlers.relay import texts as relay_texts
from tests.e2e.conftest import OpenDemo
from tests.e2e.demo_page import (
    CLAIM,
    CLOSE,
    PHONE,
    OpenPage,
    attach,
    attendants_pane,
    be,
    customer_pane,
    fits,
    latest,
    on_the_phone_of,
    open_topic,
    picture,
    protocol_in,
    reply_to,
    say,
    share_phone,
    shows_a_picture,
    start_reply,
    the_card,
)

pytestmark = pytest.mark.browser

_, (CAIO, _, _) = ATTENDANTS
FIRST, SECOND = "Atendimento", "Financeiro"


@pytest.fixture
async def demo(on_this_server: OpenDemo) -> AsyncIterator[Demo]:
    async with on_this_server() as demo:
        yield demo


async def test_from_the_queue_over_another_department_to_the_end(open_page: OpenPage) -> None:
    bias, caios = await open_page(), await open_page(**PHONE)
    customer, bia = customer_pane(bias), attendants_pane(bias)
    caio = await on_the_phone_of(caios, CAIO)
    for whom, department in (
        (people.ANA, FIRST),
        (people.RITA, SECOND),
        (people.JOSE, FIRST),
        (people.VALE_AZUL, SECOND),
    ):
        await arrives(bias, whom, department)
    protocol = await arrives(bias, people.MARIA, FIRST)

    # Maria came last but is first in this department, because only here she has priority.
    queue = await ask_queue(bia)
    await is_the_order(queue, "🔴 Maria das Graças Lima", "Ana Beatriz Souza", "José Antônio")
    card = the_card(bia, people.MARIA)
    await expect(card).to_contain_text("🔴🔴 PRIORIDADE · Maria das Graças Lima")
    async with as_an_old_screen(caios):
        late = the_card(caio, people.MARIA).get_by_role("button", name=CLAIM)
        async with caios.expect_request("**/demo/api/press"):
            await late.tap()
        await queue.get_by_role("button", name="✋ 1").click()
        await expect(card).to_contain_text("🟢 Em atendimento por Bia Santos")
    alert = caios.get_by_test_id("alert")
    await expect(alert).to_contain_text(attendant_texts.taken_by("Bia Santos"))
    await alert.get_by_role("button", name="OK").tap()
    await is_the_order(queue, "Ana Beatriz Souza", "José Antônio")

    await both_write(bias, card)
    await is_transferred(card, bia, reason="é sobre o boleto")
    await expect(card).to_contain_text("Transferido para 💰 Financeiro por Bia Santos")
    await expect(card).to_contain_text("é sobre o boleto")
    await expect(card.get_by_test_id("inline-button")).to_have_count(0)
    await expect(latest(customer)).to_contain_text("Seu atendimento foi transferido para")

    # In the second department she has no priority, and the others have waited longer.
    await caio.get_by_test_id("group").filter(has_text=SECOND).tap()
    await open_topic(caio, "Geral")
    queue = await ask_queue(caio)
    await is_the_order(queue, "Rita Moreira", "Transportes Vale Azul", "Maria das Graças Lima")
    await fits(caios)
    await queue.get_by_role("button", name="✋ 3").tap()
    await open_topic(caio, f"Maria das Graças Lima · {protocol}")
    card = the_card(caio, people.MARIA)
    await expect(card).to_contain_text("👤 Maria das Graças Lima")
    await expect(card).to_contain_text("Transferido de Atendimento por Bia Santos")
    await expect(card).to_contain_text("🟢 Em atendimento por Caio Melo")
    await expect(card).to_contain_text("O que você escrever neste tópico vai para o cliente.")
    await say(caio, "Oi, dona Maria, aqui é do financeiro.")
    await expect(latest(customer)).to_contain_text("aqui é do financeiro.")
    await say(customer, "Que bom! Obrigada.")
    await expect(latest(caio)).to_contain_text("Que bom! Obrigada.")
    await fits(caios)

    await card.get_by_role("button", name=CLOSE).tap()
    await expect(card).to_contain_text("⚪ Encerrado por Caio Melo")
    await expect(latest(customer)).to_contain_text("Seu atendimento foi encerrado.")
    assert await protocol_in(latest(customer)) == protocol
    closed = caio.locator(".topic.closed-topic")
    await expect(closed).to_have_text(re.compile(f"Maria das Graças Lima · {protocol}"))
    await expect(latest(caio)).to_have_text("Balcão fechou o tópico")


async def both_write(page: Page, card: Locator) -> None:
    """Exchange answers, an album and edits, and write a comment that only attendants see."""
    customer, attendants = customer_pane(page), attendants_pane(page)
    await reply_to(card, attendants, "Bom dia! Como poso ajudar?")
    answer = latest(attendants)
    await expect(latest(customer)).to_contain_text("Como poso ajudar?")
    await change(answer, attendants, "Bom dia! Como posso ajudar?")
    await expect(latest(customer)).to_contain_text("Como posso ajudar?")

    await attach(customer, *[await picture(page, name) for name in ("boleto.png", "recibo.png")])
    await customer.get_by_test_id("input").fill("o boleto e o recibo")
    await customer.get_by_test_id("send").click()
    album = attendants.locator("[data-album]")
    await expect(album).to_have_count(2)
    assert await album.first.get_attribute("data-album") == await album.last.get_attribute(
        "data-album"
    )
    await expect(album.first).to_contain_text("o boleto e o recibo")
    await shows_a_picture(album.last, width=60)

    await say(customer, "paguei na segunda")
    there = latest(attendants)
    await expect(there).to_contain_text("paguei na segunda")
    await change(latest(customer), customer, "paguei na terça")
    await expect(there).to_contain_text("paguei na terça")

    await reply_to(card, attendants, "// confiram se o pagamento caiu")
    await expect(latest(attendants).locator(".reactions")).to_have_text(relay_texts.NOTE_KEPT)
    await reply_to(card, attendants, "Vou passar ao financeiro.")
    await expect(latest(customer)).to_contain_text("Vou passar ao financeiro.")
    await expect(customer.get_by_test_id("messages")).not_to_contain_text("confiram se")


async def arrives(page: Page, whom: DemoPerson, department: str) -> str:
    """Lead a customer from the first message into a department's queue; return the protocol."""
    customer = customer_pane(page)
    await be(page, whom)
    await say(customer, f"oi, meu CPF é {whom.tax_id}")
    await share_phone(customer)
    await customer.get_by_test_id("inline-button").filter(has_text=department).click()
    return await protocol_in(latest(customer))


async def ask_queue(pane: Locator) -> Locator:
    """Send /fila and return the message with the queue."""
    await say(pane, "/fila")
    queue = pane.get_by_test_id("message").filter(has_text="aguardando · maior espera:")
    await expect(queue).to_be_visible()
    return queue


async def is_the_order(queue: Locator, *names: str) -> None:
    """Check the names of all who wait, from first to last."""
    order = ".*".join(rf"{number}\. {re.escape(name)}" for number, name in enumerate(names, 1))
    await expect(queue).to_contain_text(re.compile(rf"{len(names)} aguardando.*{order}", re.S))


async def is_transferred(card: Locator, attendants: Locator, *, reason: str) -> None:
    """Transfer to the second department: press the card's button, choose, and give the reason."""
    await card.get_by_role("button", name="Transferir").click()
    await expect(attendants.get_by_role("button", name="Caio Melo")).to_be_visible()
    await attendants.get_by_role("button", name=SECOND).last.click()
    await expect(latest(attendants)).to_contain_text("por que transferir para 💰 Financeiro?")
    await start_reply(latest(attendants))
    await say(attendants, reason)
    await expect(latest(attendants)).to_contain_text("transferido para 💰 Financeiro.")


async def change(message: Locator, pane: Locator, text: str) -> None:
    await message.hover()
    await message.get_by_test_id("edit").click()
    await say(pane, text)
    await expect(message.locator(".edited")).to_be_visible()


@asynccontextmanager
async def as_an_old_screen(page: Page) -> AsyncIterator[None]:
    """Deliver presses only at the end, as a phone without network does."""
    held: list[Route] = []
    await page.route("**/demo/api/press", lambda route: held.append(route))
    yield
    for route in held:
        await route.continue_(post_data=(route.request.post_data_json or {}) | {"force": True})
    await page.unroute("**/demo/api/press")
