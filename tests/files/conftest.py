"""Files of the corpus, opened in the same way as received files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.file_refusal import FileRefused
from bot.runtime.files.shape import Shape
from bot.runtime.files.table import open_table

Rows = list[tuple[int, list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Shape, Rows]]:
    def read(data: bytes, name: str = "clientes.csv", after: int = 0) -> tuple[Shape, Rows]:
        path = tmp_path / "received"
        path.write_bytes(data)
        with open_table(path, name=name) as table:
            return table.shape, list(table.rows(after))

    return read


@pytest.fixture
def refusal(read: Callable[..., tuple[Shape, Rows]]) -> Callable[[bytes], FileRefused]:
    def refusal(data: bytes) -> FileRefused:
        with pytest.raises(FileRefused) as raised:
            read(data)
        return raised.value

    return refusal
