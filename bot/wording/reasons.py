"""Sentences for refused rows, refused files and failed jobs: the reason and the advice."""

from collections.abc import Mapping
from typing import Final

from bot.domain.candidate import CellReason, Refusal
from bot.domain.errors import Problem
from bot.domain.fields import FIELDS
from bot.domain.file_refusal import (
    MAX_COLUMNS,
    MAX_UNPACKED_TEXT,
    MAX_UNPACKED_WORKBOOK,
    FileReason,
    FileRefused,
)
from bot.domain.job import FileTrouble, Job, JobTrouble, RowReport
from bot.domain.portal import (
    PASSWORD_LENGTHS,
    USERNAME_LENGTHS,
    PasswordRefusal,
    UsernameRefusal,
)
from bot.domain.registration import NAME_LENGTH, NOTE_LENGTH, TRAIT_LENGTH, TRAITS
from bot.wording.errors import SENTENCES
from bot.wording.words import number

# The labels of the register's fields, with the column that only files have.
COLUMN_LABELS: Final[Mapping[str, str]] = {field.path: field.label for field in FIELDS}

_CELLS: Final = {
    CellReason.TAX_ID_NOTHING: "não há número de CPF ou CNPJ aqui",
    CellReason.TAX_ID_LENGTH: "tem {detail} caracteres; CPF tem 11 e CNPJ tem 14",
    CellReason.TAX_ID_CHECK_DIGITS: "os dígitos não conferem; confira o número",
    CellReason.TAX_ID_REPEATED: "todos os dígitos são iguais; não é um documento de verdade",
    CellReason.TAX_ID_AMBIGUOUS: "há mais de um documento na célula; deixe só um",
    CellReason.TAX_ID_SCIENTIFIC: "o Excel mudou o número (como 2,47E+13) e dígitos se perderam; "
    "formate a coluna como texto e digite de novo",
    CellReason.TAX_ID_DECIMALS: "tem casas decimais (,00), e sem elas ou com elas é um documento "
    "válido; formate a coluna como texto e escreva só os dígitos",
    CellReason.TAX_ID_COUNTRY: "não é um documento válido do país informado",
    CellReason.PHONE: "não é exatamente um telefone; escreva com DDD e sem outros números, como "
    "(49) 99999-8888 ou 0800 591 2345",
    CellReason.PHONES: "há mais telefones do que cabem no cadastro; deixe os principais",
    CellReason.EMAIL: "não é um e-mail; escreva um só, como nome@empresa.com.br",
    CellReason.STATUS: "“{detail}” não é um status; use A (ativo) ou I (inativo)",
    CellReason.KIND: "“{detail}” não é um tipo; use cliente, fornecedor, prestador de serviço ou "
    "prospect",
    CellReason.TAG: "a etiqueta “{detail}” não existe; crie em /etiquetas ou corrija",
    CellReason.DEPARTMENT: "o departamento “{detail}” não existe; crie em /departamentos ou "
    "corrija",
    CellReason.COUNTRY: "“{detail}” não é um país; escreva o nome ou a sigla, como BR",
    CellReason.YES_OR_NO: "“{detail}” não é resposta; escreva Sim ou Não",
    CellReason.USERNAME: "não serve como usuário",
    CellReason.PASSWORD: "a senha não serve",
    CellReason.TRAITS: f"no máximo {TRAITS} características, de até {TRAIT_LENGTH} caracteres "
    "cada",
    CellReason.UNREADABLE: "a linha tem caracteres que não podem ser lidos",
    CellReason.NAME_ALONE: "só tem o nome: sem documento, telefone ou e-mail, ninguém é "
    "reconhecido depois",
    CellReason.NAME: "não parece um nome: é uma fórmula, um número, um e-mail ou tem letras "
    "trocadas (como Jo?o); corrija a célula",
    CellReason.TRADE_NAME: "não parece um nome fantasia: é uma fórmula, um número, um e-mail ou "
    "tem letras trocadas (como Jo?o); corrija a célula ou deixe em branco",
    CellReason.TOTALS: "parece uma linha de total ou de rodapé, e não uma pessoa",
    CellReason.TOO_MANY_CELLS: "a linha tem mais células do que o cabeçalho; veja se há um "
    "separador a mais",
}
_USERNAMES: Final = {
    UsernameRefusal.TOO_SHORT: f"tem menos de {USERNAME_LENGTHS[0]} caracteres",
    UsernameRefusal.TOO_LONG: f"passa de {USERNAME_LENGTHS[1]} caracteres",
    UsernameRefusal.CHARACTERS: "use só letras sem acento, números e os sinais . _ - @",
}
_PASSWORDS: Final = {
    PasswordRefusal.TOO_SHORT: f"a senha tem menos de {PASSWORD_LENGTHS[0]} caracteres",
    PasswordRefusal.TOO_LONG: f"a senha passa de {PASSWORD_LENGTHS[1]} caracteres",
    PasswordRefusal.CHARACTERS: "a senha tem caracteres que não se consegue digitar",
    PasswordRefusal.IS_USERNAME: "a senha é igual ao usuário",
    PasswordRefusal.IS_TAX_ID: "a senha é igual ao documento",
}
# Sentences by the detail of the cell's problem.
_DETAILED: Final = {
    CellReason.TAX_ID_LENGTH: {"1": "tem 1 caractere; CPF tem 11 e CNPJ tem 14"},
    CellReason.USERNAME: {refusal.name.lower(): text for refusal, text in _USERNAMES.items()},
    CellReason.PASSWORD: {refusal.name.lower(): text for refusal, text in _PASSWORDS.items()},
}
ACCEPTED: Final = {
    "phone": "telefone",
    "email": "e-mail",
    "tag": "etiqueta",
    "trade_name": "fantasia",
    "department": "prioridade",
    "traits": "características",
    "username": "usuário",
    "password": "senha",
    "name": "só o nome",
}
"""Names of `bot.domain.row.ACCEPTED` for people."""
_ROWS: Final = {
    Refusal.NO_NAME: "falta o nome",
    Refusal.NO_TAX_ID: "falta o CPF ou CNPJ",
    Refusal.NO_KIND: "falta o tipo de cadastro (cliente, fornecedor, prestador de serviço ou "
    "prospect)",
    Refusal.NAME_TOO_LONG: f"o nome passa de {NAME_LENGTH} caracteres",
    Refusal.TRADE_NAME_TOO_LONG: f"o nome fantasia passa de {NAME_LENGTH} caracteres",
    Refusal.NOTE_TOO_LONG: f"a observação passa de {NOTE_LENGTH} caracteres",
    Refusal.REPEATED: "repete um cadastro que já veio antes neste arquivo",
    Refusal.NOT_IN_REGISTER: "não está no cadastro",
    Refusal.SEVERAL: "há mais de um cadastro com este nome e telefone; informe o CPF ou CNPJ",
}
_AGAIN: Final = "Salve de novo e envie outra vez."
_FILES: Final = {
    FileReason.EMPTY: "O arquivo está vazio. Confira se é o arquivo certo.",
    FileReason.HEADER_ONLY: "O arquivo tem só o cabeçalho, sem nenhuma linha abaixo dele.",
    FileReason.NOT_A_TABLE: "Isto não é uma planilha nem um CSV, ainda que o nome diga que é. "
    "Abra no programa em que foi feito e salve como .xlsx ou .csv.",
    FileReason.CONTACTS: "São contatos de um telefone (.vcf), e não uma tabela. Importe no Google "
    "Contatos, escolha “Exportar” e “CSV do Outlook” ou “CSV do Google”, e envie o .csv.",
    FileReason.CALENDAR: "É uma agenda de compromissos (.ics), e não uma tabela de cadastros.",
    FileReason.JSON: "São dados em JSON, e não uma tabela. No sistema de onde vieram, exporte "
    "como .csv ou .xlsx.",
    FileReason.SQL: "É a cópia de um banco de dados (SQL), e não uma tabela. Exporte só a tabela "
    "dos cadastros, como .csv ou .xlsx.",
    FileReason.QUOTED_LINES: "Cada linha está inteira entre aspas, como se fosse uma célula só. "
    "Abra no Excel, use “Dados › Texto para Colunas” e salve como .xlsx, ou apague as aspas do "
    "começo e do fim das linhas.",
    FileReason.NO_SHEET: "Não há uma aba visível com este nome. As abas são: {names}.",
    FileReason.UNANSWERED: "Falta responder como o arquivo deve ser lido. Envie outra vez.",
    FileReason.OLD_EXCEL: "É um Excel antigo (.xls). Abra no Excel, escolha “Salvar como” e o "
    "tipo “Pasta de Trabalho do Excel (.xlsx)”.",
    FileReason.OTHER_SPREADSHEET: "Este tipo de planilha eu não leio. Abra e salve como .xlsx ou "
    ".csv.",
    FileReason.ENCODING: "{line}há caracteres que não são texto, e acentos se perderiam. No "
    "Excel, salve como “CSV UTF-8”, ou envie o .xlsx.",
    FileReason.LINE_TOO_LONG: "{line}começa uma célula que não acaba mais: quase sempre uma aspa "
    '(") que abriu e não fechou. Corrija e envie outra vez.',
    FileReason.UNCLOSED_QUOTE: '{line}uma aspa (") foi aberta e nunca fechada. Feche ou apague a '
    "aspa e envie outra vez.",
    FileReason.TOO_MANY_COLUMNS: f"São {{found}} colunas, e aceito até {MAX_COLUMNS}. Apague as "
    "que não precisa.",
    FileReason.TOO_LARGE: "O arquivo fica grande demais quando descompactado (até "
    f"{MAX_UNPACKED_WORKBOOK // 10**6} MB no .xlsx, {MAX_UNPACKED_TEXT // 10**9} GB no CSV). "
    "Salve como .csv, ou divida em partes.",
    FileReason.NESTED: "Há um arquivo compactado dentro de outro. Envie só o .csv ou .xlsx.",
    FileReason.SEVERAL_FILES: "Há {found} arquivos dentro deste{names}. Envie um de cada vez.",
    FileReason.NO_FILE: "O arquivo compactado não tem nada dentro.",
    FileReason.ENCRYPTED: "O arquivo tem senha, e por isso não consigo ler. Tire a senha e envie "
    "outra vez.",
    FileReason.DAMAGED: f"O arquivo está danificado ou incompleto. {_AGAIN}",
}
_TROUBLES: Final = {
    JobTrouble.FILE: "O arquivo não pôde ser lido até o fim.",
    JobTrouble.FILE_GONE: "O arquivo não está mais guardado. Envie outra vez.",
    JobTrouble.DISK_FULL: "O disco do servidor está cheio. Libere espaço e repita.",
    JobTrouble.DATABASE: "O banco de dados parou de responder. Confira com /status e repita.",
    JobTrouble.TOO_MANY_TRIES: "O bot parou várias vezes no mesmo ponto. O registro do servidor "
    "diz por quê.",
    JobTrouble.ERP_AWAY: "O ERP não respondeu, apesar de várias tentativas. Veja se ele está no "
    "ar; o que já entrou fica, e a próxima continua de onde esta parou.",
    JobTrouble.ERP_REFUSED: "O ERP recusou o acesso ou a pergunta. Confira as configurações "
    "BALCAO_ERP_… e as permissões do usuário no ERP; `balcao check` diz mais.",
    JobTrouble.ERP_UNREADABLE: "O ERP respondeu algo que não entendo: o registro do servidor diz "
    "o quê.",
    JobTrouble.ERP_CERTIFICATE: SENTENCES[Problem.ERP_CERTIFICATE],
    JobTrouble.ERP_CERTIFICATE_DATE: SENTENCES[Problem.ERP_CERTIFICATE_DATE],
    JobTrouble.ERP_CERTIFICATE_NAME: SENTENCES[Problem.ERP_CERTIFICATE_NAME],
    JobTrouble.NOT_WRITABLE: "Não consigo gravar na pasta de dados do servidor (BALCAO_DATA_DIR). "
    "Confira a permissão dela e repita.",
    JobTrouble.DISTURBED: "O cadastro mudou demais durante a cópia. Envie /backup de novo daqui a "
    "pouco.",
    JobTrouble.TOO_LARGE: "O arquivo é grande demais para o Telegram. No servidor, use a linha de "
    "comando: balcao backup ARQUIVO",
    JobTrouble.BLOCKED: "O administrador que pediu bloqueou o bot.",
    JobTrouble.NO_RIGHT: "Quem pediu não é mais administrador.",
    JobTrouble.LABEL_GONE: "A etiqueta ou o departamento escolhido foi arquivado depois. "
    "Escolha outro e repita.",
    JobTrouble.TELEGRAM: "O Telegram não aceitou o arquivo. Envie /backup de novo daqui a pouco, "
    "ou use a linha de comando do servidor: balcao backup ARQUIVO",
    JobTrouble.INTERRUPTED: "O bot foi parado durante a cópia, e nenhum arquivo ficou no "
    "servidor. Envie /backup de novo.",
    JobTrouble.UNKNOWN: "Algo deu errado, e o registro do servidor diz o quê.",
}
_NAME_LENGTH: Final = 40


