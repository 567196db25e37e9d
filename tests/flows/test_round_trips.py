"""The commands to the database that one relayed message costs, in both directions."""

from collections.abc import Awaitable

import pytest

from bot.demo import people as demo
from bot.runtime.sending.limits import Limits
from bot.runtime.sending.overall import Rate
from tests.databases import Reads
from tests.flows.conftest import BIA, GROUP_ID, Start
from tests.patience import HANG_S

# What runs by itself: rounds over jobs, syncs and conversations to delete, renewal of leases and
# of the share of Telegram's limit.
BESIDE = frozenset(
    {
        *(("find", name) for name in ("jobs", "syncs", "meta")),
        *(("update", name) for name in ("locks", "limits")),
        ("aggregate", "limits"),
    }
)
# So many that none has to wait, as a message that waits is stored once more.
LIMITED = Limits(overall=Rate(1000, 0.2))
RELAYED = sorted(
    [
        ("insert", "inbox"),
        ("find", "conversations"),
        ("insert", "outbox"),
        ("insert", "relayed"),
        ("update", "outbox"),
        # Beside the last two.
        ("update", "inbox"),
    ]
)
# The first word after an answer, and the first answer to it, also begin and end a wait.
TURN = sorted([*RELAYED, ("update", "conversations")])


async def commands_of(reads: Reads, step: Awaitable[object]) -> list[tuple[str, str]]:
    """Return (command, collection) of all that the step has the server do."""
    reads.commands.clear()
    await step
    return sorted(one for one in reads.commands if one not in BESIDE)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep leases and what was read: on a busy machine they could end between two steps, and the
    look for what other replicas have left could come between them."""
    monkeypatch.setattr("bot.runtime.chat_tasks._SWEEP_S", HANG_S)
    monkeypatch.setattr("bot.runtime.sending.outbox._WAITED_S", HANG_S)
    monkeypatch.setattr("bot.runtime.sending.sender._FRESH_S", HANG_S)
    monkeypatch.setattr("bot.runtime.leases._KEPT_S", HANG_S)


async def test_a_relayed_message_costs_six_commands_in_each_direction(start: Start, reads: Reads):
    async with start(limits=LIMITED) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        card = people.card["message_id"]
        await people.group_says(BIA, "Bom dia, Ana", reply_to=card)
        assert await commands_of(reads, ana.says("bom dia")) == TURN
        assert await commands_of(reads, ana.says("preciso de ajuda")) == RELAYED
        asked = people.messages(GROUP_ID)[-1]
        assert asked["text"].endswith("preciso de ajuda")
        for reply_to, cost in ((card, TURN), (card, RELAYED), (asked["message_id"], RELAYED)):
            answer = people.group_says(BIA, "pois não", reply_to=reply_to)
            assert await commands_of(reads, answer) == cost
        assert people.messages(ana.id)[-1]["reply_to_message"]["text"] == "preciso de ajuda"


async def test_in_a_topic_too(start: Start, reads: Reads):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        topic_id = people.card["message_thread_id"]

        async def says(text: str) -> None:
            people.emulator.send_text(BIA, GROUP_ID, text, thread_id=topic_id)
            await people.settled()

        await says("Bom dia, Ana")
        for cost in (TURN, RELAYED):
            assert await commands_of(reads, ana.says("preciso de ajuda")) == cost
        for cost in (TURN, RELAYED):
            assert await commands_of(reads, says("pois não")) == cost
        assert ana.read[-1] == "pois não"
