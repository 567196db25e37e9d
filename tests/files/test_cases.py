"""Files after public bug reports, each the kind of a fault: what is read, refused and asked."""

from pathlib import Path
from typing import Any

import pytest

from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.file_shape import MarkKind, Question, Reading
from bot.domain.row import Row
from bot.wording.files import left_out, names
from tests.files import corpus
from tests.files.conftest import read_people

ANA, BIA, CAIO, DORA = "39053344705", "11122233396", "12345678224", "44455566619"


MARKUP = (
    "<div><table><tr><td>Nome</td></tr></table></div>",
    "<!-- gerado -->\n<html><table></table></html>",
    "<tr><td>Nome</td></tr>",
    "<clientes><c>Ana</c></clientes>",
    "MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n",
    'ID;PWXL;N;E\nC;Y1;X1;K"Nome"\n',
    'TABLE\n0,1\n"EXCEL"\n',
)
DUMPS = (
    "--\n-- Dump\nINSERT INTO clientes VALUES (1);\n",
    "USE `db`;\nINSERT INTO clientes VALUES (1);\n",
    "SET NAMES utf8;\n",
    "REPLACE INTO clientes VALUES (1);\n",
    "COPY public.clientes (nome, cpf) FROM stdin;\nAna\t1\n",
)


def outcome(row: Row, *fields: str) -> Any:
    """Return the values of these fields, or the reasons why the row is refused."""
    one = row.candidate
    if one.problems:
        return [problem.reason.value for problem in one.problems]
    values = {
        "doc": one.tax_id.number if one.tax_id else None,
        "repaired": row.repaired,
        "mobile": one.phones.mobile,
        "commercial": one.phones.commercial,
        "home": one.phones.home,
        "status": one.status.value if one.status else None,
        "kinds": "+".join(sorted(one.kinds)),
        "note": one.fixed_note,
        "trade": one.trade_name,
        "name": one.name,
        "email": one.email,
        "country": one.country,
    }
    found = tuple(values[field] for field in fields)
    return found[0] if len(found) == 1 else found


PHONES = {
    "(0xx49) 99999-8888": "+5549999998888",
    "0 xx 49 9999-8888": "+554999998888",
    "041 49 99999-8888": "+5549999998888",
    "0800 591 2345": "+558005912345",
    "4004-1234": "+5540041234",
    "3333-4444": ["phone"],
    "(49) 9999-8888 ramal 1": "+554999998888",
    "(49) 9999-8888 r.2": "+554999998888",
    "(49) 9999-8888 (1)": ["phone"],
    "(49) 3333-4444/4445": ["phone"],
    "49 9.9999.8888": "+5549999998888",
    "+55 (49) 9 9999-8888": "+5549999998888",
    "49-99999-8888 (falar com Ana)": "+5549999998888",
    "(49) 9999-8888 - 7": ["phone"],
    "(55) 9999-8888": "+555599998888",
    "9999-8888": ["phone"],
    "(49) 9999-8888 após as 8": ["phone"],
    "(49)99999-8888;": "+5549999998888",
    "wa.me/5549999998888": "+5549999998888",
    "+55 49 9999-8888 0": ["phone"],
    "(49) 99999-888": ["phone"],
    "049 99999888": ["phone"],
}
COUNTRIES = ("Brasil", "BRASIL", "BR", "1058", "1058 - BRASIL", "BRA", "Brazil", "Bra.", "55")
CASES = [
    pytest.param(
        f"Nome;CPF\nAna;{ANA},00\nBia;123456797,00\nCaio;1234567890,00\n",
        ("doc", "repaired"),
        [(ANA, False), ("00123456797", True), ("01234567890", True)],
        id="decimals",
    ),
    pytest.param(
        f"nome,cpf,telefone,celular\nAna,{ANA},4933334444.0,4999998888.0\nCaio,{CAIO}.0,,\n",
        ("doc", "commercial", "mobile"),
        [(ANA, "+554933334444", "+554999998888"), (CAIO, None, None)],
        id="pandas",
    ),
    pytest.param(
        "Nome;CPF;Celular\n" + "".join(f'P;{ANA};"{cell}"\n' for cell in PHONES),
        ("mobile",),
        list(PHONES.values()),
        id="telephones",
    ),
    pytest.param(
        f'"nome","cpf","fantasia","obs"\n"Bar do \\"Zé\\"","{ANA}","O \\"Bar\\", do Zé",\\N\n'
        f'"Ana","{BIA}",\\N,"C:\\\\dados"\n"Caio","{CAIO}","NULL","NULL"\n',
        ("name", "trade", "note"),
        [
            ('Bar do "Zé"', 'O "Bar", do Zé', None),
            ("Ana", None, "C:\\dados"),
            ("Caio", None, None),
        ],
        id="mysql",
    ),
    pytest.param(
        "Nome;CPF;Fantasia;E-mail;Celular;Observação\n"
        + f"Ana;{ANA};NULL;;;N/A\nBia;{BIA};-;-;0;nan\nCaio;{CAIO};False;NULL;NULL;#REF!\n"
        + f"#NOME?;{DORA};#N/D;;;\nIvo;ISENTO;;;;\nHed;00000000000;;;;\n",
        ("name", "doc", "trade", "email", "mobile", "note"),
        [
            ("Ana", ANA, None, None, None, None),
            ("Bia", BIA, None, None, None, None),
            ("Caio", CAIO, None, None, None, None),
            # Without a name, nobody is created.
            (None, DORA, None, None, None, None),
            ["tax_id_nothing_like_a_number"],
            ["tax_id_repeated_digits"],
        ],
        id="placeholders",
    ),
    pytest.param(
        "Nome;CPF;Status;tipoRegistro\n"
        + f"A;{ANA};VERDADEIRO;Cliente/Fornecedor\nB;{BIA};TRUE;cliente\nC;{CAIO};Bloqueado;C\n"
        + f"D;{DORA};Desativado;Ambos\nE;{ANA};A - Ativo;Transportadora\n"
        + f"F;{BIA};S;Cliente;Fornecedor\n",
        ("status", "kinds"),
        [
            ("active", "customer+supplier"),
            ("active", "customer"),
            ["status"],
            ("inactive", "customer+supplier"),
            ["kind"],
            ["too_many_cells"],
        ],
        id="status-and-kinds",
    ),
    pytest.param(
        "Nome;Usuário;Senha;Status;Telefone(s);E-Mail;CPF\n"
        + f"Ana;ana;Segredo1x;Ativo;49999998888##4933334444;a@x.com;{ANA}\n"
        + f"Bia;bia;Segredo2x;Desativado;49999997777;;{BIA}\n"
        + f"Caio;caio;Segredo3x;Interessado;;;{CAIO}\nDora;dora;Segredo4x;Removido;;;{DORA}\n",
        ("status", "kinds", "commercial", "home"),
        [
            ("active", "", "+5549999998888", "+554933334444"),
            ("inactive", "", "+5549999997777", None),
            ("active", "prospect", None, None),
            ("inactive", "", None, None),
        ],
        id="another-provider-system",
    ),
    pytest.param(
        "Nome;CPF;País\n" + "".join(f"A;{ANA};{country}\n" for country in COUNTRIES),
        ("country",),
        ["BR"] * len(COUNTRIES),
        id="countries",
    ),
]


