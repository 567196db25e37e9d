"""Conversations between customer and attendants, and all that can interrupt them."""

import asyncio
from datetime import timedelta

import pytest

from bot.demo import people as demo
from handlers.admin import texts as admin_texts
from handlers.answers import EXPIRED_BUTTON
from handlers.attendant import texts as attendant_texts
from handlers.customer import texts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    """A customer whose conversation is open."""
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def test_what_the_customer_writes_reaches_the_group_below_the_card(
    people: Telegram, ana: Customer
):
    await ana.says("estou sem internet <b>desde</b> ontem & hoje")
    sent = people.messages(GROUP_ID)[-1]
    assert sent["text"] == "💬 Ana Beatriz Souza\nestou sem internet <b>desde</b> ontem & hoje"
    assert sent["reply_to_message"]["message_id"] == people.card["message_id"]


@pytest.mark.parametrize(
    "kind", ["photo", "document", "audio", "voice", "video", "video_note", "animation", "sticker"]
)
async def test_media_goes_both_ways(people: Telegram, ana: Customer, kind: str):
    await ana.sends(kind, name="a.bin", mime="application/octet-stream")
    in_group = people.messages(GROUP_ID)[-1]
    assert kind in in_group
    assert in_group["reply_to_message"]["message_id"] == people.card["message_id"]
    people.emulator.send_file(
        BIA, GROUP_ID, kind, b"y" * 64, name="b.bin", reply_to=in_group["message_id"]
    )
    await people.settled()
    received = people.messages(ana.id)[-1]
    assert kind in received
    assert received["from"]["is_bot"]


async def test_a_reply_to_the_card_or_to_a_message_reaches_the_customer(
    people: Telegram, ana: Customer
):
    await ana.says("sem internet")
    message = people.messages(GROUP_ID)[-1]
    await people.group_says(BIA, "Boa tarde, Ana!", reply_to=people.card["message_id"])
    await people.group_says(BIA, "Já vou ver.", reply_to=message["message_id"])
    answer = people.messages(GROUP_ID)[-1]
    await people.group_says(CAIO, "Ele é enrolado.", reply_to=answer["message_id"])
    assert "você respondeu a um colega" in people.texts(GROUP_ID)[-1]
    await people.group_says(BIA, "É um minuto.", reply_to=answer["message_id"])
    assert ana.read[-3:] == ["Boa tarde, Ana!", "Já vou ver.", "É um minuto."]


async def test_writing_without_replying_is_said_to_reach_nobody_once_a_day(
    people: Telegram, ana: Customer
):
    for text in ("Bom dia, Ana!", "Ana?"):
        await people.group_says(BIA, text, reply_to=None)
    await people.group_says(CAIO, "Quem pega?", reply_to=None)
    hints = [text for text in people.texts(GROUP_ID) if "responda à ficha" in text]
    assert len(hints) == 2
    assert "<protocol>" in ana.read[-1]


async def test_a_reply_to_a_copy_that_was_never_linked_is_said_to_reach_nobody(
    people: Telegram, ana: Customer
):
    people.emulator.fail_next("sendMessage", 502, chat_id=GROUP_ID, after=True)
    await ana.says("sem internet")
    copies = [m for m in people.messages(GROUP_ID) if "sem internet" in m.get("text", "")]
    before = ana.read
    await people.group_says(BIA, "Já vou ver.", reply_to=copies[0]["message_id"])
    told = people.messages(GROUP_ID)[-1]
    assert told["text"].startswith("⚠️ Isso não foi para o cliente")
    assert ana.read == before


async def test_attendants_talking_to_each_other_reach_no_customer(people: Telegram, ana: Customer):
    before = ana.read
    await people.group_says(BIA, "alguém viu?", reply_to=None)
    talk = people.messages(GROUP_ID)[-1]
    await people.group_says(CAIO, "eu não", reply_to=talk["message_id"])
    assert ana.read == before


async def test_claiming_shows_who_has_it_and_takes_the_button_away(
    people: Telegram, ana: Customer
):
    assert "Aguardando" in people.card["text"]
    assert await people.press(BIA, "✋ Atender") == attendant_texts.CLAIMED
    assert "Em atendimento por Bia" in people.card["text"]
    assert "✋ Atender" not in str(people.card["reply_markup"])


async def test_two_attendants_press_at_the_same_instant_and_one_is_told_who(
    people: Telegram, ana: Customer
):
    card = people.card["message_id"]
    presses = [
        people.emulator.press(user_id, GROUP_ID, card, text="✋ Atender")
        for user_id in (BIA, CAIO)
    ]
    await people.settled()
    answers = [people.emulator.callback_answer(press) for press in presses]
    assert sorted(answer["text"] for answer in answers) == sorted(
        [attendant_texts.CLAIMED, attendant_texts.taken_by("Bia")]
    )
    assert [answer["show_alert"] for answer in answers] == [False, True]


