"""The control API over HTTP: its calls, its event stream, and the requests that it refuses."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from bot.demo.bot_api import BotApiEmulator, Scene, Switch
from tests.demo.conftest import ANA, BRUNO, GROUP
from tests.patience import HANG_S


@pytest.fixture
async def http(emulator: BotApiEmulator) -> AsyncIterator[ClientSession]:
    async with ClientSession(emulator.url) as session:
        yield session


async def act(http: ClientSession, name: str, **values: Any) -> Any:
    async with http.post(f"/demo/api/{name}", json=values) as response:
        assert response.status == 200, await response.text()
        return (await response.json())["result"]


async def test_a_world_can_be_built_and_driven_over_http(
    emulator: BotApiEmulator, http: ClientSession
) -> None:
    await act(http, "user", id=50, first_name="Eva")
    await act(http, "group", id=-1001000000050, title="Grupo", members=[50, BRUNO])
    sent = await act(http, "text", user_id=50, chat_id=50, text="oi")
    edited = await act(
        http, "edit", user_id=50, chat_id=50, message_id=sent["message_id"], text="olá"
    )
    assert edited["text"] == "olá"
    form = FormData({"user_id": "50", "chat_id": "50", "kind": "document", "caption": "lista"})
    form.add_field("file", b"a;b", filename="lista.csv", content_type="text/csv")
    async with http.post("/demo/api/file", data=form) as response:
        document = (await response.json())["result"]["document"]
    async with http.get(f"/demo/files/{document['file_id']}") as response:
        assert await response.read() == b"a;b"
        assert response.content_type == "application/octet-stream"
    async with http.get("/demo/api/state", params={"chat_id": "50", "last": "1"}) as response:
        state = await response.json()
    [chat] = state["chats"].values()
    assert [message["caption"] for message in chat["messages"]] == ["lista"]
    assert state["pending_updates"] == 3
    assert emulator.token not in json.dumps(state)


async def test_a_refused_action_says_why(http: ClientSession) -> None:
    async with http.post(
        "/demo/api/text", json={"user_id": ANA, "chat_id": GROUP, "text": "oi"}
    ) as response:
        assert response.status == 409
        assert "is not in chat" in (await response.json())["error"]
    async with http.post("/demo/api/text", data="{}") as response:
        assert response.status == 415


async def read_event(stream: Any) -> tuple[str, str, Any]:
    """Return the next event as (id, kind, data) and skip comments."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(HANG_S):
        while True:
            line = (await stream.readline()).decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                return fields.get("id", ""), fields["event"], json.loads(fields["data"])


async def test_the_stream_goes_on_where_it_was_broken(
    emulator: BotApiEmulator, http: ClientSession
) -> None:
    async with http.get("/demo/api/state") as response:
        seq = (await response.json())["seq"]
    emulator.send_text(ANA, ANA, "um")
    async with http.get("/demo/events", params={"since": seq}) as stream:
        last_id, kind, data = await read_event(stream.content)
        assert (kind, data["message"]["text"]) == ("message", "um")
        emulator.send_text(ANA, ANA, "dois")
        assert (await read_event(stream.content))[2]["message"]["text"] == "dois"
    emulator.send_text(ANA, ANA, "três")
    async with http.get("/demo/events", headers={"Last-Event-ID": last_id}) as stream:
        texts = [(await read_event(stream.content))[2]["message"]["text"] for _ in range(2)]
    assert texts == ["dois", "três"]


FOREIGN = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    # Another page on this machine.
    {"Origin": "http://127.0.0.1:1"},
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "127.0.0.1.evil.example"},
    # What a picture's address sends.
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
)


@pytest.mark.parametrize("since", ["another-1", "nonsense", "RUN-99999"])
async def test_a_stream_that_cannot_go_on_asks_to_read_everything(
    emulator: BotApiEmulator, http: ClientSession, since: str
) -> None:
    since = since.replace("RUN", emulator.changes.run)
    async with http.get("/demo/events", params={"since": since}) as stream:
        assert (await read_event(stream.content))[1] == "reset"


async def test_other_sites_and_other_names_are_kept_out(
    emulator: BotApiEmulator, http: ClientSession
) -> None:
    token = f"/bot{emulator.token}"
    paths = ("/", "/demo/api/state", f"{token}/getMe", f"{token}/close", f"/file{token}/a.txt")
    for path in paths:
        for headers in FOREIGN:
            async with http.get(path, headers=headers) as response:
                assert response.status == 403, (path, headers)
    for path in ("/demo/api/state", f"{token}/getMe"):
        for own in ({"Origin": emulator.url}, {"Sec-Fetch-Site": "same-origin"}):
            async with http.get(path, headers=own) as response:
                assert response.status == 200


async def test_a_link_from_another_page_opens_the_page_and_calls_nothing(
    emulator: BotApiEmulator, http: ClientSession
) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with http.get("/", headers=link) as response:
        assert response.status == 200
    async with http.get(f"/bot{emulator.token}/getMe", headers=link) as response:
        assert response.status == 403


def test_each_emulator_draws_a_token_of_its_own() -> None:
    first, second = BotApiEmulator(), BotApiEmulator()
    assert first.token != second.token
    assert first.bot.id == second.bot.id == int(first.token.partition(":")[0])


async def test_a_switch_takes_only_its_own_values(
    emulator: BotApiEmulator, http: ClientSession
) -> None:
    state = {"erp": "normal"}
    erp = Switch(
        key="erp",
        label="ERP",
        options=[("normal", "normal"), ("down", "fora do ar")],
        get=lambda: state["erp"],
        set=lambda value: state.update(erp=value),
    )
    async with http.get("/demo/api/scene") as response:
        assert response.status == 404
    emulator.serve_page(
        Scene(people=(), groups=(GROUP,), attendants=(BRUNO,), admin_id=ANA, switches=(erp,))
    )
    async with http.post("/demo/api/switch", json={"key": "erp", "value": "down"}) as response:
        assert await response.json() == {"value": "down"}
    async with http.post("/demo/api/switch", json={"key": "erp", "value": "on"}) as response:
        assert response.status == 400
    async with http.get("/demo/api/scene") as response:
        assert (await response.json())["switches"][0]["value"] == "down"


async def test_the_page_allows_nothing_from_outside(http: ClientSession) -> None:
    for path in ("/", "/static/app.js", "/static/base.css", "/static/icon.svg"):
        async with http.get(path) as response:
            assert response.status == 200
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            body = await response.text()
            outside = [word for word in body.split() if "://" in word]
            assert all("www.w3.org" in word for word in outside), outside
    async with http.get("/static/../page.py") as response:
        assert response.status == 404


async def test_it_runs_alone_and_stops_on_a_signal() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.demo.bot_api", "--token", "77:t", stdout=subprocess.PIPE
    )
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    async with ClientSession() as session, session.get(f"{url}/bot77:t/getMe") as response:
        assert (await response.json())["result"]["id"] == 77
    process.terminate()
    assert await process.wait() == 0
