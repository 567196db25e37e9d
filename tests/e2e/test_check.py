"""`balcao check` reports in one line each what works and what does not."""

import asyncio
import os
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot import app
from bot.cli import check as check_module
from bot.cli.check import check_all
from bot.cli.terminal.set_aside import tend_set_aside
from bot.demo.bot_api import BotApiEmulator
from bot.demo.bot_api.faults import Raw
from bot.demo.ixc import CREDENTIAL, IxcEmulator, faults
from bot.domain.conversation import Department
from bot.domain.errors import Problem, RefusedError
from bot.runtime.jobs import jetstream
from bot.runtime.updates.delivery import mark_of
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.telegram import open_bot
from bot.wording.errors import EMBEDDED_OUTGROWN
from storage.engine.embedded import MEANT_FOR
from storage.register.registrations import Registrations
from storage.updates.inbox import Inbox
from storage.updates.webhook import WebhookSettings
from tests import warm
from tests.erp.tls_server import make_certificate, with_tls
from tests.flows.nats import nats_server
from tests.patience import HANG_S, until
from tests.storage.records import registration

GROUP_ID = -1001000000001
BILLING = -1001000000002
ADMIN_ID = 4001


@pytest.fixture
def embedded(telegram: BotApiEmulator, erp: IxcEmulator, tmp_path: Path) -> dict[str, str]:
    """Return settings for a bot that starts its own database."""
    telegram.add_user(ADMIN_ID, "Dora", started=True)
    telegram.add_group(GROUP_ID, "Atendimento", members=(ADMIN_ID,), bot="administrator")
    return {
        "BALCAO_BOT_TOKEN": telegram.token,
        "BALCAO_TELEGRAM_API_URL": telegram.url,
        "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
        "BALCAO_DATA_DIR": str(tmp_path / "data"),
        "BALCAO_ERP_KIND": "ixc",
        "BALCAO_ERP_URL": erp.url,
        "BALCAO_ERP_TOKEN": CREDENTIAL,
    }


@pytest.fixture
def settings(embedded: dict[str, str], mongodb_uri: str, database: Any) -> dict[str, str]:
    """Return the same settings with a database that already runs."""
    return embedded | {
        "BALCAO_MONGODB_URI": mongodb_uri,
        "BALCAO_MONGODB_DATABASE": database.name,
    }


async def check_as_command(settings: dict[str, str], cwd: Path) -> tuple[int, list[str]]:
    """Run the command, and return the exit code and the printed lines."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BALCAO_")}
    process = await warm.begin("check", cwd=cwd, env=inherited | settings)
    async with asyncio.timeout(HANG_S):
        printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode().splitlines()


async def check(settings: dict[str, str]) -> tuple[int, list[str]]:
    """Run the check in this process, because Telegram's library takes seconds to load."""
    out = Console(file=StringIO(), width=10_000)
    err = Console(file=StringIO())
    well = await check_all(read(settings), out=out, err=err)
    assert isinstance(out.file, StringIO)
    return 0 if well else 1, out.file.getvalue().splitlines()


def read(settings: dict[str, str]) -> Settings:
    return Settings.model_validate(
        {k.removeprefix("BALCAO_").lower(): v for k, v in settings.items()}
    )


async def test_when_all_is_well_every_line_says_so(embedded: dict[str, str], tmp_path: Path):
    code, lines = await check_as_command(embedded, tmp_path)
    assert lines == [
        "✓ configuração: completa",
        "✓ banco de dados: embutido, responde, índices completos",
        "✓ Telegram: @balcao_demo_bot, administrador do grupo “Atendimento”",
        "✓ ERP: ixc responde",
        "✓ auditoria: 0 cadastros e 0 entradas conferem",
    ]
    assert code == 0


