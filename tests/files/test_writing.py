"""Written tables, read back by other libraries: every cell once, and no cell runs as a formula."""

import csv
import gc
import io
import random
import tempfile
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from bot.domain.errors import Problem, RefusedError
from bot.domain.export import Format
from bot.domain.guard import unguarded
from bot.runtime.files.writing import TableWriter
from tests.storage.broken_places import a_file, fill, mounted
from tests.unit.documents import STABLE

FORMATS: tuple[Format, ...] = get_args(Format)
HEADER = ("Nome", "celular", "observacao")
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+5549999998888",
    "-1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\rAna",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "'=1+1",
    "''=1+1",
    "'Ana'",
    '"Ana"',
    '";"',
    "Ana; Bia",
    "duas\nlinhas",
    "duas\r\nlinhas",
    " Ana ",
    "😀👩‍👧",
    "\u202eanA",
    "ação",
    "00123",
    "1,5",
    "2,47095E+13",
    "TRUE",
    "http://example.com",
    "<r>Ana</r>",
    "<r></is></c></r>",
    "<r>\r_x0041_ &amp;</r>",
    "_x0041_",
    "a\0b\x0b\x1f",
    "a" * 5000,
)


def write(
    folder: Path,
    file_format: Format,
    rows: Iterable[Sequence[str]],
    header: Sequence[str] = HEADER,
    **limits: int,
) -> list[Path]:
    folder.mkdir(exist_ok=True)
    with TableWriter(folder, "cadastros", file_format, header, **limits) as writer:
        writer.write_rows(rows)
        files = writer.close()
    # The folder holds nothing else.
    assert sorted(folder.iterdir()) == sorted(files)
    return files


def read(file: Path) -> list[list[str]]:
    """Return all rows with the header, with the cells as stored in the file."""
    if file.suffix == ".xlsx":
        sheet = CalamineWorkbook.from_path(file).get_sheet_by_index(0)
        return [[str(cell) for cell in row] for row in sheet.to_python()]
    if file.suffix == ".zip":
        with ZipFile(file) as archive:
            assert archive.namelist() == [file.stem]
            text = archive.read(file.stem).decode("utf-8-sig")
    else:
        text = file.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def read_plain(file: Path) -> list[list[str]]:
    return [[unguarded(cell) for cell in row] for row in read(file)]


def incompressible(count: int) -> Iterator[list[str]]:
    chance = random.Random(4)  # noqa: S311 - rows, not secrets
    for number in range(count):
        yield [f"Ana {number}", f"{chance.getrandbits(64)}", f"={chance.getrandbits(64):x}\nfim"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_hostile_cells_come_back_as_they_were(file_format: Format, tmp_path: Path):
    rows = [["Ana", cell, cell] for cell in HOSTILE]
    [file] = write(tmp_path / "out", file_format, rows)
    assert file.name == f"cadastros.{file_format}"
    assert read_plain(file) == [list(HEADER), *rows]
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in read(file) for cell in row)


# Surrogates cannot be stored, and the two others cannot be written in XML.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
tables = st.lists(st.lists(st.text(characters), min_size=3, max_size=3), max_size=5)


@STABLE
@given(st.sampled_from(FORMATS), tables)
def test_any_text_comes_back(file_format: Format, texts: list[list[str]]):
    rows = [["Ana", *cells[1:]] for cells in texts]
    with tempfile.TemporaryDirectory() as folder:
        [file] = write(Path(folder), file_format, rows)
        assert read_plain(file) == [list(HEADER), *rows]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_hostile_header_is_guarded_too(file_format: Format, tmp_path: Path):
    header = ["=1+1", "<r></is></r>"]
    [file] = write(tmp_path, file_format, [["a", "b"]], header)
    assert read(file)[0] == ["'=1+1", "<r></is></r>"]


def test_csv_is_what_excel_in_brazil_opens(tmp_path: Path):
    rows = [["João", "(49) 99999-8888", ""], ["Ana; Bia", 'diz "oi"', "-1"]]
    [file] = write(tmp_path, "csv", rows)
    assert file.read_bytes() == (
        b"\xef\xbb\xbfNome;celular;observacao\r\n"
        b"Jo\xc3\xa3o;(49) 99999-8888;\r\n"
        b'"Ana; Bia";"diz ""oi""";\'-1\r\n'
    )


def test_a_sheet_has_texts_only_and_a_header_that_stays(tmp_path: Path):
    [file] = write(tmp_path, "xlsx", [["00123", "=1", "http://example.com"]])
    with ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "xl/sharedStrings.xml" not in archive.namelist()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert sheet.count('t="inlineStr"') == 6
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:C2"/>' in sheet


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_empty_export_is_a_header(file_format: Format, tmp_path: Path):
    [file] = write(tmp_path, file_format, [])
    assert file.name == f"cadastros.{file_format}"
    assert read(file) == [list(HEADER)]


@pytest.mark.parametrize("file_format", FORMATS)
def test_rows_may_come_in_batches_of_any_size(file_format: Format, tmp_path: Path):
    rows = list(incompressible(700))
    with TableWriter(tmp_path, "x", file_format, HEADER) as writer:
        for start in range(0, 700, 300):
            writer.write_rows(rows[start : start + 300])
            writer.write_rows([])
        [file] = writer.close()
    assert read_plain(file) == [list(HEADER), *rows]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_cell_longer_than_excel_holds_is_cut_and_marked(file_format: Format, tmp_path: Path):
    fits, long = "a" * 32_767, "\U0001f600" * 16_384
    [file] = write(tmp_path, file_format, [[fits, f"{fits}a", long]])
    assert read(file)[1] == [fits, f"{fits[1:]}…", "\U0001f600" * 16_383 + "…"]


