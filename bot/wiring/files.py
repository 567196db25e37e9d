"""The wiring of the screens of files and jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Final

from bot.domain.columns import doubts_of_values, map_header
from bot.runtime.files.table import open_table
from bot.settings import Settings
from bot.wiring.jobs import Jobs
from bot.wording.values import Names
from handlers.admin.files.services import FileServices, Inspected

# Rows by which columns are judged: a few dirty ones must not decide.
_SAMPLES: Final = 50


def file_services(
    jobs: Jobs, settings: Settings, *, names: Callable[[], Awaitable[Names]]
) -> FileServices:
    """Return what the screens of files and jobs use."""
    return FileServices(
        manage=jobs.manage,
        inspect=inspect,
        fetch=jobs.files.fetch,
        report=jobs.work.report,
        names=names,
        data_dir=settings.data_dir,
        requires_tax_id=settings.require_tax_id,
    )


async def inspect(path: Path, *, name: str) -> Inspected:
    """Return the format, columns and first rows of a file; raises FileRefused."""
    return await asyncio.to_thread(_inspect, path, name)


def _inspect(path: Path, name: str) -> Inspected:
    with open_table(path, name=name) as table:
        shape = table.shape
        samples = tuple((line, tuple(cells)) for line, cells in islice(table.rows(), _SAMPLES))
    columns = doubts_of_values(map_header(shape.header), [cells for _, cells in samples])
    return Inspected(
        format=shape.format,
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        member=shape.member,
        sheet=shape.sheet,
        header_line=shape.header_line,
        columns=columns,
        samples=samples,
    )
