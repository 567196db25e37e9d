"""Traces: from an update to Telegram's answer, over processes, with nobody's words in them."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot import app
from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.runtime.sending.limits import NO_LIMITS
from bot.settings import Settings
from bot.wiring import worker
from tests.flows.collector import collector
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID, Telegram
from tests.flows.file_admin import FileAdmin
from tests.flows.nats import nats_server
from tests.patience import until

WORDS, ANSWER = "minha senha secreta caiu", "resposta sigilosa da Bia"
STATUS = "http.response.status_code"
FILE = "Nome;cpfCnpj;celular;tipoRegistro\nZulmira Quintela;{};(48) 98877-6655;cliente\n"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[app.Balcao]:
    """The bots that are built from now on."""
    found: list[app.Balcao] = []
    build = app.build

    def watched(*args: Any, **more: Any) -> app.Balcao:
        found.append(build(*args, **more))
        return found[-1]

    monkeypatch.setattr(app, "build", watched)
    return found


async def test_a_trace_goes_from_update_to_answer_over_processes_and_tells_on_nobody(
    database: Any,
    mongodb_uri: str,
    telegram: BotApiEmulator,
    erp: IxcEmulator,
    tmp_path: Path,
    built: list[app.Balcao],
):
    people = Telegram(telegram)
    ana, admin = people.customer(demo.ANA), FileAdmin(people, ADMIN_ID)
    document = demo.MARIA.tax_id
    async with collector() as traces, nats_server(tmp_path) as nats:
        settings = Settings.model_validate(
            {
                "bot_token": telegram.token,
                "telegram_api_url": telegram.url,
                "mongodb_uri": mongodb_uri,
                "mongodb_database": database.name,
                "data_dir": tmp_path,
                "admin_ids": (ADMIN_ID,),
                "attendants_chat_id": GROUP_ID,
                "erp_kind": "ixc",
                "erp_url": erp.url,
                "erp_token": CREDENTIAL,
                "sync_interval_minutes": 0,
                "http_port": 0,
                "broker_url": nats.url(),
                "otlp_url": traces.url,
            }
        )
        serving = [
            asyncio.create_task(app._serve(settings, NO_LIMITS, print)),
            asyncio.create_task(worker._work(settings)),
        ]
        try:
            await until(lambda: built or any(one.done() for one in serving))
            [people.balcao] = built
            await ana.is_in_conversation()
            telegram.fail_next("sendMessage", 429, retry_after=1, chat_id=GROUP_ID)
            await ana.says(WORDS)
            await people.group_says(BIA, ANSWER, reply_to=people.card["message_id"])
            await admin.imports(FILE.format(document))
        finally:
            for one in serving:
                one.cancel()
            for one in serving:
                with suppress(asyncio.CancelledError):
                    await one

    updates = {one.values["balcao.update"]: one for one in traces.named("receive")}
    assert all(not one.parent for one in updates.values())
    assert len({one.values["balcao.chat"] for one in updates.values()}) == 3

    def caused(by: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for one in traces.below(by):
            found.setdefault(one.name, []).append(one)
        return found

    # The tax id: its handler, the register, the ERP.
    [looked_up] = {one.trace for one in traces.named("erp ixc")}
    [typed] = [one for one in updates.values() if one.trace == looked_up]
    parts = caused(typed)
    assert parts["update"][0].parent == typed.id
    assert typed.values["balcao.update.kind"] == "message"
    assert "receive_tax_id" in parts["handler"][0].values["code.function.name"]
    assert {"cliente", "fornecedor"} == {p.values["balcao.erp.request"] for p in parts["erp ixc"]}
    assert {p.values[STATUS] for p in parts["erp ixc"]} == {200}
    assert "registrations" in {p.values["db.collection.name"] for p in parts["mongodb find"]}

    # The words: through the outbox to the group, at the second try.
    [refused] = traces.named("telegram sendMessage", {STATUS: 429})
    assert refused.values["balcao.telegram.retry_after"] == 1
    [said] = [one for one in updates.values() if one.trace == refused.trace]
    parts = caused(said)
    assert parts["send"][0].values["balcao.message"] == "text"
    answers = [p.values[STATUS] for p in parts["telegram sendMessage"]]
    assert sorted(answers) == [200, 429]

    # The job: from the button, over NATS, to its batch.
    [batch] = traces.named("batch")
    assert batch.values["balcao.rows"] == 1
    [job] = [one for one in traces.named("job") if one.id == batch.parent]
    assert job.values["balcao.job.kind"] == "import"
    assert job.trace in {one.trace for one in updates.values()}
    assert {one.service for one in traces.spans} == {"balcao", "balcao-worker"}

    for secret in secrets(ana.person) + secrets(demo.MARIA) + own_secrets(settings, erp):
        assert secret not in traces.text, secret


def secrets(person: demo.DemoPerson) -> list[str]:
    digits = re.sub(r"\D", "", person.tax_id)
    phone = person.phone.removeprefix("+")
    names = [person.first_name, person.last_name, *person.first_name.split()]
    return [person.tax_id, digits, phone, phone[-9:], str(person.user_id), *names]


def own_secrets(settings: Settings, erp: IxcEmulator) -> list[str]:
    token = settings.bot_token.get_secret_value()
    said = [WORDS, *WORDS.split(), ANSWER, "sigilosa", "Zulmira", "Quintela", "98877"]
    asked = ["qtype", "cnpj_cpf", "webservice", erp.url, "127.0.0.1"]
    held = [token, token.partition(":")[2], CREDENTIAL, CREDENTIAL[2:], str(GROUP_ID)[1:]]
    return [*said, *asked, *held, str(ADMIN_ID), str(BIA), "Dora", "Caio"]
