"""Sample files like those that admins send; each function returns the bytes of one."""

import csv
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date

import xlsxwriter  # type: ignore[import-untyped]

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.columns import FILE_COLUMNS

CPF = make_cpf(390533447)
LOST_ZEROS = make_cpf(1234567)
CNPJ = make_cnpj("112223330001")

HEADER = tuple(FILE_COLUMNS)[:12]
JOAO = (
    "João Conceição",
    CPF.masked,
    "",
    "(49) 3333-4444",
    "",
    "(49) 99999-8888",
    "joao@exemplo.com.br",
    "",
    "",
    "A",
    "cliente",
    "VIP",
)
PADARIA = (
    "Padaria Pão & Cia – “Central”",
    CNPJ.masked,
    "Pão, Cia; e filhos",
    "4932221111",
    "",
    "",
    "contato@exemplo.com.br",
    "",
    "",
    "I",
    "cliente,fornecedor",
    "",
)
ROWS = (JOAO, PADARIA)


def csv_text(
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ";",
    line_end: str = "\r\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> str:
    out = io.StringIO(newline="")
    # A row of one blank cell would be written as no row at all.
    csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=quoting,  # type: ignore[arg-type]
    ).writerows(rows)
    return out.getvalue()


def excel_pt_br() -> bytes:
    """Return a "CSV (separado por vírgulas)" of a Brazilian Excel."""
    return csv_text([HEADER, *ROWS]).encode("cp1252")


def utf8_with_bom() -> bytes:
    """Return a "CSV UTF-8" of Excel."""
    return csv_text([HEADER, *ROWS]).encode("utf-8-sig")


def utf16_tabs() -> bytes:
    """Return a "Texto Unicode" of Excel."""
    return b"\xff\xfe" + csv_text([HEADER, *ROWS], delimiter="\t").encode("utf-16-le")


def libreoffice() -> bytes:
    return csv_text([HEADER, *ROWS], delimiter=",", line_end="\n", quoting=csv.QUOTE_ALL).encode()


GOOGLE_HEADER = (
    "Name",
    "Given Name",
    "Family Name",
    "Notes",
    "Group Membership",
    "E-mail 1 - Type",
    "E-mail 1 - Value",
    "Phone 1 - Type",
    "Phone 1 - Value",
    "Organization 1 - Name",
)


def google_contacts() -> bytes:
    row = (
        "Ana Souza",
        "Ana",
        "Souza",
        "Liga só\nde manhã",
        "* myContacts",
        "* Home",
        "ana@exemplo.com.br",
        "Mobile",
        "+55 49 99999-8888",
        "Souza Ltda",
    )
    return csv_text([GOOGLE_HEADER, row], delimiter=",", line_end="\n").encode()


def scientific() -> bytes:
    """Return a CNPJ as Excel shows it in a narrow column, and then saves it."""
    return csv_text([("Nome", "CNPJ"), ("Ana", "1,12223E+13")]).encode("cp1252")


def broken_lines() -> bytes:
    """Return cells with line breaks, and blank lines between the rows."""
    return (
        b"Nome;observacao;cpfCnpj\r\n"
        b'Ana;"uma\r\nduas\r\ntr\xeas";1\r\n'
        b"\r\n"
        b" ; ;\r\n"
        b'"Bia\n";;2\r\n'
        b";;3\r\n"
    )


def doubtful_header() -> bytes:
    return csv_text(
        [("Nome", "", "CPF", "Nome", "Cor", ""), ("a", "b", "c", "d", "e", "")]
    ).encode()


def ragged() -> bytes:
    return b"Nome;cpfCnpj;email\nAna\nBia;2;b@x.com;;\nCida;3;c@x.com;;surplus\n\nDora;4;d@x.com\n"


def long_cells() -> bytes:
    return csv_text([("Nome", "observacao"), ("Ana", "x" * 5000), ("ã" * 5000, "y")]).encode()


def nul_bytes() -> bytes:
    return b"Nome;cpfCnpj\nAna;1\nB\0ia;2\nCida;3\n"


def a_pdf() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + bytes(2000)


def old_excel(entry: str = "Workbook") -> bytes:
    """Return the frame of an OLE file with the name of one entry in it."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + entry.encode("utf-16-le") + bytes(512)
    )


def header_only() -> bytes:
    return csv_text([HEADER]).encode("cp1252") + b"\r\n;;;\r\n"


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def tar(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("clientes.csv")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(**files: bytes) -> bytes:
    """Return an archive of these files; in a name, `__` means a slash and `_` a dot."""
    return zip_of({n.replace("__", "/").replace("_", "."): data for n, data in files.items()})


def zip_of(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def encrypted_zip() -> bytes:
    """Return an archive whose two headers mark its file as encrypted."""
    data = bytearray(zipped(clientes_csv=excel_pt_br()))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(signature) + place
        data[start] |= 1
    return bytes(data)


def zip_bomb(size_bytes: int) -> bytes:
    """Return an archive with a CSV that repeats one long row and compresses a thousand to one."""
    out = io.BytesIO()
    block = (b"Ana;1;" + b"1" * 993 + b"\n") * 1000
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("clientes.csv", "w") as member,
    ):
        member.write(b"Nome;cpfCnpj;status\n")
        for _ in range(size_bytes // len(block)):
            member.write(block)
    return out.getvalue()


def xlsx(
    *sheets: Iterable[Sequence[object]],
    names: Sequence[str] = (),
    hidden: Sequence[int] = (),
    start: tuple[int, int] = (0, 0),
) -> bytes:
    """Return a workbook with these sheets.

    None leaves a cell out. A date gets a date format.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    for place, rows in enumerate(sheets):
        sheet = book.add_worksheet(names[place] if names else None)
        if place in hidden:
            sheet.hide()
        for line, row in enumerate(rows, start[0]):
            for column, cell in enumerate(row, start[1]):
                if isinstance(cell, date):
                    sheet.write_datetime(line, column, cell, day)
                elif cell is not None:
                    sheet.write(line, column, cell)
    first = next(place for place in range(len(sheets)) if place not in hidden)
    book.worksheets()[first].activate()
    book.worksheets()[first].set_first_sheet()
    book.close()
    return out.getvalue()


def xlsx_numbers() -> bytes:
    """Return documents and telephones typed as numbers, and cells of all other types."""
    return xlsx(
        [
            ("Nome", "cpfCnpj", "celular", "observacao"),
            ("Ana", float(LOST_ZEROS.number), 49999998888, date(2024, 2, 29)),
            ("Bia", float(CNPJ.number), -3, 0.25),
            ("Cida", 1.5e15, True, False),
            (),
            ("Dora", "00123", None, "linha 1\nlinha 2"),
        ]
    )


def with_part(workbook: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """Return the workbook with `old` replaced in one of its parts."""
    parts = parts_of(workbook)
    if old not in parts[name]:
        raise ValueError(f"{name} has no such thing")
    return zip_of(parts | {name: parts[name].replace(old, new)})


def parts_of(workbook: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_false_size(archive: bytes, size_bytes: int) -> bytes:
    """Return the archive with a false size for its first file in the directory."""
    data = bytearray(archive)
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size_bytes)
    return bytes(data)