async def test_two_replicas_claim_at_once_and_one_wins(people: Telegram, ana: Customer):
    """Call the use case directly: without the inbox's ordering, the database decides."""
    from bot.domain.conversation import Attendant
    from bot.usecases.attending.attend import Attend, Done, TakenBy

    attend: Attend = people.balcao.dispatcher["attend"]
    conversation = await attend.conversations.open_in(ana.id)
    outcomes = await asyncio.gather(
        *(
            attend.claim(conversation.id, Attendant(id=n, name=f"N{n}"), group_id=GROUP_ID)
            for n in range(8)
        )
    )
    winners = [o for o in outcomes if isinstance(o, Done)]
    assert len(winners) == 1
    holder = winners[0].conversation.claimed_by
    assert all(o.attendant == holder for o in outcomes if isinstance(o, TakenBy))
    assert sum(isinstance(o, TakenBy) for o in outcomes) == 7


async def test_answering_claims_a_conversation_that_nobody_has(people: Telegram, ana: Customer):
    await people.group_says(CAIO, "Oi, Ana", reply_to=people.card["message_id"])
    assert "Em atendimento por Caio" in people.card["text"]


async def test_the_full_card_shows_everything_on_record(people: Telegram, ana: Customer):
    await people.press(BIA, "📋 Ficha completa")
    full = people.messages(GROUP_ID)[-1]["text"]
    for shown in (demo.ANA.tax_id, "Ana Beatriz Souza", "cliente101@exemplo.com.br", "IXC"):
        assert shown in full


async def test_closing_tells_the_customer_the_protocol(people: Telegram, ana: Customer):
    assert await people.press(BIA, "☑️ Encerrar") == attendant_texts.CLOSED_NOW
    assert "encerrado" in ana.read[-1]
    assert "<protocol>" in ana.read[-1]
    assert "Encerrado por Bia" in people.card["text"]
    assert "☑️ Encerrar" not in str(people.card["reply_markup"])


async def test_an_answer_to_a_closed_conversation_is_not_lost_silently(
    people: Telegram, ana: Customer
):
    await people.press(BIA, "☑️ Encerrar")
    before = ana.read
    await people.group_says(BIA, "mais uma coisa", reply_to=people.card["message_id"])
    assert "não foi enviada" in people.texts(GROUP_ID)[-1]
    assert ana.read == before


