import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from erp.breaker import Breaker
from erp.client import read_address
from tests.erp.conftest import IMPATIENT, QUICK, Clock, Server, make_client, read
from tests.patience import until


async def test_an_answer_is_its_json_whatever_its_content_type(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(body='{"a": [1, "é"]}', Content_Type="text/x-json; charset=utf-8")
    client = make_client(session, f"{server.url}/root")
    answer = await read(client, body={"q": "1"}, headers={"X-Mode": "list"}, params={"p": "2"})
    assert answer == {"a": [1, "é"]}
    [(method, path, headers, body)] = server.requests
    assert (method, path, body) == ("POST", "/root/people?p=2", b'{"q": "1"}')
    assert (headers["Authorization"], headers["X-Mode"]) == ("Basic c2VjcmV0", "list")


@pytest.mark.parametrize("bad", ["status", "cut"])
async def test_a_read_is_tried_again(
    session: aiohttp.ClientSession, server: Server, bad: str
) -> None:
    for _ in range(2):
        if bad == "cut":
            server.cut()
        else:
            server.answer(status=502)
    server.answer(body='"good"')
    assert await read(make_client(session, server.url)) == "good"
    assert len(server.requests) == 3


async def test_a_read_is_given_up_after_the_last_attempt(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(status=503)
    with pytest.raises(TryLaterError, match=r"ERP test people: HTTP 503"):
        await read(make_client(session, server.url))
    assert len(server.requests) == QUICK.attempts


async def test_an_error_page_is_tried_again_once(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(status=200, body="<div>erro</div>")
    with pytest.raises(TryLaterError):
        await read(make_client(session, server.url))
    assert len(server.requests) == 2


async def test_a_write_is_never_repeated(session: aiohttp.ClientSession, server: Server) -> None:
    server.answer(status=503)
    with pytest.raises(TryLaterError):
        await make_client(session, server.url).request(
            "POST", "people", what="people", is_read=False
        )
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(400, ""), (401, ""), (403, ""), (404, ""), (302, ""), (200, "nonsense")]
)
async def test_what_repetition_does_not_help_is_not_repeated(
    session: aiohttp.ClientSession, server: Server, status: int, body: str
) -> None:
    server.answer(status=status, body=body, Location="/elsewhere")
    with pytest.raises((RefusedError, UnknownRefusalError, UnreadableError)):
        await read(make_client(session, server.url))
    assert len(server.requests) == 1


def retries(log: list[Any]) -> list[Any]:
    """Return the log lines that announce a retry, each before its wait."""
    return [line for line in log if line["event"] == "stamina.retry_scheduled"]


async def test_retry_after_is_waited_for(
    session: aiohttp.ClientSession, server: Server, log: list[Any]
) -> None:
    server.answer(status=429, Retry_After="0.2")
    server.answer(body="1")
    assert await read(make_client(session, server.url)) == 1
    assert [line["wait_for"] for line in retries(log)] == [0.2]


async def test_a_long_retry_after_is_left_to_the_caller(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(status=429, Retry_After="60")
    with pytest.raises(TryLaterError) as raised:
        await read(make_client(session, server.url))
    assert raised.value.retry_after_s == 60
    assert len(server.requests) == 1


async def test_silence_is_a_time_out_and_tried_again(
    session: aiohttp.ClientSession, server: Server, log: list[Any]
) -> None:
    server.hang()
    with pytest.raises(TryLaterError, match="no answer in time"):
        await read(make_client(session, server.url, limits=IMPATIENT))
    assert len(retries(log)) == IMPATIENT.attempts - 1


async def test_the_total_ends_it_in_the_middle_of_an_attempt(
    session: aiohttp.ClientSession, server: Server, log: list[Any]
) -> None:
    server.hang()
    limits = replace(QUICK, total_s=0.05)
    with pytest.raises(TryLaterError, match="no answer in time"):
        await read(make_client(session, server.url, limits=limits))
    assert retries(log) == []


async def test_a_refused_connection_is_for_later(session: aiohttp.ClientSession) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(TryLaterError, match="ClientConnectorError"):
        await read(make_client(session, f"http://127.0.0.1:{port}"))


class NoNames(AbstractResolver):
    """A name server that knows no host."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        pass


async def test_an_unknown_host_is_for_later() -> None:
    connector = aiohttp.TCPConnector(resolver=NoNames())
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(TryLaterError, match="ClientConnectorDNSError"):
            await read(make_client(session, "http://erp.example"))


async def test_a_server_without_tls_behind_https_is_named(
    session: aiohttp.ClientSession, server: Server
) -> None:
    url = server.url.replace("http:", "https:")
    with pytest.raises(TryLaterError, match="is it a server with https"):
        await read(make_client(session, url))


async def test_an_answer_that_is_not_http_is_unreadable(session: aiohttp.ClientSession) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(UnreadableError, match="not HTTP"):
            await read(make_client(session, f"http://127.0.0.1:{port}"))


async def test_an_endless_answer_is_cut_short(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(body=b'"' + b"x" * 5000 + b'"')
    with pytest.raises(UnreadableError, match="too long"):
        await read(make_client(session, server.url, limits=replace(QUICK, answer_bytes=1000)))


async def test_no_more_requests_at_once_than_allowed(
    session: aiohttp.ClientSession, server: Server
) -> None:
    at_once = 0
    most = 0
    third_came = asyncio.Event()

    async def count(request: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once > 2:
            third_came.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(third_came.wait(), 0.02)
        at_once -= 1
        return web.json_response(1)

    server.answers.append(count)
    client = make_client(session, server.url, limits=replace(QUICK, concurrency=2))
    assert await asyncio.gather(*(read(client) for _ in range(6))) == [1] * 6
    assert most == 2


async def test_cancelling_leaves_nothing_behind_and_the_client_usable(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.hang()
    server.answer(body='"good"')
    client = make_client(session, server.url, limits=replace(QUICK, concurrency=1))
    before = asyncio.all_tasks()
    asking = asyncio.create_task(read(client))
    await until(lambda: len(server.requests) == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await read(client) == "good"
    assert len(server.requests) == 2
    assert {task for task in asyncio.all_tasks() - before if "read(" in repr(task)} == set()


async def test_a_paused_erp_is_not_asked(session: aiohttp.ClientSession, server: Server) -> None:
    clock = Clock()
    breaker = Breaker(failures=2, pause_s=30, clock=clock)
    client = make_client(session, server.url, breaker=breaker)
    server.answer(status=503)
    for _ in range(2):
        with pytest.raises(TryLaterError, match="HTTP 503"):
            await read(client)
    asked = len(server.requests)
    with pytest.raises(TryLaterError, match="paused after 2 failures"):
        await read(client)
    assert len(server.requests) == asked

    clock.now += 30
    server.answers.clear()
    server.answer(body='"well again"')
    assert await read(client) == "well again"


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("erp.example.com", "https://erp.example.com"),
        (" erp.example.com:8443/ ", "https://erp.example.com:8443/"),
        ("http://10.0.0.2", "http://10.0.0.2"),
        ("https://user:secret@erp.example.com/a?token=x#y", "https://erp.example.com/a"),
    ],
)
def test_an_address_is_a_host_or_a_url(text: str, root: str) -> None:
    assert str(read_address(text)) == root


@pytest.mark.parametrize(
    "text", ["", "  ", "ftp://erp.example.com", "https://", "http://[::1", "x:y"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(RefusedError, match="not a host or URL"):
        read_address(text)
