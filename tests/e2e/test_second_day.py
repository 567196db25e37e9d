"""A second day at the counter: six customers, and nobody does anything in the right order."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo import people
from bot.demo.people import DemoPerson
from bot.demo.run import ATTENDANTS, FORUM_ID, GROUP_ID, Demo
from bot.wording.hours import WEEKDAYS
from handlers.admin.labels import hours_texts, ready_answer_texts
from handlers.attendant import calling_texts, correcting_texts
from handlers.attendant import texts as attendant_texts
from handlers.customer import texts
from handlers.relay import texts as relay_texts
from tests.e2e import chat
from tests.e2e.conftest import OpenDemo
from tests.e2e.demo_page import (
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
)

pytestmark = pytest.mark.browser

_, (CAIO, _, _) = ATTENDANTS
FIRST, SECOND = "Atendimento", "Financeiro"
FULL_CARD = "📋 Ficha completa"
NOWHERE = "Isso não foi para o cliente"
ANSWERS = {
    *(people.ANA.tax_id, people.JOSE.tax_id, people.STRANGE_COMPANY.tax_id),
    *(f"oi, meu CPF é {whose.tax_id}" for whose in (people.LUCIA, people.STRANGER)),
    *("sou Rita", "sou Bruno", "Bom Dia Ltda, com a Cláudia", texts.SKIP),
    *(FIRST.lower(), "/start"),
}
"""All that the six write to the bot alone, as answers to its questions."""


@pytest.fixture
async def demo(on_this_server: OpenDemo) -> AsyncIterator[Demo]:
    async with on_this_server() as demo:
        yield demo


async def test_all_in_the_wrong_order_and_not_a_word_is_lost(open_page: OpenPage, demo: Demo):
    bias, caios = await open_page(), await open_page(**PHONE)
    bia, admin = attendants_pane(bias), bias.locator("#pane-admin")
    caio = await on_the_phone_of(caios, CAIO)
    await the_admin_prepares(admin)

    ana = await writes_and_sends_a_picture_before_the_document(bias)
    jose = await sends_the_document_at_the_department_question(bias)
    rita, bruno = await two_with_a_document_that_is_not_theirs_read_the_same(bias)
    market = await a_company_is_asked_who_speaks(bias)
    maria = await begins_without_a_document(bias)

    await those_who_wait_are_named(demo, bia, admin)
    await the_queue_is_claimed_and_talked_about(bias, caio, maria)
    await a_reply_to_the_full_card_goes_to_the_customer(bias, ana)
    await another_document_is_switched_to_and_back(bias, ana)
    await a_proof_is_taken_back(bia, jose)
    await ready_answers_are_sent(bias, rita, ana)
    await a_telephone_is_corrected(bia, ana)
    await a_transfer_by_a_reply_brings_what_was_said(bias, caios, ana)
    await the_closed_department_has_kept_their_words(caios, bruno, market)
    await thanks_open_nothing_and_other_words_do(bias, jose)
    await who_left_is_called_from_the_record(bias, maria)
    assert unread_by_attendants(demo) == ANSWERS


async def the_admin_prepares(admin: Locator) -> None:
    """Write a ready answer, and close the second department for today and tomorrow."""
    await chat.say(admin, "/respostas")
    await chat.press(admin, ready_answer_texts.NEW)
    await chat.press(admin, ready_answer_texts.EVERYWHERE)
    await chat.say(admin, "pix")
    await chat.say(admin, "Olá, {nome}! A chave Pix do protocolo {protocolo} é teste@exemplo.org")
    await expect(chat.screen(admin)).to_contain_text("!pix · Todos os departamentos")

    here = datetime.now(ZoneInfo("America/Sao_Paulo"))
    opens = WEEKDAYS[(here + timedelta(days=3)).weekday()]
    await chat.say(admin, "/departamentos")
    await chat.press(admin, SECOND)
    await chat.press(admin, hours_texts.HOURS)
    await chat.press(admin, hours_texts.WRITE_HOURS)
    await chat.say(admin, f"{opens} 8h-18h")
    await expect(chat.screen(admin)).to_contain_text("Com isso, agora: fechado")
    await chat.press(admin, hours_texts.SAVE)
    await expect(chat.screen(admin)).to_contain_text(hours_texts.SAVED)


async def writes_and_sends_a_picture_before_the_document(page: Page) -> str:
    customer, bia, ana = customer_pane(page), attendants_pane(page), people.ANA
    await be(page, ana)
    await says(customer, "oi", read="envie seu CPF")
    await says(customer, "quero falar com um atendente", read=texts.GO_WITHOUT)
    await attach(customer, await picture(page, "boleto.png"))
    await customer.get_by_test_id("input").fill("o boleto que paguei")
    await customer.get_by_test_id("send").click()
    await reads(customer, "Ainda não consigo ler o número por aqui")
    await says(customer, ana.tax_id, read="Falta só confirmar que é você")
    await says(customer, "é urgente", read="para continuar sem confirmar")
    await customer.get_by_test_id("samples").click()
    await customer.get_by_role("button", name="Contato de outra pessoa").click()
    await reads(customer, "Esse contato é de outra pessoa ou foi encaminhado")
    await share_phone(customer)
    await reads(customer, texts.CHOOSE_DEPARTMENT)
    await says(customer, "a internet caiu", read="Guardei sua mensagem")
    await says(customer, FIRST.lower(), read="já foi para os atendentes")
    protocol = await protocol_in(latest(customer))
    # All that was no answer to a question of the bot's, below the card and in order.
    await in_order(
        bia,
        f"Protocolo {protocol}",
        "quero falar com um atendente",
        "o boleto que paguei",
        "é urgente",
        "a internet caiu",
    )
    await shows_a_picture(message(bia, "o boleto que paguei"), width=60)
    await expect(bia.get_by_test_id("messages")).not_to_contain_text(FIRST.lower())
    return protocol


async def sends_the_document_at_the_department_question(page: Page) -> str:
    customer, jose = customer_pane(page), people.JOSE
    await be(page, jose)
    await says(customer, "bom dia", read="envie seu CPF")
    await customer.get_by_role("button", name=texts.GO_WITHOUT).click()
    await reads(customer, texts.CHOOSE_DEPARTMENT)
    await says(customer, jose.tax_id, read="Falta só confirmar que é você")
    await share_phone(customer)
    await expect(customer.get_by_test_id("messages")).to_contain_text("Confirmado: José Antônio")
    protocol = await chooses(customer, FIRST)
    await expect(card(attendants_pane(page), protocol)).to_contain_text("✅ confirmado")
    return protocol


async def two_with_a_document_that_is_not_theirs_read_the_same(page: Page) -> tuple[str, str]:
    """Type another customer's document, and one that nobody has; share the own telephone."""
    customer, bia = customer_pane(page), attendants_pane(page)
    chats, protocols = [], []
    for whom, document, department in (
        (people.RITA, people.LUCIA.tax_id, FIRST),
        (people.STRANGER, people.STRANGER.tax_id, SECOND),
    ):
        await be(page, whom)
        await says(customer, f"oi, meu CPF é {document}", read="Falta só confirmar que é você")
        await customer.get_by_role("button", name=texts.SHARE_PHONE).click()
        await reads(customer, texts.NOT_CONFIRMED)
        chats.append(await customer.locator(".message.other .text").all_inner_texts())
        await says(customer, "tem alguém aí???", read="Guardei sua mensagem para o atendente")
        await says(customer, f"sou {whom.first_name}", read=texts.CHOOSE_DEPARTMENT)
        protocols.append(await chooses(customer, department))
    await expect(latest(customer)).to_contain_text("Pode escrever: sua mensagem fica guardada")
    assert chats[0] == chats[1]
    ritas = card(bia, protocols[0])
    await expect(ritas).to_contain_text("⚠️ Lúcia Ferreira")
    await expect(ritas).to_contain_text("⚠️ não confirmado")
    await expect(ritas).to_contain_text("Diz chamar-se: Rita")
    await expect(message(bia, "tem alguém aí???")).to_be_visible()
    return protocols[0], protocols[1]


