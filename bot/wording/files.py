"""Words for a file to import: how it was understood, and what its columns are."""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.columns import Column, Doubt, is_usable
from bot.domain.encodings import ENCODINGS, OLD, TWICE, repaired
from bot.domain.fields import UPDATABLE, stored_path
from bot.domain.file_shape import FileShape, Inspected, Mark, MarkKind, Question
from bot.domain.job import ImportOptions
from bot.domain.row import is_total
from bot.wording.reasons import COLUMN_LABELS
from bot.wording.values import LABELS
from bot.wording.words import KINDS, counted, number, plural, short

DOUBTS: Final = {
    Doubt.UNNAMED: "sem nome",
    Doubt.UNKNOWN: "não reconheci esta coluna",
    Doubt.DUPLICATE: "outra coluna já é este campo",
    Doubt.SHIFTED: "os valores não parecem deste campo",
}
_DELIMITERS: Final = {
    ";": "ponto e vírgula",
    ",": "vírgula",
    "\t": "tabulação",
    "|": "barra vertical",
}
ANSWERS: Final = {
    Question.QUOTES: (
        ("quotes:text", "📏 A aspa é texto: cada linha é um cadastro"),
        ("quotes:cell", "▭ É tudo uma célula"),
    ),
    Question.ENCODING: tuple((f"encoding:{name}", f"🔤 {ENCODINGS[name]}") for name in OLD),
    Question.MOJIBAKE: (
        (f"encoding:{TWICE}", "🔧 Consertar os acentos"),
        ("encoding:", "➖ Deixar como está"),
    ),
}
"""The answers to each question: what `Reading` gets, and the words of the button."""
NO_FIELDS: Final = "Marque ao menos um campo a atualizar, ou responda Não em “Atualizar”."
_NAME: Final = 40
_MARKS: Final = {
    MarkKind.HIDDEN_ROW: (
        "linha oculta ou filtrada também entra",
        "linhas ocultas ou filtradas também entram",
    ),
    MarkKind.HIDDEN_COLUMN: ("coluna oculta também é lida", "colunas ocultas também são lidas"),
    MarkKind.NO_VALUE: (
        "fórmula sem valor guardado fica em branco (abra no Excel e salve)",
        "fórmulas sem valor guardado ficam em branco (abra no Excel e salve)",
    ),
    MarkKind.ERROR: (
        "célula com erro da planilha (como #N/D) fica em branco",
        "células com erro da planilha (como #N/D) ficam em branco",
    ),
    MarkKind.BEYOND_HEADER: (
        "linha com células além do cabeçalho é recusada",
        "linhas com células além do cabeçalho são recusadas",
    ),
    MarkKind.MERGED: (
        "grupo de células mescladas só tem valor na primeira",
        "grupos de células mescladas só têm valor na primeira",
    ),
}


def understood(shape: FileShape) -> str:
    """Return how the file was read: its format, and the line of its header."""
    parts = []
    if shape.member:
        parts.append(f"“{short(shape.member, _NAME)}” dentro do .zip")
    if shape.format == "xlsx":
        parts.append(f"planilha, aba “{short(shape.sheet or '', _NAME)}”")
    else:
        parts.append(f"texto {ENCODINGS.get(shape.encoding or '', shape.encoding or '')}")
        parts.append(f"separado por {_DELIMITERS.get(shape.delimiter or '', 'outro sinal')}")
    header = f"cabeçalho na linha {shape.header_line}" if shape.header_line else "sem cabeçalho"
    return ", ".join([*parts, header])


def amounts(shape: FileShape) -> str:
    """Return how much was read: lines of the file, rows, and rows with line breaks."""
    rows = counted(shape.rows, "lida", "lidas")
    if shape.lines is None:
        return rows
    lines = counted(shape.lines, "linha no arquivo", "linhas no arquivo")
    broken = "quebra de linha dentro de uma célula"
    return f"{lines}, {rows}, {number(shape.broken_rows)} com {broken}"


def left_out(shape: FileShape) -> Iterator[str]:
    """Yield what the file has beside the rows that are read, or that is easily overlooked."""
    if shape.other_sheets:
        sheets = ", ".join(
            f"“{short(sheet.name, _NAME)}” ({counted(sheet.rows, 'linha', 'linhas')}"
            f"{', oculta' if sheet.is_hidden else ''})"
            for sheet in shape.other_sheets
        )
        yield f"Só a aba “{short(shape.sheet or '', _NAME)}” é lida. Ficam de fora: {sheets}."
    for mark in shape.marks:
        yield _marked(mark)


