"""All routes of the console, with the roles that may use each. There is no other place."""

from typing import Final

from bot.console import (
    audit,
    entrance,
    exports,
    imports,
    jobs,
    many,
    new_record,
    pairs,
    record,
    sync,
    table,
    tasks,
)
from bot.console.request import Route

ROUTES: Final[tuple[Route, ...]] = (
    *entrance.ROUTES,
    *table.ROUTES,
    *many.ROUTES,
    *jobs.ROUTES,
    *record.ROUTES,
    *new_record.ROUTES,
    *imports.ROUTES,
    *exports.ROUTES,
    *sync.ROUTES,
    *tasks.ROUTES,
    *audit.ROUTES,
    *pairs.ROUTES,
)
