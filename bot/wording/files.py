"""Words for a file to import: how it was understood, and what its columns are."""

from typing import Final

from bot.domain.columns import Column, Doubt
from bot.domain.file_shape import FileShape
from bot.wording.reasons import COLUMN_LABELS
from bot.wording.words import short

DOUBTS: Final = {
    Doubt.UNNAMED: "sem nome",
    Doubt.UNKNOWN: "nome que não conheço",
    Doubt.DUPLICATE: "outra coluna já é este campo",
    Doubt.SHIFTED: "os valores não parecem deste campo",
}
_ENCODINGS: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16-le": "Unicode do Excel (UTF-16)",
    "utf-16-be": "Unicode (UTF-16)",
    "cp1252": "Excel (cp1252)",
}
_DELIMITERS: Final = {
    ";": "ponto e vírgula",
    ",": "vírgula",
    "\t": "tabulação",
    "|": "barra vertical",
}
_NAME: Final = 40


def understood(shape: FileShape) -> str:
    """Return how the file was read: its format, and the line of its header."""
    parts = []
    if shape.member:
        parts.append(f"“{short(shape.member, _NAME)}” dentro do .zip")
    if shape.format == "xlsx":
        parts.append(f"planilha, aba “{short(shape.sheet or '', _NAME)}”")
    else:
        parts.append(f"texto {_ENCODINGS.get(shape.encoding or '', shape.encoding or '')}")
        parts.append(f"separado por {_DELIMITERS.get(shape.delimiter or '', 'outro sinal')}")
    header = f"cabeçalho na linha {shape.header_line}" if shape.header_line else "sem cabeçalho"
    return ", ".join([*parts, header])


def column_line(column: Column, *, length: int, doubtful: str) -> str:
    """Return the column as `4. Fone 2 → Celular`, with `doubtful` for one that is in doubt."""
    if column.field is not None:
        what = COLUMN_LABELS[column.field]
    else:
        what = doubtful if column.doubt is not None else "ignorada"
    return f"{column.index + 1}. {short(column.header, length) or '(sem nome)'} → {what}"
