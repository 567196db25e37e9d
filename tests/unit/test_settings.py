"""A wrong setting names itself in one line and never shows its value."""

from collections.abc import Callable
from pathlib import Path
from socket import gethostname
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot.domain.errors import RefusedError
from bot.settings import PREFIX, Settings

README = Path(__file__).parents[2] / "README.md"
Read = Callable[..., Settings]

# Design, section 13; a name that is not here yet has no default to keep.
DEFAULTS = {
    "bot_token": "",
    "telegram_api_url": "",
    "mongodb_uri": "",
    "mongodb_database": "balcao",
    "data_dir": Path("data"),
    "admin_ids": (),
    "attendants_chat_id": None,
    "erp_kind": "",
    "erp_url": "",
    "erp_token": "",
    "erp_username": "",
    "erp_password": "",
    "erp_client_id": "",
    "erp_client_secret": "",
    "erp_database": "",
    "erp_ca_file": None,
    "require_tax_id": True,
    "confirm_identity": "phone",
    "portal_login": True,
    "privacy_url": "",
    "retain_conversations_days": 0,
    "retain_inbox_days": 2,
    "transcript_days": 30,
    "webhook_url": "",
    "webhook_secret": "",
    "http_host": "127.0.0.1",
    "http_port": 8080,
    "worker_port": None,
    "public_url": "",
    "public_port": 8081,
    "broker_url": "",
    "sync_interval_minutes": None,
    "show_attendant_name": False,
    "reopen_hours": 12,
    "remind_minutes": 10,
    "priority_reminder_minutes": 5,
    "remind_admins_minutes": 30,
    "timezone": "America/Sao_Paulo",
    "log_format": "console",
    "otlp_url": "",
    "log_level": "INFO",
}
SECRETS = (
    *("bot_token", "mongodb_uri", "erp_token", "erp_password", "erp_client_secret"),
    "webhook_secret",
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Read:
    """Reads settings from these variables alone, in an empty folder."""
    for field in Settings.model_fields:
        monkeypatch.delenv(PREFIX + field.upper(), raising=False)
    monkeypatch.chdir(tmp_path)

    def settings(**values: str) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(PREFIX + name.upper(), value)
        return Settings.read()

    return settings


def revealed(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@pytest.mark.parametrize("field", Settings.model_fields)
def test_readme_tells_what_each_setting_is_for(field: str):
    assert f"{PREFIX}{field.upper()}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [f for f in Settings.model_fields if f != "privacy_text"])
def test_a_setting_that_is_not_given_has_the_default_of_the_design(field: str, read: Read):
    assert revealed(getattr(read(), field)) == DEFAULTS[field]


@pytest.mark.parametrize("field", SECRETS)
def test_secrets_never_show_themselves(field: str, read: Read):
    settings = read(**{field: "segredo-123"})
    assert revealed(getattr(settings, field)) == "segredo-123"
    assert "segredo-123" not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("http_port", "oitenta"),
        ("http_port", "70000"),
        ("public_url", "http://cadastro.example"),
        ("public_url", "https://cadastro.example/balcao"),
        ("public_url", "https://cadastro.example?a=b"),
        ("public_url", "cadastro.example"),
        ("webhook_url", "http://bot.example/telegram"),
        ("webhook_url", "https://bot.example:8081/telegram"),
        ("webhook_url", "https://bot.example"),
        ("webhook_url", "https://bot.example/"),
        ("webhook_url", "https://bot.example/a?b=c"),
        ("webhook_url", "https://bot.example/a#b"),
        ("webhook_url", "https://ana:pw@bot.example/telegram"),
        ("webhook_url", "https://bot.example/olá"),
        ("webhook_url", "http://127.0.0.1:8081"),
        ("webhook_secret", "com espaço"),
        ("webhook_secret", "açaí"),
        ("webhook_secret", "a" * 257),
        ("http_port", "-1"),
        ("http_port", "80.5"),
        ("http_port", "9" * 5000),
        ("admin_ids", "1,ana"),
        ("admin_ids", "11;22"),
        ("admin_ids", "[11,22]"),
        ("attendants_chat_id", "meu-grupo"),
        ("timezone", "Marte/Olimpo"),
        ("timezone", "../etc/passwd"),
        ("timezone", "/etc/localtime"),
        ("timezone", "America"),
        ("timezone", "a" * 5000),
        ("log_level", "barulho"),
        ("log_format", "xml"),
        ("confirm_identity", "talvez"),
        ("mongodb_database", "base de dados"),
        ("mongodb_database", "a/b"),
        ("mongodb_database", "a" * 39),
        ("erp_url", "segredo@erp"),
        ("erp_url", "ftp://erp.example"),
        ("erp_url", "http://"),
        ("erp_ca_file", "nada/aqui.pem"),
        ("erp_ca_file", "/"),
        ("erp_ca_file", __file__),
        ("telegram_api_url", "api.telegram.org"),
        ("privacy_url", "javascript:alert(1)"),
    ],
)
def test_a_wrong_value_names_its_setting_in_one_line_and_is_not_shown(
    field: str, value: str, read: Read
):
    with pytest.raises(RefusedError) as refused:
        read(**{field: value})
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{PREFIX}{field.upper()}: ")
    assert value not in line
    assert refused.value.__cause__ is None
    assert "input" not in line


