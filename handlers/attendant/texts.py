"""Sentences for attendants, apart from the card."""

from aiogram import html

from bot.domain.conversation import Attendant, Transfer
from bot.usecases.attending.transfer import (
    REASON_LENGTH,
    Target,
    ToAttendant,
    ToDepartment,
    ToQueue,
)
from bot.wording.words import number

CLAIMED = "O atendimento é seu."
CLOSED_NOW = "Atendimento encerrado."
GONE = "Não encontrei este atendimento. Ele pode ter sido apagado."
VERIFY = "✔️ Confirmar identidade"
VERIFY_YES = "✔️ Sim, é essa pessoa"
VERIFY_NO = "Cancelar"
VERIFIED_NOW = "Identidade confirmada."
NOT_VERIFIED = "Nada mudou: a identidade continua não confirmada."
REGISTER = "➕ Cadastrar"
REGISTERED = "Cadastro feito, como prospect."
NOT_REGISTERED = (
    "Não cadastrei: nesta hora já entraram muitas pessoas novas. Tente de novo mais tarde."
)
SWITCHED = "A ficha mudou para esse cadastro."
TAKE_BACK = "↩️ Desfazer confirmação"
TAKEN_BACK = "Confirmação desfeita."
NOT_VERIFIED_NOW = "A identidade deste cliente não está confirmada: não há o que desfazer."
ALREADY_VERIFIED = "A identidade deste cliente já está confirmada."
NOBODY_TO_VERIFY = "Ainda não há cadastro para este atendimento: não há quem confirmar."
SOMEBODY_ELSE = (
    "Não confirmei: este chat passou a usar outro cadastro. Abra a ficha completa de novo."
)
ANSWER_BY_REPLYING = (
    "💡 Isso ficou só entre os atendentes. Para falar com o cliente, <b>responda</b> à ficha "
    "ou a uma mensagem dele. (Aviso só uma vez por dia.)"
)
ANSWER_IN_TOPIC = (
    "💡 Isso ficou só entre os atendentes. Para falar com um cliente, escreva no "
    "<b>tópico dele</b>. (Aviso só uma vez por dia.)"
)
ANONYMOUS = "Administrador anônimo"
TO_NO_CONVERSATION = "essa mensagem do bot não é de nenhum atendimento"
TO_NOTICE = "você respondeu a um aviso do bot"
TO_OWN = "aquela sua mensagem não é de nenhum atendimento"
TO_COLLEAGUE = "você respondeu a um colega"
TO_COMMENT = "você respondeu a um comentário interno"
TO_WORD = "você respondeu ao pedido de uma resposta pronta, e não ao texto dela"
TO_NOBODYS_OWN = "você escreve como anônimo, e o bot não sabe se aquela mensagem é sua"
TO_ELSEWHERE = "você respondeu a uma mensagem de outro lugar"
HELP = (
    "Aqui chegam os clientes deste departamento.\n\n"
    "💬 Para falar com um cliente, <b>responda</b> à ficha ou a uma mensagem dele; num grupo com "
    "tópicos, escreva no <b>tópico dele</b>. O que você corrigir é corrigido lá também.\n"
    "🤝 O que você <b>responder a um colega</b>, ou a um aviso ⚠️ do bot, fica só entre vocês.\n"
    "✋ <b>Atender</b> na ficha mostra a todos que o atendimento é seu.\n\n"
    "/fila mostra quem espera, e há quanto tempo\n"
    "/atendimento e o protocolo mostra o que foi dito num atendimento deste departamento\n"
    "! e uma palavra, como !boleto, envia uma resposta pronta; ! sozinho mostra todas\n"
    "// no começo, ou /nota, é um comentário que o cliente não vê\n"
    "/apagar, respondendo a uma mensagem sua, apaga-a também no chat do cliente\n"
    "/encerrar e /transferir, respondendo a qualquer mensagem do atendimento, fazem o que os "
    "botões da ficha fazem"
)

WHICH_CONVERSATION = (
    "De qual atendimento? Envie {command} <b>respondendo</b> à ficha ou a qualquer mensagem dele."
)
NO_DEPARTMENT = (
    "Este grupo não é de nenhum departamento. Um administrador liga o grupo com /departamentos."
)
REFRESH = "🔄 Atualizar"
REOPENED = "O atendimento está aberto de novo e é seu."
OPEN_ALREADY = "Este atendimento já está aberto."
CUSTOMER_LEFT = (
    "O cliente encerrou este atendimento ou trocou de cadastro: só ele pode abrir outro."
)
ANSWERED_BEFORE = "Esta pergunta já foi respondida ou não vale mais."
NO_REGISTRATION = "Ainda não há cadastro para este atendimento, e sem ele não há onde guardar."
REASON_HINT = "Motivo da transferência"
REASON_AS_TEXT = "Escreva o motivo em texto, respondendo à pergunta, ou toque em Sem motivo."
WITHOUT_REASON = "Sem motivo"
BACK = "⬅️ Voltar"
TO_QUEUE = "🟡 Devolver à fila"
NOT_TRANSFERRED = "Nada foi transferido."
NO_TARGET = (
    "Não dá mais para transferir para lá: o departamento está sem grupo ou a pessoa saiu. "
    "Nada mudou."
)