async def a_company_is_asked_who_speaks(page: Page) -> str:
    customer, market = customer_pane(page), people.STRANGE_COMPANY
    await be(page, market)
    await says(customer, "/boleto de maio", read="envie seu CPF")
    await says(customer, market.tax_id, read="Falta só confirmar que é você")
    await customer.get_by_role("button", name=texts.SKIP).click()
    await reads(customer, texts.ASK_COMPANY)
    await says(customer, "Bom Dia Ltda, com a Cláudia", read=texts.CHOOSE_DEPARTMENT)
    protocol = await chooses(customer, SECOND)
    await expect(latest(customer)).to_contain_text("Abrimos")
    return protocol


async def begins_without_a_document(page: Page) -> str:
    """Give the document within the conversation, and prove it there."""
    customer, bia, maria = customer_pane(page), attendants_pane(page), people.MARIA
    await be(page, maria)
    await says(customer, "/start", read="envie seu CPF")
    await customer.get_by_role("button", name=texts.GO_WITHOUT).click()
    await reads(customer, texts.CHOOSE_DEPARTMENT)
    protocol = await chooses(customer, FIRST)
    there = card(bia, protocol)
    await expect(there).to_contain_text("não identificado")
    await says(customer, f"achei, o cpf é {maria.tax_id}", read="Anotei seu CPF")
    await expect(there).to_contain_text("⚠️ Maria das Graças Lima")
    await share_phone(customer)
    await reads(customer, "Confirmado: Maria das Graças Lima")
    await expect(there).to_contain_text("✅ confirmado por telefone")
    return protocol