def test_every_wrong_value_has_its_line(read: Read):
    with pytest.raises(RefusedError) as refused:
        read(http_port="x", log_level="x", admin_ids="x,y")
    names = [line.partition(":")[0] for line in str(refused.value).splitlines()]
    assert sorted(names) == ["BALCAO_ADMIN_IDS", "BALCAO_HTTP_PORT", "BALCAO_LOG_LEVEL"]


def test_a_wrong_address_with_a_password_in_it_is_not_repeated(read: Read):
    with pytest.raises(RefusedError) as refused:
        read(erp_url="ftp://ana:segredo@erp.example", bot_token="123:segredo")
    assert "segredo" not in repr(refused.value)


@pytest.mark.parametrize(
    ("value", "ids"),
    [("", ()), ("11", (11,)), ("11,22", (11, 22)), (" 11 , 22, ", (11, 22)), ("-5", (-5,))],
)
def test_admin_ids_are_a_comma_list(value: str, ids: tuple[int, ...], read: Read):
    assert read(admin_ids=value).admin_ids == ids


def test_values_are_understood_as_people_write_them(read: Read):
    settings = read(
        log_level="debug",
        bot_token=" 123:abc\n",
        erp_url="https://erp.example/webservice/",
        attendants_chat_id="-1001234567890",
        timezone="America/Manaus",
        data_dir="/var/lib/balcao",
    )
    assert settings.log_level == "DEBUG"
    assert settings.bot_token.get_secret_value() == "123:abc"
    assert settings.erp_url == "https://erp.example/webservice"
    assert settings.attendants_chat_id == -1001234567890
    assert settings.zone == ZoneInfo("America/Manaus")
    assert settings.data_dir == Path("/var/lib/balcao")


def test_a_webhook_secret_that_can_be_guessed_is_told():
    [line] = Settings(_env_file=None, webhook_secret="segredo").exposed()
    assert line.startswith("BALCAO_WEBHOOK_SECRET: ")


def test_a_bot_that_serves_says_all_that_it_lacks(read: Read):
    with pytest.raises(RefusedError) as refused:
        read().require_for_run()
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "BALCAO_BOT_TOKEN",
        "BALCAO_ATTENDANTS_CHAT_ID",
    ]
    read(bot_token="123:abc", attendants_chat_id="-100").require_for_run()


