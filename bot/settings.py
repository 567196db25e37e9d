"""All settings, read once from the environment or `.env`, with the prefix BALCAO_."""

import os
import re
import ssl
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname
from typing import Annotated, Final, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.errors import RefusedError

PREFIX = "BALCAO_"


def _comma_list(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


def _web_address(value: str) -> str:
    if value:
        TypeAdapter(HttpUrl).validate_python(value)
    return value.rstrip("/")


def _secure_address(value: str) -> str:
    """Telegram opens no page without https; the demo's own does, on this machine alone."""
    url = urlsplit(value)
    if value and url.scheme != "https" and not _is_here(url.hostname or ""):
        raise PydanticCustomError("public_url", "no https")
    if url.query or url.fragment or url.path or url.username:
        raise PydanticCustomError("public_url", "more than an address")
    return value.lower()


def _webhook_address(value: str) -> str:
    """Telegram delivers by https to four ports; an own Bot API server on this machine to any."""
    url = urlsplit(value)
    is_taken = url.scheme == "https" and (url.port or 443) in _WEBHOOK_PORTS
    if value and not is_taken and not _is_here(url.hostname or ""):
        raise PydanticCustomError("webhook_url", "not where Telegram delivers")
    if value and not _WEBHOOK_PATH.fullmatch(value.partition(url.netloc)[2]):
        raise PydanticCustomError("webhook_url", "no path, or more than a path")
    if url.username:
        raise PydanticCustomError("webhook_url", "a password in it")
    return value


def _certificates(path: Path | None) -> Path | None:
    try:
        if path is not None:
            path.open("rb").close()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(path)
            if not context.cert_store_stats()["x509"]:
                raise PydanticCustomError("ca_content", "no certificate in the file")
    except ssl.SSLError:
        raise PydanticCustomError("ca_content", "no certificate in the file") from None
    except OSError:
        raise PydanticCustomError("ca_path", "the file cannot be read") from None
    return path


class Settings(BaseSettings):
    """All settings and their defaults; README describes each one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        str_strip_whitespace=True,
        env_ignore_empty=True,
    )

    bot_token: SecretStr = SecretStr("")
    telegram_api_url: Annotated[str, BeforeValidator(_web_address)] = ""
    webhook_url: Annotated[
        str, BeforeValidator(_web_address), AfterValidator(_webhook_address)
    ] = ""
    """The address at which Telegram delivers; without it the bot polls."""
    webhook_secret: SecretStr = SecretStr("")
    """Empty for one that is generated."""
    mongodb_uri: SecretStr = SecretStr("")
    mongodb_database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,38}$")] = "balcao"
    data_dir: Path = Path("data")
    admin_ids: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_comma_list)] = ()
    attendants_chat_id: int | None = None
    erp_kind: str = ""
    erp_url: Annotated[str, BeforeValidator(_web_address)] = ""
    erp_token: SecretStr = SecretStr("")
    erp_username: str = ""
    erp_password: SecretStr = SecretStr("")
    erp_client_id: str = ""
    erp_client_secret: SecretStr = SecretStr("")
    erp_database: str = ""
    erp_ca_file: Annotated[Path | None, AfterValidator(_certificates)] = None
    """Certificates that the ERP's connection trusts beside the usual ones."""
    sync_interval_minutes: Annotated[int, Field(ge=0, le=7 * 24 * 60)] | None = None
    """None means the interval that the ERP's adapter gives."""
    require_tax_id: bool = True
    confirm_identity: Literal["phone", "off"] = "phone"
    portal_login: bool = True
    privacy_text: str = (
        "Usamos seu CPF ou CNPJ e seu telefone só para encontrar seu cadastro e atender você."
    )
    privacy_url: Annotated[str, BeforeValidator(_web_address)] = ""
    retain_conversations_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days after which closed conversations are deleted; 0 keeps them."""
    retain_inbox_days: Annotated[int, Field(ge=1, le=30)] = 2
    transcript_days: Annotated[int, Field(ge=0, le=3_650)] = 30
    """Days for which the words of conversations are kept; 0 keeps none."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    worker_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """In place of `http_port` for a worker, which may run beside a bot; without it there is none.
    """
    public_url: Annotated[str, BeforeValidator(_web_address), AfterValidator(_secure_address)] = ""
    """The address at which admins open the register as a page; without it there is none."""
    public_port: Annotated[int, Field(ge=0, le=65535)] = 8081
    broker_url: SecretStr = SecretStr("")
    show_attendant_name: bool = False
    reopen_hours: Annotated[int, Field(ge=0, le=168)] = 12
    remind_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 10
    priority_reminder_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 5
    """In place of `remind_minutes`, for customers with priority."""
    remind_admins_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 30
    timezone: str = "America/Sao_Paulo"
    otlp_url: Annotated[str, BeforeValidator(_web_address)] = ""
    """A collector that traces are sent to; without it none are recorded."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("unknown time zone") from error
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker_address(cls, value: SecretStr) -> SecretStr:
        # The value may hold a password, so the error must not contain it.
        for part in filter(None, value.get_secret_value().split(",")):
            try:
                url = urlsplit(part.strip())
                is_right = url.scheme in ("nats", "tls") and url.hostname and url.port != 0
            except ValueError:
                is_right = False
            if not is_right:
                raise PydanticCustomError("broker_url", "no address of a NATS server")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _header_value(cls, value: SecretStr) -> SecretStr:
        if not _WEBHOOK_SECRET.fullmatch(value.get_secret_value()):
            raise PydanticCustomError("webhook_secret", "not what Telegram takes")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @classmethod
    def read(cls) -> Self:
        """Return the settings from the environment and `.env`.

        Raises RefusedError when a value or a name is wrong, with one line per wrong setting that
        names it. An unknown name is an error, because a misspelt setting would be silently
        ignored.
        """
        try:
            lines = [_unknown(name) for name in _given_names() if name not in _NAMES]
            settings = cls()
        except UnicodeDecodeError:
            raise RefusedError(".env: o arquivo não está em UTF-8; salve de novo assim") from None
        except ValidationError as error:
            lines += _lines(error)
        if lines:
            raise RefusedError("\n".join(lines))
        return settings

    def require_for_run(self) -> None:
        """Raise RefusedError if a setting is missing that the bot needs to serve customers.

        The error names every missing setting.
        """
        missing = []
        if not self.bot_token.get_secret_value():
            missing.append(f"{PREFIX}BOT_TOKEN: falta o token do bot, dado pelo @BotFather")
        if self.attendants_chat_id is None:
            missing.append(
                f"{PREFIX}ATTENDANTS_CHAT_ID: falta o número do grupo dos atendentes "
                "(começa com -100)"
            )
        if missing:
            raise RefusedError("\n".join(missing))

    def exposed(self) -> list[str]:
        """Return a sentence for each secret that others can read, on this machine's disk or on
        the way to another machine, or guess."""
        found = []
        if _is_open_to_others(Path(".env")):
            found.append(
                ".env: outras contas deste computador podem ler ou mudar o arquivo, e nele ficam "
                "o token e as senhas. Rode: chmod 600 .env"
            )
        if _is_plain(self.telegram_api_url):
            found.append(
                f"{PREFIX}TELEGRAM_API_URL: {_OPEN}, e com ele o token do bot e as conversas. Use "
                "https://"
            )
        if _is_plain(self.erp_url):
            found.append(
                f"{PREFIX}ERP_URL: {_OPEN}, e com ele a senha do ERP e os dados dos clientes. Use "
                "https://"
            )
        if _is_mongodb_plain(self.mongodb_uri.get_secret_value()):
            found.append(
                f"{PREFIX}MONGODB_URI: {_OPEN}, e com ele a senha e o cadastro inteiro. Ponha "
                "tls=true no endereço, sem opções que deixem de conferir o certificado"
            )
        if any(_is_plain(one) for one in self.broker_url.get_secret_value().split(",")):
            found.append(
                f"{PREFIX}BROKER_URL: {_OPEN}, e com ele a senha do servidor NATS, se há uma. Use "
                "tls://"
            )
        if 0 < len(self.webhook_secret.get_secret_value()) < _SHORT_SECRET:
            found.append(
                f"{PREFIX}WEBHOOK_SECRET: quem adivinhar este segredo manda mensagens ao bot em "
                "nome de qualquer pessoa. Use 32 caracteres ao acaso, ou deixe vazio: o Balcão "
                "gera um"
            )
        return found

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


_WEBHOOK_PORTS: Final = (443, 80, 88, 8443)
_WEBHOOK_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_WEBHOOK_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,256}")
_SHORT_SECRET: Final = 16
_OPEN: Final = "o que vai até essa máquina passa pela rede sem criptografia"


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def _is_plain(address: str) -> bool:
    """Return True if it leads to another machine without TLS."""
    url = urlsplit(address.strip())
    return url.scheme in ("http", "nats") and not _is_here(url.hostname or "")


