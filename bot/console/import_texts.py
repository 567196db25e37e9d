"""Sentences about an import on the page."""

from collections.abc import Sequence
from typing import Final

from bot.usecases.jobs.receive_file import NotReceived

IMPORTING: Final = "Importando o arquivo que você enviou pela página…"
NOT_RECEIVED: Final = {
    NotReceived.TOO_LARGE: "O arquivo passa de 200 MB, o máximo desta página. Um .zip do mesmo "
    "arquivo costuma ficar bem menor. No servidor, balcao import ARQUIVO não tem limite.",
    NotReceived.REPLACED: "Este envio não vale mais: outro arquivo começou a ser enviado depois, "
    "talvez em outra aba, ou passou de um dia. Escolha o arquivo de novo.",
    NotReceived.WRONG_PIECE: "O arquivo mudou enquanto era enviado, ou um pedaço chegou cortado. "
    "Escolha o arquivo de novo: o envio continua de onde parou, se ele é o mesmo.",
    NotReceived.INCOMPLETE: "O arquivo ainda não chegou inteiro. Escolha o mesmo arquivo de novo: "
    "o envio continua de onde parou.",
}
UNANSWERED: Final = "Responda antes como ler o arquivo: os botões estão no alto desta página."
FILE_GONE: Final = "Este arquivo não está mais guardado: arquivos ficam 7 dias. Envie outra vez."
DISK: Final = (
    "Não consigo gravar o arquivo no servidor. Confira o espaço em disco e a permissão da pasta "
    "de dados (BALCAO_DATA_DIR)."
)
OLD_PREVIEW: Final = (
    "Esta prévia não vale mais: alguém mudou as opções, confirmou ou cancelou. Abra a tarefa de "
    "novo em Tarefas."
)
NOTHING_MENDED: Final = "Você não corrigiu nenhuma célula ainda. Escreva nas marcadas e repita."
TOO_MANY_MENDED: Final = (
    "São células demais para corrigir aqui. Importe o resto: as recusadas vêm em um arquivo, que "
    "você corrige e envia de novo."
)


def twice(field: str, places: Sequence[str]) -> str:
    return (
        f"As colunas {' e '.join(places)} são {field}. Deixe em uma só, e nas outras escolha "
        "Ignorar ou outro campo."
    )