def test_the_file_is_read_and_the_environment_wins(read: Read, tmp_path: Path):
    (tmp_path / ".env").write_text("BALCAO_HTTP_PORT=81\nBALCAO_ERP_KIND=ixc\nOUTRA=x\n")
    settings = read(http_port="82")
    assert settings.http_port == 82
    assert settings.erp_kind == "ixc"


def test_a_file_that_notepad_saved_with_a_byte_order_mark_is_read(read: Read, tmp_path: Path):
    (tmp_path / ".env").write_bytes("BALCAO_ERP_KIND=ixc\n".encode("utf-8-sig"))
    assert read().erp_kind == "ixc"


def test_a_file_that_is_not_utf_8_stops_the_start_with_one_line(read: Read, tmp_path: Path):
    (tmp_path / ".env").write_bytes("BALCAO_PRIVACY_TEXT=Olá\n".encode("cp1252"))
    with pytest.raises(RefusedError) as refused:
        read()
    [line] = str(refused.value).splitlines()
    assert ".env" in line


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_a_name_left_empty_as_in_a_template_is_at_its_default(field: str, read: Read):
    assert read(**{field: ""}) == read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("telegram_api_url", "http://telegram-api:8081"),
        ("telegram_api_url", "http://10.0.0.5"),
        ("erp_url", "http://erp.example.com/webservice"),
        ("mongodb_uri", "mongodb://user:pw@db.example.com/x"),
        ("mongodb_uri", "mongodb://localhost,db.example.com:27017/?replicaSet=r"),
        ("mongodb_uri", "mongodb://db.example.com/?tls=false"),
        ("mongodb_uri", "mongodb+srv://db.example.com/?tls=false"),
        ("mongodb_uri", "mongodb://db.example.com/?tls=true&tlsInsecure=true"),
        ("broker_url", "nats://user:pw@nats.example.com:4222"),
        ("broker_url", "nats://localhost:4222, nats://10.1.1.1:4222"),
    ],
)
def test_a_secret_that_crosses_the_network_in_the_clear_is_told(name: str, value: str):
    [line] = Settings(_env_file=None, **{name: value}).exposed()
    assert line.startswith(f"BALCAO_{name.upper()}: ")
    # The address may hold a password.
    assert value not in line
    assert "pw" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("telegram_api_url", ""),
        ("telegram_api_url", "https://api.telegram.org"),
        ("telegram_api_url", "http://127.0.0.1:8081"),
        ("telegram_api_url", "http://[::1]:8081"),
        ("telegram_api_url", f"http://{gethostname()}:8081"),
        ("erp_url", "https://erp.example.com"),
        ("mongodb_uri", "mongodb://user:pw@localhost:27017/x"),
        ("mongodb_uri", "mongodb://%2Ftmp%2Fmongodb-27017.sock/x"),
        ("mongodb_uri", "mongodb://db.example.com/x?replicaSet=r&tls=true"),
        ("mongodb_uri", "mongodb+srv://user:pw@db.example.com/x"),
        ("mongodb_uri", "mongodb://db.example.com/?ssl=true"),
        ("broker_url", "nats://user:pw@localhost:4222"),
        ("broker_url", "tls://user:pw@nats.example.com:4222"),
        ("webhook_url", "https://bot.example/telegram"),
        ("webhook_url", "https://bot.example:8443/a/b_c~d.e"),
        ("webhook_url", "http://localhost:8081/telegram"),
        ("webhook_secret", "A-z_9" * 51),
    ],
)
def test_what_stays_on_this_machine_or_is_encrypted_is_not_told(name: str, value: str):
    assert Settings(_env_file=None, **{name: value}).exposed() == []


@pytest.mark.parametrize(("mode", "told"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)])
def test_a_file_with_secrets_that_others_can_read_is_told(
    mode: int, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("BALCAO_BOT_TOKEN=1:x\n")
    Path(".env").chmod(mode)
    lines = Settings.read().exposed()
    assert len(lines) == told
    assert all("chmod 600 .env" in line for line in lines)