async def test_stale_buttons_are_answered_and_change_nothing(people: Telegram, ana: Customer):
    card = people.card
    data = {
        b["text"]: b["callback_data"]
        for row in card["reply_markup"]["inline_keyboard"]
        for b in row
    }
    await people.press(BIA, "☑️ Encerrar")
    for text in ("✋ Atender", "☑️ Encerrar"):
        pressed = people.emulator.press(
            CAIO, GROUP_ID, card["message_id"], data=data[text], force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"] == attendant_texts.already_closed(
            "Bia"
        )
    for forged in ("card:a:0000", "card:a", "bogus", "notme"):
        pressed = people.emulator.press(
            CAIO, GROUP_ID, card["message_id"], data=forged, force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"]
    assert "Encerrado por Bia" in people.card["text"]


async def test_a_card_button_pressed_outside_its_group_shows_nothing(
    people: Telegram, ana: Customer
):
    """Show nothing to a customer who forges callback data: it is never trusted."""
    buttons = [b for row in people.card["reply_markup"]["inline_keyboard"] for b in row]
    assert len(buttons) == 7
    stranger = people.customer(demo.STRANGER)
    await stranger.says("oi")
    message_id = people.messages(stranger.id)[-1]["message_id"]
    for button in buttons:
        pressed = people.emulator.press(
            stranger.id, stranger.id, message_id, data=button["callback_data"], force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"] == EXPIRED_BUTTON
    assert len(stranger.read) == 1
    conversation = await people.balcao.retry_lookups.conversations.open_in(ana.id)
    assert conversation.claimed_by is None


async def test_a_customer_who_blocked_the_bot_is_said_to_the_attendant(
    people: Telegram, ana: Customer
):
    people.emulator.block_bot(ana.id)
    await people.group_says(BIA, "Ana?", reply_to=people.card["message_id"])
    assert "bloqueou o bot" in people.texts(GROUP_ID)[-1]
    await people.press(BIA, "☑️ Encerrar")
    assert "bloqueou o bot" in people.texts(GROUP_ID)[-1]


async def test_a_customer_who_returns_is_recognised_by_name(
    people: Telegram, ana: Customer, clock: Clock
):
    await people.press(BIA, "☑️ Encerrar")
    clock.advance(timedelta(hours=13))
    said = await ana.says("voltou a cair")
    assert "Olá de novo, Ana Beatriz Souza!" in said
    assert len(people.cards) == 2
    assert people.messages(GROUP_ID)[-1]["text"].endswith("voltou a cair")
    assert "🕘" in people.card["text"]


async def test_who_returns_unverified_is_shown_only_the_covered_number(
    people: Telegram, clock: Clock
):
    maria = people.customer(demo.MARIA, phone="+5511977770000")
    await maria.says("oi")
    await maria.says(demo.MARIA.tax_id)
    await maria.shares_phone()
    await maria.says("Eu Mesma")
    await people.press(BIA, "☑️ Encerrar")
    clock.advance(timedelta(hours=13))
    said = await maria.says("oi de novo")
    assert "***." in said
    assert "Maria" not in said


async def test_not_you_switches_to_another_person(people: Telegram, ana: Customer):
    await people.press(BIA, "☑️ Encerrar")
    await ana.says("oi")
    assert await ana.presses(texts.NOT_ME) == texts.ASK_TAX_ID_AGAIN.replace("<b>", "").replace(
        "</b>", ""
    )
    assert "Encerrado pelo cliente" in people.card["text"]
    await ana.says(demo.JOSE.tax_id)
    await ana.says(texts.SKIP)
    await ana.says("José")
    assert demo.JOSE.tax_id in people.card["text"]


async def test_leaving_unlinks_the_chat_and_ends_the_conversation(people: Telegram, ana: Customer):
    assert await ana.says("/sair") == texts.UNLINKED_AND_CLOSED
    assert "Encerrado pelo cliente" in people.card["text"]
    assert "CPF" in await ana.says("oi")
    assert await ana.says("/sair") == texts.UNLINKED
    assert await ana.says("/sair") == texts.NOTHING_TO_UNLINK


async def test_commands_in_a_conversation_are_not_sent_on(people: Telegram, ana: Customer):
    assert await ana.says("/ajuda") == texts.HELP
    assert "continua aberto" in await ana.says("/start")
    assert not any(m.get("text", "")[:1] == "/" for m in people.messages(GROUP_ID))


async def test_priority_traits_and_note_stand_on_the_card(people: Telegram):
    from bot.domain.candidate import Candidate, Policy
    from bot.domain.registration import ChangeSource, Provenance
    from bot.domain.tax_id import read_tax_id

    balcao = people.balcao
    tax_id = read_tax_id(demo.MARIA.tax_id)
    await balcao.retry_lookups.look_up(tax_id)
    provenance = Provenance(at=balcao.retry_lookups.clock(), by="admin:1", way=ChangeSource.CHAT)
    local = Policy(may_create=False, may_update=True)
    await balcao.apply_candidate(
        Candidate(
            tax_id=tax_id,
            traits=("idosa", "<script>"),
            alert_traits=True,
            priority_departments=frozenset(("atendimento",)),
            fixed_note="Confirme & anote <i>tudo</i>.",
        ),
        local,
        provenance,
    )
    maria = people.customer(demo.MARIA)
    await maria.is_in_conversation()
    lines = people.card["text"].splitlines()
    assert lines[0] == "🔴🔴 PRIORIDADE · Maria das Graças Lima"
    assert "❗ Atenção: idosa, <script>" in lines
    assert "📌 Observação fixa: Confirme & anote <i>tudo</i>." in lines


async def test_traits_are_shown_only_when_flagged(people: Telegram):
    from bot.domain.candidate import Candidate, Policy
    from bot.domain.registration import ChangeSource, Provenance
    from bot.domain.tax_id import read_tax_id

    balcao = people.balcao
    tax_id = read_tax_id(demo.MARIA.tax_id)
    await balcao.retry_lookups.look_up(tax_id)
    provenance = Provenance(at=balcao.retry_lookups.clock(), by="admin:1", way=ChangeSource.CHAT)
    await balcao.apply_candidate(
        Candidate(tax_id=tax_id, traits=("idosa",)),
        Policy(may_create=False, may_update=True),
        provenance,
    )
    maria = people.customer(demo.MARIA)
    await maria.is_in_conversation()
    assert "idosa" not in people.card["text"]
    assert "PRIORIDADE" not in people.card["text"]
    await people.press(BIA, "📋 Ficha completa")
    assert "idosa" in people.messages(GROUP_ID)[-1]["text"]


async def test_an_inactive_customer_is_marked(people: Telegram):
    carlos = people.customer(demo.CARLOS)
    await carlos.is_in_conversation()
    assert "Inativo" in people.card["text"]


async def test_a_group_that_cannot_be_reached_is_no_dead_end(people: Telegram):
    people.emulator.remove_member(GROUP_ID, people.emulator.bot.id, by=ADMIN_ID)
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert any("<protocol>" in text for text in ana.read[-2:])
    assert any("fica guardado" in text for text in ana.read[-2:])
    assert people.texts(ADMIN_ID) == [
        admin_texts.group_unreachable("Atendimento").replace("<b>", "").replace("</b>", "")
    ]
    assert await ana.says("alguém?") == ""
    people.emulator.add_member(GROUP_ID, people.emulator.bot.id, by=ADMIN_ID)
    people.emulator.set_admin(GROUP_ID, people.emulator.bot.id, by=ADMIN_ID)
    await ana.says("agora vai")
    assert "Ana Beatriz Souza" in people.card["text"]
    said = [m["text"].splitlines()[-1] for m in people.messages(GROUP_ID)[-2:]]
    assert said == ["alguém?", "agora vai"]


async def test_asked_to_wait_the_order_is_kept(people: Telegram, ana: Customer):
    people.emulator.fail_next("sendMessage", 429, retry_after=1, chat_id=GROUP_ID)
    for word in ("um", "dois", "três"):
        people.emulator.send_text(ana.id, ana.id, word)
    await people.settled()
    said = [m["text"].splitlines()[-1] for m in people.messages(GROUP_ID)[-3:]]
    assert said == ["um", "dois", "três"]


async def test_a_message_that_fails_three_times_is_set_aside_and_the_next_goes_on(
    people: Telegram, ana: Customer
):
    people.emulator.fail_next("sendMessage", 400, "Bad Request: boom", times=3, chat_id=ana.id)
    await ana.says("/ajuda")
    assert ana.read[-1] == texts.SOMETHING_WENT_WRONG
    assert "posta de lado" in people.texts(ADMIN_ID)[-1]
    await ana.says("e agora?")
    assert people.messages(GROUP_ID)[-1]["text"].endswith("e agora?")


async def test_a_restart_changes_nothing_for_the_person_who_is_typing(start: Start):
    async with start() as people:
        ana = people.customer(demo.ANA)
        await ana.says("oi")
        await ana.says(demo.ANA.tax_id)
    people.emulator.send_contact(ana.id, ana.id)
    async with start() as people:
        await people.settled()
        assert "<protocol>" in ana.read[-1]
        assert len(people.cards) == 1


async def test_an_admin_is_not_asked_for_a_cpf(people: Telegram):
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, "/start")
    await people.settled()
    assert "administrador" in people.texts(ADMIN_ID)[-1]
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, "oi")
    await people.settled()
    assert "Busca: “oi”" in people.texts(ADMIN_ID)[-1]