def describe(row: RowReport) -> str:
    """Return all reasons of the row in one line of plain text, without its line number."""
    return "; ".join(dict.fromkeys(_reason(*reason) for reason in row.reasons))


def describe_file(refused: FileRefused | FileTrouble) -> str:
    """Return the reason why a file was refused and the advice, as plain text."""
    names = [name[:_NAME_LENGTH] for name in refused.names]
    return _FILES[FileReason(refused.reason)].format(
        line=f"Na linha {number(refused.line)} " if refused.line else "No arquivo ",
        found=number(refused.found or len(refused.names)),
        names=f" ({', '.join(names)}…)" if names else "",
    )


def describe_trouble(job: Job) -> str:
    """Return the reason why a job failed and the advice, as plain text."""
    if job.file_trouble is not None:
        return describe_file(job.file_trouble)
    return _TROUBLES[job.trouble or JobTrouble.UNKNOWN]


def _reason(path: str, reason: str, detail: str) -> str:
    if reason in _ROWS:
        sentence = _ROWS[Refusal(reason)]
        if reason == Refusal.REPEATED and detail:
            sentence = f"repete a linha {detail}"
        return sentence
    cell = CellReason(reason)
    sentence = _DETAILED.get(cell, {}).get(detail) or _CELLS[cell].format(detail=detail)
    return f"{COLUMN_LABELS[path]}: {sentence}" if path else sentence
