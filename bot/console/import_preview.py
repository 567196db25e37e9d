"""The preview of an import as a table: rows as they are read, with the cells to mend."""

from collections.abc import Mapping
from typing import Final

from bot.domain.candidate import Refusal
from bot.domain.fields import PASSWORD
from bot.domain.job import Job, RowReport
from bot.wording.job_report import has_something_to_write
from bot.wording.reasons import COLUMN_LABELS, describe
from bot.wording.words import number, short

# Where a reason names no cell: the one that mends it.
_CELL_OF: Final[Mapping[str, str]] = {
    Refusal.NO_NAME: "name",
    Refusal.NAME_TOO_LONG: "name",
    Refusal.NO_TAX_ID: "tax_id",
    Refusal.REPEATED: "tax_id",
    Refusal.SEVERAL: "tax_id",
    Refusal.NO_KIND: "kinds",
    Refusal.TRADE_NAME_TOO_LONG: "trade_name",
    Refusal.NOTE_TOO_LONG: "fixed_note",
}
_SHORT: Final = 60


def preview_of(job: Job) -> dict[str, object]:
    """Return what the table of a checked import shows."""
    options = job.import_options
    fields = options.columns if options else ()
    used = [(place, field) for place, field in enumerate(fields) if field is not None]
    refused = {row.line: row for row in job.to_refuse}
    rows, can_mend = [], False
    for row in job.shown_rows:
        wrong, others = _wrong(refused.get(row.line), {field for _, field in used})
        can_mend = can_mend or bool(wrong.keys() - {PASSWORD})
        rows.append(
            {
                "line": row.line,
                "is_refused": row.line in refused,
                "others": others,
                "cells": [
                    {
                        "column": place,
                        "label": COLUMN_LABELS[field],
                        "text": text if field in wrong else short(text, _SHORT),
                        "is_long": len(text) > _SHORT,
                        "wrong": wrong.get(field, ""),
                        "can_mend": field in wrong and field != PASSWORD,
                    }
                    for place, field in used
                    for text in [row.cells[place] if place < len(row.cells) else ""]
                ],
            }
        )
    counts = job.preview
    changes = counts.created + counts.updated if counts else 0
    return {
        "header": [COLUMN_LABELS[field] for _, field in used],
        "rows": rows,
        "can_mend": can_mend,
        "more": number(counts.refused - len(refused))
        if counts and counts.refused > len(refused)
        else "",
        "imports": number(changes) if changes else "as senhas",
        "can_import": has_something_to_write(job) and job.fits,
        "can_receive": bool(counts and counts.refused) and job.fits,
        "unknown_tags": job.unknown_tags,
        "mended": len(options.mended) if options else 0,
    }


def _wrong(row: RowReport | None, used: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return the sentences about each cell of a refused row, and those about the whole row."""
    wrong: dict[str, str] = {}
    others = []
    for path, reason, detail in row.reasons if row else ():
        told = describe(RowReport(line=0, reasons=(("", reason, detail),)))
        field = path or _CELL_OF.get(reason, "")
        if field in used:
            # The reasons of cells come first, and say more than that a value is missing.
            wrong.setdefault(field, told)
        else:
            others.append(f"{COLUMN_LABELS[field]}: {told}" if path else told)
    return wrong, others
