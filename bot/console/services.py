"""Dependencies of the console's pages."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot.domain.job import Job, Progress, Report
from bot.usecases.company.enter_console import EnterConsole, KnowAdmin
from bot.usecases.jobs.begin_change import BeginChange
from bot.usecases.jobs.begin_sync import BeginSync
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.jobs.read_file import ReadFile
from bot.usecases.jobs.receive_file import ReceiveFile
from bot.usecases.ports import (
    AuditLog,
    Choices,
    Departments,
    Registrations,
    Search,
    ShownSearches,
    Tags,
)
from bot.usecases.register.add_registration import AddRegistration
from bot.usecases.register.duplicates import ComparePair, FindDuplicates
from bot.usecases.register.edit_registration import (
    EditRegistration,
    RemoveRegistration,
    RestoreRegistration,
)
from bot.usecases.register.unite import SeparateRegistrations, UniteRegistrations
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
    add: AddRegistration
    edit: EditRegistration
    remove: RemoveRegistration
    restore: RestoreRegistration
    duplicates: FindDuplicates
    compare: ComparePair
    unite: UniteRegistrations
    separate: SeparateRegistrations
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat, here of the admin's own: uniting moves chats."""
    hash_password: Callable[[SecretStr], Awaitable[str]]
    choices: Choices
    tags: Tags
    departments: Departments
    jobs: ManageJobs
    begin_change: BeginChange
    receive_file: ReceiveFile
    read_file: ReadFile
    create_tag: Callable[[str], Awaitable[object]]
    """Creates the tag of this name, unless there is one."""
    requires_tax_id: bool
    begin_sync: BeginSync | None
    """None without an ERP that lists its customers."""
    report: Callable[[Job], Awaitable[Report]]
    """Returns the effects of a job, beyond its counts."""
    show_in_chat: Callable[[int, str], Awaitable[Progress]]
    """Sends an admin the message that will show a job, and returns its place."""
    names: Callable[[], Awaitable[Names]]
    new_id: Callable[[], str]
    timezone: ZoneInfo
    has_erp: bool
    clock: Callable[[], datetime]
