"""A file that is no table, or too large a one, is refused with its reason and no other error."""

import lzma
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.file_refusal import MAX_COLUMNS, MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import FileShape
from tests.files import corpus
from tests.files.conftest import Rows, opened

Read = Callable[..., tuple[FileShape, Rows]]
Refusal = Callable[[bytes], FileRefused]

TABLE = corpus.excel_pt_br()
BOOK = corpus.xlsx([corpus.HEADER, *corpus.ROWS])
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", FileReason.EMPTY, id="empty"),
        pytest.param(b"\xef\xbb\xbf", FileReason.EMPTY, id="only-a-mark"),
        pytest.param(b"\r\n ; ;\r\n\r\n", FileReason.EMPTY, id="blank"),
        pytest.param(corpus.gz(b""), FileReason.EMPTY, id="empty-gz"),
        pytest.param(corpus.zipped(a_csv=b""), FileReason.EMPTY, id="empty-in-zip"),
        pytest.param(corpus.xlsx([]), FileReason.EMPTY, id="empty-xlsx"),
        pytest.param(corpus.xlsx([("", " ")]), FileReason.EMPTY, id="blank-xlsx"),
        pytest.param(corpus.header_only(), FileReason.HEADER_ONLY, id="header-only"),
        pytest.param(corpus.xlsx([corpus.HEADER]), FileReason.HEADER_ONLY, id="header-only-xlsx"),
        pytest.param(corpus.a_pdf(), FileReason.NOT_A_TABLE, id="pdf"),
        pytest.param(corpus.zipped(a_csv=corpus.a_pdf()), FileReason.NOT_A_TABLE, id="pdf-in-zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(99), FileReason.NOT_A_TABLE, id="png"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(99), FileReason.NOT_A_TABLE, id="jpeg"),
        pytest.param(b"{\\rtf1 Nome}", FileReason.NOT_A_TABLE, id="rtf"),
        pytest.param(lzma.compress(TABLE), FileReason.NOT_A_TABLE, id="xz"),
        pytest.param(bytes(5000), FileReason.NOT_A_TABLE, id="zeros"),
        pytest.param(bytes(2_000_000), FileReason.NOT_A_TABLE, id="many-zeros"),
        pytest.param(bytes(range(1, 128)) * 9, FileReason.NOT_A_TABLE, id="controls"),
        pytest.param(
            corpus.zip_of({"[Content_Types].xml": b"", "word/document.xml": b""}),
            FileReason.NOT_A_TABLE,
            id="docx",
        ),
        pytest.param(corpus.old_excel("WordDocument"), FileReason.NOT_A_TABLE, id="doc"),
        pytest.param(corpus.old_excel(), FileReason.OLD_EXCEL, id="xls"),
        pytest.param(corpus.zipped(a_xls=corpus.old_excel()), FileReason.OLD_EXCEL, id="xls-zip"),
        pytest.param(b"\n<HTML><table>", FileReason.OTHER_SPREADSHEET, id="html"),
        pytest.param(
            corpus.zip_of({"mimetype": b"", "content.xml": b""}),
            FileReason.OTHER_SPREADSHEET,
            id="ods",
        ),
        pytest.param(
            corpus.zip_of({"[Content_Types].xml": b"", "xl/workbook.bin": b""}),
            FileReason.OTHER_SPREADSHEET,
            id="xlsb",
        ),
        pytest.param(
            corpus.zip_of({"Index/Document.iwa": b"x", "preview.jpg": b"y"}),
            FileReason.OTHER_SPREADSHEET,
            id="numbers",
        ),
        pytest.param(corpus.encrypted_zip(), FileReason.ENCRYPTED, id="encrypted-zip"),
        pytest.param(
            corpus.old_excel("EncryptedPackage"), FileReason.ENCRYPTED, id="encrypted-xlsx"
        ),
        pytest.param(corpus.zip_of({}), FileReason.NO_FILE, id="zip-of-nothing"),
        pytest.param(
            corpus.zip_of({"pasta/": b"", "__MACOSX/a.csv": b"x", ".x": b"x"}),
            FileReason.NO_FILE,
            id="zip-of-hidden-files",
        ),
        pytest.param(
            corpus.zipped(a_zip=corpus.zipped(a_csv=TABLE)), FileReason.NESTED, id="zip-in-zip"
        ),
        pytest.param(corpus.gz(corpus.zipped(a_csv=TABLE)), FileReason.NESTED, id="zip-in-gz"),
        pytest.param(corpus.gz(corpus.gz(TABLE)), FileReason.NESTED, id="gz-in-gz"),
        pytest.param(corpus.zipped(a_gz=corpus.gz(TABLE)), FileReason.NESTED, id="gz-in-zip"),
        pytest.param(corpus.gz(corpus.tar(TABLE)), FileReason.NESTED, id="tar-gz"),
        pytest.param(corpus.gz(TABLE)[:-20], FileReason.DAMAGED, id="gz-cut-off"),
        pytest.param(corpus.gz(TABLE)[:-8] + bytes(8), FileReason.DAMAGED, id="gz-crc"),
        pytest.param(b"\x1f\x8b" + bytes(50), FileReason.DAMAGED, id="gz-broken"),
        pytest.param(corpus.zipped(a_csv=TABLE)[:-30], FileReason.DAMAGED, id="zip-cut-off"),
        pytest.param(
            corpus.with_false_size(corpus.zipped(a_csv=TABLE), 20),
            FileReason.DAMAGED,
            id="zip-with-a-false-size",
        ),
        pytest.param(
            corpus.zip_of({"a.csv": TABLE}, zipfile.ZIP_LZMA), FileReason.DAMAGED, id="zip-lzma"
        ),
        pytest.param(BOOK[:-30], FileReason.DAMAGED, id="xlsx-cut-off"),
        pytest.param(
            corpus.with_part(BOOK, "xl/workbook.xml", b"<sheets>", b"<"),
            FileReason.DAMAGED,
            id="xlsx-broken",
        ),
        pytest.param(
            corpus.zip_of({"[Content_Types].xml": b"", "xl/x": b""}),
            FileReason.DAMAGED,
            id="no-xlsx",
        ),
    ],
)
def test_what_is_no_table_is_refused(refusal: Refusal, data: bytes, reason: FileReason):
    assert refusal(data).reason is reason


