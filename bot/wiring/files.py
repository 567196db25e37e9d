"""The wiring of the screens of files and jobs."""

from collections.abc import Awaitable, Callable
from functools import partial

from bot.runtime.files.work_folders import work_folder
from bot.settings import Settings
from bot.wiring.jobs import Jobs
from bot.wording.values import Names
from handlers.admin.files.services import FileServices


def file_services(
    jobs: Jobs,
    settings: Settings,
    *,
    names: Callable[[], Awaitable[Names]],
    create_tag: Callable[[str], Awaitable[object]],
) -> FileServices:
    """Return what the screens of files and jobs use."""
    return FileServices(
        manage=jobs.manage,
        begin_change=jobs.begin_change,
        read_file=jobs.read_file,
        report=jobs.work.report,
        names=names,
        work_folder=partial(work_folder, settings.data_dir),
        requires_tax_id=settings.require_tax_id,
        create_tag=create_tag,
    )
