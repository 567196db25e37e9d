"""Files that people send: the cells that are read, and the format that is recognised."""

import csv
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.file_shape import FileShape
from bot.domain.tax_id import CellTaxId, NotATaxId, Reason, read_tax_id_cell
from tests.files import corpus
from tests.files.conftest import Rows, opened

Read = Callable[..., tuple[FileShape, Rows]]
EXPECTED = [(line, list(row)) for line, row in enumerate(corpus.ROWS, 2)]


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        pytest.param(corpus.excel_pt_br(), "cp1252", ";", id="excel"),
        pytest.param(corpus.utf8_with_bom(), "utf-8-sig", ";", id="utf8-bom"),
        pytest.param(corpus.utf16_tabs(), "utf-16-le", "\t", id="utf16-tab"),
        pytest.param(corpus.utf16_tabs()[2:], "utf-16-le", "\t", id="utf16-no-mark"),
        pytest.param(
            corpus.utf16_tabs().decode("utf-16").encode("utf-16-be"),
            "utf-16-be",
            "\t",
            id="utf16-be-no-mark",
        ),
        pytest.param(corpus.libreoffice(), "utf-8", ",", id="libreoffice"),
        pytest.param(
            corpus.csv_text([corpus.HEADER, *corpus.ROWS], delimiter="|").encode(),
            "utf-8",
            "|",
            id="pipes",
        ),
        pytest.param(
            corpus.csv_text([corpus.HEADER, *corpus.ROWS], line_end="\r").encode("cp1252"),
            "cp1252",
            ";",
            id="old-mac",
        ),
    ],
)
def test_a_file_is_read_as_it_was_written(read: Read, data: bytes, encoding: str, delimiter: str):
    shape, rows = read(data)
    assert shape == FileShape(
        format="csv",
        encoding=encoding,
        delimiter=delimiter,
        header_line=1,
        header=corpus.HEADER,
        rows=len(EXPECTED),
    )
    assert rows == EXPECTED


def test_google_contacts_are_read(read: Read):
    shape, rows = read(corpus.google_contacts())
    assert (shape.delimiter, shape.header) == (",", corpus.GOOGLE_HEADER)
    assert rows[0][0] == 2
    assert rows[0][1][3] == "Liga só\nde manhã"


def test_scientific_notation_stays_what_it_is(read: Read):
    _, rows = read(corpus.scientific())
    assert rows == [(2, ["Ana", "1,12223E+13"])]


def test_rows_are_named_by_the_line_they_begin_on(read: Read):
    _, rows = read(corpus.broken_lines())
    assert rows == [
        (2, ["Ana", "uma\r\nduas\r\ntrês", "1"]),
        (7, ["Bia\n", "", "2"]),
        (9, ["", "", "3"]),
    ]


def test_empty_and_repeated_headers_are_kept_and_columns_without_anything_cut(read: Read):
    shape, rows = read(corpus.doubtful_header())
    assert shape.header == ("Nome", "", "CPF", "Nome", "Cor")
    assert rows == [(2, ["a", "b", "c", "d", "e", ""])]


def test_ragged_rows_come_as_they_are(read: Read):
    shape, rows = read(corpus.ragged())
    assert len(shape.header) == 3
    assert [(line, len(cells)) for line, cells in rows] == [(2, 1), (3, 5), (4, 5), (6, 3)]


def test_a_column_that_most_rows_have_and_the_header_lacks_is_a_column_without_a_name(read: Read):
    shape, _ = read(b"Nome;cpfCnpj\n;Ana;1\n;Bia;2\n;Cida;3\n")
    assert shape.header == ("Nome", "cpfCnpj", "")


def test_cells_of_5000_characters_are_read(read: Read):
    _, rows = read(corpus.long_cells())
    assert [list(map(len, cells)) for _, cells in rows] == [[3, 5000], [5000, 1]]


def test_nul_spoils_only_its_row(read: Read):
    _, rows = read(corpus.nul_bytes())
    assert rows == [(2, ["Ana", "1"]), (3, ["B\0ia", "2"]), (4, ["Cida", "3"])]


def test_the_delimiter_that_excel_is_told_is_believed(read: Read):
    shape, rows = read(b"sep=,\r\nNome,cpfCnpj\r\nAna;Maria,1\r\n")
    assert (shape.delimiter, shape.header_line) == (",", 2)
    assert rows == [(3, ["Ana;Maria", "1"])]


def test_a_told_delimiter_is_no_row_of_a_file_without_header(read: Read):
    shape, rows = read(f"sep=;\nAna;{corpus.CPF.number}\n".encode())
    assert (shape.header_line, rows) == (0, [(2, ["Ana", corpus.CPF.number])])


def test_a_file_of_one_column_has_one_column(read: Read):
    shape, rows = read("Nome\nSilva, João\nSouza, Ana\n".encode())
    assert (shape.delimiter, shape.header) == (";", ("Nome",))
    assert rows == [(2, ["Silva, João"]), (3, ["Souza, Ana"])]


