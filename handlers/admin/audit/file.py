"""The audit as a CSV for Brazilian Excel: UTF-8 with BOM, semicolons."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from bot.domain.audit import AuditEntry
from bot.domain.guard import guarded
from bot.wording.values import LABELS, WAYS, Names, show_value, when, who
from bot.wording.words import EVENTS

_COLUMNS: Final = ("quando", "quem", "meio", "o que", "cadastro", "campo", "de", "para")
# About 40 MB at most: Telegram takes 50 from a bot.
_LONGEST_BYTES: Final = 40_000_000


async def audit_file(
    entries: AsyncIterator[AuditEntry] | Iterable[AuditEntry], names: Names
) -> tuple[bytes, bool]:
    """Return the file, and True if it is complete: it is cut before Telegram would refuse it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(_COLUMNS)
    async for entry in _each(entries):
        if text.tell() > _LONGEST_BYTES:
            return text.getvalue().encode("utf-8-sig"), False
        writer.writerows([guarded(cell) for cell in row] for row in _rows(entry, names))
    return text.getvalue().encode("utf-8-sig"), True


async def _each(
    entries: AsyncIterator[AuditEntry] | Iterable[AuditEntry],
) -> AsyncIterator[AuditEntry]:
    if isinstance(entries, AsyncIterator):
        async for entry in entries:
            yield entry
    else:
        for entry in entries:
            yield entry


def _rows(entry: AuditEntry, names: Names) -> Iterator[tuple[str, ...]]:
    provenance = entry.provenance
    head = (
        when(provenance.at, names),
        who(provenance.by, names),
        WAYS[provenance.way],
        EVENTS[entry.event],
        entry.name,
    )
    if not entry.changes:
        yield (*head, "", "", "")
    for change in entry.changes:
        before, after = (show_value(change.path, v, names) for v in (change.before, change.after))
        yield (*head, LABELS.get(change.path, change.path), before, after)
