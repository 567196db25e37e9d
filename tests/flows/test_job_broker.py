"""Job ids reach a worker, in process and over a real NATS server."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.jobs.broker import JobBroker, open_broker
from tests.flows.nats import NatsServer, nats_server
from tests.storage.servers import until

SECRET = "s3cr/t@x"
LOGIN = "balcao:s3cr%2Ft%40x@"
# Time-out for a broker that is not there.
SOON_S = 0.3
CONFIGURED = f'authorization {{ user: balcao, password: "{SECRET}" }}'


class Worker:
    """A worker that records its jobs, and stays at work while the gate is closed."""

    def __init__(self, *, gate_open: bool = True) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.cancelled: list[str] = []
        self.trouble: dict[str, Exception] = {}
        self.most_at_once = 0
        self.gate = asyncio.Event()
        if gate_open:
            self.gate.set()
        self._at_once = 0

    async def __call__(self, job_id: str) -> None:
        self.begun.append(job_id)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if error := self.trouble.get(job_id):
                raise error
            await self.gate.wait()
            self.done.append(job_id)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # a real worker releases its lease in the database
            self.cancelled.append(job_id)
            raise
        finally:
            self._at_once -= 1


async def send_until_it_is_taken(carrier: JobBroker, job_id: str) -> None:
    """Send the id, with a retry after each `TryLaterError`, until the broker takes it."""
    while True:
        try:
            return await carrier.send(job_id)
        except TryLaterError:
            continue


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as running:
        yield running


@pytest.fixture(params=["in_process", "nats"])
async def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "in_process":
        yield ""
        return
    async with nats_server(tmp_path) as running:
        yield running.url()


# Both kinds of broker


async def test_every_id_arrives_once(broker_url: str) -> None:
    worker = Worker()
    ids = [f"job-{number}" for number in range(50)]
    async with open_broker(broker_url, worker) as carrier:
        for job_id in ids:
            await carrier.send(job_id)
        await until(lambda: len(worker.done) >= 50)
    assert sorted(worker.done) == sorted(ids)


async def test_sending_does_not_wait_for_work_of_which_so_much_is_done_at_once(
    broker_url: str,
) -> None:
    worker = Worker(gate_open=False)
    async with open_broker(broker_url, worker, at_once=3) as carrier:
        for number in range(9):
            await carrier.send(str(number))
        await until(lambda: len(worker.begun) >= 3)
        assert worker.done == []
        worker.gate.set()
        await until(lambda: len(worker.done) == 9)
    assert worker.most_at_once == 3


async def test_work_that_fails_does_not_stop_the_next(broker_url: str) -> None:
    worker = Worker()
    worker.trouble = {str(number): ValueError("no such file") for number in range(5)}
    async with open_broker(broker_url, worker) as carrier:
        for number in range(6):
            await carrier.send(str(number))
        await until(lambda: worker.done == ["5"])
    assert sorted(worker.begun) == ["0", "1", "2", "3", "4", "5"]


async def test_the_same_id_may_be_sent_again(broker_url: str) -> None:
    worker = Worker()
    async with open_broker(broker_url, worker) as carrier:
        await carrier.send("again")
        await carrier.send("again")
        await until(lambda: worker.done == ["again", "again"])


async def test_leaving_cancels_what_runs_and_waits_for_it(broker_url: str) -> None:
    worker = Worker(gate_open=False)
    async with open_broker(broker_url, worker, at_once=2) as carrier:
        for number in range(5):
            await carrier.send(str(number))
        await until(lambda: len(worker.begun) == 2)
    assert sorted(worker.cancelled) == sorted(worker.begun)
    assert (len(worker.begun), worker.done) == (2, [])


async def test_leaving_by_an_error_cancels_too(broker_url: str) -> None:
    worker = Worker(gate_open=False)

    async def fail() -> None:
        async with open_broker(broker_url, worker) as carrier:
            await carrier.send("job")
            await until(lambda: worker.begun == ["job"])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert worker.cancelled == ["job"]


async def test_a_closed_carrier_sends_nothing(broker_url: str) -> None:
    async with open_broker(broker_url, Worker()) as carrier:
        pass
    with pytest.raises(TryLaterError):
        await carrier.send("job")


async def test_work_logs_its_job_and_not_the_update_that_sent_it(broker_url: str) -> None:
    seen: list[dict[str, object]] = []

    async def work(_: str) -> None:
        seen.append(structlog.contextvars.get_contextvars())

    async with open_broker(broker_url, work) as carrier:
        with structlog.contextvars.bound_contextvars(update_id=7):
            await carrier.send("first")
            await carrier.send("second")
        await until(lambda: len(seen) == 2)
    assert sorted(seen, key=str) == [{"job": "first"}, {"job": "second"}]


async def test_work_may_send(broker_url: str) -> None:
    done: list[str] = []

    async def work(job_id: str) -> None:
        if job_id == "import":
            await carrier.send("undo")
        done.append(job_id)

    async with open_broker(broker_url, work, at_once=1) as carrier:
        await carrier.send("import")
        await until(lambda: done == ["import", "undo"])


# Several processes


async def test_an_id_reaches_one_of_two_workers(server: NatsServer) -> None:
    one, other = Worker(), Worker()
    async with open_broker(server.url(), one), open_broker(server.url(), other) as carrier:
        await carrier.send("job")
        await until(lambda: bool(one.done + other.done))
        await carrier.send("last")
        await until(lambda: "last" in one.done + other.done)
    assert sorted(one.done + other.done) == ["job", "last"]


async def test_two_workers_share_the_work(server: NatsServer) -> None:
    one, other = Worker(gate_open=False), Worker(gate_open=False)
    ids = [f"{number:02}" for number in range(50)]
    async with (
        open_broker(server.url(), one),
        open_broker(server.url(), other),
        open_broker(server.url(), None) as carrier,
    ):
        for job_id in ids:
            await carrier.send(job_id)
        await until(lambda: len(one.begun) == len(other.begun) == 2)
        one.gate.set()
        other.gate.set()
        await until(lambda: len(one.done + other.done) >= 50)
    assert sorted(one.done + other.done) == ids


async def test_who_is_busy_leaves_ids_to_those_who_come_later(server: NatsServer) -> None:
    busy, free = Worker(gate_open=False), Worker()
    async with open_broker(server.url(), busy) as carrier:
        for number in range(6):
            await carrier.send(str(number))
        await until(lambda: len(busy.begun) == 2)
        async with open_broker(server.url(), free):
            await until(lambda: len(free.done) == 4)
        assert len(busy.begun) == 2


async def test_an_id_waits_for_a_worker(server: NatsServer) -> None:
    async with open_broker(server.url(), None) as carrier:
        await carrier.send("job")
    server.kill()
    await server.start()
    worker = Worker()
    async with open_broker(server.url(), worker):
        await until(lambda: worker.done == ["job"])


async def test_queues_on_one_server_are_apart(server: NatsServer) -> None:
    ours, theirs = Worker(), Worker()
    async with (
        open_broker(server.url(), ours, queue="balcao") as carrier,
        open_broker(server.url(), theirs, queue="balcao_2") as other,
    ):
        await carrier.send("ours")
        await other.send("theirs")
        await until(lambda: bool(ours.done and theirs.done))
    assert (ours.done, theirs.done) == (["ours"], ["theirs"])


# Trouble with the server


async def test_goes_on_after_a_restart_of_the_server(server: NatsServer) -> None:
    worker = Worker(gate_open=False)
    ids = [f"{number:02}" for number in range(20)]
    async with open_broker(server.url(), worker) as carrier:
        for job_id in ids[:10]:
            await carrier.send(job_id)
        await until(lambda: len(worker.begun) == 2)
        server.kill()
        worker.gate.set()
        await until(lambda: len(worker.done) == 2)
        await server.start()
        for job_id in ids[10:]:
            await send_until_it_is_taken(carrier, job_id)
        await until(lambda: set(worker.done) == set(ids))


async def test_goes_on_after_the_server_lost_its_files(server: NatsServer) -> None:
    worker = Worker()
    async with open_broker(server.url(), worker) as carrier:
        await carrier.send("before")
        await until(lambda: worker.done == ["before"])
        server.kill()
        shutil.rmtree(server.files)
        await server.start()
        await send_until_it_is_taken(carrier, "after")
        await until(lambda: worker.done == ["before", "after"])


async def test_goes_on_after_the_server_ended_the_connection(server: NatsServer) -> None:
    worker = Worker()
    async with (
        open_broker(server.url(), worker),
        open_broker(server.url(), None) as carrier,
    ):
        server.configure("max_connections: 1")
        server.reload()
        await until(lambda: server.connections < 2)
        server.configure("")
        server.reload()
        await send_until_it_is_taken(carrier, "job")
        await until(lambda: worker.done == ["job"])


async def test_a_broker_that_is_down_is_said_in_time(
    server: NatsServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.kill()
    server.configure(CONFIGURED)
    with monkeypatch.context() as hasty:
        hasty.setattr("bot.runtime.jobs.jetstream.ANSWER_S", SOON_S)
        with pytest.raises(TryLaterError) as at_opening:
            async with open_broker(server.url(LOGIN), Worker()):
                pass
    await server.start()
    async with open_broker(server.url(LOGIN), Worker()) as carrier:
        server.kill()
        with monkeypatch.context() as hasty:
            hasty.setattr("bot.runtime.jobs.broker.ANSWER_S", SOON_S)
            with pytest.raises(TryLaterError) as at_sending:
                await carrier.send("job")
    for text in (caplog.text, _with_causes(at_opening.value), _with_causes(at_sending.value)):
        assert "s3cr" not in text


async def test_wrong_credentials_are_refused(
    server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    server.configure(CONFIGURED)
    await server.start()
    with pytest.raises(RefusedError, match="credentials") as refused:
        async with open_broker(server.url("balcao:s3cret@"), Worker()):
            pass
    assert "s3cr" not in caplog.text + _with_causes(refused.value)


async def test_a_token_is_taken(server: NatsServer) -> None:
    server.kill()
    server.configure(f'authorization {{ token: "{SECRET}" }}')
    await server.start()
    worker = Worker()
    async with open_broker(server.url("s3cr%2Ft%40x@"), worker) as carrier:
        await carrier.send("job")
        await until(lambda: worker.done == ["job"])


@pytest.mark.parametrize("login", ["", LOGIN, "s3cr%2Ft@"], ids=["anonymous", "user", "token"])
async def test_tls_is_not_done_without(server: NatsServer, login: str) -> None:
    with pytest.raises(RefusedError, match="tls"):
        async with open_broker(server.url(login).replace("nats:", "tls:"), None):
            pass


@pytest.mark.parametrize(
    "address",
    [
        "redis://host:6379",
        "nats:",
        "nats://",
        "nats://host:port",
        "host:4222",
        "nats://a,",
        "nats",
    ],
)
async def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(RefusedError, match="nats://host:4222"):
        async with open_broker(address, Worker()):
            pass


async def test_another_server_of_the_list_takes_over(server: NatsServer) -> None:
    worker = Worker()
    async with open_broker(f"nats://127.0.0.1:1,{server.url()}", worker) as carrier:
        await carrier.send("job")
        await until(lambda: worker.done == ["job"])


def _with_causes(error: BaseException | None) -> str:
    """Return all text of the error and its causes that could be printed."""
    return f"{error!r} {_with_causes(error.__cause__ or error.__context__)}" if error else ""
