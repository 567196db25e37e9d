"""Updates by webhook: any number of replicas, the same inbox, and nothing for strangers."""

import asyncio
import gzip
import io
import json
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.runtime.http_server import http_server
from bot.runtime.updates import delivery
from bot.runtime.updates.webhook import SECRET_HEADER
from storage.engine.connection import answers
from storage.engine.schema import VERSION, require_version
from storage.updates.webhook import WebhookSettings
from tests.flows.conftest import GROUP_ID, Customer, Start, Telegram
from tests.flows.console import ORIGIN
from tests.flows.test_outbox import words
from tests.flows.webhook import PATH, balanced, public, replicas
from tests.patience import until

SECRET = "Um-segredo_de-32-caracteres-aqui"


async def begins(customer: Customer) -> None:
    """Open a conversation; without an ERP the name is asked for, too."""
    await customer.is_in_conversation()
    await customer.says(f"{customer.person.first_name} Lima")


async def test_two_replicas_behind_a_balancer_handle_each_update_once(
    start: Start, database: Any, telegram: BotApiEmulator
):
    async with balanced() as balancer, replicas(start, balancer, 2) as people:
        [call] = telegram.calls_of("setWebhook")
        # Generated, kept, and the same for both.
        secret = await WebhookSettings(database, telegram.bot.id).secret()
        assert len(secret) >= 43
        others = [WebhookSettings(database, 7) for _ in range(4)]
        assert len(set(await asyncio.gather(*(one.secret() for one in others)))) == 1
        assert call.params["secret_token"] == secret
        assert "message" in json.loads(call.params["allowed_updates"])
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await asyncio.gather(begins(ana), begins(jose))
        said = [f"w{number}" for number in range(4)]
        # Telegram repeats what it has no answer to, to the other replica.
        balancer.lose = 3
        for word in said:
            for customer in (ana, jose):
                telegram.send_text(customer.id, customer.id, f"{word} {customer.id}")
        await until(lambda: not telegram.pending_updates)
        await people.settled()
        await until(lambda: len(words(people, GROUP_ID)) >= 8)
        await people.settled()
        for customer in (ana, jose):
            of_one = [word for word in words(people, GROUP_ID) if str(customer.id) in word]
            assert of_one == [f"{word} {customer.id}" for word in said]
        assert min(balancer.taken.values()) > 5
        assert len(balancer.taken) == 2
        assert not await database["inbox"].count_documents({"pending": {"$gt": ""}})


async def test_strangers_and_broken_requests_store_nothing(
    start: Start, database: Any, telegram: BotApiEmulator
):
    url = f"http://127.0.0.1:9{PATH}"
    bot = start(with_erp=False, webhook_url=url, webhook_secret=SECRET, public_url=ORIGIN)
    large = b'{"update_id": 7, "message": "' + b"x" * 10_000_000 + b'"}'

    async def pieces() -> Any:
        for at in range(0, len(large), 100_000):
            yield large[at : at + 100_000]

    async with bot as people, public(people.balcao) as address, ClientSession() as http:

        async def post(body: Any, secret: str | None = SECRET, **more: Any) -> int:
            headers = {SECRET_HEADER: secret} if secret is not None else {}
            async with http.post(address + PATH, data=body, headers=headers | more) as response:
                text = await response.text()
                assert "Traceback" not in text
                assert not response.headers.get("Content-Security-Policy")
                # Without it Telegram's pauses grow and outlast the trouble.
                asks = {k: v for k, v in response.headers.items() if k == "Retry-After"}
                assert asks == ({"Retry-After": "1"} if response.status == 503 else {})
                return response.status

        good = b'{"update_id": 7, "message": {"chat": {"id": 7}}}'
        for secret in (None, "", SECRET[:-1], SECRET.lower(), "não", SECRET + "x"):
            assert await post(good, secret) == 401
        assert await post(b"\xff", "") == 401
        bad: tuple[bytes, ...] = (
            *(b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 100_000),
            *(b'{"update_id": %s}' % number for number in (b'"7"', b"true", b"7.0", b"-7")),
            b'{"update_id": 9%s}' % (b"9" * 30),
        )
        for body in bad:
            assert await post(body) == 400, body[:20]
        assert await post(b"not gzip", **{"Content-Encoding": "gzip"}) == 400
        # A body is refused by what it says of itself, by what comes, and by what it unpacks to.
        for body, more in (
            (io.BytesIO(large), {}),
            (pieces(), {}),
            (gzip.compress(large), {"Content-Encoding": "gzip"}),
        ):
            with suppress(ClientError):
                assert await post(body, **more) == 413
        assert await database["inbox"].find().to_list(None) == []
        async with http.get(address + PATH, headers={SECRET_HEADER: SECRET}) as response:
            assert response.status == 405
        for path, status in (("/", 200), ("/metrics", 404), ("/healthz", 404), ("/readyz", 404)):
            async with http.get(address + path) as response:
                assert response.status == status
                assert response.headers["Content-Security-Policy"]
        assert [await post(good), await post(good)] == [200, 200]
        assert await database["inbox"].count_documents({"update_id": 7}) == 1
        people.balcao.webhook.close()
        assert await post(good) == 503