@pytest.mark.parametrize("name", ["BM Transportes", "MZ Ltda", "GIF8 Ltda"])
def test_a_name_that_begins_like_an_image_is_a_name(read: Read, name: str):
    assert read(f"{name};1\nAna;2\n".encode())[1][-1] == (2, ["Ana", "2"])


@pytest.mark.parametrize("before", [0, 10_000, 100_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_bytes_without_a_letter_name_their_line(refusal: Refusal, before: int, line_end: bytes):
    lines = [b"Nome;cpfCnpj", *[b"Jo\xe3o;1"] * before, b"Ana;\x81", b"Bia;2"]
    error = refusal(line_end.join(lines))
    assert (error.reason, error.line) == (FileReason.ENCODING, before + 2)


def test_a_broken_letter_in_utf8_does_not_make_the_file_another_encoding(refusal: Refusal):
    text = "Nome;cpfCnpj\n" + "João;1\n" * 50
    error = refusal(text.encode() + b"Concei\xe7\xe3o;2\n" + text.encode())
    assert (error.reason, error.line) == (FileReason.ENCODING, 52)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_marked_file_keeps_to_its_mark(refusal: Refusal, encoding: str):
    broken = b"\xff" if encoding == "utf-8-sig" else b"\x00\xd8"
    error = refusal("Nome\nJoão\n".encode(encoding) + broken + "\nAna".encode(encoding))
    assert (error.reason, error.line) == (FileReason.ENCODING, 3)


@pytest.mark.parametrize("line_end", ["\n", "\r"])
def test_a_line_without_end_is_refused(refusal: Refusal, line_end: str):
    data = line_end.join(["Nome;cpfCnpj", "Ana;1", "x" * (MAX_RECORD + 300_000), "Bia;2"])
    error = refusal(data.encode())
    assert (error.reason, error.line) == (FileReason.LINE_TOO_LONG, 3)


@pytest.mark.parametrize(
    "cell", [b"Bia;2\n", b'Bia";"\n";"\n'], ids=["one-cell", "cells-without-end"]
)
def test_a_row_without_end_is_refused(refusal: Refusal, cell: bytes):
    error = refusal(b'Nome;cpfCnpj\nAna;1\n"' + cell * 400_000)
    assert (error.reason, error.line) == (FileReason.LINE_TOO_LONG, 3)


def test_a_quotation_mark_that_stays_open_is_refused(refusal: Refusal):
    error = refusal(b'Nome;cpfCnpj\nAna;1\n"Bia;2\nCida;3\nDora;4\n')
    assert (error.reason, error.line) == (FileReason.UNCLOSED_QUOTE, 3)


def test_a_quotation_mark_within_a_value_is_a_character(read: Read):
    _, rows = read(b'Nome;cpfCnpj\nTubo 5" azul;1\n"Bar do ""Z""";2\n')
    assert [row[0] for _, row in rows] == ['Tubo 5" azul', 'Bar do "Z"']


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_too_many_columns_are_refused_and_the_most_are_not(
    read: Read, refusal: Refusal, kind: str
):
    def table(width: int) -> bytes:
        rows = [("Nome", *(f"c{n}" for n in range(width - 1))), ("x",) * width]
        return corpus.xlsx(rows) if kind == "xlsx" else corpus.csv_text(rows).encode()

    assert len(read(table(MAX_COLUMNS))[0].header) == MAX_COLUMNS
    error = refusal(table(MAX_COLUMNS + 1))
    assert (error.reason, error.found) == (FileReason.TOO_MANY_COLUMNS, MAX_COLUMNS + 1)


def test_several_files_in_an_archive_are_named(refusal: Refusal):
    error = refusal(corpus.zip_of({f"pasta/{n}.csv": TABLE for n in range(30)}))
    assert (error.reason, error.found) == (FileReason.SEVERAL_FILES, 30)
    assert error.names == tuple(f"pasta/{n}.csv" for n in range(10))
    assert "pasta" not in str(error)


# Long, because each line takes time to read.
LINE = b"a" * 999 + b"\n"


@pytest.mark.parametrize(
    "pack", [corpus.zip_bomb, lambda n: corpus.gz(bytes(1) + LINE * (n // len(LINE)))]
)
def test_a_bomb_is_refused_before_it_is_unpacked(refusal: Refusal, pack: Callable[[int], bytes]):
    data = pack(100_000_000)
    assert len(data) < 1_000_000
    error = refusal(data)
    assert error.reason is FileReason.TOO_LARGE
    assert error.found is not None
    assert error.found < 66_000_000


def test_rows_that_pack_well_are_no_bomb(read: Read):
    rows = [("Nome", "cpfCnpj"), *([("Ana", "1")] * 100_000)]
    assert len(read(corpus.gz(corpus.csv_text(rows).encode()))[1]) == 100_000


def _unpacked_too_large() -> bytes:
    return corpus.with_part(BOOK, SHEET, b"</sheetData>", b"</sheetData>" + b" " * 310_000_000)


def _false_count() -> bytes:
    strings = corpus.parts_of(BOOK)[STRINGS]
    count = re.search(rb'uniqueCount="[0-9]+"', strings)
    assert count
    return corpus.with_part(BOOK, STRINGS, count[0], b'uniqueCount="9999999999999"')


@pytest.mark.skipif(sys.platform != "linux", reason="bounds of memory are the system's")
@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(
            lambda: corpus.with_part(BOOK, SHEET, b'r="A3"', b'r="XFD1048576"'), id="far-cell"
        ),
        pytest.param(_false_count, id="false-count"),
        pytest.param(_unpacked_too_large, id="unpacked"),
    ],
)
def test_a_workbook_that_asks_for_too_much_memory_ends_only_its_own_process(
    refusal: Refusal, bomb: Callable[[], bytes]
):
    assert refusal(bomb()).reason is FileReason.TOO_LARGE


def test_a_workbook_row_without_end_is_refused(refusal: Refusal):
    error = refusal(corpus.xlsx([("Nome", "x"), ("Ana", "1"), ("y" * 32_000,) * 40]))
    assert (error.reason, error.line) == (FileReason.LINE_TOO_LONG, 3)


@pytest.mark.parametrize("part", [SHEET, STRINGS])
def test_entities_of_a_workbook_are_never_expanded(tmp_path: Path, part: str):
    laughs = b'<!DOCTYPE x [<!ENTITY a "haha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    )
    text = corpus.parts_of(BOOK)[part]
    start = text.index(b"?>") + 2
    value = re.search(rb"<v>[0-9]+</v>" if part == SHEET else rb"<t>[^<]+</t>", text)
    assert value
    used = value[0][:3] + b"&j;" + value[0][-4:]
    bomb = text[:start] + laughs + b"]>" + text[start:].replace(value[0], used)
    data = corpus.zip_of(corpus.parts_of(BOOK) | {part: bomb})
    path = tmp_path / "file"
    path.write_bytes(data)
    texts: list[str] = []
    with suppress(FileRefused), opened(path, "clientes.xlsx") as table:
        texts = [*table.shape.header, *(cell for _, row in table.rows() for cell in row)]
    assert "haha" not in "".join(texts)


def test_formulas_are_data(read: Read):
    rows = [("Nome", "observacao"), ("=1+1", '=HYPERLINK("http://exemplo.com.br")')]
    for data in (corpus.csv_text(rows).encode(), corpus.xlsx(rows)):
        assert read(data)[1] == [(2, list(rows[1]))]


ARCHIVES = {
    "zip": corpus.zipped(clientes_csv=TABLE),
    "gz": corpus.gz(TABLE),
    "csv": TABLE,
    "utf16": corpus.utf16_tabs(),
}


def test_a_member_without_a_name_is_a_refusal(tmp_path: Path):
    """Random damage in a file found this: Python's own reader fails on it."""
    whole = corpus.zipped(clientes_csv=TABLE)
    nameless = whole.replace(b"clientes.csv", b"\0lientes.csv")
    assert nameless != whole
    path = tmp_path / "file"
    path.write_bytes(nameless)
    with pytest.raises(FileRefused), opened(path, "clientes.csv"):
        pass


def _only_refuses(path: Path) -> None:
    with suppress(FileRefused), opened(path, "clientes.csv") as table:
        for _ in table.rows():
            pass


@pytest.mark.parametrize("kind", ARCHIVES)
@settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_damage_anywhere_is_a_refusal_at_most(tmp_path: Path, kind: str, data: st.DataObject):
    damaged = bytearray(ARCHIVES[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path / "file"
    path.write_bytes(damaged or b"x")
    _only_refuses(path)


@pytest.mark.parametrize("place", range(0, len(BOOK), len(BOOK) // 25))
def test_damage_in_a_workbook_is_a_refusal_at_most(tmp_path: Path, place: int):
    path = tmp_path / "file"
    path.write_bytes(BOOK[:place] + b"\xff\x00\xff" + BOOK[place + 3 :])
    _only_refuses(path)


def test_a_file_that_is_not_there_is_no_refusal_of_its_contents(tmp_path: Path):
    with pytest.raises(FileNotFoundError), opened(tmp_path / "gone", "gone.csv"):
        pass
