"""The progress of a backup or a restore on a terminal: a bar for each collection, and its
counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich.progress

from bot.cli.terminal.console import err
from bot.wording.words import COLLECTIONS, counted, number
from storage.backup.backup import Progress, Stage, Tallies

_STAGES = {
    Stage.SAVING: "Copiando",
    Stage.CHECKING: "Conferindo o arquivo:",
    Stage.DELETING: "Apagando",
    Stage.STORING: "Gravando",
    Stage.COMPARING: "Comparando",
}


def counts(tallies: Tallies) -> dict[str, int]:
    return {name: tally.count for name, tally in tallies.items()}


def listed(counts: dict[str, int]) -> str:
    return ", ".join(counted(counts[key], *words) for key, words in COLLECTIONS.items())


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows a bar for each collection: on a terminal only, removed at the
    end."""
    with rich.progress.Progress(
        *("{task.description}", rich.progress.BarColumn(), "{task.fields[done]}"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bars:
        tasks: dict[tuple[Stage, str], rich.progress.TaskID] = {}

        def report(now: Progress) -> None:
            key = (now.stage, now.collection)
            if key not in tasks:
                described = f"{_STAGES[now.stage]} {COLLECTIONS[now.collection][1]}"
                tasks[key] = bars.add_task(described, total=now.of, done="")
            of = f" de {number(now.of)}" if now.of else ""
            size = f", {now.size_bytes / 1e6:,.0f} MB" if now.size_bytes else ""
            done = f"{number(now.documents)}{of}{size}"
            bars.update(tasks[key], completed=now.documents, done=done)

        yield report
