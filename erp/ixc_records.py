"""IXC's rows of customers and suppliers in IXC's own field names, and their meaning for us.

Only the fields named here are kept: a row has some 160, passwords among them.
"""

from typing import ClassVar, Final

from bot.domain.erp_record import ErpRecord, first
from bot.domain.registration import ErpRef, Kind, Phones, Status
from erp.fields import Row, phone_in

SYSTEM: Final = "ixc"
_STATUS: Final = {"S": Status.ACTIVE, "N": Status.INACTIVE}


class IxcRow(Row):
    """The fields that both tables have.

    They accept texts only, as IXC documents them. `erp.ixc` reads a row with anything else in a
    slower way.
    """

    table: ClassVar[str]
    document_column: ClassVar[str]

    id: str | None = None
    razao: str | None = None
    fantasia: str | None = None
    tipo_pessoa: str | None = None
    email: str | None = None
    ativo: str | None = None
    ultima_atualizacao: str | None = None

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        return ErpRecord(
            ref=ErpRef(system=SYSTEM, table=self.table, id=self.id) if self.id else None,
            document=self._document() or "",
            is_foreign=self.tipo_pessoa == "E",
            kind=self._kind(),
            status=_STATUS.get(self.ativo or ""),
            updated=self.ultima_atualizacao or "",
            names=(self.razao, self.fantasia),
            trade_name=self.fantasia,
            phones=self._phones(),
            phone_texts=self._phone_texts(),
            email=self.email,
        )

    def _document(self) -> str | None:
        raise NotImplementedError

    def _kind(self) -> Kind:
        raise NotImplementedError

    def _phones(self) -> Phones:
        raise NotImplementedError

    def _phone_texts(self) -> tuple[str | None, ...]:
        raise NotImplementedError


class CustomerRow(IxcRow):
    """A row of `cliente`."""

    table = "cliente"
    document_column = "cnpj_cpf"

    cnpj_cpf: str | None = None
    fone: str | None = None
    telefone_comercial: str | None = None
    telefone_celular: str | None = None
    whatsapp: str | None = None
    crm: str | None = None

    def _document(self) -> str | None:
        return self.cnpj_cpf

    def _kind(self) -> Kind:
        # The sales funnel is in the same table.
        return Kind.PROSPECT if self.crm == "S" else Kind.CUSTOMER

    def _phones(self) -> Phones:
        return Phones(
            commercial=phone_in(self.telefone_comercial),
            home=phone_in(self.fone),
            mobile=first((phone_in(self.telefone_celular), phone_in(self.whatsapp))),
        )

    def _phone_texts(self) -> tuple[str | None, ...]:
        return (self.fone, self.telefone_comercial, self.telefone_celular, self.whatsapp)


class SupplierRow(IxcRow):
    """A row of `fornecedor`; note that the name of its document has another word order."""

    table = "fornecedor"
    document_column = "cpf_cnpj"

    cpf_cnpj: str | None = None
    telefone: str | None = None
    celular: str | None = None

    def _document(self) -> str | None:
        return self.cpf_cnpj

    def _kind(self) -> Kind:
        return Kind.SUPPLIER

    def _phones(self) -> Phones:
        return Phones(home=phone_in(self.telefone), mobile=phone_in(self.celular))

    def _phone_texts(self) -> tuple[str | None, ...]:
        return (self.telefone, self.celular)