def _is_mongodb_plain(uri: str) -> bool:
    """Return True if it leads to another machine without TLS, or without checking whose it is."""
    scheme, _, rest = uri.partition("://")
    place, _, options = rest.partition("?")
    hosts = place.partition("/")[0].rpartition("@")[2].split(",")
    if all(_is_here(urlsplit(f"//{host}").hostname or "") for host in hosts):
        return False
    given = {name.lower(): value.lower() for name, value in parse_qsl(options)}
    has_tls = given.get("tls", given.get("ssl", str(scheme == "mongodb+srv").lower())) == "true"
    return not has_tls or any(given.get(name) == "true" for name in _UNCHECKED)


_HERE: Final = ("localhost", gethostname().lower())
_UNCHECKED: Final = ("tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames")


def _is_here(host: str) -> bool:
    """Return True if the host is this machine; a path of a socket and nothing are, too."""
    host = host.lower()
    if not host or host.startswith("%2f") or host in _HERE:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


_NAMES = frozenset(PREFIX + name.upper() for name in Settings.model_fields)


def _given_names() -> list[str]:
    """Return the upper-case names with our prefix from the environment and `.env`, sorted."""
    given = {*os.environ, *dotenv_values(".env")}
    return sorted(name.upper() for name in given if name.upper().startswith(PREFIX))


