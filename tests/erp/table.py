"""The table of the suite, case by case and adapter by adapter, for docs/adapters.md.

    python -m tests.erp.table

A tick is a test that runs; CI fails when one of them does not pass.
"""

from pathlib import Path
from typing import Final

from tests.erp.dialects import DIALECTS
from tests.erp.dialects.dialect import Case

PAGE: Final = Path(__file__).parents[2] / "docs" / "adapters.md"
_BEGIN: Final = "<!-- suite -->"
_END: Final = "<!-- /suite -->"


def table() -> str:
    """Return the table in Markdown with its footnotes, as the docs show it."""
    titles = [kind.title or kind.name for kind in DIALECTS]
    reasons: list[str] = []
    lines = ["| | " + " | ".join(titles) + " |", "| --- |" + " --- |" * len(titles)]
    for case in Case:
        cells = []
        for kind in DIALECTS:
            if case not in kind.absent:
                cells.append("✓")
                continue
            reason = kind.absent[case]
            if reason not in reasons:
                reasons.append(reason)
            cells.append(f"– ({reasons.index(reason) + 1})")
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", *notes])


def with_table(page: str) -> str:
    """Return the page with the current table in it."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
