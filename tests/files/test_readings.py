"""How often a file is opened and decoded: once to inspect it, and once each time it is read."""

from pathlib import Path
from typing import IO

import pytest

from bot.runtime.files.text import inspect_text, read_text
from bot.runtime.files.unpacking import Unpacked
from bot.runtime.files.workbook import inspect_workbook, read_workbook
from tests.files import corpus
from tests.files.processes import processes

ROWS = [("Nome", "CPF"), *((f"Zé {n}", f"1{n:05}") for n in range(40_000))]
TEXT = corpus.csv_text(ROWS)
ASCII_AT_FIRST = TEXT.replace("Zé", "Ze", 39_999)


class Counted:
    """A file that counts how often it is opened, and how many of its bytes are read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.openings = self.bytes_read = 0

    def open(self) -> IO[bytes]:
        self.openings += 1
        stream = self.path.open("rb")
        counted = self

        class Stream:
            def read(self, size: int) -> bytes:
                data = stream.read(size)
                counted.bytes_read += len(data)
                return data

            def __enter__(self) -> "Stream":
                return self

            def __exit__(self, *_: object) -> None:
                stream.close()

        return Stream()  # type: ignore[return-value]  # what a reading needs of it

    def taken(self) -> tuple[int, float]:
        """Return the openings since the last call, and how many times all bytes were read."""
        openings, passes = self.openings, self.bytes_read / self.path.stat().st_size
        self.openings = self.bytes_read = 0
        return openings, passes


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        pytest.param(TEXT.encode(), "utf-8", id="utf-8"),
        pytest.param(TEXT.encode("utf-8-sig"), "utf-8-sig", id="utf-8-sig"),
        pytest.param(TEXT.encode("cp1252"), "cp1252", id="cp1252"),
        pytest.param(ASCII_AT_FIRST.encode("cp1252"), "cp1252", id="cp1252-told-by-its-last-row"),
        pytest.param(TEXT.encode("utf-16"), "utf-16-le", id="utf-16"),
        pytest.param(TEXT.encode("utf-16-be"), "utf-16-be", id="utf-16-no-mark"),
    ],
)
def test_a_text_is_decoded_once_to_inspect_it_and_once_to_read_it(
    tmp_path: Path, data: bytes, encoding: str
):
    path = tmp_path / "file"
    path.write_bytes(data)
    file = Counted(path)
    source = Unpacked(is_workbook=False, open=file.open)
    shape, _ = inspect_text(source)
    assert file.taken() == (1, 1.0)
    assert (shape.encoding, shape.rows) == (encoding, 40_000)
    rows = [row for _, rows in read_text(source, shape)(500) for row in rows]
    assert file.taken() == (1, 1.0)
    assert rows[0] == list(
        ROWS[1] if ASCII_AT_FIRST.encode("cp1252") != data else ("Ze 0", "100000")
    )
    assert rows[-1] == list(ROWS[-1])


def test_accents_that_happen_to_be_utf8_cost_a_second_reading(tmp_path: Path):
    path = tmp_path / "file"
    odd = corpus.csv_text([ROWS[0], ("Ã©", "0")]).encode("cp1252")
    path.write_bytes(odd + TEXT.replace("Zé", "Ze").encode() + "São\n".encode("cp1252") * 9)
    file = Counted(path)
    shape, (_, rows) = inspect_text(Unpacked(is_workbook=False, open=file.open))
    assert (shape.encoding, rows[1][0]) == ("cp1252", "Ã©")
    assert file.taken() == (2, 2.0)


@pytest.mark.parametrize("header", [ROWS[:1], []], ids=["header", "no-header"])
def test_a_workbook_is_opened_once_to_inspect_it_and_once_to_read_it(
    tmp_path: Path, header: list[tuple[str, str]]
):
    path = tmp_path / "file"
    path.write_bytes(corpus.xlsx([*header, *ROWS[1:1_000]]))
    source = Unpacked(is_workbook=True, open=lambda: path.open("rb"))
    with processes() as taken:
        shape, _ = inspect_workbook(source)
        assert (taken(), shape.rows) == (1, 999)
        batches = list(read_workbook(source, shape)(500))
        assert (taken(), sum(len(lines) for lines, _ in batches)) == (1, 999)
