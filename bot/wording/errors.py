"""Sentences for failed commands: the cause, and the advice for the person who runs them."""

from typing import Final

from bot.domain.errors import AppError, Problem
from bot.settings import PREFIX

SENTENCES: Final = {
    Problem.DATABASE_URI: f"{PREFIX}MONGODB_URI: o endereço do MongoDB não está certo. "
    "Ele começa com mongodb:// ou mongodb+srv://.",
    Problem.DATABASE_OPTION: f"{PREFIX}MONGODB_URI: o endereço tem uma opção com que dados se "
    "perderiam ou se repetiriam. Tire dele w, journal, readPreference, readConcernLevel, "
    "retryWrites, directConnection e serverSelectionTimeoutMS: sem elas, valem as do Balcão, "
    "que são seguras.",
    Problem.DATABASE_PASSWORD: f"{PREFIX}MONGODB_URI: o MongoDB recusou o usuário ou a senha.",
    Problem.DATABASE_GONE: "O MongoDB não responde. Confira se ele está no ar e se o endereço em "
    f"{PREFIX}MONGODB_URI está certo.",
    Problem.DATABASE_REFUSES: "O MongoDB não aceita este pedido agora. Tente de novo daqui a "
    f"pouco; se continuar, confira o que o usuário em {PREFIX}MONGODB_URI pode e se há espaço.",
    Problem.DATABASE_BROKEN: "O banco de dados parou de ler e gravar. Confira o espaço em disco e "
    "reinicie o Balcão.",
    Problem.DATABASE_TOO_SIMPLE: "O MongoDB precisa ser um replica set, mesmo que de um só "
    "servidor: o Balcão usa transações.",
    Problem.DATA_NEWER: "Uma versão mais nova do Balcão já atualizou o banco de dados, e esta "
    "perderia o que não conhece. Instale a versão mais nova.",
    Problem.DATA_DIR_READ_ONLY: f"{PREFIX}DATA_DIR: não consigo gravar nesta pasta.",
    Problem.DATA_DIR_NOT_A_FOLDER: f"{PREFIX}DATA_DIR: isto não é uma pasta.",
    Problem.DATA_DIR_CORRUPT: f"{PREFIX}DATA_DIR: os arquivos do banco de dados estão "
    "danificados. Restaure um backup em outra pasta.",
    Problem.DISK_FULL: f"{PREFIX}DATA_DIR: o disco está cheio.",
    Problem.FILE_GONE: "O arquivo desta tarefa já não está guardado: arquivos ficam 7 dias.",
    Problem.EMBEDDED_MISSING: "O banco de dados embutido não está instalado. Instale o extra dele "
    f"(pip install 'balcao[embedded]') ou aponte {PREFIX}MONGODB_URI para um MongoDB.",
    Problem.EMBEDDED_FAILED: "O banco de dados embutido não iniciou. O arquivo "
    f"database/server.log em {PREFIX}DATA_DIR diz por quê.",
    Problem.EMBEDDED_GONE: "O banco de dados embutido parou de responder. O que já estava "
    "gravado continua lá. Repita o comando: ele inicia o banco de novo se for preciso. Uma tarefa "
    "que ficou no meio continua com: balcao jobs --go-on.",
    Problem.EMBEDDED_HELD: "Outro Balcão está há muito tempo iniciando ou parando o banco de "
    "dados embutido. Se é um Balcão de uma versão anterior, pare-o primeiro.",
    Problem.EMBEDDED_PORT: "O banco de dados embutido parou e não voltou, porque outro programa "
    "usa a porta dele. Inicie o Balcão de novo: ele escolhe outra porta.",
    Problem.EMBEDDED_SECRET: f"{PREFIX}DATA_DIR: o banco de dados embutido recusa a senha do "
    "arquivo database/secret. Apague este arquivo: o próximo início cria outra senha.",
    Problem.HTTP_ADDRESS: f"{PREFIX}HTTP_PORT: esta porta já está em uso.",
    Problem.PUBLIC_ADDRESS: f"{PREFIX}PUBLIC_PORT: esta porta já está em uso.",
    Problem.GROUP: f"{PREFIX}ATTENDANTS_CHAT_ID: o bot não alcança este grupo. "
    "Confira o número e se o bot está no grupo.",
    Problem.WEBHOOK_URL: f"{PREFIX}WEBHOOK_URL: o Telegram recusa este endereço. Confira se o "
    "nome do servidor já existe na internet (DNS) e aponta para um endereço IPv4 público.",
    Problem.TELEGRAM_GONE: "O Telegram não responde. Confira a internet deste computador e, "
    f"se for outro servidor, o endereço em {PREFIX}TELEGRAM_API_URL.",
    Problem.TELEGRAM_STRANGE: "O Telegram, ou um proxy no caminho, responde de um jeito que o "
    "Balcão não entende. Se continuar assim, confira o proxy ou o endereço em "
    f"{PREFIX}TELEGRAM_API_URL.",
    Problem.BOT_TOKEN: f"{PREFIX}BOT_TOKEN: o Telegram não aceita este token. "
    "Confira com o @BotFather.",
    Problem.BACKUP_EXISTS: "Já existe algo com este nome, e um backup nunca é sobrescrito. "
    "Escolha outro nome.",
    Problem.BACKUP_NOT_WRITABLE: "Não consigo gravar o backup aí. Confira se a pasta existe e se "
    "você tem permissão.",
    Problem.BACKUP_DISK_FULL: "O disco em que o backup seria gravado está cheio. "
    "Nenhum arquivo ficou lá.",
    Problem.BACKUP_NOT_READABLE: "Não consigo ler este arquivo. Confira o nome e a permissão.",
    Problem.BACKUP_NOT_ONE: "Este arquivo não é um backup do Balcão.",
    Problem.BACKUP_VERSION: "Este backup foi feito por outra versão do Balcão, que esta não lê.",
    Problem.BACKUP_NEWER: "Este backup foi feito por uma versão mais nova do Balcão. Para "
    "restaurá-lo, instale essa versão.",
    Problem.BACKUP_DAMAGED: "Este backup está incompleto, danificado ou foi alterado. "
    "Use outra cópia.",
    Problem.BACKUP_TOO_LARGE: "Este backup tem um registro grande demais, ou descompacta para um "
    "tamanho que nenhum backup de verdade tem.",
    Problem.BACKUP_DISTURBED: "O banco de dados mudou demais durante a cópia. Tente de novo daqui "
    "a pouco.",
    Problem.RESTORE_NOT_EMPTY: "O banco de dados não está vazio, e nada foi mudado. Para apagar o "
    "que está lá e pôr o backup no lugar, use --replace.",
    Problem.RESTORE_UNFINISHED: "Uma restauração não terminou e o cadastro está pela metade. "
    "Repita: balcao restore ARQUIVO --replace.",
    Problem.BROKER_GONE: "O servidor NATS não responde. O bot trabalha mesmo assim: acha as "
    "tarefas no banco de dados, alguns segundos mais tarde. Confira se o servidor está no ar, com "
    f"JetStream, e o endereço em {PREFIX}BROKER_URL.",
    Problem.BROKER_REFUSES: f"{PREFIX}BROKER_URL: o servidor NATS não aceita esta ligação. "
    "Confira o endereço (nats://servidor:4222), o usuário e a senha.",
    Problem.ERP_CERTIFICATE: "O certificado do ERP foi assinado por ele mesmo, ou por quem este "
    "computador não conhece, e por isso não mandei nada. Se o ERP é mesmo o seu, salve o "
    f"certificado dele num arquivo PEM e ponha o caminho em {PREFIX}ERP_CA_FILE.",
    Problem.ERP_CERTIFICATE_DATE: "O certificado do ERP está vencido, ou ainda não vale. Renove-o "
    "no servidor do ERP, ou acerte a data e a hora dos dois computadores.",
    Problem.ERP_CERTIFICATE_NAME: "O certificado do ERP é de outro endereço. Ponha em "
    f"{PREFIX}ERP_URL o nome que está no certificado.",
    Problem.RESTORE_DIFFERS: "O que ficou gravado não é igual ao backup. Pare o bot, se ele está "
    "atendendo, e repita com --replace.",
}


EMBEDDED_OUTGROWN = (
    "Há mais de 20.000 cadastros ou de 50.000 entradas de auditoria, e o banco de dados embutido "
    f"é para até isso. Use um MongoDB ({PREFIX}MONGODB_URI); um backup leva os dados para lá."
)


def clocks_differ(ahead_s: int) -> str:
    """Return a sentence about this machine's clock; negative seconds: it is behind."""
    how = "adiantado" if ahead_s > 0 else "atrasado"
    return (
        f"O relógio desta máquina está {abs(ahead_s)} s {how} em relação ao do banco de dados. "
        "Acerte os dois por NTP: as horas dos registros saem erradas."
    )


def sentence(error: AppError) -> str:
    """Return one sentence about the error; for wrong settings, one line for each setting."""
    return SENTENCES.get(error.problem, str(error)) if error.problem else str(error)
