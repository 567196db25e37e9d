"""The fields of a registration: one table that all rooms read.

A new field needs its row here, its attribute in `Registration` and in `Candidate` (which `_create`
copies), and a place on a screen if it has one of its own. Its `Shape` decides how it is read,
stored, written and shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Shape(Enum):
    """The forms of values."""

    NAME = auto()
    """One line of text."""
    NOTE = auto()
    """Text with line breaks."""
    TAX_ID = auto()
    COUNTRY = auto()
    PHONE = auto()
    PHONES = auto()
    """A set of telephones."""
    EMAIL = auto()
    USERNAME = auto()
    PASSWORD = auto()
    """A password in plain text; only files have one."""
    PASSWORD_HASH = auto()
    STATUS = auto()
    KINDS = auto()
    TAGS = auto()
    DEPARTMENTS = auto()
    TRAITS = auto()
    YES_OR_NO = auto()
    ERP_REFS = auto()
    ERP_VALUES = auto()
    TAX_IDS = auto()
    """A set of documents, by `TaxId.key`."""
    UNITED = auto()
    """A set of ids of registrations."""


class Owner(Enum):
    """Whose values a sync with the ERP keeps."""

    COMPANY = auto()
    """The ERP never changes the field."""
    ERP = auto()
    """The ERP's value overwrites the stored one."""
    BOTH = auto()
    """The ERP adds to the set and never removes from it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field."""

    path: str
    """Its path in the model, in documents and in the audit."""
    label: str
    shape: Shape
    place: int
    """Its place among the columns of a file, and among the changes of an audit entry."""
    column: str | None = None
    """Its header in the template; None for a field that files do not have."""
    owner: Owner = Owner.COMPANY
    is_updated: bool = True
    """True if a candidate can change it on an existing registration."""
    is_exported: bool = True
    is_edited: bool = True
    """True if the edit screen offers it."""
    is_required: bool = False
    """True if the edit screen does not clear it."""
    is_corrected: bool = False
    """True if attendants correct it.

    If the ERP owns it, what is entered by hand stays until the ERP's own value changes.
    """