def test_delimiters_inside_quotes_do_not_count(read: Read):
    shape, rows = read(b'"Nome","etiqueta"\n"Ana","a;b;c;d"\n"Bia","a;b;c;d"\n')
    assert shape.delimiter == ","
    assert rows[0] == (2, ["Ana", "a;b;c;d"])


@pytest.mark.parametrize("name", ["x.tsv", "x.tab", "x.TSV.gz"])
def test_the_ending_of_the_name_settles_what_the_bytes_do_not(read: Read, name: str):
    data = b"a;1\tb\nc;2\td\n"
    assert read(data, name)[0].delimiter == "\t"
    assert read(data, "x.csv")[0].delimiter == ";"


def test_titles_above_the_header_are_skipped(read: Read):
    shape, rows = read(
        b"Relatorio de clientes;;;\nEmitido em 01/01/2024;;;\n\nNome;CPF;E-mail;Cor\nAna;1;;azul\n"
    )
    assert (shape.header_line, shape.header) == (4, ("Nome", "CPF", "E-mail", "Cor"))
    assert rows == [(5, ["Ana", "1", "", "azul"])]


def test_titles_above_a_header_of_unknown_names_are_skipped(read: Read):
    shape, _ = read(b"Relatorio;;;\nAlfa;Beta;Gama;Delta\na;b;c;d\n")
    assert (shape.header_line, shape.header) == (2, ("Alfa", "Beta", "Gama", "Delta"))


@pytest.mark.parametrize(
    "row",
    [
        f"Ana;{corpus.CPF.masked};cliente",
        f"Ana;{corpus.CNPJ.number};cliente",
        "Ana;ana@exemplo.com.br;cliente",
        "Ana;(49) 99999-8888;cliente",
    ],
)
def test_a_file_without_header_has_columns_without_names(read: Read, row: str):
    shape, rows = read(f"{row}\n{row}\n".encode())
    assert (shape.header_line, shape.header) == (0, ("", "", ""))
    assert [line for line, _ in rows] == [1, 2]


def test_a_workbook_gives_its_cells_as_text(read: Read):
    shape, rows = read(corpus.xlsx_numbers(), "clientes.xlsx")
    assert shape == FileShape(
        format="xlsx",
        sheet="Sheet1",
        header_line=1,
        header=("Nome", "cpfCnpj", "celular", "observacao"),
        rows=4,
    )
    assert rows == [
        (2, ["Ana", corpus.LOST_ZEROS.number.lstrip("0"), "49999998888", "2024-02-29"]),
        (3, ["Bia", corpus.CNPJ.number, "-3", "0,25"]),
        (4, ["Cida", "1,5E+15", "VERDADEIRO", "FALSO"]),
        (6, ["Dora", "00123", "", "linha 1\nlinha 2"]),
    ]


def test_documents_that_were_numbers_are_repaired_or_refused_by_their_own_rule(read: Read):
    _, rows = read(corpus.xlsx_numbers())
    assert read_tax_id_cell(rows[0][1][1]) == CellTaxId(corpus.LOST_ZEROS, repaired=True)
    assert read_tax_id_cell(rows[1][1][1]) == CellTaxId(corpus.CNPJ)
    assert read_tax_id_cell(rows[2][1][1]) == NotATaxId(Reason.SCIENTIFIC)


def test_a_table_that_begins_further_down_has_the_numbers_of_its_rows(read: Read):
    shape, rows = read(corpus.xlsx([("Nome", "CPF"), ("Ana", "1")], start=(4, 2)))
    assert (shape.header_line, shape.header) == (5, ("Nome", "CPF"))
    assert rows == [(6, ["Ana", "1"])]


@pytest.mark.parametrize(
    ("sheets", "hidden", "chosen"),
    [
        pytest.param(([("x", "y"), ("a", "b")], [("Nome",), ("Ana",)]), (), "B", id="header"),
        pytest.param(([], [("x", "y"), ("a", "b")], [("z",), ("w",)]), (), "B", id="not-empty"),
        pytest.param(([("Nome",), ("Ana",)], [("CPF",), ("1",)]), (0,), "B", id="visible"),
    ],
)
def test_the_sheet_with_a_header_is_taken(
    read: Read, sheets: tuple[list[tuple[str, ...]], ...], hidden: tuple[int, ...], chosen: str
):
    data = corpus.xlsx(*sheets, names="ABC"[: len(sheets)], hidden=hidden)
    assert read(data)[0].sheet == chosen


