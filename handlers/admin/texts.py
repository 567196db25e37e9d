"""General sentences for admins."""

from aiogram import html

from bot.domain.retention import SET_ASIDE_KEPT
from bot.wording.set_aside import why

HELP = (
    "Você é <b>administrador</b> deste atendimento.\n\n"
    "Escreva um <b>nome, CPF, CNPJ ou telefone</b> para achar um cadastro, ou use:\n"
    "/clientes – o cadastro de clientes e fornecedores\n"
    "/fila – quem espera em cada departamento\n"
    "/atendimento e o protocolo – um atendimento, sua história e o que foi dito\n"
    "/duplicados – quem parece estar no cadastro duas vezes, para unir\n"
    "/importar e /exportar – planilhas; para importar, basta enviar o arquivo\n"
    "/tarefas – o que foi importado, exportado e sincronizado, e como desfazer\n"
    "/sincronizar – trazer o cadastro do ERP, quando há um\n"
    "/auditoria – quem mudou o quê\n"
    "/titular – o que há sobre uma pessoa, e anonimizar\n"
    "/etiquetas e /departamentos, com horário e feriados\n"
    "/respostas – textos prontos para os atendentes\n"
    "/painel – espera, atendimentos e cadastro em gráficos\n"
    "/equipe – administradores e atendentes\n"
    "/status – o que funciona e o que falta\n"
    "/backup – uma cópia de tudo\n\n"
    "Os clientes falam com o bot em conversa privada, e as fichas chegam no grupo dos atendentes. "
    "Aqui também aviso quando algo precisa de você."
)

SCREEN_CLOSED = "Esta tela já foi fechada. Abra de novo por /clientes ou pelo menu."
SCREEN_IS_BELOW = "Esta tela mudou. Continue pela mensagem mais nova, aqui embaixo."
ONLY_TEXT = (
    "Aqui só entendo texto e planilhas. Escreva um nome, CPF, CNPJ ou telefone, envie um .xlsx ou "
    ".csv, ou toque em /ajuda."
)


SET_ASIDE_IN_GROUP = (
    "⚠️ Não consegui processar uma mensagem ou um toque deste grupo, e ele ficou sem efeito. "
    "Se você respondeu a um cliente há pouco e não deu certo, envie de novo."
)


def group_unreachable(department: str) -> str:
    return (
        f"⚠️ Não consigo publicar no grupo de <b>{html.quote(department)}</b>: "
        "as fichas dos clientes não estão chegando.\n"
        "Confira se o bot está no grupo e pode escrever, e se o número do grupo está certo na "
        "configuração (BALCAO_ATTENDANTS_CHAT_ID)."
    )


def card_undelivered(protocol: str) -> str:
    return (
        f"⚠️ O Telegram não aceitou a ficha do atendimento <code>{html.quote(protocol)}</code>. "
        "As mensagens do cliente seguem para o grupo sem ela.\n"
        f"Veja os dados em /atendimento {html.quote(protocol)} e avise a equipe."
    )


def nobody_told(protocol: str) -> str:
    return (
        f"⚠️ Uma mensagem do atendimento <code>{html.quote(protocol)}</code> não foi entregue, e "
        "também não consegui avisar quem a escreveu.\n"
        f"Veja quem atende em /atendimento {html.quote(protocol)} e peça que confirme com o "
        "cliente."
    )


def prospects_stopped(limit: int) -> str:
    return (
        f"⚠️ Nesta hora, {limit} pessoas novas já entraram no cadastro pelo chat, e parei de "
        "incluir outras: pode ser abuso. Os atendimentos continuam. Quem faltar entra com "
        "<b>➕ Cadastrar</b> na ficha completa, na próxima hora, ou por /clientes."
    )


def set_aside(update_id: int, error: str) -> str:
    return (
        "⚠️ Não consegui tratar uma mensagem recebida: ela foi posta de lado, para não parar as "
        f"outras. Motivo: {html.quote(why(error))}.\n"
        "Em /status dá para repetir ou descartar; sem nada disso ela some em "
        f"{SET_ASIDE_KEPT.days} dias. Atualização <code>{update_id}</code>, com os detalhes no "
        "registro do servidor."
    )
