"""Sentences for customers."""

from aiogram import html

from bot.domain.opening_hours import Closed
from bot.domain.tax_id import NotATaxId, Reason, TaxId
from bot.wording import hours as wording
from bot.wording.words import characters

SHARE_PHONE = "📱 Compartilhar meu telefone"
PORTAL_LOGIN = "🔑 Entrar com usuário e senha"
BACK = "⬅️ Voltar"
SKIP = "Pular esta etapa"
GO_WITHOUT = "Continuar sem CPF"
NOT_ME = "Não é você?"
OTHER_SUBJECT = "🆕 É outro assunto"

ASK_TAX_ID = "Para começar, envie seu <b>CPF</b> ou o <b>CNPJ</b> da empresa."
FROM_THE_START = "Vamos começar de novo."
ASK_TAX_ID_AGAIN = "Certo! Envie o <b>CPF</b> ou <b>CNPJ</b> de quem vai ser atendido."
NEEDS_TEXT = (
    "Ainda não consigo ler o número por aqui. 🙂 "
    "Por favor, <b>escreva</b> seu CPF ou CNPJ em uma mensagem de texto."
)
ASK_PHONE = (
    "Falta só confirmar que é você. Toque em <b>Compartilhar meu telefone</b>, aqui embaixo. "
    "Se preferir, toque em <b>Pular esta etapa</b>."
)
NOT_CONFIRMED = "Não consegui confirmar por esse telefone; um atendente confere com você."
USE_PHONE_BUTTON = (
    "Toque em <b>Compartilhar meu telefone</b> para confirmar que é você, "
    "ou em <b>Pular esta etapa</b> para continuar sem confirmar."
)
NOT_YOUR_PHONE = (
    "Esse contato é de outra pessoa ou foi encaminhado. Toque em "
    "<b>Compartilhar meu telefone</b>, que envia o seu próprio número, ou em "
    "<b>Pular esta etapa</b>."
)
ASK_USERNAME = "Qual é o seu <b>usuário</b> no portal do cliente?"
NOT_A_USERNAME = (
    "Isso não parece um usuário: ele não tem espaços nem acentos. Envie <b>só o usuário</b>; "
    "a senha eu peço em seguida."
)
ASK_PASSWORD = "Agora envie a <b>senha</b>. Não a guardo, e apago sua mensagem."  # noqa: S105
PASSWORD_AS_TEXT = "Não consegui ler a senha. Envie de novo, <b>escrita</b>."  # noqa: S105
DELETE_PASSWORD = (
    "⚠️ O Telegram não me deixou apagar sua mensagem com a senha. "  # noqa: S105
    "<b>Apague você mesmo</b>: toque nela e escolha Apagar."
)
WRONG_LOGIN = (
    "Usuário ou senha não conferem. Envie a <b>senha</b> de novo ou toque em "
    "<b>Voltar</b> para corrigir o usuário."
)
NO_MORE_LOGINS = (
    "Por hoje acabaram as tentativas de entrar com usuário e senha. Toque em "
    "<b>Compartilhar meu telefone</b> ou em <b>Pular esta etapa</b>."
)
ASK_NAME = "Como você se chama?"
ASK_COMPANY = "Qual é o nome da empresa, e com quem falo?"
NAME_AS_TEXT = "Por favor, <b>escreva</b> seu nome em uma mensagem de texto."
NAME_IS_A_NUMBER = "Esse parece um número. Escreva seu <b>nome</b>, por favor."
CHOOSE_DEPARTMENT = "Com qual departamento você quer falar?"
DEPARTMENT_GONE = "Este departamento não está mais disponível."
IDENTIFY_FIRST = "Antes, termine a etapa anterior."
KEPT_UNTIL_CHOSEN = (
    "Guardei sua mensagem. <b>Toque no departamento</b> com que quer falar, e ela segue para lá."
)
WITHOUT_TAX_ID = (
    "Vamos continuar sem CPF. Se achar o número, mande a qualquer momento: "
    "um atendente ajuda você assim mesmo."
)
UNLINKED = (
    "Pronto, este chat não está mais ligado a nenhum cadastro. "
    "Quando quiser voltar, é só escrever."
)
UNLINKED_AND_CLOSED = "Atendimento encerrado. Da próxima vez, peço seu CPF de novo."
NOTHING_TO_UNLINK = "Este chat não está ligado a nenhum cadastro. Para começar, é só escrever."
SOMETHING_WENT_WRONG = (
    "Tivemos um problema para processar sua última mensagem. "
    "Por favor, envie de novo. Se continuar assim, tente daqui a alguns minutos."
)
NOT_READABLE = (
    "Não consegui ler sua última mensagem. Por favor, escreva em texto, ou envie uma foto ou um "
    "arquivo."
)
HELP = (
    "Por aqui você fala com nossos atendentes.\n\n"
    "1. Envie seu CPF ou CNPJ.\n"
    "2. Confirme seu telefone, se quiser.\n"
    "3. Escreva o que precisa: um atendente responde nesta conversa.\n\n"
    "/meusdados mostra o que guardamos sobre você\n"
    "/sair desliga este chat do seu cadastro\n"
    "/ajuda mostra esta mensagem"
)

_REASONS = {
    Reason.NOTHING: "Para achar seu cadastro, preciso do CPF ou CNPJ. "
    "Não tem agora? Toque em <b>Continuar sem CPF</b>.",
    Reason.CHECK_DIGITS: "Esse número não confere: algum caractere está trocado. "
    "Olhe no documento e envie de novo.",
    Reason.REPEATED: "Um CPF ou CNPJ não pode ter todos os dígitos iguais. "
    "Envie o número que está no documento.",
    Reason.AMBIGUOUS: "Encontrei mais de um número na sua mensagem. "
    "Envie só o CPF ou CNPJ de quem vai ser atendido.",
}


