"""Who may do what, and in which kind of chat: the one table of every command and every button.

What is not in it is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is in one chat; in private an attendant is a customer like any other."""

    CUSTOMER = "customer"
    ATTENDANT = "attendant"
    """A member of the department's group in which it happens."""
    ADMIN = "admin"


class Place(StrEnum):
    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may use one command or one kind of button, by kind of chat."""

    private: frozenset[Role] = frozenset()
    group: frozenset[Role] = frozenset()
    menu: str = ""
    """pt-BR, for the list that Telegram shows; a command without it is not listed."""

    def allows(self, role: Role, place: Place) -> bool:
        return role in (self.private if place is Place.PRIVATE else self.group)

    @property
    def is_for_anybody(self) -> bool:
        """In private, where customers are: nothing needs to be known of who asks."""
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
        "exportar": _for_admins("Exportar o cadastro"),
        "tarefas": _for_admins("O que foi feito em lote, e desfazer"),
        "sincronizar": _for_admins("Trazer o cadastro do ERP"),
        "etiquetas": _for_admins("Etiquetas do cadastro"),
        # In a group it links the group to a department.
        "departamentos": Rule(private=_ADMINS, group=_ADMINS, menu="Departamentos e seus grupos"),
        # In a group its own queue, in private those of all departments.
        "fila": Rule(private=_ADMINS, group=_STAFF, menu="Fila de espera"),
        "atendimento": _for_admins("Um atendimento e sua história, pelo protocolo"),
        "auditoria": _for_admins("Quem mudou o quê, e quando"),
        "painel": _for_admins("Números do atendimento, em gráficos"),
        "equipe": _for_admins("Administradores e atendentes"),
        "titular": _for_admins("Dados de uma pessoa: enviar, anonimizar"),
        "status": _for_admins("Como o bot está"),
        "backup": _for_admins("Cópia de segurança do cadastro"),
        # A comment that stays among the attendants, and an answer that is taken back.
        "nota": Rule(group=_STAFF, menu="Comentário interno, que o cliente não vê"),
        "apagar": Rule(group=_STAFF, menu="Apagar uma resposta no chat do cliente"),
        # Also carries an invitation, `convite_<token>`, which is for whoever has the link.
        "start": Rule(private=_ANYBODY),
        "ajuda": Rule(private=_ANYBODY, group=_STAFF, menu="Como funciona"),
        "help": Rule(private=_ANYBODY),
        "pular": Rule(private=_CUSTOMERS),
        "meusdados": Rule(private=_CUSTOMERS, menu="O que guardamos sobre mim"),
        "sair": Rule(private=_CUSTOMERS, menu="Desligar este chat do meu cadastro"),
    }
)

# Listed only where an ERP is set.
OF_AN_ERP: Final = frozenset({"sincronizar"})

# By prefix of the callback data.
BUTTONS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "card": Rule(group=_STAFF),
        # What was not delivered.
        "again": Rule(group=_STAFF),
        # Who is writing, by an attendant's word.
        "verify": Rule(group=_STAFF),
        "queue": Rule(private=_ADMINS, group=_STAFF),
        # A transfer: where to, and without a reason.
        "move": Rule(group=_STAFF),
        "moved": Rule(group=_STAFF),
        "note": Rule(group=_STAFF),
        "notme": Rule(private=_ANYBODY),
        # A customer's choice of department.
        "dep": Rule(private=_ANYBODY),
        # A group becomes a department's.
        "link": Rule(group=_ADMINS),
        # What is stored about the customer: correct it.
        "mydata": Rule(private=_CUSTOMERS),
        "team": Rule(private=_ADMINS),
        # What is stored about a person: anonymise.
        "titular": Rule(private=_ADMINS),
        "status": Rule(private=_ADMINS),
        "backup": Rule(private=_ADMINS),
        # A bulk run: confirm, cancel, undo.
        "job": Rule(private=_ADMINS),
        "sync": Rule(private=_ADMINS),
    }
)
# Every button of a dialog: aiogram-dialog puts an id and this character before the data.
DIALOG_MARK: Final = "\x1d"
DIALOGS: Final = Rule(private=_ADMINS)
# A reply in a group goes to a customer.
REPLIES: Final = Rule(private=_ANYBODY, group=_STAFF)


def rule_of_press(data: str) -> Rule | None:
    """The rule for a button with this callback data; None when there is no such kind."""
    if DIALOG_MARK in data:
        return DIALOGS
    return BUTTONS.get(re.split("[:|]", data, maxsplit=1)[0])


def menu_of(role: Role, place: Place) -> list[tuple[str, str]]:
    """Commands that Telegram lists for this role, with what they do."""
    return [
        (name, rule.menu)
        for name, rule in COMMANDS.items()
        if rule.menu and rule.allows(role, place)
    ]
