"""What Telegram, a proxy or a newer Telegram answers, and what people see of it."""

from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.emulator import BotApiEmulator
from bot.demo.bot_api.faults import Raw
from bot.domain.errors import (
    Problem,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.runtime.updates import inbox
from bot.runtime.updates.polling import poll_in_turn
from handlers import access
from handlers.customer import texts as customer_texts
from tests.flows.conftest import BIA, CAIO, GROUP_ID, Clock, Start, Telegram
from tests.flows.replica import Replica, first_turn, update
from tests.patience import HANG_S, until

# Long, and not about the database.
pytestmark = pytest.mark.embedded

HTML = Raw(status=502, body=b"<html><center>502 Bad Gateway</center></html>")
AFTER_HTML = Raw(status=504, body=b"<html><center>504 Gateway Time-out</center></html>")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat an unconfirmed call as soon as Telegram answers."""
    monkeypatch.setattr(inbox, "_REPEAT_S", 0.0)


@pytest.mark.parametrize(
    "raw",
    [
        HTML,
        Raw(status=200, body=b"<html>login</html>"),
        Raw(status=401, body=b"<html>401</html>"),
        Raw(status=200, body=b'{"ok": true, "result": ['),
        Raw(status=200, body=b'{"ok": true, "result": "new"}'),
        Raw(status=200, sent_bytes=5, body=b'{"ok": true, "result": []}'),
        Raw(sent_bytes=0),
    ],
    ids=["html", "html 200", "html 401", "half", "odd", "cut", "reset"],
)
async def test_no_answer_to_the_calls_of_the_start_ends_anything(
    start: Start, telegram: BotApiEmulator, raw: Raw
):
    for method in ("getMe", "getWebhookInfo", "setMyCommands", "getUpdates"):
        telegram.fail_next(method, raw=raw)
    async with start() as people:
        assert "🔒" in await people.customer(demo.ANA).says("oi")


async def test_a_token_that_is_revoked_while_others_wait_loses_nothing(
    start: Start, database: Any
):
    async with start() as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        emulator = people.emulator
        emulator.fail_next("*", 401, "Unauthorized", times=1_000)
        for word in ("w1", "w2"):
            emulator.send_text(ana.id, ana.id, word)
        await emulator.until(lambda: emulator.pending_updates == 0)
        await people.balcao.inbox.idle()
        emulator.fail_next("getUpdates", 401, "Unauthorized")
        turn = first_turn(database)
        with pytest.raises(RefusedError) as raised:
            await poll_in_turn(people.balcao.bot, people.balcao.inbox, turn, allowed_updates=[])
        assert raised.value.problem is Problem.BOT_TOKEN
    emulator.faults.clear()
    async with start() as people:
        await emulator.until(lambda: "w2" in _texts(people, GROUP_ID))
        assert [w for w in _texts(people, GROUP_ID) if w in ("w1", "w2")] == ["w1", "w2"]


@pytest.mark.usefixtures("at_once")
async def test_html_in_the_middle_of_the_greeting_is_ridden_out(people: Telegram):
    ana = people.customer(demo.ANA)
    # The first message arrives, the second does not; then nothing answers for a while.
    people.emulator.fail_next("sendMessage", times=1, chat_id=ana.id)
    people.emulator.fail_next("*", raw=HTML, times=2)
    await ana.says("/start")
    assert len(ana.read) == len(set(ana.read)) > 0
    assert "🔒" in "".join(ana.read)
    await ana.says(demo.ANA.tax_id)
    assert "Compartilhar" in ana.read[-1]


@pytest.mark.usefixtures("at_once")
async def test_what_was_confirmed_before_is_not_said_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    await ana.says(demo.ANA.tax_id)
    # The first of several messages arrives; the answer to the second is lost.
    people.emulator.fail_next("sendMessage", chat_id=ana.id)
    people.emulator.fail_next("sendMessage", raw=AFTER_HTML, after=True, chat_id=ana.id)
    before = len(ana.read)
    await ana.shares_phone()
    welcome, *protocol = ana.read[before:]
    assert "Ana" in welcome
    assert [protocol[0]] * 2 == protocol


@pytest.mark.usefixtures("at_once")
async def test_a_call_that_is_never_confirmed_is_made_twice_and_then_told(people: Telegram):
    ana, emulator = people.customer(demo.ANA), people.emulator
    await ana.says("oi")
    before = len(emulator.calls_of("sendMessage"))
    emulator.fail_next("sendMessage", raw=AFTER_HTML, after=True, times=2, chat_id=ana.id)
    await ana.says("/ajuda")
    calls = [c.params["text"] for c in emulator.calls_of("sendMessage")[before:]]
    assert calls.count(customer_texts.HELP) == 2
    assert ana.read[-1] == customer_texts.SOMETHING_WENT_WRONG
    assert await ana.says("/ajuda") == customer_texts.HELP


async def test_a_repeat_waits_until_telegram_has_done_something_else(database: Any, clock: Clock):
    replica = Replica(database, clock)
    replica.trouble[1], replica.is_away = UnconfirmedError("no answer"), True
    await replica.inbox.take([update(1), update(2)])
    await until(lambda: replica.asked >= 1)
    replica.is_away = False
    await until(lambda: replica.asked >= 2)
    assert replica.tried == 1, "Telegram answers, and may not do yet what it is asked"
    del replica.trouble[1]
    replica.done = 1
    await replica.inbox.idle()
    assert (replica.handled, replica.set_aside) == ([1, 2], [])


async def test_a_reason_that_nobody_knows_counts_while_others_get_through(
    database: Any, clock: Clock
):
    replica = Replica(database, clock)
    replica.trouble[1] = UnknownRefusalError("500", problem=Problem.TELEGRAM_GONE)
    await replica.inbox.take([update(1, 7)])
    await until(lambda: replica.tried >= 2)
    assert replica.set_aside == []
    replica.trouble[2] = UnknownRefusalError("400")
    await replica.inbox.take([update(2, 8)])

    def others_get_through() -> bool:
        replica.done += 1
        replica.inbox.end_pauses()
        return len(replica.set_aside) == 2

    await until(others_get_through)
    assert sorted(replica.set_aside) == [
        (1, "7", "UnknownRefusalError"),
        (2, "8", "UnknownRefusalError"),
    ]


def _add(**fields: Any) -> Any:
    def change(result: Any) -> None:
        result.update(fields)

    return change


def _chat_without_type(result: Any) -> None:
    result.get("chat", {}).pop("type", None)


@pytest.mark.parametrize(
    "change",
    [
        _add(forward_origin={"type": "hologram"}, hologram={"x": 1}),
        _add(entities=[{"type": 5}], reply_markup={"inline_keyboard": [[{"new": 1}]]}),
        _chat_without_type,
        lambda result: {"message_id": result["message_id"]},
        lambda _: {"new": "kind"},
    ],
    ids=["variant", "parts", "missing", "id alone", "nothing"],
)
async def test_an_answer_with_something_new_is_a_confirmation(people: Telegram, change: Any):
    ana, emulator = people.customer(demo.ANA), people.emulator
    await ana.is_in_conversation()
    for method in ("sendMessage", "copyMessage"):
        emulator.fail_next(method, raw=Raw(change=change), times=1)
    await ana.says("w1")
    await people.group_says(BIA, "w2", reply_to=people.card["message_id"])
    assert _texts(people, GROUP_ID).count("w1") == 1
    assert ana.read.count("w2") == 1


async def test_a_member_with_something_new_is_still_a_member(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    people.emulator.fail_next(
        "getChatMember", raw=Raw(change=lambda r: {"status": "member", "user": r["user"], "x": {}})
    )
    await people.group_says(BIA, "w1", reply_to=people.card["message_id"])
    assert ana.read[-1] == "w1"
    people.emulator.fail_next("getChatMember", raw=Raw(change=_add(status="guest")))
    await people.group_says(CAIO, "w2", reply_to=people.card["message_id"])
    assert people.texts(GROUP_ID)[-1] == access.CANNOT_TELL


async def test_a_rights_list_of_an_older_server_is_read(people: Telegram):
    def older(result: dict[str, Any]) -> None:
        for name in [name for name in result if name.startswith("can_")]:
            if name not in ("can_delete_messages", "can_pin_messages"):
                del result[name]

    people.emulator.fail_next("getChatMember", raw=Raw(change=older))
    rights = await people.balcao.dispatcher["access_to_group"](GROUP_ID)
    assert rights.missing == ()


@pytest.mark.parametrize(
    "new",
    [
        {"forward_origin": {"type": "hologram", "date": 1}},
        {"external_reply": {"origin": {"type": "hologram"}, "new": 1}},
        {"reply_to_message": {"message_id": 1, "date": 1, "chat": {"id": 1}}},
        {"entities": [{"type": "new"}, {"offset": "x"}]},
        {"date": "now"},
        {"chat": {"id": demo.ANA.user_id}},
        {"from": {"id": demo.ANA.user_id}},
        {"text": {"rich": "w1"}},
    ],
    ids=lambda new: next(iter(new)),
)
async def test_a_message_with_a_part_that_nobody_knows_reaches_the_attendants(
    people: Telegram, new: dict[str, Any]
):
    ana, emulator = people.customer(demo.ANA), people.emulator
    await ana.is_in_conversation()
    sent = emulator.send_text(ana.id, ana.id, "w1")
    emulator.updates.pending[-1].update["message"] = {**sent, **new}
    await people.settled()
    assert "w1" in _texts(people, GROUP_ID)


async def test_who_wrote_what_cannot_be_read_at_all_is_told(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    sent = people.emulator.send_text(ana.id, ana.id, "w1")
    people.emulator.updates.pending[-1].update["message"] = {**sent, "message_id": {"new": 1}}
    await people.settled()
    assert ana.read[-1] == customer_texts.NOT_READABLE


async def test_a_wait_is_kept_to_the_second_without_a_call(people: Telegram):
    ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
    bot, emulator = people.balcao.bot, people.emulator
    for customer in (ana, jose):
        await customer.says("oi")
    emulator.fail_next("sendMessage", 429, retry_after=300, chat_id=ana.id)
    for _ in range(3):
        with pytest.raises(TryLaterError) as raised:
            await bot.send_message(ana.id, "w1")
        assert raised.value.retry_after_s == pytest.approx(300, abs=HANG_S)
    with pytest.raises(TryLaterError):
        await bot.copy_message(ana.id, jose.id, 1)
    await bot.send_message(jose.id, "w2")
    assert sum(c.params.get("text") == "w1" for c in emulator.calls_of("sendMessage")) == 1
    assert emulator.calls_of("copyMessage") == []


def _texts(people: Telegram, chat_id: int) -> list[str]:
    said = [m.get("text", m.get("caption", "")) for m in people.messages(chat_id)]
    return [line for text in said for line in text.splitlines()]
