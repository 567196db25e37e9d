"""Each once: the reads of chat and registration within an update, and the asking for a card."""

from collections.abc import Awaitable
from typing import Any

from bot.demo import people as demo
from handlers.customer import texts
from tests.databases import Reads
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Start, Telegram

# The card is drawn outside the update, from a registration of its own moment.
OF_THE_CARD = 1


async def reading(reads: Reads, step: Awaitable[object]) -> tuple[int, int]:
    """Return how often the step reads a chat, and how often a registration."""
    reads.of.clear()
    await step
    return reads.of["chats"], reads.of["registrations"]


async def test_a_customer_of_the_erp(people: Telegram, reads: Reads):
    ana = people.customer(demo.ANA)
    assert await reading(reads, ana.says("oi")) == (1, 0)
    assert await reading(reads, ana.says(demo.ANA.tax_id)) == (1, 1)
    assert await reading(reads, ana.shares_phone()) == (1, 1 + OF_THE_CARD)
    assert "Ana Beatriz Souza" in people.card["text"]
    assert await reading(reads, ana.says("preciso de ajuda")) == (0, 0)


async def test_an_unknown_person(people: Telegram, reads: Reads):
    bruno = people.customer(demo.STRANGER)
    await bruno.says("oi")
    assert await reading(reads, bruno.says(demo.STRANGER.tax_id)) == (1, 1)
    assert await reading(reads, bruno.says(texts.SKIP)) == (1, 1)
    assert await reading(reads, bruno.says("Bruno Tavares")) == (1, 0)


async def test_the_number_alone_in_the_first_message(start: Start, reads: Reads):
    async with start(confirm_identity="off") as people:
        ana = people.customer(demo.ANA)
        assert await reading(reads, ana.says(f"oi, {demo.ANA.tax_id}")) == (1, 1 + OF_THE_CARD)


async def test_a_customer_who_returns(people: Telegram, reads: Reads):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("/sair")
    await ana.is_in_conversation()
    # Closed in the database, so that it is not reopened: a day later.
    assert people.balcao
    conversations = people.balcao.retry_lookups.conversations
    talk = await conversations.open_in(ana.id)
    assert talk
    await conversations.close(talk.id, None, at=talk.opened_at)
    assert await reading(reads, ana.says("oi")) == (1, 1 + OF_THE_CARD)
    assert "Ana Beatriz Souza" in people.messages(GROUP_ID)[-1]["text"]


async def test_a_card_is_asked_for_once_however_much_waits_behind_it(
    people: Telegram, database: Any
):
    emulator = people.emulator
    emulator.remove_member(GROUP_ID, emulator.bot.id, by=ADMIN_ID)
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("um")
    await ana.says("dois")
    assert await database["outbox"].count_documents({"what": "card"}) == 1
    emulator.add_member(GROUP_ID, emulator.bot.id, by=ADMIN_ID)
    emulator.set_admin(GROUP_ID, emulator.bot.id, by=ADMIN_ID)
    await people.settled()
    assert len(people.cards) == 1
