"""IXC's rows of customers and suppliers in IXC's own field names, and what they mean to us.

Only the fields named here are kept: a row has some 160, passwords among them.
"""

from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from bot.domain.registration import ErpRef, Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.merge import Record, Text, first, phone_in

SYSTEM: Final = "ixc"
_STATUS: Final = {"S": Status.ACTIVE, "N": Status.INACTIVE}


class Row(BaseModel):
    """What both tables have. Fields vary with IXC's version, so none is required."""

    # Pydantic's errors quote their input, which here is a person's data.
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)

    table: ClassVar[str]
    document_column: ClassVar[str]

    id: Text | None = None
    razao: Text | None = None
    fantasia: Text | None = None
    tipo_pessoa: Text | None = None
    email: Text | None = None
    ativo: Text | None = None
    ultima_atualizacao: Text | None = None

    def has(self, tax_id: TaxId) -> bool:
        """Whether this row really has the document, however it is written."""
        document: str | None = getattr(self, self.document_column)
        number = "".join(c for c in (document or "").upper() if c.isalnum())
        # A foreigner's number could be the same as anybody's; "E" is how IXC marks foreigners.
        return number == tax_id.number and (tax_id.country == "BR" or self.tipo_pessoa == "E")

    def to_record(self) -> Record:
        """This row in our terms."""
        return Record(
            ref=ErpRef(system=SYSTEM, table=self.table, id=self.id) if self.id else None,
            kind=self._kind(),
            status=_STATUS.get(self.ativo or ""),
            updated=self.ultima_atualizacao or "",
            names=(self.razao, self.fantasia),
            trade_name=self.fantasia,
            phones=self._phones(),
            email=self.email,
        )

    def _kind(self) -> Kind:
        raise NotImplementedError

    def _phones(self) -> Phones:
        raise NotImplementedError


class CustomerRow(Row):
    """A row of `cliente`."""

    table = "cliente"
    document_column = "cnpj_cpf"

    cnpj_cpf: Text | None = None
    fone: Text | None = None
    telefone_comercial: Text | None = None
    telefone_celular: Text | None = None
    whatsapp: Text | None = None
    crm: Text | None = None

    def _kind(self) -> Kind:
        # The sales funnel lives in the same table.
        return Kind.PROSPECT if self.crm == "S" else Kind.CUSTOMER

    def _phones(self) -> Phones:
        return Phones(
            commercial=phone_in(self.telefone_comercial),
            home=phone_in(self.fone),
            mobile=first((phone_in(self.telefone_celular), phone_in(self.whatsapp))),
        )


class SupplierRow(Row):
    """A row of `fornecedor`; mind the other word order of its document."""

    table = "fornecedor"
    document_column = "cpf_cnpj"

    cpf_cnpj: Text | None = None
    telefone: Text | None = None
    celular: Text | None = None

    def _kind(self) -> Kind:
        return Kind.SUPPLIER

    def _phones(self) -> Phones:
        return Phones(home=phone_in(self.telefone), mobile=phone_in(self.celular))
