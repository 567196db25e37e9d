"""Files of the corpus, opened in the same way as received files."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.domain.columns import fields_of
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import FileShape, Inspected, Reading
from bot.domain.row import Row, RowReader
from bot.runtime.files.table import Table, inspect, open_table

Rows = list[tuple[int, list[str]]]


def read_people(
    path: Path, data: bytes, reading: Reading | None = None, **options: Any
) -> tuple[Inspected, list[Row]]:
    """Return how a file was understood, and its rows as candidates."""
    path.write_bytes(data)
    found = asyncio.run(inspect(path, name="clientes.csv", reading=reading))
    reader = RowReader(fields_of(found.columns), decimals=found.shape.decimals, **options)
    with open_table(path, found.shape) as table:
        return found, [reader(line, cells) for line, cells in table.rows()]


@contextmanager
def opened(path: Path, name: str) -> Iterator[Table]:
    """Yield the table of a file that is inspected before."""
    shape = asyncio.run(inspect(path, name=name)).shape
    with open_table(path, shape) as table:
        yield table


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[FileShape, Rows]]:
    def read(data: bytes, name: str = "clientes.csv") -> tuple[FileShape, Rows]:
        path = tmp_path / "received"
        path.write_bytes(data)
        with opened(path, name) as table:
            return table.shape, list(table.rows())

    return read


@pytest.fixture
def refusal(read: Callable[..., tuple[FileShape, Rows]]) -> Callable[[bytes], FileRefused]:
    def refusal(data: bytes) -> FileRefused:
        with pytest.raises(FileRefused) as raised:
            read(data)
        return raised.value

    return refusal
