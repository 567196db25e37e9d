"""The tables of the suite for docs/adapters.md: each adapter's cases, and what answers mean.

    python -m tests.erp.table

A tick or an answer is a test that runs; CI fails when one of them does not pass.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.erp.dialects import DIALECTS
from tests.erp.dialects.dialect import Answer, Case, Meaning

PAGE: Final = Path(__file__).parents[2] / "docs" / "adapters.md"


def cases() -> str:
    """Return the table of cases in Markdown with its footnotes, as the docs show it."""
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


def answers() -> str:
    """Return the table of known answers to a look-up in Markdown."""
    lines = ["| | answer | is |", "| --- | --- | --- |"]
    titles: dict[Sequence[Answer], list[str]] = {}
    for kind in DIALECTS:
        titles.setdefault(kind.answers, []).append(kind.title or kind.name)
    for known, names in titles.items():
        for answer in sorted(known, key=lambda one: list(Meaning).index(one.means)):
            body = f" `{answer.body.strip()}`".replace("|", "\\|").replace("\n", " ")
            shown = f"{answer.status}{body if answer.body else ''}"
            lines.append(f"| {', '.join(names)} | {shown} | {answer.means} |")
    return "\n".join(lines)


def with_tables(page: str) -> str:
    """Return the page with the current tables in it."""
    for name, table in (("suite", cases()), ("answers", answers())):
        before, _, rest = page.partition(f"<!-- {name} -->")
        _, _, after = rest.partition(f"<!-- /{name} -->")
        page = f"{before}<!-- {name} -->\n{table}\n<!-- /{name} -->{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