def _unknown(name: str) -> str:
    close = get_close_matches(name, _NAMES, n=1)
    hint = f"; seria {close[0]}?" if close else ""
    return f"{name}: configuração desconhecida{hint}"


# Hints for the admin, by pydantic's error type.
_HINTS = {
    "literal_error": "use um destes: {expected}",
    "int_parsing": "use um número inteiro",
    "int_type": "use um número inteiro",
    "greater_than_equal": "use um número de {ge} para cima",
    "less_than_equal": "use um número até {le}",
    "url_parsing": "use um endereço como https://exemplo.com.br",
    "url_scheme": "use um endereço que comece com http:// ou https://",
    "string_pattern_mismatch": "use só letras, números, hífen e sublinhado",
    "value_error": "valor desconhecido",
    "bool_parsing": "use true ou false",
    "ca_path": "não consigo ler este arquivo. Confira o caminho e a permissão",
    "ca_content": "neste arquivo não há certificado. Use um em formato PEM, com linhas "
    "-----BEGIN CERTIFICATE----- e -----END CERTIFICATE-----",
    "public_url": "use um endereço como https://cadastro.exemplo.com.br, com https e sem nada "
    "depois do nome do servidor",
    "webhook_url": "use um endereço como https://bot.exemplo.com.br/telegram, com https, na porta "
    "443, 80, 88 ou 8443, e com um caminho depois do nome do servidor",
    "webhook_secret": "use até 256 letras sem acento, números, hífens e sublinhados; sem ele, o "
    "Balcão gera um",
    "broker_url": "use um endereço como nats://servidor:4222 (ou tls://…), com os caracteres "
    "especiais da senha escritos com %",
}


def _lines(error: ValidationError) -> list[str]:
    """Return one line per wrong setting: its name and a hint.

    The line leaves out the value, which may be a secret.
    """
    lines: dict[str, str] = {}
    for problem in error.errors(include_input=False, include_url=False):
        name = PREFIX + str(problem["loc"][0]).upper()
        context = {k: str(v).replace(" or ", " ou ") for k, v in problem.get("ctx", {}).items()}
        hint = _HINTS.get(problem["type"], "valor inválido").format(**context)
        lines.setdefault(name, f"{name}: {hint}")
    return list(lines.values())