def question(inspected: Inspected, asked: Question) -> str:
    """Return what has to be answered before the file is imported, as plain text."""
    shape = inspected.shape
    if asked is Question.QUOTES:
        places = [f"{first} a {last}" for first, last in shape.swallowing]
        lines = plural(len(places), "Nas linhas", "Em cada um destes trechos, linhas")
        return (
            f'{lines} {", ".join(places)}, uma aspa (") põe linhas inteiras dentro de uma célula '
            "só. Se a aspa é parte do texto (como em polegadas), cada linha é um cadastro; se "
            "não, tudo isso é o conteúdo de uma célula."
        )
    if asked is Question.ENCODING:
        read = "; ".join(
            f"{ENCODINGS[name]}: {', '.join(names_read_as(inspected, name))}" for name in OLD
        )
        return f"Não tenho certeza dos acentos deste arquivo. Veja qual está certo: {read}."
    wrong = ", ".join(names(inspected))
    right = ", ".join(map(repaired, names(inspected)))
    return (
        "Há acentos que já vieram trocados no arquivo, como “Ã£” no lugar de “ã”. Assim: "
        f"{wrong}. Consertados: {right}."
    )


def names(inspected: Inspected) -> list[str]:
    """Return three names of the file, first those with accents."""
    place = next((c.index for c in inspected.columns if c.field == "name"), None)
    if place is None:
        return []
    cells = (row[place].strip() for _, row in inspected.samples if len(row) > place)
    found = [short(cell, _NAME) for cell in dict.fromkeys(cells) if cell and not is_total(cell)]
    return sorted(found, key=str.isascii)[:3]


def names_read_as(inspected: Inspected, encoding: str) -> list[str]:
    """Return the same names as they are in another of the old encodings."""
    own = inspected.shape.encoding or "cp1252"
    if encoding == TWICE:
        return list(map(repaired, names(inspected)))
    return [name.encode(own, "replace").decode(encoding, "replace") for name in names(inspected)]


def _marked(mark: Mark) -> str:
    more = "…" if mark.count > len(mark.places) else ""
    return f"{counted(mark.count, *_MARKS[mark.kind])}: {', '.join(mark.places)}{more}."


def column_line(column: Column, *, length: int, doubtful: str) -> str:
    """Return the column as `4. Fone 2 → Celular`, with `doubtful` for one that is in doubt."""
    if column.field is not None:
        what = COLUMN_LABELS[column.field]
    else:
        what = doubtful if column.doubt is not None else "ignorada"
    return f"{column.index + 1}. {short(column.header, length) or '(sem nome)'} → {what}"


def cannot_check(
    options: ImportOptions, columns: Sequence[Column], *, requires_tax_id: bool
) -> str | None:
    """Return the decision that must precede the check of the file; None if there is none."""
    doubtful = [column for column in columns if column.doubt is not None]
    if doubtful:
        listed = ", ".join(str(column.index + 1) for column in doubtful[:5])
        more = "…" if len(doubtful) > 5 else ""
        word = "a coluna" if len(doubtful) == 1 else "as colunas"
        return f"Decida antes {word} {listed}{more}: em “Colunas”, escolha o campo ou “Ignorar”."
    if requires_tax_id and all(column.field != "tax_id" for column in columns):
        return "Falta dizer qual coluna é o CPF ou CNPJ: escolha em “Colunas”."
    if not is_usable(columns):
        return "Falta dizer qual coluna é o nome ou o CPF/CNPJ: escolha em “Colunas”."
    if options.update and not options.fields & set(updatable(columns)):
        return NO_FIELDS
    return None


def updatable(columns: Sequence[Column]) -> list[str]:
    """Return the fields that the file has and an update may change, in the order of a record."""
    there = {stored_path(column.field) for column in columns if column.field}
    return [path for path in LABELS if path in there and path in UPDATABLE]


def as_last_time(last: ImportOptions, columns: Sequence[Column]) -> str:
    """Return the offer to choose what was chosen for the last file."""
    chosen = []
    if last.update:
        ticked = [LABELS[path] for path in updatable(columns) if path in last.fields]
        some = ", ".join(ticked[:2]) + (f" e mais {len(ticked) - 2}" if len(ticked) > 2 else "")
        chosen.append(f"atualizar {some}")
    if last.default_kind:
        chosen.append(f"tipo {KINDS[last.default_kind]}")
    return f"↩️ Como da última vez: {'; '.join(chosen)}"