async def test_from_polling_to_the_webhook_and_back_nothing_is_lost_or_set_twice(
    start: Start, telegram: BotApiEmulator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delivery, "_LOOK_S", 0.05)
    said: list[str] = []

    def say() -> None:
        for _ in range(2):
            said.append(f"w{len(said)}")
            telegram.send_text(demo.ANA.user_id, demo.ANA.user_id, said[-1])

    async def arrived(people: Telegram) -> None:
        say()
        await people.settled()
        assert words(people, GROUP_ID) == said

    async with balanced() as balancer:
        async with start(with_erp=False) as people:
            await begins(people.customer(demo.ANA))
            await arrived(people)
        assert not telegram.calls_of("deleteWebhook")
        say()
        # Telegram is away when it is asked the first time.
        telegram.fail_next("getWebhookInfo", 502, "Bad Gateway")
        for secret, is_set in ((SECRET, 1), (SECRET[::-1], 2)):
            async with replicas(start, balancer, webhook_secret=secret) as people:
                await arrived(people)
                assert len(telegram.calls_of("setWebhook")) == is_set
                if secret == SECRET[::-1]:
                    # By hand, or from another database: the same address with another secret.
                    bot = people.balcao.balcaos[0].bot
                    await bot.set_webhook(balancer.url, secret_token="outro")
                    await arrived(people)
            say()
        for _ in range(2):
            async with start(with_erp=False) as people:
                await arrived(people)
            assert len(telegram.calls_of("deleteWebhook")) == 1
            say()
    calls = telegram.calls_of("setWebhook") + telegram.calls_of("deleteWebhook")
    assert not any("true" in str(call.params.get("drop_pending_updates")) for call in calls)


async def test_ready_is_who_can_take_updates(start: Start, database: Any):
    meta, schema = database["meta"], {"_id": "schema"}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        async with start(with_erp=False, webhook_url=f"http://127.0.0.1:9{PATH}") as people:
            balcao = people.balcao
            await until(lambda: balcao.is_ready)
            server = http_server(
                "127.0.0.1",
                0,
                database_answers=lambda: answers(database),
                data_fits=lambda: require_version(database),
                metrics=bytes,
                is_ready=lambda: balcao.is_ready,
            )
            address = await stack.enter_async_context(server)

            async def told() -> tuple[int, Any]:
                async with http.get(f"{address}/readyz") as response:
                    return response.status, await response.json()

            for version in (VERSION - 1, VERSION + 1):
                await meta.update_one(schema, {"$set": {"version": version}}, upsert=True)
                status, body = await told()
                assert status == 503
                assert str(version) in body["database"]
            await meta.update_one(schema, {"$set": {"version": VERSION}})
            assert await told() == (200, {"status": "ok"})
        assert await told() == (503, {"status": "not ready", "process": "starting or stopping"})
