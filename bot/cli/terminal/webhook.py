"""What `balcao check` says of the webhook: whether Telegram delivers where Balcão listens."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.domain.errors import AppError
from bot.settings import PREFIX, Settings
from bot.wording.words import counted
from storage.engine.connection import Database

if TYPE_CHECKING:
    from bot.runtime.updates.delivery import Delivery

_NEXT_START: Final = "o próximo início do balcao run acerta isso"
# By parts of Telegram's own words; the first that is in them counts.
_HINTS: Final = (
    (
        ": 401",
        "o segredo não é o mesmo em todos os processos: confira "
        f"{PREFIX}WEBHOOK_SECRET e reinicie todos",
    ),
    (": 503", "o Balcão parava, ou não conseguiu gravar: veja a linha do banco de dados"),
    (": 50", f"o proxy não alcança o Balcão: confira se ele atende na porta {PREFIX}PUBLIC_PORT"),
    (": 4", f"o proxy não passa tudo à porta {PREFIX}PUBLIC_PORT, ou limita o tamanho"),
    ("SSL", "confira o certificado do proxy: o nome, a data e os certificados intermediários"),
    ("", "o Telegram não alcança este endereço: confira o proxy, o firewall e o nome (DNS)"),
)


async def webhook_line(
    settings: Settings, database: Database | None, found: "Delivery | None", doubts: list[str]
) -> str:
    """Return how the webhook does, and append what the next start settles to `doubts`.

    found: None where Telegram did not say. Raises AppError while Telegram cannot deliver.
    """
    if found is None:
        raise AppError("sem o Telegram, não dá para conferir")
    doubts += await _differences(settings, database, found)
    waiting = _waiting(found.waiting)
    if found.url != settings.webhook_url:
        return f"ainda não é {settings.webhook_url}; {waiting}"
    if found.error_at is not None:
        error = _error(found.error, found.error_at, settings)
        if found.waiting:
            raise AppError(f"o Telegram não consegue entregar: {error}; {waiting}")
        doubts.append(f"último erro do Telegram: {error}. Depois disso tudo chegou")
    return f"ligado em {settings.webhook_url}; {waiting}"


def beside_polling(found: "Delivery | None") -> list[str]:
    """Return what is to be said of the webhook of a bot that polls."""
    if found is None or not found.url:
        return []
    return [
        f"está ligado um webhook ({found.url}), e sem {PREFIX}WEBHOOK_URL o Balcão busca as "
        f"mensagens ele mesmo: {_NEXT_START}"
    ]


def unfetched(settings: Settings, found: "Delivery") -> str:
    """Return how many messages wait to be fetched, to go on after other words; empty for none."""
    return "" if settings.webhook_url or not found.waiting else f"; {_waiting(found.waiting)}"


async def _differences(
    settings: Settings, database: Database | None, found: "Delivery"
) -> list[str]:
    if not found.url:
        return [f"não está ligado no Telegram: {_NEXT_START}"]
    if found.url != settings.webhook_url:
        return [f"no Telegram está ligado {found.url}: {_NEXT_START}"]
    mark, allowed = await _last_set(settings, database)
    differences = []
    if allowed and found.allowed != frozenset(allowed):
        differences.append(f"o Telegram manda outros tipos de atualização: {_NEXT_START}")
    if mark is False:
        differences.append(f"o segredo não é o que foi ligado: {_NEXT_START}")
    return differences


async def _last_set(
    settings: Settings, database: Database | None
) -> tuple[bool | None, Sequence[str]]:
    """Return whether address and secret are those that were set last, and the kinds of updates.

    None where that is not known.
    """
    from bot.runtime.updates.delivery import mark_of
    from storage.updates.webhook import WebhookSettings

    token, secret = settings.bot_token.get_secret_value(), settings.webhook_secret
    # Where the database does not answer, its own line says so.
    with suppress(AppError):
        if database is not None:
            stored = WebhookSettings(database, int(token.partition(":")[0]))
            mark, allowed = await stored.last_set()
            ours = secret.get_secret_value() or await stored.secret()
            return mark == mark_of(token, settings.webhook_url, ours), allowed
    return None, ()


def _error(error: str, at: datetime, settings: Settings) -> str:
    hint = next(hint for part, hint in _HINTS if part in error)
    return f"“{error}”, em {at.astimezone(settings.zone):%d/%m/%Y %H:%M} ({hint})"


def _waiting(count: int) -> str:
    if not count:
        return "nada espera no Telegram"
    return f"{counted(count, 'mensagem espera', 'mensagens esperam')} no Telegram"
