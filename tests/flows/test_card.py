"""The card beside the customer's identity: ERP data, and conversations open elsewhere."""

from bot.demo import people as demo
from bot.domain.conversation import Department
from handlers.attendant.calling import CallButton
from handlers.attendant.cards.keyboards import Action, CardButton
from handlers.attendant.correcting import CorrectionButton, NoteButton
from handlers.attendant.queue import QueueButton
from handlers.attendant.ready_answers import ReadyButton
from handlers.attendant.transfers import NoReasonButton, TransferButton
from handlers.relay.correction_menu import CorrectButton
from tests.flows.conftest import BIA, GROUP_ID, Customer, Start, Telegram
from tests.flows.departments import (
    buttons,
    in_billing,
)

HEX, USER, MESSAGE = "f" * 32, 2**52, 2**31


async def test_buttons_stand_two_in_a_row_and_are_those_that_can_be_used(people: Telegram):
    await people.customer(demo.ANA).is_in_conversation()

    def rows() -> list[list[str]]:
        keyboard = people.card["reply_markup"]["inline_keyboard"]
        return [[button["text"] for button in row] for row in keyboard]

    assert rows() == [
        ["✋ Atender", "📋 Ficha completa"],
        ["💬 Respostas", "📌 Observação fixa"],
        ["✏️ Corrigir cadastro", "↪️ Transferir"],
        ["☑️ Encerrar"],
    ]
    await people.press(BIA, "✋ Atender")
    assert rows() == [
        ["📋 Ficha completa", "💬 Respostas"],
        ["📌 Observação fixa", "✏️ Corrigir cadastro"],
        ["↪️ Transferir", "☑️ Encerrar"],
    ]
    await people.press(BIA, "☑️ Encerrar")
    assert rows() == [["📋 Ficha completa", "🔓 Reabrir"]]


def test_the_largest_button_fits():
    for data in (
        CardButton(action=Action.TRANSFER, conversation=HEX),
        QueueButton(conversation=HEX),
        CallButton(of=HEX, chat=USER, department=HEX[:8]),
        CorrectButton(conversation=HEX, path="phones.commercial"),
        CorrectionButton(question=MESSAGE, back=True),
        TransferButton(conversation=HEX, to=f"a.{USER}"),
        ReadyButton(conversation=HEX, answer=HEX[:12], page=999),
        TransferButton(conversation=HEX, to=f"d.{HEX[:12]}"),
        NoReasonButton(question=MESSAGE, back=True),
        NoteButton(save=True, question=MESSAGE, proposal=999),
    ):
        assert len(data.pack().encode()) <= 64


async def test_what_the_erp_says_of_each(people: Telegram):
    await people.customer(demo.ANA).is_in_conversation()
    assert "🗂 IXC · cliente nº " in people.card["text"]
    stranger = people.customer(demo.STRANGER)
    await stranger.is_in_conversation()
    await stranger.says("Beto")
    assert "🗂 ERP: não encontrado lá" in people.card["text"]
    await stranger.says("/sair")
    for word in ("oi", "1", "2", "3"):
        await stranger.says(word)
    assert "❔ não identificado" in people.card["text"]
    assert "🗂 ERP: não consultado" in people.card["text"]


async def test_without_an_erp_only_the_full_card_says_so(start: Start):
    async with start(with_erp=False) as people:
        stranger = people.customer(demo.STRANGER)
        await stranger.is_in_conversation()
        await stranger.says("Beto")
        assert "ERP" not in people.card["text"]
        await people.press(BIA, "📋 Ficha completa")
        assert "🗂 ERP: nenhum configurado" in people.messages(GROUP_ID)[-1]["text"]


async def test_what_else_is_open_for_the_same_registration_is_shown(
    people: Telegram,
    billing: Department,
):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.presses("💰 Financeiro <&>")
    people.emulator.add_user(7777, "Filho da Ana", phone="+5549977777777")
    son = Customer(people, 7777, demo.ANA)
    await son.is_in_conversation()
    await son.says("Davi")
    await son.presses("Atendimento")
    card = next(m for m in people.messages(GROUP_ID) if "✋ Atender" in buttons(m))
    assert "🔁 Também aberto em 💰 Financeiro <&>, na fila · " in card["text"]
    await people.balcao.queue_rounds.follow_registrations()
    await people.settled()
    [other] = [m for m in in_billing(people) if "✋ Atender" in buttons(m)]
    assert "🔁 Também aberto em Atendimento" in other["text"]
    # The card also shows that the other conversation was closed.
    await people.press(BIA, "☑️ Encerrar", card=card)
    await people.balcao.queue_rounds.follow_registrations()
    await people.settled()
    [other] = [m for m in in_billing(people) if "✋ Atender" in buttons(m)]
    assert "Também aberto" not in other["text"]