@pytest.mark.parametrize(("text", "fields", "right"), CASES)
def test_cells_are_read_as_meant_or_refused(
    text: str, fields: tuple[str, ...], right: list[Any], tmp_path: Path
):
    found, rows = read_people(tmp_path / "file", text.encode())
    assert found.shape.questions == ()
    assert [outcome(row, *fields) for row in rows] == right


def test_the_words_tell_the_accents_of_ms_dos(tmp_path: Path):
    text = f"Nome;CPF;Observação\r\nJoão Conceição;{ANA};Não ligar à noite\r\n"
    found, [row] = read_people(tmp_path / "file", text.encode("cp850"))
    assert (found.shape.encoding, found.shape.questions) == ("cp850", ())
    assert outcome(row, "name", "note") == ("João Conceição", "Não ligar à noite")


@pytest.mark.parametrize("last", ['Cano de 3"', '"Bom cliente"'])
def test_rows_inside_a_cell_are_asked_about_with_their_lines(tmp_path: Path, last: str):
    text = (
        f'Nome;CPF;Obs\nUm;{ANA};a\nLoja 3;{BIA};"Cano de 20\n'
        f"Dois;{CAIO};b\nLoja 8;{DORA};{last}\n"
    )
    found, _ = read_people(tmp_path / "file", text.encode())
    assert found.shape.questions == (Question.QUOTES,)
    assert found.shape.swallowing == ((3, 5),)


@pytest.mark.parametrize(
    ("inner", "asks"),
    [
        ("x\nBia;123.456.789-00;;\nCaio;1;;y", True),
        ("x\nBia;;;\nCaio;;49999998888;y", True),
        ("Rua A, 20\nCentro; casa 2\nPalmas", False),
        ("Rua A;20;Centro;SC\nBairro;89900-000;Palmas;Brasil", False),
        ("Falar com Bia\n49 99999-1234\nCPF 11122233396", False),
    ],
)
def test_rows_with_wrong_or_no_documents_are_rows_and_addresses_are_not(
    inner: str, asks: bool, tmp_path: Path
):
    text = f'Nome;CPF;Celular;Obs\nAna;{ANA};;"{inner}"\nDora;{DORA};;\n'
    found, _ = read_people(tmp_path / "file", text.encode())
    assert bool(found.shape.questions) is asks


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        *(("Muñoz", encoding) for encoding in ("cp850", "cp437", "mac_roman")),
        *(("Zoë", encoding) for encoding in ("cp850", "cp437")),
        *(("François", encoding) for encoding in ("cp850", "mac_roman")),
    ],
)
def test_one_letter_that_portuguese_does_not_have_is_asked_about(
    name: str, encoding: str, tmp_path: Path
):
    found, _ = read_people(tmp_path / "file", f"Nome;CPF\n{name};{ANA}\n".encode(encoding))
    assert found.shape.questions == (Question.ENCODING,)
    found, [row] = read_people(tmp_path / "file", f"Nome;CPF\n{name};{ANA}\n".encode("cp1252"))
    assert (found.shape.questions, outcome(row, "name")) == ((), name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, FileReason.OTHER_SPREADSHEET) for text in MARKUP),
        *((text, FileReason.SQL) for text in DUMPS),
        (f'"Nome,CPF,Celular"\n"Ana,{ANA},49999998888"\n', FileReason.QUOTED_LINES),
        ("BEGIN:VCARD\nVERSION:3.0\nFN:Ana\nEND:VCARD\n", FileReason.CONTACTS),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, reason: FileReason):
    with pytest.raises(FileRefused) as refused:
        read_people(tmp_path / "file", text.encode())
    assert refused.value.reason is reason