@pytest.mark.parametrize(
    ("data", "member"),
    [
        pytest.param(corpus.gz(corpus.excel_pt_br()), None, id="gz"),
        pytest.param(corpus.zipped(clientes_csv=corpus.excel_pt_br()), "clientes.csv", id="zip"),
        pytest.param(
            corpus.zip_of(
                {
                    "pasta/": b"",
                    "pasta/clientes.txt": corpus.excel_pt_br(),
                    "__MACOSX/pasta/._clientes.txt": b"x",
                    "pasta/.DS_Store": b"x",
                    "Thumbs.db": b"x",
                }
            ),
            "clientes.txt",
            id="zip-with-files-of-the-system",
        ),
        pytest.param(
            corpus.zip_of({"../../etc/clientes.csv": corpus.excel_pt_br()}),
            "clientes.csv",
            id="zip-that-points-elsewhere",
        ),
    ],
)
def test_a_packed_text_is_read_like_the_text(read: Read, data: bytes, member: str | None):
    shape, rows = read(data)
    assert (shape.encoding, shape.member, shape.header) == ("cp1252", member, corpus.HEADER)
    assert rows == EXPECTED


@pytest.mark.parametrize("pack", [corpus.gz, lambda data: corpus.zipped(clientes_xlsx=data)])
def test_a_packed_workbook_is_read_like_the_workbook(read: Read, pack: Callable[[bytes], bytes]):
    shape, rows = read(pack(corpus.xlsx([corpus.HEADER, *corpus.ROWS])))
    assert (shape.format, shape.header) == ("xlsx", corpus.HEADER)
    assert rows == EXPECTED


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_batches_hold_the_same_rows(tmp_path: Path, kind: str):
    data = [("Nome", "CPF"), *((f"Nome {n}", str(n)) for n in range(1000))]
    path = tmp_path / "file"
    path.write_bytes(corpus.xlsx(data) if kind == "xlsx" else corpus.csv_text(data).encode())
    with opened(path, "file") as table:
        rows = list(table.rows())
        batches = list(table.batches(7))
        again = list(table.rows())
    assert rows == again == [(n, list(row)) for n, row in enumerate(data[1:], 2)]
    assert [len(lines) for lines, _ in batches] == [7] * 142 + [6]
    assert [pair for batch in batches for pair in zip(*batch, strict=True)] == rows


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_that_is_not_read_to_its_end_leaves_nothing_open(tmp_path: Path, kind: str):
    data = [("Nome", "CPF"), *((f"Nome {n}", str(n)) for n in range(3000))]
    path = tmp_path / "file"
    path.write_bytes(corpus.xlsx(data) if kind == "xlsx" else corpus.csv_text(data).encode())
    with opened(path, "file") as table:
        assert next(table.rows())[0] == 2
        assert next(table.batches(10))[0][0] == 2


def _peak_bytes(path: Path) -> tuple[int, int]:
    tracemalloc.start()
    try:
        with opened(path, "clientes.csv") as table:
            count = sum(len(lines) for lines, _ in table.batches(200))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [None, corpus.gz], ids=["plain", "gz"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, pack: Callable[[bytes], bytes] | None):
    peaks = []
    for count in (10_000, 60_000):
        path = tmp_path / str(count)
        rows = ((f"Pessoa {n} da Conceição", str(n), f"p{n}@exemplo.com.br") for n in range(count))
        data = corpus.csv_text([("Nome", "CPF", "E-mail"), *rows]).encode("cp1252")
        path.write_bytes(pack(data) if pack else data)
        read, peak = _peak_bytes(path)
        assert read == count
        peaks.append(peak)
    assert peaks[1] < peaks[0] * 1.2 + 100_000


# Any control character other than these marks a binary file.
_breaks = st.sampled_from("\n\r\t")
_texts = st.text(
    _breaks | st.characters(codec="utf-8", exclude_characters="\ufeff", exclude_categories=["C"]),
    max_size=12,
)
_latin = st.text(_breaks | st.characters(codec="cp1252", exclude_categories=["C"]), max_size=12)
_FORMS = [
    (encoding, delimiter)
    for encoding in ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252")
    for delimiter in ";,\t|"
]


@pytest.mark.parametrize(("encoding", "delimiter"), _FORMS)
@settings(
    derandomize=True,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_was_written_is_read(
    tmp_path: Path, encoding: str, delimiter: str, data: st.DataObject
):
    cells = _latin if encoding == "cp1252" else _texts
    tables = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8)
    rows = [row for row in data.draw(tables) if "".join(row).strip()]
    if not rows:
        return
    # The first row decides the encoding; some UTF-8 texts are also valid cp1252.
    first = ("é não", "ç", "ã")
    text = corpus.csv_text(
        [("Nome", "cpfCnpj", "observacao"), first, *rows],
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL,
    )
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    path = tmp_path / "file"
    path.write_bytes((mark + text).encode(encoding))
    with opened(path, "file.csv") as table:
        read = [tuple(row) for _, row in table.rows()]
        assert (table.shape.encoding, table.shape.delimiter) == (encoding, delimiter)
    assert read == [first, *rows]
