"""`balcao demo`: the whole product offline, on one page. All data is deleted when it stops."""

import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from bot import app
from bot.console.services import Surroundings
from bot.demo import people
from bot.demo.bot_api import BotApiEmulator, Link, Scene, Switch
from bot.demo.bot_api.page import STATIC
from bot.demo.ixc import IxcEmulator, demo_emulator, fail_for_some, faults
from bot.demo.quick_syncs import EVERY_S, quick_syncs
from bot.domain.candidate import Candidate, Policy
from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.label import Tag
from bot.domain.registration import ChangeSource, Provenance
from bot.domain.tax_id import TaxId, read_tax_id
from bot.runtime.http_server import serving
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.telegram import open_bot

GROUP_ID = -1001000000001
FORUM_ID = -1001000000002
"""The second department's group, where each conversation has a topic."""
ADMIN_ID = 4001
ATTENDANTS = ((4002, "Bia", "Santos"), (4003, "Caio", "Melo"))
_SLOW_S = 8.0

# The company's own data on some people, in addition to the ERP's.
_LOCAL = (
    (
        people.MARIA,
        {
            "traits": ("idosa", "prefere ligação"),
            "alert_traits": True,
            "priority_departments": frozenset((DEFAULT_DEPARTMENT,)),
            "fixed_note": "Mora em área rural: confirme se há alguém em casa antes de agendar.",
        },
    ),
    (
        people.BAKERY,
        {
            "traits": ("abre às 4h da manhã",),
            "alert_traits": True,
        },
    ),
    (people.FIBRA, {"fixed_note": "Contrato <corporativo> & suporte 24 h."}),
)
_TAGS = (
    ("VIP", "🟣", (people.FIBRA,)),
    ("Comercial", "🟠", (people.FIBRA, people.BAKERY)),
    ("Abre cedo", "🌅", (people.BAKERY,)),
)
_LOCAL_FIELDS = Policy(
    may_create=False,
    may_update=True,
    fields=frozenset(("traits", "alert_traits", "priority_departments", "fixed_note", "tags")),
)


class _DemoSettings(Settings):
    """Settings that ignore the user's own configuration."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demo."""

    telegram: BotApiEmulator
    erp: IxcEmulator
    balcao: app.Balcao
    url: str


@asynccontextmanager
async def open_demo(
    *, port: int = 0, departments: int = 2, sync_every_s: float = EVERY_S, **overrides: object
) -> AsyncIterator[Demo]:
    """Run emulators of Telegram and of an ERP, and the bot between them with its own database.

    departments: number of departments with a group; with one, customers are not asked to choose.
    sync_every_s: pause between the quick syncs by the clock.
    overrides: settings that differ, by field name.
    """
    async with AsyncExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="balcao-demo-"))
        telegram = BotApiEmulator()
        await telegram.start(port=port)
        stack.push_async_callback(telegram.stop)
        _invite(telegram, departments)
        credential = f"7:{secrets.token_hex(32)}"
        erp = await stack.enter_async_context(demo_emulator(has_page=True, credential=credential))
        values: dict[str, object] = {
            "bot_token": telegram.token,
            "telegram_api_url": telegram.url,
            "data_dir": Path(data_dir),
            "mongodb_uri": "",
            "admin_ids": (ADMIN_ID,),
            "attendants_chat_id": GROUP_ID,
            "erp_kind": "ixc",
            # Full syncs only by button, else every customer would be known before anything was
            # tried.
            "sync_interval_minutes": 0,
            "erp_url": erp.url,
            "erp_token": credential,
        }
        # The bot tells the address of its page before anything answers there.
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        values["public_url"] = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = _DemoSettings.model_validate(values | overrides)
        database = await stack.enter_async_context(clients.open_database(settings))
        lookup = await stack.enter_async_context(clients.open_erp_if_set(settings, database))
        # The emulated Telegram has no limits, so the user of the demo need not wait.
        limiter = RateLimiter(NO_LIMITS)
        bot = await stack.enter_async_context(open_bot(settings, limiter))
        balcao = app.build(
            settings,
            bot=bot,
            limiter=limiter,
            database=database,
            erp=lookup,
            surroundings=_surroundings(telegram.url),
        )
        await _seed(balcao, departments)
        if balcao.console is not None:
            await stack.enter_async_context(serving(balcao.console, "", 0, socket=listening))
        await stack.enter_async_context(app.serving(balcao))
        sync = quick_syncs(balcao, ADMIN_ID)
        task = balcao.supervisor.repeat("demo syncs", sync, every_s=sync_every_s)
        stack.push_async_callback(balcao.supervisor.end, task)
        telegram.serve_page(_scene(erp, departments))
        yield Demo(telegram=telegram, erp=erp, balcao=balcao, url=telegram.url)


