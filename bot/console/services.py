"""Dependencies of the console's pages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.usecases.company.enter_console import EnterConsole, KnowAdmin
from bot.usecases.ports import AuditLog, Choices, Registrations, Search, ShownSearches, Tags
from bot.wording.values import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the page stands: what may frame it, and where Telegram's script comes from."""

    origin: str
    """`https://balcao.example`: requests of pages from elsewhere are refused."""
    framed_by: tuple[str, ...] = (
        "https://web.telegram.org",
        "https://webk.telegram.org",
        "https://weba.telegram.org",
        "https://webz.telegram.org",
    )
    telegram_script: str = "https://telegram.org/js/telegram-web-app.js"
    """An address elsewhere, or of one of `own_files`."""
    own_files: Mapping[str, bytes] = field(default_factory=dict)
    """Static files beside the console's, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleServices:
    place: Surroundings
    enter: EnterConsole
    know_admin: KnowAdmin
    search: Search
    searches: ShownSearches
    registrations: Registrations
    audit: AuditLog
    choices: Choices
    tags: Tags
    names: Callable[[], Awaitable[Names]]
    has_erp: bool
    clock: Callable[[], datetime]