async def test_the_broker_is_there_refuses_or_is_away(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with nats_server(tmp_path) as nats:
        with_broker = settings | {"BALCAO_BROKER_URL": nats.url()}
        code, lines = await check(with_broker)
        assert code == 0
        assert lines[4] == "✓ servidor de tarefas: NATS, responde"
        nats.kill()
        nats.configure("authorization { token: outro }")
        await nats.start()
        code, lines = await check(with_broker)
        assert code == 1
        assert lines[4].startswith(
            "✗ servidor de tarefas: BALCAO_BROKER_URL: o servidor NATS não aceita esta ligação."
        )
    # Nobody answers however long it waits.
    monkeypatch.setattr(jetstream, "ANSWER_S", 0.1)
    code, lines = await check(with_broker)
    assert code == 1
    assert lines[4].startswith("✗ servidor de tarefas: O servidor NATS não responde.")
    assert lines[5].startswith("✓ auditoria:")


async def test_a_register_that_is_too_large_for_the_embedded_database_is_said(
    settings: dict[str, str], database: Any, monkeypatch: pytest.MonkeyPatch
):
    await Registrations(database).create(registration())
    # The settings name this server by its address, and still it is the embedded one.
    _, lines = await check(settings)
    assert "20.000" not in lines[1]
    monkeypatch.setitem(MEANT_FOR, "audit", 0)
    _, lines = await check(settings)
    assert lines[1].startswith("✓ banco de dados:")
    assert "mais de 20.000 cadastros ou de 50.000 entradas de auditoria" in lines[1]
    assert "BALCAO_MONGODB_URI" in lines[1]


async def test_a_bot_says_so_too_when_it_starts(
    settings: dict[str, str], database: Any, monkeypatch: pytest.MonkeyPatch
):
    await Registrations(database).create(registration())
    monkeypatch.setitem(MEANT_FOR, "registrations", 0)
    said: list[str] = []
    # Telegram refuses the token, which ends the bot after that.
    refused = settings | {"BALCAO_BOT_TOKEN": "1:wrong", "BALCAO_HTTP_PORT": "0"}
    try:
        with pytest.raises(RefusedError) as raised:
            await app.run(read(refused), warn=said.append)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
    assert raised.value.problem is Problem.BOT_TOKEN
    assert said == [EMBEDDED_OUTGROWN]


async def test_a_self_signed_certificate_of_the_erp_is_told_at_the_start_and_by_the_check(
    settings: dict[str, str], erp: IxcEmulator, tmp_path: Path
):
    own = make_certificate(tmp_path, "own")
    async with with_tls(erp.url, own) as url:
        settings |= {"BALCAO_ERP_URL": url, "BALCAO_HTTP_PORT": "0"}
        code, lines = await check(settings)
        assert code == 1
        assert "BALCAO_ERP_CA_FILE" in lines[3]
        said: list[str] = []
        bot = asyncio.create_task(app.run(read(settings), warn=said.append))
        try:
            await until(lambda: said or bot.done())
            os.kill(os.getpid(), signal.SIGTERM)
            await bot
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().remove_signal_handler(number)
        assert [f"✗ ERP: {line}" for line in said] == [lines[3]]
        code, lines = await check(settings | {"BALCAO_ERP_CA_FILE": str(own.file)})
        assert (code, lines[3]) == (0, "✓ ERP: ixc responde")


async def test_every_trouble_has_its_line_and_hides_no_other(
    settings: dict[str, str], telegram: BotApiEmulator, erp: IxcEmulator
):
    telegram.remove_member(GROUP_ID, telegram.bot.id, by=ADMIN_ID)
    erp.fail(faults.IP_NOT_ALLOWED)
    del settings["BALCAO_ATTENDANTS_CHAT_ID"]
    code, lines = await check(settings)
    assert code == 1
    assert [line[:1] for line in lines] == ["✗", "✓", "✓", "✗", "✓"]
    assert "BALCAO_ATTENDANTS_CHAT_ID: falta" in lines[0]
    assert "sem grupo para testar" in lines[2]
    assert CREDENTIAL not in "".join(lines)


async def test_a_group_that_the_bot_does_not_reach_or_rule_is_said(
    settings: dict[str, str], telegram: BotApiEmulator
):
    telegram.set_admin(GROUP_ID, telegram.bot.id, False, by=ADMIN_ID)
    code, lines = await check(settings)
    assert code == 1
    assert "não é administrador" in lines[2]
    telegram.remove_member(GROUP_ID, telegram.bot.id, by=ADMIN_ID)
    code, lines = await check(settings)
    assert code == 1
    assert "o bot não alcança este grupo" in lines[2]
    code, lines = await check({**settings, "BALCAO_BOT_TOKEN": "1:wrong"})
    assert "o Telegram não aceita este token" in lines[2]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            Raw(status=502, body=b"<html>502 segredo</html>"),
            "de um jeito que o Balcão não entende",
        ),
        (Raw(body=b'{"ok": true, "result": "segredo"}'), "de um jeito que o Balcão não entende"),
        (Raw(sent_bytes=0), "O Telegram não responde"),
    ],
    ids=["html", "odd", "reset"],
)
async def test_telegram_that_answers_strangely_is_said_after_a_while(
    settings: dict[str, str],
    telegram: BotApiEmulator,
    monkeypatch: pytest.MonkeyPatch,
    raw: Raw,
    said: str,
):
    telegram.fail_next("getMe", raw=raw)
    code, lines = await check(settings)
    assert (code, lines[2][:1]) == (0, "✓"), "once is nothing"
    monkeypatch.setattr(check_module, "_TELEGRAM_S", 0.5)
    for method in ("getMe", "getChatMember"):
        telegram.faults.clear()
        telegram.fail_next(method, raw=raw, times=1_000)
        code, lines = await check(settings)
        assert code == 1
        assert lines[2].startswith("✗ Telegram: ")
        assert said in lines[2]
        assert "segredo" not in "".join(lines)