def _surroundings(page_url: str) -> Surroundings:
    """Return those of a console in a frame of the demo's page, without a request to Telegram."""
    script = STATIC / "telegram-web-app.js"
    names = (page_url, page_url.replace("127.0.0.1", "localhost"))
    return Surroundings(
        origin="",
        framed_by=names,
        telegram_script=f"/static/{script.name}",
        own_files={script.name: script.read_bytes()},
    )


def _invite(telegram: BotApiEmulator, departments: int) -> None:
    telegram.add_user(ADMIN_ID, "Dora", "Lima", started=True)
    for user_id, first_name, last_name in ATTENDANTS:
        telegram.add_user(user_id, first_name, last_name)
    for person in people.DEMO_PEOPLE:
        telegram.add_user(person.user_id, person.first_name, person.last_name, phone=person.phone)
    members = (ADMIN_ID, *(user_id for user_id, _, _ in ATTENDANTS))
    telegram.add_group(GROUP_ID, "Atendimento", members=members)
    if departments > 1:
        telegram.add_group(FORUM_ID, "Financeiro", forum=True, members=members)


async def _seed(balcao: app.Balcao, departments: int) -> None:
    """Register the people of `_LOCAL`, with the tags and departments they need."""
    await balcao.departments.ensure_default()
    second = await balcao.departments.create("Financeiro", "💰")
    assert isinstance(second, Department)  # noqa: S101 - the database was empty
    if departments > 1:
        await balcao.departments.link(second.id, FORUM_ID)
    for group_id in (GROUP_ID, FORUM_ID)[:departments]:
        for user_id, _, _ in ATTENDANTS:
            # As if they had worked here before: each can transfer a conversation to the other.
            await balcao.company.role_of(user_id, group_id=group_id)
    tag_ids: dict[people.DemoPerson, set[str]] = {}
    for name, emoji, tagged in _TAGS:
        tag = await balcao.tags.create(name, emoji)
        assert isinstance(tag, Tag)  # noqa: S101 - the database was empty
        for person in tagged:
            tag_ids.setdefault(person, set()).add(tag.id)
    provenance = Provenance(at=datetime.now(UTC), by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT)
    for person, local in _LOCAL:
        tax_id = read_tax_id(person.tax_id)
        assert isinstance(tax_id, TaxId)  # noqa: S101 - the generator makes valid ones
        await balcao.retry_lookups.look_up(tax_id)
        tags = frozenset(tag_ids.get(person, ()))
        candidate = Candidate(tax_id=tax_id, tags=tags, **local)
        await balcao.apply_candidate(candidate, _LOCAL_FIELDS, provenance)


def _scene(erp: IxcEmulator, departments: int) -> Scene:
    state = {"erp": "normal"}

    def switch(value: str) -> None:
        state["erp"] = value
        erp.heal()
        fail_for_some(erp)
        if value == "slow":
            erp.fail(faults.slow(_SLOW_S))
        elif value == "down":
            erp.fail(faults.DOWN)

    return Scene(
        people=people.DEMO_PEOPLE,
        groups=(GROUP_ID, FORUM_ID)[:departments],
        attendants=[user_id for user_id, _, _ in ATTENDANTS],
        admin_id=ADMIN_ID,
        title="Balcão: demonstração",
        switches=(
            Switch(
                key="erp",
                label="ERP",
                options=(("normal", "normal"), ("slow", "lento"), ("down", "fora do ar")),
                get=lambda: state["erp"],
                set=switch,
            ),
        ),
        links=(Link(key="erp", label="ERP de demonstração", url=erp.url),),
        note=(
            "Escolha uma pessoa, escreva qualquer coisa como cliente e envie o CPF ou CNPJ dela. "
            "Tudo aqui é inventado e some quando a demonstração termina."
        ),
    )
