"""Sentences of the screens for imports and exports."""

from collections.abc import Collection, Sequence
from typing import Final, NotRequired, TypedDict

from aiogram import html

from bot.domain.columns import FILE_COLUMNS, Column, Doubt
from bot.domain.fields import PASSWORD
from bot.domain.file_shape import Inspected
from bot.domain.job import ImportOptions, Job
from bot.domain.registration import Kind
from bot.domain.search import Query
from bot.wording.files import (
    DOUBTS,
    amounts,
    column_line,
    left_out,
    question,
    understood,
    updatable,
)
from bot.wording.files import names as names_of
from bot.wording.jobs import filters, undo_effects
from bot.wording.reasons import ACCEPTED, COLUMN_LABELS
from bot.wording.values import LABELS, Names
from bot.wording.words import KINDS, short
from handlers.admin.register.texts import total

ASK_FILE: Final = (
    "📥 <b>Importar cadastros</b>\n\n"
    "Envie aqui o arquivo que você tem: <b>.xlsx</b> do Excel ou <b>.csv</b>, solto ou dentro de "
    "um .zip ou .gz, de até 20 MB.\n\n"
    "Descubro sozinho os acentos, o separador e as colunas, mostro o que mudaria e só gravo "
    "depois do seu sim. E tudo pode ser desfeito.\n\n"
    "Se preferir, comece pelo modelo."
)
TEMPLATE_BUTTON: Final = "📄 Modelo"
TEMPLATE_NAME: Final = "modelo-importacao.csv"
TEMPLATE: Final = (
    "📄 Abra no Excel, apague a linha de exemplo, preencha e envie de volta.\n"
    "Obrigatórios: Nome, cpfCnpj e tipoRegistro. O resto pode ficar vazio."
)
NOT_ACCEPTED: Final = (
    "Este tipo de arquivo eu não importo. Envie uma planilha <b>.xlsx</b> ou um <b>.csv</b>, "
    "solto ou dentro de um .zip ou .gz. O modelo está em /importar."
)
TOO_LARGE: Final = (
    "⚠️ <b>O arquivo passa de 20 MB</b>, o máximo que o Telegram entrega a um bot.\n\n"
    "No servidor, use a linha de comando, que não tem limite:\n"
    "<code>balcao import ARQUIVO</code>\n\n"
    "Um .zip do mesmo arquivo costuma ficar bem menor: ele pode vir por aqui."
)
NOT_DOWNLOADED: Final = (
    "⚠️ Não consegui buscar o arquivo no Telegram. Envie outra vez daqui a pouco."
)
DISK: Final = (
    "⚠️ Não consigo gravar o arquivo no servidor. Confira o espaço em disco e a permissão da "
    "pasta de dados (BALCAO_DATA_DIR)."
)
GONE: Final = "Esta tarefa não existe mais."
FILE_GONE: Final = "Este arquivo não está mais guardado: arquivos ficam 7 dias."
CHECKING: Final = "Conferindo o arquivo, nada é gravado…"
EXPORTING: Final = "Exportando…"
IMPORTING: Final = "Importando…"
CHANGING: Final = "Gravando…"
UNDOING: Final = "Desfazendo…"
APPLYING: Final = "Perguntando ao ERP por cada um deles…"
LOSSES_LEFT: Final = (
    "✋ Fica como está: nenhum telefone ou e-mail foi esvaziado, e ninguém foi marcado. A próxima "
    "sincronização desde o começo confere outra vez."
)
CANCELLING: Final = "Cancelando: paro no fim do que está sendo gravado agora."
NOT_UNDONE: Final = "Nada foi desfeito."
NO_JOBS: Final = (
    "🗂 <b>Tarefas</b>\n\n"
    "Ainda não houve nenhuma. Importações, exportações, sincronizações e alterações em lote "
    "aparecem aqui, e por aqui podem ser desfeitas."
)
CANCELLED: Final = "Importação cancelada. Nada foi gravado."
UNANSWERED: Final = "Responda antes como ler o arquivo: os botões estão logo abaixo da pergunta."
IMPORT_ACCEPT: Final = (
    "⚠️ <b>Aceitar sem o campo</b>\n\n"
    "Uma linha cujo telefone ou e-mail não se lê é recusada inteira. Marque o que pode ficar de "
    "fora: a linha entra sem esse campo, e o relatório diz quais foram."
)
TAGS_CREATED: Final = "Etiquetas criadas. Confira o arquivo de novo."
ONE_FIELD: Final = "Marque ao menos um campo."
IMPORT_FIELDS: Final = (
    "🧾 <b>Campos a atualizar</b>\n\n"
    "Em quem já está no cadastro, só os marcados mudam. Célula vazia nunca apaga o que está "
    "gravado."
)
IMPORT_KIND: Final = (
    "🏷 <b>Linhas sem tipo</b>\n\n"
    "Que tipo recebe um cadastro novo cuja linha não diz? Em quem já está no cadastro nada muda."
)
EXPORT_FIELDS: Final = (
    "🧾 <b>Campos da exportação</b>\n\nOs marcados viram colunas. A senha nunca sai."
)
_CELL: Final = 40
_ROWS: Final = 2
_CELLS_OF_A_ROW: Final = 12
_DOUBTS_SHOWN: Final = 8
_BUTTON: Final = 28
_HIDDEN: Final = "••••"
_EXAMPLE: Final = {
    "name": "Maria Exemplo da Silva",
    "tax_id": "123.456.789-09",
    "phones.mobile": "(11) 98765-4321",
    "email": "maria@example.com",
    "status": "A",
    "kinds": "cliente",
    "country": "BR",
    "alert_traits": "Não",
    "fixed_note": "Linha de exemplo: apague antes de enviar",
}