def verify(who: str) -> str:
    """Return the question that an attendant confirms. who: name and tax id."""
    return (
        f"Quem escreve neste chat é <b>{html.quote(who)}</b>?\n"
        "Confirme só depois de conferir com o cliente algo que só ele sabe. "
        "A partir daí o bot mostra a ele os dados deste cadastro."
    )


def verified_by(name: str) -> str:
    return f"✔️ Identidade confirmada por {html.quote(name)}."


def switched_by(name: str) -> str:
    return f"🔄 {html.quote(name)} trocou o cadastro deste atendimento."


def taken_back_by(name: str) -> str:
    return (
        f"↩️ Confirmação desfeita por {html.quote(name)}: o bot não mostra mais a este chat "
        "os dados do cadastro.\nSe o telefone ou o login do cadastro não são mais do cliente, "
        "corrija o cadastro: com eles o chat confirmaria de novo."
    )


def taken_by(name: str) -> str:
    """Return plain text, because it is shown in an alert window."""
    return f"{name} já está neste atendimento."


def already_closed(by: str | None) -> str:
    """Return plain text, because it is shown in an alert window."""
    return f"Este atendimento já foi encerrado {f'por {by}' if by else 'pelo cliente'}."


def not_for_customer(why: str, *, in_topic: bool, is_forum: bool) -> str:
    """Return the answer to a reply that goes to no customer. in_topic: in that of a customer."""
    if in_topic:
        how = "escreva aqui sem responder, ou responda a uma mensagem dele"
    elif is_forum:
        how = "escreva no tópico dele"
    else:
        how = "responda à ficha ou a uma mensagem dele"
    return f"⚠️ <b>Isso não foi para o cliente</b>: {why}. Para falar com o cliente, {how}."


def went_to_customer(name: str) -> str:
    return (
        f"💬 Sua resposta vai para o cliente, <b>{html.quote(name)}</b>. Assim é com toda "
        "mensagem do bot sobre um atendimento, menos com os avisos ⚠️. Para falar só entre os "
        "atendentes, comece com //. (Aviso só uma vez.)"
    )


def closed(protocol: str) -> str:
    return f"☑️ Atendimento <b>{html.quote(protocol)}</b> encerrado. O cliente foi avisado."


def answer_to_closed(protocol: str) -> str:
    return (
        f"⚠️ O atendimento {html.quote(protocol)} já foi encerrado: "
        "<b>sua mensagem não foi enviada</b>. Para continuar, toque em 🔓 Reabrir na ficha."
    )


def answer_to_moved(protocol: str) -> str:
    return (
        f"⚠️ O atendimento {html.quote(protocol)} não está mais neste grupo: "
        "<b>sua mensagem não foi enviada</b>."
    )


def other_is_open(protocol: str) -> str:
    """Return plain text, because it is shown in an alert window."""
    return f"O cliente já tem outro atendimento aberto, protocolo {protocol}."


def only_asked(name: str) -> str:
    """Return plain text, because it is also shown in an alert window."""
    return f"Esta pergunta foi feita a {name}: só essa pessoa responde."


def choose_target(protocol: str, *, found: bool) -> str:
    asked = f"↪️ Transferir o atendimento <b>{html.quote(protocol)}</b> para onde?"
    if found:
        return asked
    return f"{asked}\nNão há outro departamento com grupo nem outro atendente conhecido aqui."


def where(target: Target) -> str:
    """Return the target as HTML, to follow the word "para"."""
    match target:
        case ToDepartment(department):
            return f"<b>{html.quote(department.shown)}</b>"
        case ToAttendant(attendant):
            return f"<b>{html.quote(attendant.name)}</b>"
        case ToQueue():
            return "a <b>fila</b>"


def ask_reason(to: str) -> str:
    return f"por que transferir para {to}? <b>Responda a esta mensagem</b> com o motivo."


def reason_is_asked(protocol: str, to: str) -> str:
    return (
        f"↪️ Atendimento <b>{html.quote(protocol)}</b> → {to}.\n"
        "Falta o motivo: responda à pergunta abaixo. Nada mudou ainda."
    )


def reason_too_long(length: int) -> str:
    return (
        f"O motivo tem {number(length)} caracteres e pode ter até {REASON_LENGTH}. "
        "Responda de novo, mais curto."
    )


def transferred(protocol: str, to: str) -> str:
    return f"✅ Atendimento <b>{html.quote(protocol)}</b> transferido para {to}."


def changed_meanwhile(protocol: str) -> str:
    return (
        f"⚠️ O atendimento {html.quote(protocol)} mudou de mãos desde a pergunta: "
        "<b>não foi transferido</b>. Veja a ficha e, se ainda for o caso, transfira de novo."
    )


def transferred_to_you(attendant: Attendant, transfer: Transfer, protocol: str) -> str:
    named = html.link(html.quote(attendant.name), f"tg://user?id={attendant.id}")
    reason = f": {html.quote(transfer.reason)}" if transfer.reason else "."
    return (
        f"↪️ {named}, {html.quote(transfer.by.name)} passou a você o atendimento "
        f"<b>{html.quote(protocol)}</b>{reason}"
    )


def claimed_from_queue(attendant: str, customer: str, *, in_topic: bool) -> str:
    """customer: HTML."""
    how = "Escreva" if in_topic else "Responda"
    return (
        f"✋ {html.quote(attendant)} atende <b>{customer}</b>. "
        f"{how} aqui para falar com o cliente."
    )