def test_a_csv_over_the_limit_is_zipped(tmp_path: Path):
    rows = [["Ana", "(49) 99999-8888", "Ligar antes"]] * 2000
    [file] = write(tmp_path, "csv", rows, largest_bytes=20_000)
    assert file.name == "cadastros.csv.zip"
    assert file.stat().st_size <= 20_000
    assert read_plain(file) == [list(HEADER), *rows]


@pytest.mark.parametrize(
    ("file_format", "largest_bytes"), [("csv", 3_000), ("csv", 20_000), ("xlsx", 20_000)]
)
def test_over_the_limit_there_are_parts_with_all_rows_once(
    file_format: Format, largest_bytes: int, tmp_path: Path
):
    rows = list(incompressible(3000))
    files = write(tmp_path, file_format, rows, largest_bytes=largest_bytes)
    assert len(files) > 2
    ending = ".csv.zip" if file_format == "csv" else ".xlsx"
    assert [file.name for file in files] == [
        f"cadastros-{number}{ending}" for number in range(1, len(files) + 1)
    ]
    assert all(file.stat().st_size <= largest_bytes for file in files)
    # No file but the last is much smaller than the limit.
    assert all(file.stat().st_size > 0.7 * largest_bytes for file in files[:-1])
    parts = [read_plain(file) for file in files]
    assert all(part[0] == list(HEADER) for part in parts)
    assert [row for part in parts for row in part[1:]] == rows


def test_rows_that_a_sheet_cannot_hold_go_on_in_another_file(tmp_path: Path):
    rows = list(incompressible(1000))
    files = write(tmp_path, "xlsx", rows, largest_bytes=100_000, rows_of_a_sheet=400)
    assert [file.name for file in files] == [f"cadastros-{number}.xlsx" for number in (1, 2, 3)]
    parts = [read_plain(file) for file in files]
    assert all(len(part) <= 401 for part in parts)
    assert [row for part in parts for row in part[1:]] == rows


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_row_larger_than_the_limit_is_written_all_the_same(file_format: Format, tmp_path: Path):
    rows = list(incompressible(3))
    files = write(tmp_path, file_format, rows, largest_bytes=10)
    assert [row for file in files for row in read_plain(file)[1:]] == rows


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("largest_bytes", [20_000, 10_000_000])
def test_the_same_rows_are_the_same_bytes(file_format: Format, largest_bytes: int, tmp_path: Path):
    one, two = (
        write(tmp_path / name, file_format, incompressible(1000), largest_bytes=largest_bytes)
        for name in ("one", "two")
    )
    assert [file.name for file in one] == [file.name for file in two]
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


@pytest.mark.parametrize(
    ("file_format", "counts", "largest_bytes"),
    [("csv", (10_000, 100_000), 300_000), ("xlsx", (2_000, 20_000), 10_000_000)],
)
def test_memory_does_not_grow_with_the_rows(
    file_format: Format, counts: tuple[int, int], largest_bytes: int, tmp_path: Path
):
    peaks = []
    for count in counts:
        gc.collect()
        tracemalloc.start()
        rows = (["Ana", f"{number:020d}", "a" * 40] for number in range(count))
        write(tmp_path / str(count), file_format, rows, largest_bytes=largest_bytes)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    few, many = peaks
    assert many < few + 1_000_000


@pytest.mark.parametrize("file_format", FORMATS)
def test_nothing_is_written_outside_of_the_folder(
    file_format: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    [file] = write(tmp_path / "out", file_format, incompressible(10))
    assert len(read(file)) == 11


def test_leaving_early_leaves_nothing(tmp_path: Path):
    with TableWriter(tmp_path, "x", "csv", HEADER) as writer:
        writer.write_rows(incompressible(5000))
    assert list(tmp_path.iterdir()) == []


# The disk is full at different moments: while rows come in, or while they are compressed.
@pytest.mark.parametrize("size", ["64k", "512k", "768k"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_full_disk_is_said_and_nothing_is_left(file_format: Format, size: str, tmp_path: Path):
    with mounted(tmp_path / "small", f"size={size}") as folder:
        with pytest.raises(RefusedError) as refused:
            write(folder, file_format, incompressible(10_000), largest_bytes=400_000)
        assert refused.value.problem is Problem.DISK_FULL
        assert list(folder.iterdir()) == []


def test_a_disk_that_is_full_before_it_begins_is_said(tmp_path: Path):
    with mounted(tmp_path / "small", "size=64k") as folder:
        fill(folder)
        before = sorted(folder.iterdir())
        with pytest.raises(RefusedError) as refused:
            write(folder, "csv", incompressible(10))
        assert refused.value.problem is Problem.DISK_FULL
        assert sorted(folder.iterdir()) == before


def test_a_disk_without_room_for_one_more_file_keeps_no_folder(tmp_path: Path):
    with mounted(tmp_path / "small", "nr_inodes=2") as folder:
        with pytest.raises(RefusedError) as refused:
            TableWriter(folder, "x", "csv", HEADER)
        assert refused.value.problem is Problem.DISK_FULL
        assert list(folder.iterdir()) == []


def test_a_folder_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(RefusedError) as refused:
        TableWriter(a_file(tmp_path), "x", "csv", HEADER)
    assert refused.value.problem is None
    assert str(tmp_path) not in str(refused.value)