PASSWORD: Final = "portal.password"  # noqa: S105 - the name of a column
PASSWORD_HASH: Final = "portal.password_hash"  # noqa: S105 - the name of a field
# In the order of the screens. The country is edited together with the tax id.
FIELDS: Final = (
    Field("name", "Nome", Shape.NAME, 1, "Nome", Owner.ERP, is_required=True),
    Field("trade_name", "Fantasia", Shape.NAME, 3, "fantasia", Owner.ERP),
    Field("tax_id", "CPF/CNPJ", Shape.TAX_ID, 2, "cpfCnpj", is_updated=False, is_required=True),
    Field("country", "País", Shape.COUNTRY, 14, "pais", is_updated=False, is_required=True),
    Field(
        "kinds", "Tipo de cadastro", Shape.KINDS, 12, "tipoRegistro", Owner.BOTH, is_required=True
    ),
    Field("status", "Status", Shape.STATUS, 11, "status", Owner.ERP, is_required=True),
    Field("phones.mobile", "Celular", Shape.PHONE, 6, "celular", Owner.ERP, is_corrected=True),
    Field(
        "phones.home",
        "Telefone residencial",
        Shape.PHONE,
        5,
        "foneResidencial",
        Owner.ERP,
        is_corrected=True,
    ),
    Field(
        "phones.commercial",
        "Telefone comercial",
        Shape.PHONE,
        4,
        "foneComercial",
        Owner.ERP,
        is_corrected=True,
    ),
    Field("email", "E-mail", Shape.EMAIL, 7, "email", Owner.ERP, is_corrected=True),
    Field("tags", "Etiquetas", Shape.TAGS, 13, "etiqueta"),
    Field("traits", "Características", Shape.TRAITS, 15, "caracteristicas"),
    Field(
        "alert_traits",
        "Avisar atendente",
        Shape.YES_OR_NO,
        16,
        "avisarAtendente",
        is_required=True,
    ),
    Field("priority_departments", "Prioridade", Shape.DEPARTMENTS, 17, "prioridade"),
    Field("fixed_note", "Observação fixa", Shape.NOTE, 18, "observacao", is_corrected=True),
    Field("portal.username", "Usuário do portal", Shape.USERNAME, 9, "usuario"),
    Field(
        PASSWORD,
        "Senha do portal",
        Shape.PASSWORD,
        8,
        "senha",
        is_updated=False,
        is_exported=False,
        is_edited=False,
    ),
    Field(PASSWORD_HASH, "Senha do portal", Shape.PASSWORD_HASH, 10, is_exported=False),
    Field("erp_refs", "ERP", Shape.ERP_REFS, 19, owner=Owner.BOTH, is_edited=False),
    Field(
        "chat_phones",
        "Telefones que não confirmam identidade",
        Shape.PHONES,
        20,
        is_updated=False,
        is_edited=False,
    ),
    Field(
        "erp_values",
        "Ainda no ERP",
        Shape.ERP_VALUES,
        21,
        is_updated=False,
        is_edited=False,
    ),
    Field(
        "other_tax_ids",
        "Outros documentos",
        Shape.TAX_IDS,
        22,
        is_updated=False,
        is_exported=False,
        is_edited=False,
    ),
    Field(
        "united",
        "Cadastros unidos a este",
        Shape.UNITED,
        23,
        is_updated=False,
        is_exported=False,
        is_edited=False,
    ),
)
OTHER_HEADERS: Final[Mapping[str, str]] = {
    "name": (
        "nome completo, nome do cliente, nome cliente, nome razao social, razao social nome, "
        "razao social, razao, nome empresarial, full name, name, display name, file as, nome do "
        "contato, nome contato, cliente, nome de exibicao, fornecedor, contato"
    ),
    "trade_name": (
        "nome fantasia, nome de fantasia, apelido, apelido nome fantasia, trade name, nome "
        "comercial, organization name, organization 1 name, company, company name, empresa, "
        "organizacao"
    ),
    "tax_id": (
        "cpf cnpj, cnpj cpf, cpf ou cnpj, cnpj ou cpf, cpf e cnpj, numero do cpf cnpj, cpf, cnpj, "
        "cic, cgc, numero cpf, numero cnpj, numero do cpf, numero do cnpj, nº do cpf, nº do cnpj, "
        "n do cpf, n do cnpj, cpf do cliente, cnpj do cliente, cpf cnpj do cliente, tax id, vat "
        "number, vat, documento, numero do documento, numero documento, doc, document"
    ),
    "country": "pais de origem, codigo do pais, country, country code, nome do pais",
    "kinds": (
        "tipo de registro, tipo registro, tipos de registro, tipo de cadastro, tipo cadastro, "
        "tipo de contato, tipo contato, tipo do contato, tipos de contato"
    ),
    "status": (
        "situacao, situacao do cadastro, status do cadastro, situacao cadastral, ativo, ativo "
        "inativo, status do cliente, situacao do cliente, active"
    ),
    "phones.mobile": (
        "telefone celular, tel celular, fone celular, numero de celular, numero do celular, "
        "celular 1, cel, telemovel, mobile phone, mobile, cell phone, cell, celular whatsapp, "
        "whatsapp, numero do whatsapp, telefone whatsapp, whats, zap, wpp, telefone movel, phone "
        "1 value, telefone 1 valor, celulares"
    ),
    "phones.home": (
        "telefone residencial, tel residencial, fone casa, telefone casa, telefone de casa, "
        "residencial, home phone, telefone 2, fone 2, tel 2, telefone secundario, telefone "
        "recado, fone recado, business phone 2, phone 2 value, telefone 2 valor"
    ),
    "phones.commercial": (
        "telefone comercial, tel comercial, fone empresa, telefone empresa, telefone trabalho, "
        "telefone do trabalho, telefone principal, business phone, work phone, company main "
        "phone, telefone 1, fone 1, tel 1, telefone, fone, tel, phone, telephone, phone number, "
        "numero de telefone, telefone fixo, fone fixo, phone 3 value, telefone 3 valor, "
        "telefones, fones"
    ),
    "email": (
        "e mail, e mail principal, email principal, email 1, endereco de email, endereco de e "
        "mail, endereco eletronico, correio eletronico, email address, e mail address, email do "
        "cliente, e mail 1 value, e mail 1 valor, email contato, email cobranca, email para "
        "envio, mail, emails, e mails"
    ),
    "tags": (
        "etiquetas, tag, tags, marcador, marcadores, labels, group membership, categorias, "
        "categories, grupos"
    ),
    "traits": "caracteristica, caracteristicas do cliente, perfil, traits",
    "alert_traits": (
        "avisar atendente, avisar o atendente, alertar atendente, aviso ao atendente, avisar "
        "atendente sobre caracteristicas"
    ),
    "priority_departments": (
        "prioridades, departamentos prioritarios, prioridade nos departamentos, departamentos com "
        "prioridade, prioritario em"
    ),
    "fixed_note": (
        "observacao fixa, observacoes, obs, anotacao, anotacoes, nota, notas, notes, note, "
        "comentario, comentarios, observacoes do cliente, observacoes gerais"
    ),
    "portal.username": (
        "login, nome de usuario, usuario do portal, usuario portal, hotsite email, username, user "
        "name, user, login do portal"
    ),
    PASSWORD: "senha do portal, senha portal, senha central, hotsite senha, password",
}
"""Other names of a field's column, separated by commas, as spreadsheets, ERPs and address books
use them.

The best name is first: when two columns match one field, the earlier name wins. Sources: exports
of IXC Provedor, Omie and Bling; contacts of Google and Outlook in Portuguese and English. A column
of first names is not mapped to the name: when an export splits first and last name, the admin who
sent the file has to decide.
"""
SHAPES: Final[Mapping[str, Shape]] = {field.path: field.shape for field in FIELDS}
CORRECTED: Final = tuple(field.path for field in FIELDS if field.is_corrected)
"""The path of every field that attendants correct, in the order of the screens."""
OF_ERP: Final = frozenset(field.path for field in FIELDS if field.owner is Owner.ERP)
BY_PLACE: Final = tuple(sorted(FIELDS, key=lambda field: field.place))
UPDATABLE: Final = tuple(field.path for field in BY_PLACE if field.is_updated)
"""The path of every field that a candidate can change, in documents and in the audit."""


def stored_path(path: str) -> str:
    """Return the path of the field that a column is written to: of a password, only the hash."""
    return PASSWORD_HASH if path == PASSWORD else path