async def those_who_wait_are_named(demo: Demo, bia: Locator, admin: Locator) -> None:
    """Run the round of reminders as in one hour."""
    remind = replace(
        demo.balcao.queue_rounds.remind, clock=lambda: datetime.now(UTC) + timedelta(hours=1)
    )
    assert await remind() == 8, "four who wait where it is open, to the group and the admins"
    await expect(message(bia, "4 clientes esperam:")).to_contain_text("Ana Beatriz Souza")
    await expect(message(admin, "4 clientes esperam há muito tempo")).to_be_visible()


async def the_queue_is_claimed_and_talked_about(page: Page, caio: Locator, protocol: str) -> None:
    """What is said to a colleague, or below a notice, stays in the group."""
    customer, bia = customer_pane(page), attendants_pane(page)
    await say(bia, "/fila")
    await message(bia, "4 aguardando").get_by_role("button", name="✋ 1").click()
    claimed = message(bia, "Bia Santos atende Maria das Graças Lima")
    await reply_to(claimed, bia, "Bom dia, dona Maria!")
    await reads(customer, "Bom dia, dona Maria!")
    await expect(message(bia, "Sua resposta vai para o cliente")).to_be_visible()
    for text, to in (
        ("essa é enrolada", message(caio, "Bom dia, dona Maria!")),
        ("é mesmo", message(caio, NOWHERE)),
    ):
        await start_reply(to)
        await say(caio, text)
    await expect(message(caio, NOWHERE)).to_have_count(2)
    await expect(card(bia, protocol)).to_contain_text("🟢 Em atendimento por Bia Santos")
    await says_to_the_group(customer, bia, "a luz está vermelha")
    await expect(customer.get_by_test_id("messages")).not_to_contain_text("enrolada")
    await expect(customer.get_by_test_id("messages")).not_to_contain_text("é mesmo")


async def a_reply_to_the_full_card_goes_to_the_customer(page: Page, protocol: str) -> None:
    customer, bia = customer_pane(page), attendants_pane(page)
    await be(page, people.ANA)
    full = await opened(card(bia, protocol), people.ANA)
    await reply_to(full, bia, "Já vejo o seu boleto, Ana.")
    await reads(customer, "Já vejo o seu boleto, Ana.")


