"""Access rules: one table of all commands and buttons, by role and kind of chat.

A command or button that is not in the table is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """The role of a user in one chat; in a private chat an attendant counts as a customer."""

    CUSTOMER = "customer"
    ATTENDANT = "attendant"
    """A member of the department's group in which the command or button is used."""
    ADMIN = "admin"


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The roles that may use one command or one kind of button, by kind of chat."""

    private: frozenset[Role] = frozenset()
    group: frozenset[Role] = frozenset()
    menu: str = ""
    """Description in pt-BR for Telegram's command list; a command without one is not listed."""

    def allows(self, role: Role, chat_kind: ChatKind) -> bool:
        return role in (self.private if chat_kind is ChatKind.PRIVATE else self.group)

    @property
    def is_for_anybody(self) -> bool:
        """Return True if customers may use it in a private chat.

        The role of the sender need not be looked up then.
        """
        return Role.CUSTOMER in self.private


_ANYBODY: Final = frozenset(Role)
_STAFF: Final = frozenset({Role.ATTENDANT, Role.ADMIN})
_ADMINS: Final = frozenset({Role.ADMIN})
_CUSTOMERS: Final = frozenset({Role.CUSTOMER, Role.ATTENDANT})


def _for_admins(menu: str) -> Rule:
    return Rule(private=_ADMINS, menu=menu)


# In the order of the menus.
COMMANDS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "clientes": _for_admins("Cadastro: buscar, incluir, corrigir"),
        "importar": _for_admins("Importar uma planilha"),
        "duplicados": _for_admins("Cadastros repetidos: comparar e unir"),
        "exportar": _for_admins("Exportar o cadastro"),
        "tarefas": _for_admins("O que foi feito em lote, e desfazer"),
        "sincronizar": _for_admins("Trazer o cadastro do ERP"),
        "etiquetas": _for_admins("Etiquetas do cadastro"),
        # In a group it shows the answers of that group's department, in private it changes them.
        "respostas": Rule(private=_ADMINS, group=_STAFF, menu="Respostas prontas"),
        # Used in a group, it links the group to a department.
        "departamentos": Rule(private=_ADMINS, group=_ADMINS, menu="Departamentos e seus grupos"),
        # In a group it shows that group's queue, in private the queues of all departments.
        "fila": Rule(private=_ADMINS, group=_STAFF, menu="Fila de espera"),
        # In a group only the conversations that its department has or had.
        "atendimento": Rule(
            private=_ADMINS, group=_STAFF, menu="Um atendimento e o que foi dito, pelo protocolo"
        ),
        "auditoria": _for_admins("Quem mudou o quê, e quando"),
        "painel": _for_admins("Números do atendimento, em gráficos"),
        "equipe": _for_admins("Administradores e atendentes"),
        "titular": _for_admins("Dados de uma pessoa: enviar, anonimizar"),
        "status": _for_admins("Como o bot está"),
        "backup": _for_admins("Cópia de segurança do cadastro"),
        # `nota` is a comment that only attendants see; `apagar` deletes an answer at the customer.
        "nota": Rule(group=_STAFF, menu="Comentário interno, que o cliente não vê"),
        "apagar": Rule(group=_STAFF, menu="Apagar uma resposta no chat do cliente"),
        # As the buttons of the card, from any message of the conversation.
        "transferir": Rule(group=_STAFF, menu="Transferir o atendimento da mensagem respondida"),
        "encerrar": Rule(group=_STAFF, menu="Encerrar o atendimento da mensagem respondida"),
        # Also carries an invitation, `convite_<token>`, which anyone with the link may use.
        "start": Rule(private=_ANYBODY),
        "ajuda": Rule(private=_ANYBODY, group=_STAFF, menu="Como funciona"),
        "help": Rule(private=_ANYBODY),
        "pular": Rule(private=_CUSTOMERS),
        "meusdados": Rule(private=_CUSTOMERS, menu="O que guardamos sobre mim"),
        "sair": Rule(private=_CUSTOMERS, menu="Desligar este chat do meu cadastro"),
    }
)

# Listed only when an ERP is configured.
OF_AN_ERP: Final = frozenset({"sincronizar"})

# Buttons, by prefix of their callback data.
BUTTONS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "card": Rule(group=_STAFF),
        # Send an undelivered message again.
        "again": Rule(group=_STAFF),
        # An attendant confirms the customer's identity; in private an admin takes that back.
        "verify": Rule(private=_ADMINS, group=_STAFF),
        # An attendant switches a conversation to another document that its customer sent.
        "switch": Rule(group=_STAFF),
        "queue": Rule(private=_ADMINS, group=_STAFF),
        # A transfer: `move` chooses the target, `moved` skips the reason or cancels.
        "move": Rule(group=_STAFF),
        "moved": Rule(group=_STAFF),
        "note": Rule(group=_STAFF),
        # A correction of the registration: `correct` chooses the field, `corrected` clears it or
        # goes back, `note` stores it.
        "correct": Rule(group=_STAFF),
        "corrected": Rule(group=_STAFF),
        # Send a ready answer to the customer, or turn the pages of their list.
        "ready": Rule(group=_STAFF),
        # What was said in a conversation, page by page or as a file.
        "words": Rule(private=_ADMINS, group=_STAFF),
        "notme": Rule(private=_ANYBODY),
        # What reopened a conversation is another subject.
        "other": Rule(private=_ANYBODY),
        # The customer goes on without a document.
        "nodoc": Rule(private=_ANYBODY),
        # The customer chooses a department.
        "dep": Rule(private=_ANYBODY),
        # Link a group to a department.
        "link": Rule(group=_ADMINS),
        # Call the customer of a conversation or, in private, of a registration.
        "call": Rule(private=_ADMINS, group=_STAFF),
        # The customer asks for a correction of the stored data.
        "mydata": Rule(private=_CUSTOMERS),
        "team": Rule(private=_ADMINS),
        # Anonymise the stored data of a person.
        "titular": Rule(private=_ADMINS),
        "status": Rule(private=_ADMINS),
        # Repeat or drop updates that were set aside.
        "aside": Rule(private=_ADMINS),
        "backup": Rule(private=_ADMINS),
        # A job: confirm, cancel, undo.
        "job": Rule(private=_ADMINS),
        "sync": Rule(private=_ADMINS),
    }
)
# In the callback data of every dialog button: aiogram-dialog puts an id and this character first.
DIALOG_MARK: Final = "\x1d"
DIALOGS: Final = Rule(private=_ADMINS)
# Replies: in a group, a reply is sent to the customer.
REPLIES: Final = Rule(private=_ANYBODY, group=_STAFF)


def rule_of_press(data: str) -> Rule | None:
    """Return the rule for a button with this callback data, or None for an unknown kind."""
    if DIALOG_MARK in data:
        return DIALOGS
    return BUTTONS.get(re.split("[:|]", data, maxsplit=1)[0])


def menu_of(role: Role, chat_kind: ChatKind) -> list[tuple[str, str]]:
    """Return the commands that Telegram lists for this role, as (name, description) pairs."""
    return [
        (name, rule.menu)
        for name, rule in COMMANDS.items()
        if rule.menu and rule.allows(role, chat_kind)
    ]