class FileData(TypedDict):
    """The part of a file that the import screens show, as JSON; open dialogs hold it."""

    name: str
    understood: str
    headers: list[str]
    doubts: list[Doubt | None]
    rows: list[tuple[int, list[str]]]
    examples: list[list[str]]
    amounts: NotRequired[str]
    names: NotRequired[list[str]]
    left_out: NotRequired[list[str]]
    questions: NotRequired[dict[str, str]]
    """What has to be answered before the file is imported, by the value of each `Question`."""
    sheets: NotRequired[list[str]]
    """The other sheets that could be read."""


class ImportData(TypedDict):
    job_id: int
    file: FileData


def template() -> bytes:
    """Return a template file with the header and one row, in the format of Brazilian Excel."""
    rows = (FILE_COLUMNS, [_EXAMPLE.get(path, "") for path in FILE_COLUMNS.values()])
    return "".join(f"{';'.join(row)}\r\n" for row in rows).encode("utf-8-sig")


def as_data(inspected: Inspected, name: str) -> FileData:
    """Return the part of the file that the import screens show, as JSON."""
    hidden = {column.index for column in inspected.columns if column.field == PASSWORD}
    width = len(inspected.columns)

    def shown(place: int, cells: Sequence[str]) -> str:
        cell = cells[place] if place < len(cells) else ""
        return _HIDDEN if place in hidden and cell.strip() else short(cell, _CELL)

    return {
        "name": short(name, 60),
        "understood": understood(inspected.shape),
        "amounts": amounts(inspected.shape),
        "names": names_of(inspected),
        "left_out": list(left_out(inspected.shape)),
        "questions": {one.value: question(inspected, one) for one in inspected.shape.questions},
        "sheets": [one.name for one in inspected.shape.other_sheets if not one.is_hidden],
        "headers": [short(column.header, _CELL) for column in inspected.columns],
        "doubts": [column.doubt for column in inspected.columns],
        "rows": [
            (line, [shown(place, cells) for place in range(width)])
            for line, cells in inspected.samples[:_ROWS]
        ],
        "examples": [
            [short(one, _CELL) for one in inspected.examples(column)]
            for column in inspected.columns
        ],
    }


def main(job: Job, file: FileData, columns: Sequence[Column]) -> str:
    """Return the text of the import screen: the properties of the file, and the open questions."""
    options = job.import_options or ImportOptions()
    lines = [f"📥 <b>Importar</b> · tarefa {job.id}", f"📄 {html.quote(file['name'])}"]
    lines += [f"Entendi assim: {html.quote(file['understood'])}"]
    if told := file.get("amounts"):
        lines.append(f"Conferência: {told}")
    if names := file.get("names"):
        lines.append(f"Nomes: {html.quote(', '.join(names))}")
    lines += [f"⚠️ {html.quote(line)}" for line in file.get("left_out", ())]
    lines += [f"❓ {html.quote(line)}" for line in file.get("questions", {}).values()]
    lines.append("")
    for line, cells in file["rows"]:
        lines.append(f"<b>Linha {line}</b>")
        lines += _row(columns, cells)
    used = sum(column.field is not None for column in columns)
    lines += ["", f"Colunas: {used} de {len(columns)} usadas"]
    doubtful = [column for column in columns if column.doubt is not None]
    if doubtful:
        lines += ["", "❓ <b>Decida o que fazer com:</b>"]
        lines += [f"• {_named(c)}: {_doubt(c, file)}" for c in doubtful[:_DOUBTS_SHOWN]]
        if len(doubtful) > _DOUBTS_SHOWN:
            lines.append(f"… e mais {len(doubtful) - _DOUBTS_SHOWN}")
    lines += ["", _what_happens(options, columns)]
    return "\n".join(lines)