def greeting(privacy_text: str, privacy_url: str, *, is_asked: bool) -> str:
    """Return the first answer, with the privacy notice. is_asked: True to ask for the tax id."""
    link = f" {html.link('Saiba mais', html.quote(privacy_url))}." if privacy_url else ""
    ask = f"\n\n{ASK_TAX_ID}" if is_asked else ""
    return f"Olá! 👋 Aqui é o atendimento.\n\n🔒 {html.quote(privacy_text)}{link}{ask}"


def not_a_tax_id(refusal: NotATaxId) -> str:
    """Return the fault of the number, and the next step."""
    if refusal.reason is Reason.LENGTH:
        return (
            f"Esse número tem {characters(refusal.length)}. O CPF tem 11 e o CNPJ tem 14. "
            "Confira e envie de novo."
        )
    return _REASONS.get(refusal.reason, _REASONS[Reason.NOTHING])


def not_a_name(*, is_company: bool) -> str:
    """Return the question again, after a text that is kept for the attendants."""
    return f"Guardei sua mensagem para o atendente. {ask_name(is_company=is_company)}"


def taken_in_conversation(tax_id: TaxId) -> str:
    """Return the answer to a document within a conversation, the same for every one."""
    return (
        f"Anotei seu {tax_id.label}, e o atendente já o recebeu. Para confirmar que é você, toque "
        "em <b>Compartilhar meu telefone</b>; se não quiser, é só continuar a conversa."
    )


def ask_name(*, is_company: bool) -> str:
    return ASK_COMPANY if is_company else ASK_NAME


def verified(name: str) -> str:
    return f"Confirmado: <b>{html.quote(name)}</b> ✅"


def opened(
    protocol: str,
    *,
    department: str | None = None,
    sent: bool = False,
    closed: Closed | None = None,
) -> str:
    """Return the confirmation of a new conversation.

    department: given if there are several; sent: earlier messages have already reached the
    attendants; closed: given while they are not there.
    """
    where = f"Departamento: <b>{html.quote(department)}</b>.\n" if department else ""
    if closed:
        protocol = f"Seu protocolo é <b>{html.quote(protocol)}</b>."
        return f"{where}{protocol}\n{closed_now(closed)}"
    if sent:
        return (
            f"{where}Seu protocolo é <b>{html.quote(protocol)}</b>.\n"
            "O que você escreveu já foi para os atendentes: eles respondem aqui mesmo."
        )
    return (
        f"{where}Seu protocolo é <b>{html.quote(protocol)}</b>.\n"
        "Escreva como podemos ajudar: um atendente responde aqui mesmo."
    )


def closed_now(closed: Closed) -> str:
    """Return that nobody is there, and when somebody will be."""
    opens = wording.opens(closed)
    when = f"Abrimos <b>{opens}</b>." if opens else "Agora estamos fechados."
    return f"{when} Pode escrever: sua mensagem fica guardada e respondemos em ordem."


def still_open(protocol: str) -> str:
    return (
        f"Seu atendimento continua aberto, protocolo <b>{html.quote(protocol)}</b>. "
        "É só escrever aqui."
    )


def welcome_back(
    protocol: str,
    *,
    name: str | None,
    tax_id: TaxId | None,
    sent: bool,
    closed: Closed | None = None,
) -> str:
    """Return the greeting of a returning customer.

    A verified customer is greeted by name, any other by the masked tax id that was typed in this
    chat. sent, closed: as in `opened`.
    """
    who = _again(name, tax_id)
    message = "Sua mensagem já foi para os atendentes." if sent else "Escreva como podemos ajudar."
    if closed:
        message = closed_now(closed)
    return f"{who} Abri um novo atendimento, protocolo <b>{html.quote(protocol)}</b>. {message}"


def already_open(protocol: str) -> str:
    """Return plain text, because it is shown in an alert window."""
    return f"Seu atendimento já está aberto, protocolo {protocol}. É só escrever aqui."


def back_to_choose(*, name: str | None, tax_id: TaxId | None) -> str:
    """Return the greeting of a returning customer, with the question for the department."""
    return f"{_again(name, tax_id)} {CHOOSE_DEPARTMENT}"


def closed(protocol: str) -> str:
    return (
        f"Seu atendimento foi encerrado. Protocolo: <b>{html.quote(protocol)}</b>.\n"
        "Se precisar de algo mais, é só escrever aqui."
    )


def reopened(protocol: str) -> str:
    return (
        f"Reabri seu atendimento, protocolo <b>{html.quote(protocol)}</b>. "
        "Sua mensagem já foi para os atendentes.\n"
        "Se ela não tem a ver com esse atendimento, toque em <b>É outro assunto</b>."
    )


def reopened_by_attendant(protocol: str) -> str:
    return (
        f"Seu atendimento foi reaberto, protocolo <b>{html.quote(protocol)}</b>. "
        "É só escrever aqui."
    )


def transferred(department: str, closed: Closed | None = None) -> str:
    """closed: given while that department is closed."""
    goes_on = closed_now(closed) if closed else "Você continua por aqui mesmo."
    return f"Seu atendimento foi transferido para <b>{html.quote(department)}</b>. {goes_on}"


def _again(name: str | None, tax_id: TaxId | None) -> str:
    if name:
        return f"Olá de novo, <b>{html.quote(name)}</b>!"
    if tax_id:
        return f"Olá de novo! Continuo com o {tax_id.label} {html.quote(tax_id.hidden)}."
    return "Olá de novo!"