async def test_updates_that_the_library_does_not_know_are_no_trouble(
    people: Telegram, ana: Customer
):
    await people.balcao.inbox.take([{"update_id": 5, "surprise": {"chat": {"id": ana.id}}}])
    await people.balcao.inbox.take([{"update_id": 6, "message": {"chat": {"id": ana.id}}}])
    await people.balcao.inbox.idle()
    await ana.says("oi")
    assert people.messages(GROUP_ID)[-1]["text"].endswith("oi")


async def test_a_closing_cut_short_still_tells_the_customer(people: Telegram, ana: Customer):
    """Telegram fails between the closing and the message; the press is retried."""
    people.emulator.fail_next("sendMessage", 502, "Bad Gateway", chat_id=ana.id)
    await people.press(BIA, "☑️ Encerrar")
    assert sum("foi encerrado" in text for text in ana.read) == 1
    assert "Encerrado por Bia" in people.card["text"]
    data = next(
        b["callback_data"] for row in people.card["reply_markup"]["inline_keyboard"] for b in row
    ).replace("card:f", "card:e")
    people.emulator.press(BIA, GROUP_ID, people.card["message_id"], data=data, force=True)
    await people.settled()
    assert sum("foi encerrado" in text for text in ana.read) == 1


async def test_a_card_that_telegram_does_not_take_keeps_nobody_from_the_group(people: Telegram):
    people.emulator.fail_next(
        "sendMessage", 400, "Bad Request: can't parse entities", chat_id=GROUP_ID
    )
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert "toque em Ficha completa" in people.card["text"]
    await ana.says("sem internet")
    assert people.messages(GROUP_ID)[-1]["text"].endswith("sem internet")
    await people.press(BIA, "✋ Atender")
    assert "Em atendimento por Bia" in people.card["text"], "the next edit shows it all"