def column_window(column: Column, file: FileData) -> str:
    examples = examples_of(column, file)
    lines = [f"<b>{_named(column)}</b>"]
    if column.doubt is not None:
        lines.append(f"❓ {DOUBTS[column.doubt]}")
    lines.append(
        "Exemplos: " + ", ".join(html.quote(one) for one in examples)
        if examples
        else "Sem valores nas primeiras linhas."
    )
    lines += ["", "O que é esta coluna?"]
    return "\n".join(lines)


def column_button(column: Column) -> str:
    """Return the column as `4. (sem nome) → ❓`, on one line."""
    return column_line(column, length=_BUTTON, doubtful="❓")


def columns_window(columns: Sequence[Column]) -> str:
    doubtful = sum(column.doubt is not None for column in columns)
    left = f"❓ {doubtful} para decidir.\n" if doubtful else ""
    return f"🗂 <b>Colunas do arquivo</b>\n\n{left}Toque em uma para escolher o que ela é."


def examples_of(column: Column, file: FileData) -> list[str]:
    """Return some values of the column; passwords are hidden."""
    shown = (_cell(column, cell) for cell in file["examples"][column.index])
    return list(dict.fromkeys(shown))


def accept_button(options: ImportOptions) -> str:
    names = ", ".join(ACCEPTED[name] for name in ACCEPTED if name in options.accepted)
    return f"⚠️ Aceitar sem o campo: {names or 'nenhum'}"


def kind_button(kind: Kind | None) -> str:
    return f"🏷 Linhas sem tipo: {KINDS[kind] if kind else 'recusar'}"


def export_window(query: Query, of: int, paths: Collection[str], count: int, names: Names) -> str:
    fields = "todos" if len(paths) == count else f"{len(paths)} de {count}"
    if not paths:
        fields = "nenhum marcado"
    lines = [
        "📤 <b>Exportar cadastros</b>",
        "",
        html.quote(short(filters(query, names), 300)),
        total(of),
        f"Campos: {fields}",
        "",
        "⚠️ O arquivo tem dados pessoais: guarde bem.",
    ]
    if query == Query():
        lines.append("Para exportar só uma parte, filtre em /clientes e toque em Exportar lá.")
    return "\n".join(lines)


def ask_to_undo(job: Job) -> str:
    return (
        f"↩️ <b>Desfazer a tarefa {job.id}?</b>\n\n{undo_effects(job)}\n"
        "O que alguém mudou depois fica como está, e eu digo o quê."
    )


def _row(columns: Sequence[Column], cells: Sequence[str]) -> list[str]:
    shown = [
        f"{COLUMN_LABELS[column.field]}: {html.quote(_cell(column, cells[column.index]))}"
        for column in columns
        if column.field is not None and cells[column.index]
    ]
    if not shown:
        return ["(nada nas colunas usadas)"]
    return shown[:_CELLS_OF_A_ROW] + (["…"] if len(shown) > _CELLS_OF_A_ROW else [])


def _cell(column: Column, cell: str) -> str:
    return _HIDDEN if column.field == PASSWORD else cell


def _named(column: Column) -> str:
    name = html.quote(short(column.header, _CELL))
    return f"Coluna {column.index + 1} ({f'“{name}”' if name else 'sem nome'})"


def _doubt(column: Column, file: FileData) -> str:
    said = [] if column.doubt in (Doubt.UNNAMED, None) else [DOUBTS[column.doubt]]
    if examples := examples_of(column, file):
        said.append(f"ex. {html.quote(examples[0])}")
    return "; ".join(said) or "sem valores nas primeiras linhas"


def _what_happens(options: ImportOptions, columns: Sequence[Column]) -> str:
    if not options.update:
        return "Quem já está no cadastro fica como está; entram só os novos."
    ticked = [LABELS[path] for path in updatable(columns) if path in options.fields]
    fields = ", ".join(ticked) or "nenhum campo marcado"
    return f"Quem já está no cadastro é atualizado em: {fields}."