def test_every_sheet_is_named_with_its_rows(tmp_path: Path):
    header = ("Nome", "CPF")
    people = ([header, ("Ana", ANA)], [header, ("Bia", BIA), ("Caio", CAIO)])
    data = corpus.xlsx(*people, names=("Clientes", "Fornecedores"))
    found, rows = read_people(tmp_path / "file", data)
    assert found.shape.sheet == "Clientes"
    assert [(one.name, one.rows) for one in found.shape.other_sheets] == [("Fornecedores", 3)]
    assert [outcome(row, "name") for row in rows] == ["Ana"]


def test_errors_formulas_and_false_of_a_workbook_are_nobodys_values(tmp_path: Path):
    rows = [
        ("Nome", "CPF", "Fantasia", "E-mail"),
        ("Ana", ANA, "ERRO", "FORMULA"),
        ("Bia", BIA, False, False),
    ]
    sheet = "xl/worksheets/sheet1.xml"
    data = corpus.xlsx(rows)
    strings = corpus.parts_of(data)["xl/sharedStrings.xml"].decode()
    texts = [part.partition("</t>")[0].rpartition(">")[2] for part in strings.split("<si>")[1:]]
    for place, cell in (("C2", "ERRO"), ("D2", "FORMULA")):
        old = f'<c r="{place}" t="s"><v>{texts.index(cell)}</v></c>'.encode()
        new = f'<c r="{place}" t="e"><v>#N/A</v></c>'
        if cell == "FORMULA":
            new = f'<c r="{place}"><f>A2</f></c>'
        data = corpus.with_part(data, sheet, old, new.encode())
    merged = b'</sheetData><mergeCells count="1"><mergeCell ref="C3:C4"/></mergeCells>'
    data = corpus.with_part(data, sheet, b"</sheetData>", merged)
    found, read = read_people(tmp_path / "file", data)
    marks = {mark.kind: mark.places for mark in found.shape.marks}
    assert marks == {
        MarkKind.ERROR: ("C2",),
        MarkKind.NO_VALUE: ("D2",),
        MarkKind.MERGED: ("C3:C4",),
    }
    assert [outcome(row, "name", "trade", "email") for row in read] == [
        ("Ana", None, None),
        ("Bia", None, None),
    ]
    assert "1 célula com erro da planilha" in " ".join(left_out(found.shape))


def test_a_totals_row_is_nobody_without_documents_either(tmp_path: Path):
    text = "Nome;Celular\nAna;49999998888\nTotal: 2 clientes;\nPágina 1 de 1;\nBia;\n"
    found, rows = read_people(tmp_path / "file", text.encode(), requires_tax_id=False)
    assert [outcome(row, "name") for row in rows] == [
        "Ana",
        ["totals"],
        ["totals"],
        ["name_alone"],
    ]
    assert names(found) == ["Ana", "Bia"]


@pytest.mark.parametrize("far", [0, 9_000], ids=["near", "far-apart"])
@pytest.mark.parametrize("old_first", [True, False], ids=["cp1252-first", "utf-8-first"])
def test_a_text_in_two_encodings_is_asked_about_and_can_be_repaired(
    tmp_path: Path, far: int, old_first: bool
):
    old, new = f"Conceição Antônio José;{BIA};\n".encode("cp1252"), f"João;{ANA};\n".encode()
    first, second = (old, new) if old_first else (new, old)
    filling = f"Caio;{CAIO};{'x' * 40}\n".encode() * far
    data = b"Nome;CPF;Obs\n" + first + filling + second
    found, _ = read_people(tmp_path / "file", data)
    assert found.shape.questions == (Question.MOJIBAKE,)
    found, rows = read_people(tmp_path / "file", data, Reading(encoding="utf-8-2x"))
    assert found.shape.questions == ()
    people = [outcome(row, "name") for row in (rows[0], rows[-1])]
    assert sorted(people) == ["Conceição Antônio José", "João"]
