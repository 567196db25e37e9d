"""Sentences of the console."""

from typing import Final

from bot.domain.console import NoEntry

_AGAIN: Final = "Feche esta página e abra de novo pelo botão Tabela, em /clientes."
NO_ENTRY: Final = {
    NoEntry.UNSIGNED: "Esta página só abre pelo Telegram. No chat com o bot, envie /clientes e "
    "toque em Tabela.",
    NoEntry.EXPIRED: f"Esta abertura passou de uma hora. {_AGAIN}",
    NoEntry.FUTURE: "O relógio do servidor do Balcão está atrasado, e por isso não consigo "
    "conferir quem abriu. Avise quem cuida do servidor.",
    NoEntry.USED: f"Esta página já foi aberta uma vez, e cada abertura vale só uma. {_AGAIN}",
    NoEntry.ENDED: f"Sua sessão de 8 horas terminou. Nada se perdeu no cadastro. {_AGAIN}",
    NoEntry.NOT_ADMIN: "Só administradores abrem o cadastro, e você não é um deles agora. Se "
    "isso é engano, peça um convite a outro administrador, que o faz em /equipe.",
}
TOO_MANY: Final = "Muitos pedidos em pouco tempo. Espere um minuto e tente de novo."
TOO_LARGE: Final = "Isto é grande demais para enviar. Encurte e tente de novo."
NOT_FOUND: Final = "Esta parte da página não existe. Volte à lista."
BAD_REQUEST: Final = "Não entendi este pedido. Recarregue a página e tente de novo."
OTHER_SITE: Final = "Este pedido veio de outro site e foi recusado."
TRY_LATER: Final = "O banco de dados não respondeu. Nada foi mudado. Tente de novo daqui a pouco."
FAILED: Final = "Algo falhou aqui, e foi anotado no registro do servidor. Tente de novo."
BAD_VALUE: Final = "Isso não está mais na lista, ou está vazio ou longo demais. Escolha de novo."
NONE_TICKED: Final = (
    "Nenhum cadastro está marcado, ou a lista mudou. Marque as linhas e toque de novo em Agir."
)
EXPORTING: Final = "Exportando o que você escolheu na tabela…"
NO_CONFIRM: Final = "Esta prévia não vale mais: a tarefa já começou, terminou ou foi cancelada."
NO_CANCEL: Final = "Esta tarefa já terminou: não há o que cancelar."
