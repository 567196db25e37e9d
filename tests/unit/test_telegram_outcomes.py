"""Every answer to a call becomes a result, a known refusal, or an error of ours."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from aiogram import Bot, methods
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.methods import TelegramMethod
from aiogram.types import InputMediaPhoto, Update
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import (
    Problem,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.domain.outgoing import Undelivered
from bot.domain.refusals import Refusal, Refused, find_refusal
from bot.runtime.sending.answers import read_answer
from bot.runtime.sending.repair import read
from tests.unit.documents import STABLE

SECRET = "529.982.247-25 +5511987654321 segredo"
BOT = Bot("123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

USER = {"id": 7, "is_bot": False, "first_name": "Ana"}
MESSAGE: dict[str, Any] = {
    "message_id": 5,
    "date": 1_700_000_000,
    "chat": {"id": 7, "type": "private", "first_name": "Ana"},
    "from": USER,
    "text": "oi, tudo bem?",
    "entities": [{"type": "bold", "offset": 0, "length": 2}],
    "forward_origin": {"type": "user", "sender_user": USER, "date": 1_600_000_000},
    "reply_to_message": {
        "message_id": 4,
        "date": 1_700_000_000,
        "chat": {"id": 7, "type": "private", "first_name": "Ana"},
        "photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}],
        "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
    },
    "message_thread_id": 3,
    "is_topic_message": True,
}
ADMINISTRATOR = {
    "status": "administrator",
    "user": USER,
    "can_delete_messages": True,
    "can_pin_messages": True,
}
SENDS: tuple[TelegramMethod[Any], ...] = (
    methods.SendMessage(chat_id=7, text=SECRET),
    methods.CopyMessage(chat_id=7, from_chat_id=8, message_id=9),
    methods.ForwardMessage(chat_id=7, from_chat_id=8, message_id=9),
    methods.SendMediaGroup(
        chat_id=7, media=[InputMediaPhoto(media="a"), InputMediaPhoto(media="b")]
    ),
    methods.SendSticker(chat_id=7, sticker="x"),
    methods.EditMessageText(chat_id=7, message_id=9, text=SECRET),
    methods.EditMessageCaption(chat_id=7, message_id=9, caption=SECRET),
    methods.DeleteMessage(chat_id=7, message_id=9),
    methods.PinChatMessage(chat_id=7, message_id=9),
    methods.CreateForumTopic(chat_id=7, name=SECRET),
)
READS: tuple[TelegramMethod[Any], ...] = (
    methods.GetMe(),
    methods.GetUpdates(),
    methods.GetChat(chat_id=7),
    methods.GetChatMember(chat_id=7, user_id=7),
    methods.GetFile(file_id="x"),
    methods.SetMyCommands(commands=[]),
    methods.AnswerCallbackQuery(callback_query_id="1"),
    methods.SendChatAction(chat_id=7, action="typing"),
)
# What is no answer of Telegram's, with any status.
FOREIGN = (
    f"<html><h1>502</h1>{SECRET}</html>".encode(),
    b'{"ok": true, "result": {"message_id": 5, "text": "529.982.247-25',
    b"",
    b"[]",
    b'"ok"',
    b"null",
    b'{"error": "529.982.247-25"}',
    b'{"ok": "yes", "result": true}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
)


def answer(method: TelegramMethod[Any], status: int, body: bytes | dict[str, Any]) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(BOT, method, status, raw)


def failure(method: TelegramMethod[Any], status: int, body: bytes | dict[str, Any]) -> Exception:
    """Return the error of the call, which quotes nothing of the answer or the request."""
    with pytest.raises((TryLaterError, TelegramAPIError)) as raised:
        answer(method, status, body)
    shown = "".join(traceback.format_exception(raised.value))
    for part in SECRET.split():
        assert part not in shown
    return raised.value


def refusal(code: int, description: str = f"Bad Request: {SECRET}", **more: Any) -> dict[str, Any]:
    return {"ok": False, "error_code": code, "description": description, **more}


@pytest.mark.parametrize("body", FOREIGN, ids=range(len(FOREIGN)))
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 413, 429, 500, 502, 504])
def test_what_is_not_telegrams_leaves_a_send_unconfirmed_and_a_read_for_later(
    status: int, body: bytes
):
    for send in SENDS:
        assert type(failure(send, status, body)) is UnconfirmedError
    for other in READS:
        assert type(failure(other, status, body)) is TryLaterError


@pytest.mark.parametrize("code", [400, 402, 403, 404, 406, 409 + 1, 420, 499])
def test_a_reason_that_nobody_knows_is_no_refusal(code: int):
    for method in (*SENDS, *READS):
        assert type(failure(method, code, refusal(code))) is UnknownRefusalError


@pytest.mark.parametrize("code", [500, 501, 502, 503])
def test_trouble_of_telegrams_own_was_not_done(code: int):
    for method in SENDS:
        assert type(failure(method, code, refusal(code))) is UnknownRefusalError
    for method in READS:
        assert type(failure(method, code, refusal(code))) is TryLaterError


def test_a_refused_token_is_known_by_telegrams_own_words_alone():
    for method in (*SENDS, *READS):
        error = failure(method, 401, refusal(401, "Unauthorized"))
        assert isinstance(error, TryLaterError)
        assert error.problem is Problem.BOT_TOKEN
        for body in ({"ok": False}, {"message": "Unauthorized"}, b"<h1>401</h1>"):
            other = failure(method, 401, body)
            assert isinstance(other, TryLaterError)
            assert other.problem is not Problem.BOT_TOKEN
    assert isinstance(error := failure(READS[0], 404, refusal(404, "Not Found")), TryLaterError)
    assert error.problem is Problem.BOT_TOKEN


def test_an_address_that_telegram_refuses_is_for_whoever_starts_the_bot_and_no_trouble_is():
    method = methods.SetWebhook(url="https://bot.example/telegram")
    with pytest.raises(RefusedError) as raised:
        answer(method, 400, refusal(400, "Bad Request: bad webhook: IP address is reserved"))
    assert raised.value.problem is Problem.WEBHOOK_URL
    for code in (409, 429, 500, 502):
        assert not isinstance(failure(method, code, refusal(code)), RefusedError)
    # Telegram's own, so a second try may follow.
    lost = failure(methods.DeleteWebhook(), 502, b"")
    assert not isinstance(lost, UnconfirmedError)


@pytest.mark.parametrize(
    ("body", "wait_s"),
    [
        (refusal(429, "Too Many Requests: retry after 300", parameters={"retry_after": 300}), 300),
        (refusal(429, "Too Many Requests: retry after 41"), 41),
        (refusal(429, "Too Many Requests"), 5),
        (refusal(429, "", parameters={"retry_after": "77"}), 77),
        (refusal(420, "FLOOD_WAIT_86400"), 86_400),
        (refusal(400, "Bad Request: SLOWMODE_WAIT_30"), 30),
        (refusal(500, "Internal Server Error", parameters={"retry_after": 9}), 9),
        (refusal(403, "Forbidden: x", parameters={"retry_after": 1, "new": {}}), 1),
    ],
)
def test_a_wait_is_to_the_second_whatever_the_code(body: dict[str, Any], wait_s: float):
    error = failure(SENDS[0], body["error_code"], body)
    assert isinstance(error, TelegramRetryAfter)
    assert error.retry_after == wait_s


def test_refusals_that_are_known_pass_with_the_words_that_are_known():
    for code, kind in ((400, TelegramBadRequest), (403, TelegramForbiddenError)):
        error = failure(SENDS[0], code, refusal(code, f"Bad Request: can't parse {SECRET}"))
        assert type(error) is kind
        assert error.message == "can't parse"
    assert type(failure(SENDS[0], 413, refusal(413, "x"))) is TelegramEntityTooLarge
    moved = refusal(
        400, "Bad Request: group chat was upgraded", parameters={"migrate_to_chat_id": -9}
    )
    assert isinstance(failure(SENDS[0], 400, moved), TelegramMigrateToChat)


CHAT, KIND, TOPIC, RIGHT = Refused.CHAT, Refused.KIND, Refused.TOPIC, Refused.RIGHT


@pytest.mark.parametrize(
    ("description", "what", "kind"),
    [
        ("Bad Request: not enough rights to send photos to the chat", KIND, "photo"),
        ("Bad Request: not enough rights to send video notes to the chat", KIND, "video note"),
        ("Bad Request: not enough rights to send holograms to the chat", KIND, "hologram"),
        ("Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN", KIND, "photo"),
        ("Forbidden: CHAT_SEND_GIFS_FORBIDDEN", KIND, "animation"),
        ("Bad Request: CHAT_SEND_ROUNDVIDEOS_FORBIDDEN", KIND, "video note"),
        ("Bad Request: VOICE_MESSAGES_FORBIDDEN", KIND, "voice"),
        ("Bad Request: user restricted receiving of voice messages", KIND, "voice"),
        ("Bad Request: CHAT_SEND_PLAIN_FORBIDDEN", CHAT, ""),
        ("Bad Request: not enough rights to send text messages to the chat", CHAT, ""),
        ("Bad Request: have no rights to send a message", CHAT, ""),
        ("Bad Request: CHAT_RESTRICTED", CHAT, ""),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", CHAT, ""),
        ("Bad Request: CHANNEL_PRIVATE", CHAT, ""),
        ("Bad Request: chat not found", CHAT, ""),
        ("Forbidden: bot was kicked from the supergroup chat", CHAT, ""),
        ("Forbidden: bot is not a member of the supergroup chat", CHAT, ""),
        ("Forbidden: bot was blocked by the user", CHAT, ""),
        ("Forbidden: user is deactivated", CHAT, ""),
        ("Forbidden: bot can't initiate conversation with a user", CHAT, ""),
        ("Bad Request: CHAT_ADMIN_REQUIRED", RIGHT, ""),
        ("Bad Request: not enough rights to create a topic", RIGHT, ""),
        ("Bad Request: TOPIC_CLOSED", TOPIC, ""),
        ("Bad Request: TOPIC_DELETED", TOPIC, ""),
        ("Bad Request: message thread not found", TOPIC, ""),
        ("Bad Request: message is too long", Refused.MESSAGE, ""),
        ("Bad Request: message can't be copied", Refused.MESSAGE, ""),
    ],
)
def test_a_refusal_says_what_it_refuses_however_it_is_written(
    description: str, what: Refused, kind: str
):
    found = find_refusal(description)
    assert found is not None
    assert (found.what, found.kind) == (what, kind)
    assert find_refusal(found.phrase) == found
    for written in (description.upper(), description.lower()):
        other = find_refusal(written)
        assert other is not None
        assert (other.what, other.kind, other.reason) == (what, kind, found.reason)
    assert found.is_closed is ("CLOSED" in description)


def test_an_unknown_reason_has_no_meaning():
    for description in ("", "Bad Request: boom", "Forbidden: SOMETHING_NEW", "Unauthorized"):
        assert find_refusal(description) is None
    assert find_refusal("Bad Request: message is too long") == Refusal(
        what=Refused.MESSAGE, phrase="too long", reason=Undelivered.TOO_LONG
    )


UNKNOWN = st.sampled_from(
    [{"type": "hologram"}, {"type": "photo"}, {}, [], [{"x": 1}], "odd", 10**30, None, "\ud800"]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of every part of a JSON value."""
    if path:
        yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))
        else:
            yield (*path, key)


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy with something else in this place; Ellipsis takes it away."""
    copied = json.loads(json.dumps(value))
    *parents, last = path
    inside = copied
    for key in parents:
        inside = inside[key]
    if new is ...:
        del inside[last]
    else:
        inside[last] = new
    return copied


PLACES = [p for p in places(MESSAGE) if p not in {("message_id",), ("chat",), ("chat", "id")}]


@STABLE
@given(place=st.sampled_from(PLACES), new=UNKNOWN | st.just(...), added=UNKNOWN)
def test_a_message_is_read_whatever_one_of_its_parts_is(place: Any, new: Any, added: Any):
    message = changed(MESSAGE, place, new) | {"brand_new": added}
    found = read(Update, {"update_id": 1, "message": message}, BOT).message
    assert (found.message_id, found.chat.id) == (5, 7)
    if place[0] not in {"text", "from"}:
        assert (found.text, found.from_user.id) == (MESSAGE["text"], 7)
    if place[0] == "from" and place != ("from",) and place[1] != "id":
        assert found.from_user.id == 7
    if place[0] == "reply_to_message" and place[1:] in {("date",), ("chat", "type"), ("photo", 0)}:
        assert found.reply_to_message.message_id == 4
    for method in SENDS[:1] + SENDS[2:3]:
        sent = answer(method, 200, {"ok": True, "result": message})
        assert (sent.message_id, sent.chat.id) == (5, 7)
    album = answer(SENDS[3], 200, {"ok": True, "result": [message, MESSAGE]})
    assert [one.message_id for one in album] == [5, 5]


@pytest.mark.parametrize("result", [None, True, "odd", [], {"new": 1}, {"message_id": "x"}, 5])
def test_a_send_that_telegram_has_done_is_confirmed_whatever_it_says(result: Any):
    for method in SENDS[:-1]:
        assert answer(method, 200, {"ok": True, "result": result})
    # Nobody knows where the topic is.
    assert type(failure(SENDS[-1], 200, {"ok": True, "result": result})) is UnconfirmedError
    for method in READS[:5]:
        later = failure(method, 200, {"ok": True, "result": result}) if result != [] else None
        assert later is None or isinstance(later, TryLaterError)


def test_a_message_of_which_only_the_id_can_be_read_stays_in_its_topic():
    method = methods.SendMessage(chat_id=-9, text="oi", message_thread_id=3)
    sent = answer(method, 200, {"ok": True, "result": {"message_id": 5}})
    assert (sent.message_id, sent.chat.id, sent.is_topic_message) == (5, -9, True)


def test_a_member_is_read_without_the_fields_of_newer_servers():
    method = methods.GetChatMember(chat_id=-9, user_id=7)
    member = answer(method, 200, {"ok": True, "result": ADMINISTRATOR | {"new": {"x": 1}}})
    assert (member.status, member.user.id) == ("administrator", 7)
    assert (member.can_pin_messages, member.can_promote_members) == (True, False)
    restricted = {"status": "restricted", "user": USER, "is_member": True, "until_date": 0}
    assert answer(method, 200, {"ok": True, "result": restricted}).is_member
    unknown = failure(method, 200, {"ok": True, "result": {"status": "guest", "user": USER}})
    assert type(unknown) is UnknownRefusalError
    administrators = methods.GetChatAdministrators(chat_id=-9)
    found = answer(
        administrators,
        200,
        {"ok": True, "result": [ADMINISTRATOR, {"status": "guest", "user": USER}]},
    )
    assert [one.user.id for one in found] == [7]


def test_no_error_of_the_library_passes_that_is_not_a_known_refusal():
    for method in (*SENDS, *READS):
        for code in range(400, 600, 7):
            for body in (*FOREIGN, refusal(code), refusal(code, ""), {"ok": False}):
                error = failure(method, code, body)
                assert isinstance(error, (TryLaterError, TelegramAPIError))
                if isinstance(error, TelegramAPIError):
                    assert code in (409, 413, 429)