async def test_every_linked_group_is_checked(settings: dict[str, str], telegram: BotApiEmulator):
    telegram.add_group(BILLING, "Cobrança", members=(ADMIN_ID,), bot="administrator")
    await link(settings, "Financeiro", BILLING)
    code, lines = await check(settings)
    assert "administrador dos grupos “Atendimento”, “Cobrança”" in lines[2]
    assert code == 0
    rights = telegram.chat(BILLING).members[telegram.bot.id].rights
    rights["can_pin_messages"] = False
    code, lines = await check(settings)
    assert lines[2].endswith("está no grupo “Cobrança”, mas não pode fixar mensagens")
    assert code == 1
    telegram.remove_member(BILLING, telegram.bot.id, by=ADMIN_ID)
    code, lines = await check(settings)
    assert "o bot não alcança o grupo do departamento “Financeiro”" in lines[2]


async def link(settings: dict[str, str], name: str, group_id: int) -> None:
    """Link a department to a group, as an admin does in the chat of a running bot."""
    async with clients.open_database(read(settings)) as database:
        departments = clients.departments_of(read(settings), database)
        await departments.ensure_default()
        made = await departments.create(name)
        assert isinstance(made, Department)
        assert isinstance(await departments.link(made.id, group_id), Department)


async def test_who_changed_the_database_from_outside_is_found_out_without_telling_whose_record(
    settings: dict[str, str], database: Any
):
    assert await Registrations(database).create(registration())
    code, lines = await check(settings)
    assert (code, lines[-1]) == (0, "✓ auditoria: 1 cadastro e 1 entrada conferem")
    await database["registrations"].update_one({"_id": "r1"}, {"$set": {"name": "Eva"}})
    code, lines = await check(settings)
    assert code == 1
    assert lines[-2].startswith("✗ auditoria: de 1 cadastro e 1 entrada, 1 cadastro não confere")
    assert lines[-1] == "✗ auditoria: r1: cadastro alterado"
    assert "Eva" not in "".join(lines)
    assert "Ana" not in "".join(lines)