async def another_document_is_switched_to_and_back(page: Page, protocol: str) -> None:
    customer, bia = customer_pane(page), attendants_pane(page)
    there = card(bia, protocol)
    for text, whose in (
        (f"o da minha mãe: cpf {people.RITA.tax_id}", "⚠️ Rita Moreira"),
        (f"e o meu: cpf {people.ANA.tax_id}", "✅ confirmado por telefone"),
    ):
        await say(customer, text)
        notice = message(bia, f"O cliente enviou outro CPF, {text.rpartition(' ')[2]}")
        await notice.get_by_role("button", name=relay_texts.SWITCH).click()
        await expect(there).to_contain_text(whose)


async def a_proof_is_taken_back(bia: Locator, protocol: str) -> None:
    there = card(bia, protocol)
    full = await opened(there, people.JOSE)
    await full.get_by_role("button", name=attendant_texts.TAKE_BACK).click()
    await expect(message(bia, "Confirmação desfeita por Bia Santos")).to_be_visible()
    await expect(there).to_contain_text("⚠️ não confirmado")


async def ready_answers_are_sent(page: Page, nameless: str, named: str) -> None:
    customer, bia = customer_pane(page), attendants_pane(page)
    await card(bia, named).get_by_role("button", name="💬 Respostas").click()
    await bia.get_by_role("button", name="!pix").click()
    await reads(customer, f"Olá, Ana! A chave Pix do protocolo {named}")
    await be(page, people.RITA)
    await reply_to(card(bia, nameless), bia, "!pix")
    await reads(customer, f"Olá! A chave Pix do protocolo {nameless}")


async def a_telephone_is_corrected(bia: Locator, protocol: str) -> None:
    there = card(bia, protocol)
    await there.get_by_role("button", name="✏️ Corrigir cadastro").click()
    await bia.get_by_role("button", name="📱 Celular").click()
    await start_reply(message(bia, "o celular certo de Ana Beatriz"))
    await say(bia, "49 99888-7766")
    await bia.get_by_role("button", name=correcting_texts.YES).click()
    await expect(message(bia, "não confirma a identidade de ninguém")).to_be_visible()
    await expect(there).to_contain_text("📞 (49) 99888-7766")
    await expect(there).to_contain_text("a confirmação venceu")


async def a_transfer_by_a_reply_brings_what_was_said(
    page: Page, caios: Page, protocol: str
) -> None:
    customer, bia, caio = customer_pane(page), attendants_pane(page), attendants_pane(caios)
    await reply_to(message(bia, "o boleto que paguei"), bia, "/transferir")
    targets = message(bia, "Transferir o atendimento")
    await targets.get_by_role("button", name=SECOND).click()
    await bia.get_by_role("button", name=attendant_texts.WITHOUT_REASON).click()
    # Nothing is asked any more, so what Bia writes next is no answer.
    await expect(bia.locator(".composer-context")).to_be_hidden()
    await expect(bia.get_by_test_id("input")).to_have_attribute("placeholder", "Mensagem")
    await be(page, people.ANA)
    await reads(customer, "Seu atendimento foi transferido para Financeiro. Abrimos")
    await caio.get_by_test_id("group").filter(has_text=SECOND).tap()
    await open_topic(caio, f"⚠️ Ana Beatriz Souza · {protocol}")
    said = message(caio, "O que já foi dito")
    await expect(said).to_contain_text("a internet caiu")
    await expect(said).to_contain_text("Já vejo o seu boleto, Ana.")
    await fits(caios)
    await say(caio, "Boa tarde, Ana, é o Caio.")
    await reads(customer, "Boa tarde, Ana, é o Caio.")


async def the_closed_department_has_kept_their_words(caios: Page, bruno: str, market: str) -> None:
    caio = attendants_pane(caios)
    for title, protocol, said in (
        ("⚠️ Bruno", bruno, "tem alguém aí???"),
        ("⚠️ Bom Dia Ltda, com a Cláudia", market, "/boleto de maio"),
    ):
        await open_topic(caio, f"{title} · {protocol}")
        await in_order(caio, f"Protocolo {protocol}", said)
    await fits(caios)


