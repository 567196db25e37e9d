from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.domain.errors import (
    AppError,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from erp.answer import ErrorPageError, HttpAnswer, UnauthorizedError, read_retry_after

PAGE = b"\xef\xbb\xbf \n<div>Ocorreu um erro ao processar.</div>"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, PAGE, ErrorPageError),
        (500, PAGE, ErrorPageError),
        (504, PAGE, ErrorPageError),
        (500, b'{"error":"x"}', TryLaterError),
        (503, b"", TryLaterError),
        (408, b"", TryLaterError),
        (429, b"", TryLaterError),
        (301, b"", RefusedError),
        (302, PAGE, UnknownRefusalError),
        (400, b"{}", UnknownRefusalError),
        (401, PAGE, UnauthorizedError),
        (403, PAGE, ErrorPageError),
        (404, b"", RefusedError),
        (404, PAGE, RefusedError),
        (200, b"", UnreadableError),
        (204, b"", UnreadableError),
        (200, b'{"page":', UnreadableError),
        (200, b"\xff\xfe\x00", UnreadableError),
        (200, b"[" * 100_000, UnreadableError),
        (200, b"9" * 5_000, UnreadableError),
    ],
)
def test_each_bad_answer_becomes_its_own_error(
    status: int, body: bytes, error: type[AppError]
) -> None:
    with pytest.raises(AppError) as raised:
        HttpAnswer("ERP x people", status, {}, body, {404: "a wrong URL"}).json()
    assert type(raised.value) is error
    assert str(raised.value).startswith("ERP x people: ")


@pytest.mark.parametrize("body", [b'{"a": "\xc3\xa9"}', b'\xef\xbb\xbf{"a": "\xc3\xa9"}'])
def test_json_is_read_with_and_without_byte_order_mark(body: bytes) -> None:
    assert HttpAnswer("ERP x people", 200, {}, body).json() == {"a": "é"}


@pytest.mark.parametrize("status", [429, 503])
def test_the_error_carries_retry_after(status: int) -> None:
    with pytest.raises(TryLaterError) as raised:
        HttpAnswer("ERP x people", status, {"Retry-After": "7"}, b"").json()
    assert raised.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("0.25", 0.25),
        ("-5", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(text: str, seconds: float | None) -> None:
    assert read_retry_after(text) == seconds


def test_retry_after_as_a_date_in_the_future_is_the_time_until_then() -> None:
    text = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    seconds = read_retry_after(text)
    assert seconds is not None
    assert 590 < seconds <= 600