async def test_what_is_set_aside_is_counted_with_what_to_do(
    settings: dict[str, str], database: Any
):
    inbox, now = Inbox(database), clients.utc_now()
    for number in range(2):
        payload = {"message": {"chat": {"id": 7}, "text": "segredo"}}
        await inbox.add(1, [(number, "7", payload)], at=now)
        await inbox.set_aside(1, number, at=now)
    code, lines = await check(settings)
    assert code == 0
    assert lines[2].startswith("! banco de dados: 2 mensagens postas de lado por erro; cada uma")
    assert "/status" in lines[2]
    assert "balcao check --retry-set-aside" in lines[2]
    await tend_set_aside(read(settings), drop=False)
    assert [number for number, _, _ in await inbox.pending_of("7")] == [0, 1]
    assert not [line for line in (await check(settings))[1] if line.startswith("!")]


async def test_what_telegram_says_of_the_webhook_is_told_with_what_to_do(
    settings: dict[str, str], database: Any, telegram: BotApiEmulator
):
    url, elsewhere = "http://127.0.0.1:9/telegram", "http://127.0.0.1:9/outro"
    token = telegram.token
    stored = WebhookSettings(database, telegram.bot.id)

    async def of_webhook(way: dict[str, str]) -> tuple[int, list[str]]:
        code, lines = await check(settings | way)
        return code, [line for line in lines if "webhook" in line or "no Telegram" in line]

    webhook = {"BALCAO_WEBHOOK_URL": url}
    assert await of_webhook({}) == (0, [])
    telegram.send_text(ADMIN_ID, ADMIN_ID, "oi")
    assert "; 1 mensagem espera no Telegram" in (await of_webhook({}))[1][0]
    # Before the first start nothing is wrong yet.
    code, lines = await of_webhook(webhook)
    assert code == 0
    assert lines == [
        f"✓ webhook: ainda não é {url}; 1 mensagem espera no Telegram",
        "! webhook: não está ligado no Telegram: o próximo início do balcao run acerta isso",
    ]
    async with open_bot(read(settings)) as bot:
        await bot.set_webhook(elsewhere)
        assert f"no Telegram está ligado {elsewhere}" in (await of_webhook(webhook))[1][1]
        # Who polls is told, too, and keeps the exit code.
        code, [_, line] = await of_webhook({})
        assert (code, line[:1], elsewhere in line) == (0, "!", True)
        await bot.set_webhook(url, allowed_updates=["message"])
        await telegram.until(lambda: "last_error_date" in telegram._server.webhook.info())
        await stored.note_set(mark_of(token, url, "outro"), ["callback_query"])
        code, lines = await of_webhook(webhook)
    assert code == 1
    assert lines[0].startswith(
        "✗ webhook: o Telegram não consegue entregar: “Connection refused”, em "
    )
    assert "o Telegram não alcança este endereço" in lines[0]
    assert lines[0].endswith("1 mensagem espera no Telegram")
    assert ["outros tipos" in lines[1], "o segredo não é o" in lines[2]] == [True, True]
    await stored.note_set(mark_of(token, url, await stored.secret()), ["message"])
    telegram.updates.drop_pending()
    code, lines = await of_webhook(webhook)
    assert (code, len(lines)) == (0, 2)
    assert lines[0] == f"✓ webhook: ligado em {url}; nada espera no Telegram"
    assert "Depois disso tudo chegou" in lines[1]


@pytest.fixture
def readable_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder whose `.env` everybody can read."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("")
    Path(".env").chmod(0o644)


async def test_a_secret_that_others_can_read_is_told_and_fails_nothing(
    settings: dict[str, str], readable_env: None
):
    code, lines = await check(settings)
    assert code == 0
    assert lines[1].startswith("! configuração: .env: outras contas deste computador podem ler")


async def test_a_bot_that_starts_tells_the_same(settings: dict[str, str], readable_env: None):
    said: list[str] = []
    refused = settings | {"BALCAO_BOT_TOKEN": "1:wrong", "BALCAO_HTTP_PORT": "0"}
    try:
        with pytest.raises(RefusedError):
            await app.run(read(refused), warn=said.append)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
    assert [line[:5] for line in said] == [".env:"]
