"""What watches Balcão: traces over processes, metrics, and nobody's words in either."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import app
from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, demo_emulator
from bot.domain.job import COMMAND_LINE, Job, JobKind, JobState
from bot.runtime.sending.limits import NO_LIMITS
from bot.settings import Settings
from bot.wiring import worker
from bot.wiring.clients import utc_now
from storage.jobs.jobs import Jobs
from tests.databases import Databases
from tests.flows.collector import Collector, Got, collector, names
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID, Telegram
from tests.flows.file_admin import FileAdmin
from tests.flows.nats import nats_server
from tests.patience import HANG_S, until
from tests.storage.servers import free_port

pytestmark = pytest.mark.embedded
DEPLOY = Path(__file__).parents[2] / "deploy"
WORDS, ANSWER = "minha senha secreta caiu", "resposta sigilosa da Bia"
PRESS = f"00-{'5' * 32}-{'6' * 16}-01"
"""The place of a press in a trace, by a process that is gone."""
STATUS = "http.response.status_code"
# Debian's. Skipped on a machine that has it not, but never in CI.
promtool = pytest.mark.skipif(
    not (shutil.which("promtool") or os.environ.get("CI")), reason="promtool is not installed"
)
FILE = "Nome;cpfCnpj;celular;tipoRegistro\nZulmira Quintela;{};(48) 98877-6655;cliente\n"


@dataclass(frozen=True)
class Day:
    """What was seen of a bot and a worker on one day."""

    traces: Collector
    metrics: str
    of_worker: str
    """The metrics of the worker."""
    secrets: list[str]


@pytest.fixture(scope="module")
async def day(
    databases: Databases, mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    folder, port, port_of_worker = tmp_path_factory.mktemp("day"), free_port(), free_port()
    async with (
        databases.lent() as database,
        BotApiEmulator() as telegram,
        demo_emulator() as erp,
        collector() as traces,
        nats_server(folder) as nats,
    ):
        settings = Settings.model_validate(
            {
                "bot_token": telegram.token,
                "telegram_api_url": telegram.url,
                "mongodb_uri": mongodb_uri,
                "mongodb_database": database.name,
                "data_dir": folder,
                "admin_ids": (ADMIN_ID,),
                "attendants_chat_id": GROUP_ID,
                "erp_kind": "ixc",
                "erp_url": erp.url,
                "erp_token": CREDENTIAL,
                "sync_interval_minutes": 0,
                "http_port": port,
                "worker_port": port_of_worker,
                "broker_url": nats.url(),
                "otlp_url": traces.url,
            }
        )
        people = Telegram(telegram)
        with pytest.MonkeyPatch.context() as patch:
            built = note_built(patch)
            serving = [
                asyncio.create_task(app._serve(settings, NO_LIMITS, print)),
                asyncio.create_task(worker._work(settings)),
            ]
            await until(lambda: built or any(one.done() for one in serving))
        try:
            [people.balcao] = built
            await talk(people)
            metrics, of_worker = await scraped(port), await scraped(port_of_worker)
            await ended(serving[0])
            await work_is_left(database)
        finally:
            for one in serving:
                await ended(one)
        yield Day(traces, metrics, of_worker, secrets(settings))


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def work_is_left(database: Any) -> None:
    """Leave a job of `PRESS` to the worker, and wait until it is over."""
    store = Jobs(database, here=lambda: PRESS)
    job = await store.add(
        Job(kind=JobKind.PAIRS, state=JobState.RUNNING, by=COMMAND_LINE, created_at=utc_now())
    )
    async with asyncio.timeout(HANG_S):
        while any(one.id == job.id for one in await store.active()):
            pass


async def scraped(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        return await response.text()


def note_built(patch: pytest.MonkeyPatch) -> list[app.Balcao]:
    """Return a list that gets the bots that are built from now on."""
    found: list[app.Balcao] = []
    build = app.build

    def noted(*args: Any, **more: Any) -> app.Balcao:
        found.append(build(*args, **more))
        return found[-1]

    patch.setattr(app, "build", noted)
    return found


async def talk(people: Telegram) -> None:
    ana, admin = people.customer(demo.ANA), FileAdmin(people, ADMIN_ID)
    await ana.is_in_conversation()
    people.emulator.fail_next("sendMessage", 429, retry_after=1, chat_id=GROUP_ID)
    await ana.says(WORDS)
    await people.group_says(BIA, ANSWER, reply_to=people.card["message_id"])
    await admin.imports(FILE.format(demo.MARIA.tax_id))
    people.emulator.block_bot(ana.id)
    await people.group_says(BIA, ANSWER, reply_to=people.card["message_id"])


def secrets(settings: Settings) -> list[str]:
    """Return what neither a span nor a metric may hold."""
    token = settings.bot_token.get_secret_value()
    found = [WORDS, *WORDS.split(), ANSWER, "sigilosa", "Zulmira", "Quintela", "98877"]
    found += ["qtype", "cnpj_cpf", "webservice", settings.erp_url, "127.0.0.1"]
    found += [token, token.partition(":")[2], CREDENTIAL, CREDENTIAL[2:], str(GROUP_ID)[1:]]
    found += [str(ADMIN_ID), str(BIA), "Dora", "Caio"]
    for person in (demo.ANA, demo.MARIA):
        phone = person.phone.removeprefix("+")
        found += [person.tax_id, re.sub(r"\D", "", person.tax_id), phone, phone[-9:]]
        found += [person.first_name, person.last_name, *person.first_name.split()]
        found += [str(person.user_id)]
    return found


def below(traces: Collector, span: Got) -> dict[str, list[Got]]:
    """Return the spans below this one, by name."""
    found: dict[str, list[Got]] = {}
    for one in traces.below(span):
        found.setdefault(one.name, []).append(one)
    return found


def test_a_trace_goes_from_the_update_over_handler_register_and_erp(day: Day):
    updates = day.traces.named("receive")
    assert all(not one.parent for one in updates)
    assert len({one.values["balcao.update"] for one in updates}) == len(updates)
    assert len({one.values["balcao.chat"] for one in updates}) == 3
    [trace] = {one.trace for one in day.traces.named("erp ixc")}
    [typed] = [one for one in updates if one.trace == trace]
    assert typed.values["balcao.update.kind"] == "message"
    parts = below(day.traces, typed)
    assert parts["update"][0].parent == typed.id
    assert "receive_tax_id" in parts["handler"][0].values["code.function.name"]
    assert {"cliente", "fornecedor"} == {p.values["balcao.erp.request"] for p in parts["erp ixc"]}
    assert {p.values[STATUS] for p in parts["erp ixc"]} == {200}
    assert "registrations" in {p.values["db.collection.name"] for p in parts["mongodb find"]}


def test_the_sending_of_a_message_belongs_to_the_update_that_put_it(day: Day):
    [refused] = day.traces.named("telegram sendMessage", {STATUS: 429})
    assert refused.values["balcao.telegram.retry_after"] == 1
    [said] = [one for one in day.traces.named("receive") if one.trace == refused.trace]
    parts = below(day.traces, said)
    assert parts["send"][0].values["balcao.message"] == "text"
    assert sorted(p.values[STATUS] for p in parts["telegram sendMessage"]) == [200, 429]


def test_a_job_belongs_to_the_press_that_began_it_whoever_works_on_it(day: Day):
    [batch] = day.traces.named("batch")
    assert batch.values["balcao.rows"] == 1
    [job] = [one for one in day.traces.named("job") if one.id == batch.parent]
    assert job.values["balcao.job.kind"] == "import"
    assert job.trace in {one.trace for one in day.traces.named("receive")}
    [pairs] = day.traces.named("job", {"balcao.job.kind": "pairs"})
    assert (pairs.service, pairs.trace, pairs.parent) == ("balcao-worker", *PRESS.split("-")[1:3])


def test_neither_spans_nor_metrics_tell_on_anybody(day: Day):
    for secret in day.secrets:
        for text in (day.traces.text, names(day.metrics), names(day.of_worker)):
            assert secret not in text, secret
    assert names('balcao_x{y="5003"} 0.0251245940016815') == 'balcao_x{y="5003"}'


@pytest.mark.parametrize(
    "line",
    [
        'balcao_update_seconds_count{kind="message",outcome="done"}',
        'balcao_erp_request_seconds_count{adapter="ixc",outcome="2xx"}',
        'balcao_erp_circuit_open{adapter="ixc"} 0',
        'balcao_jobs{kind="import",state="done"} 1',
        "balcao_jobs_waiting 0",
        "balcao_database_up 1",
        "balcao_inbox_waiting 0",
        "balcao_outbox_failed 1",
        'balcao_leases_held{what="chats"}',
        "process_resident_memory_bytes ",
    ],
)
def test_the_metrics_show(day: Day, line: str):
    assert line in day.metrics


def test_a_worker_shows_its_own(day: Day):
    assert 'balcao_task_up{task="jobs"} 1' in day.of_worker
    assert 'balcao_leases_held{what="jobs"}' in day.of_worker
    assert 'balcao_erp_circuit_open{adapter="ixc"} 0' in day.of_worker


_SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
_BY_PROMETHEUS = {"le", "job", "instance"}


def test_dashboard_and_alerts_use_only_what_the_metrics_have(day: Day):
    names = {
        name + suffix
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", day.metrics, re.MULTILINE)
        for suffix in _SUFFIXES[kind]
        if not name.endswith("_created")
    }
    labels = set(re.findall(r'[{,](\w+)="', day.metrics)) | _BY_PROMETHEUS
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    used: set[str] = set()
    for text in [rules, *dashboard()]:
        used |= (found := set(re.findall(r"\b(?:balcao|process)_\w+", text)))
        assert found <= names, text
        for group in re.findall(r"by \(([\w, ]+)\)", text):
            assert set(group.split(", ")) <= labels, text
        assert set(re.findall(r'[{,](\w+)(?:=~|!=|=)"', text)) <= labels, text
    shown = {name.removesuffix("_bucket").removesuffix("_count") for name in used}
    ours = {name for name in names if name.startswith("balcao_")}
    ours = {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in ours}
    assert ours <= shown
    page = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in [*ours, *re.findall(r"alert: (\w+)", rules)]:
        assert f"`{name}`" in page, name


@promtool
def test_prometheus_reads_metrics_alerts_and_dashboard(day: Day, tmp_path: Path):
    prometheus = DEPLOY / "prometheus"
    ask("check", "metrics", "--extended", text=day.metrics)
    ask("check", "config", str(prometheus / "prometheus.yml"))
    ask("test", "rules", str(prometheus / "alerts_test.yml"))
    tested = (prometheus / "alerts_test.yml").read_text(encoding="utf-8")
    for name in re.findall(r"alert: (\w+)", (prometheus / "alerts.yml").read_text("utf-8")):
        assert re.search(rf"alertname: {name}, .* exp_alerts: \[$", tested, re.MULTILINE), name
        assert re.search(rf"alertname: {name}, .* exp_alerts: \[\]", tested), name
    # Each expression of the dashboard as a rule, so that it is parsed.
    rules = [
        {"record": f"panel:{n}", "expr": expr.replace("$__rate_interval", "5m")}
        for n, expr in enumerate(dashboard())
    ]
    asked = tmp_path / "dashboard.yml"
    asked.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    ask("check", "rules", str(asked))


def ask(*arguments: str, text: str = "") -> None:
    """Run promtool, which must accept what it is given."""
    done = subprocess.run(  # noqa: S603
        ["promtool", *arguments],  # noqa: S607 - Debian's
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def dashboard() -> list[str]:
    return expressions(json.loads((DEPLOY / "grafana" / "balcao.json").read_text("utf-8")))


def expressions(panel: dict[str, Any]) -> list[str]:
    """Return the expressions of a dashboard, or of one of its panels."""
    own = [target["expr"] for target in panel.get("targets", ())]
    return own + [expr for part in panel.get("panels", ()) for expr in expressions(part)]