async def thanks_open_nothing_and_other_words_do(page: Page, protocol: str) -> None:
    customer, bia = customer_pane(page), attendants_pane(page)
    await be(page, people.JOSE)
    closed = card(bia, protocol)
    await reply_to(closed, bia, "/encerrar")
    await reads(customer, "Seu atendimento foi encerrado.")
    count = await customer.get_by_test_id("message").count()
    await says_to_the_group(customer, bia, "obrigado 🙏")
    await expect(closed).to_contain_text("⚪ Encerrado por Bia Santos")
    await says(customer, "a fatura veio errada", read="Reabri seu atendimento")
    # The customer's two messages and the answer to the second.
    await expect(customer.get_by_test_id("message")).to_have_count(count + 3)
    await expect(closed).to_contain_text("🟡 Aguardando atendente")
    await customer.get_by_role("button", name=texts.OTHER_SUBJECT).click()
    await reads(customer, texts.CHOOSE_DEPARTMENT)
    await expect(closed).to_contain_text("⚪ Encerrado pelo cliente")
    new = await chooses(customer, FIRST)
    assert new != protocol
    await in_order(bia, f"Protocolo {new}", "a fatura veio errada")


async def who_left_is_called_from_the_record(page: Page, protocol: str) -> None:
    customer, bia, admin = customer_pane(page), attendants_pane(page), page.locator("#pane-admin")
    await be(page, people.MARIA)
    await card(bia, protocol).get_by_role("button", name=CLOSE).click()
    await reads(customer, "Seu atendimento foi encerrado.")
    await chat.say(admin, "/clientes graças")
    await chat.press(admin, "Maria das Graças Lima")
    await chat.press(admin, calling_texts.CALL)
    await admin.get_by_role("button", name=FIRST, exact=True).click()
    await reads(customer, "quer falar com você, pelo departamento Atendimento")
    new = await protocol_in(latest(customer))
    await expect(message(admin, "Chamei Maria das Graças Lima")).to_contain_text(new)
    there = card(bia, new)
    await expect(there).to_contain_text("🟢 Em atendimento por Dora Lima")
    await says_to_the_group(customer, bia, "pois não?")


def unread_by_attendants(demo: Demo) -> set[str]:
    """Return what customers wrote that no group has as they wrote it."""
    telegram = demo.telegram
    lines = {
        line
        for group in (GROUP_ID, FORUM_ID)
        for one in telegram.messages(group)
        for line in _text(one).splitlines()
    }
    said = {
        _text(one)
        for whom in people.DEMO_PEOPLE
        for one in telegram.messages(whom.user_id)
        if one["from"]["id"] == whom.user_id
    }
    return said - lines - {""}


def _text(one: dict[str, Any]) -> str:
    return str(one.get("text") or one.get("caption") or "")


def message(pane: Locator, text: str) -> Locator:
    """Return the messages that say this themselves, not in what they quote."""
    says_so = pane.page.locator(".text", has_text=text)
    return pane.get_by_test_id("message").filter(has=says_so)


def card(pane: Locator, protocol: str) -> Locator:
    buttons = pane.page.get_by_role("button", name=FULL_CARD)
    return message(pane, f"Protocolo {protocol}").filter(has=buttons)


async def opened(there: Locator, whom: DemoPerson) -> Locator:
    """Press for the full card, and return it."""
    await there.get_by_role("button", name=FULL_CARD).click()
    return message(
        there.page.get_by_test_id("pane-attendants"), f"{FULL_CARD} Nome: {whom.first_name}"
    )


async def reads(customer: Locator, text: str) -> None:
    await expect(latest(customer)).to_contain_text(text)


async def says(customer: Locator, text: str, *, read: str) -> None:
    await say(customer, text)
    await reads(customer, read)


async def says_to_the_group(customer: Locator, attendants: Locator, text: str) -> None:
    await say(customer, text)
    await expect(message(attendants, text)).to_be_visible()


async def chooses(customer: Locator, department: str) -> str:
    """Press the newest button of this department; return the protocol."""
    await customer.get_by_test_id("inline-button").filter(has_text=department).last.click()
    return await protocol_in(latest(customer))


async def in_order(pane: Locator, *said: str) -> None:
    order = re.compile(".*".join(map(re.escape, said)), re.S)
    await expect(pane.get_by_test_id("messages")).to_contain_text(order)
