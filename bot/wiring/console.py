"""The wiring of the console: what its pages get, and its place on the public address."""

from dataclasses import replace
from functools import partial

from aiohttp import web

from bot.console.server import console_app
from bot.console.services import ConsoleServices, Surroundings
from bot.usecases.company.enter_console import EnterConsole, KnowAdmin
from bot.usecases.jobs.receive_file import ReceiveFile
from bot.wiring.company import Company
from bot.wiring.jobs import Jobs
from bot.wiring.register import Register
from bot.wiring.shared import Shared
from bot.wiring.telegram import launch_reader
from handlers.admin.files.services import show_progress
from handlers.admin.register.services import RegisterServices
from storage.jobs.choices import Choices
from storage.jobs.uploads import Uploads
from storage.people.console import ConsoleSessions, ShownSearches


def build_console(
    shared: Shared,
    company: Company,
    register: Register,
    jobs: Jobs,
    place: Surroundings | None = None,
) -> web.Application | None:
    """Return the application, or None without a public address.

    place: Telegram's own unless given; the demo gives another.
    """
    public_url = shared.settings.public_url
    if not public_url:
        return None
    place = replace(place or Surroundings(origin=""), origin=public_url)
    return console_app(_services(shared, company, register.services, jobs, place))


def _services(
    shared: Shared, company: Company, services: RegisterServices, jobs: Jobs, place: Surroundings
) -> ConsoleServices:
    settings, database, clock = shared.settings, shared.database, shared.clock
    sessions, is_admin = ConsoleSessions(database), company.role_of.is_admin
    return ConsoleServices(
        place=place,
        enter=EnterConsole(
            read_launch=launch_reader(settings.bot_token),
            sessions=sessions,
            is_admin=is_admin,
            clock=clock,
        ),
        know_admin=KnowAdmin(sessions=sessions, is_admin=is_admin, clock=clock),
        search=services.search,
        searches=ShownSearches(database),
        registrations=services.registrations,
        audit=services.audit,
        add=services.add,
        edit=services.edit,
        remove=services.remove,
        restore=services.restore,
        duplicates=services.duplicates,
        compare=services.compare,
        unite=services.unite,
        separate=services.separate,
        holding=shared.locks.holding,
        hash_password=services.hash_password,
        new_id=services.new_id,
        choices=Choices(database, clock),
        tags=services.tags,
        departments=services.departments,
        jobs=jobs.manage,
        begin_change=jobs.begin_change,
        receive_file=ReceiveFile(
            uploads=Uploads(database), pieces=jobs.files, read_file=jobs.read_file, clock=clock
        ),
        read_file=jobs.read_file,
        create_tag=shared.tags.create,
        requires_tax_id=settings.require_tax_id,
        begin_sync=jobs.begin_sync if shared.can_sync else None,
        report=jobs.work.report,
        show_in_chat=partial(show_progress, shared.bot),
        names=services.names,
        timezone=services.timezone,
        has_erp=services.has_erp,
        clock=clock,
    )
