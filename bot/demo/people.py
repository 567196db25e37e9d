"""The demo page's people, and the behaviour that each of them demonstrates."""

from dataclasses import dataclass
from typing import Final

from bot.demo.documents import make_cnpj, make_cpf


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """An invented person with a phone, and the tax id to type in this role."""

    user_id: int
    first_name: str
    last_name: str = ""
    phone: str
    tax_id: str
    """Tax id with punctuation, as a person types it."""
    shows: str
    """The effect of this tax id, in pt-BR, printed on the page."""


ANA: Final = DemoPerson(
    user_id=5001,
    first_name="Ana Beatriz",
    last_name="Souza",
    phone="+5549990010001",
    tax_id=make_cpf(417208001).masked,
    shows="Cliente ativa",
)
JOSE: Final = DemoPerson(
    user_id=5002,
    first_name="José Antônio",
    last_name="da Conceição",
    phone="+5549988010002",
    tax_id=make_cpf(528319002).masked,
    shows="Cliente ativo; no ERP, o CPF está sem pontuação e o celular sem o nono dígito",
)
MARIA: Final = DemoPerson(
    user_id=5003,
    first_name="Maria das Graças",
    last_name="Lima",
    phone="+5549990010003",
    tax_id=make_cpf(639420003).masked,
    shows="Cliente ativa com prioridade: passa na frente na fila",
)
BAKERY: Final = DemoPerson(
    user_id=5004,
    first_name="Padaria",
    last_name="Pão Quente Ltda",
    phone="+5549990010004",
    tax_id=make_cnpj("417208010001").masked,
    shows="Empresa com nome fantasia",
)
FIBRA: Final = DemoPerson(
    user_id=5005,
    first_name="Fibra <Norte>",
    last_name="& Cia Ltda",
    phone="+5549990010005",
    tax_id=make_cnpj("4R7F2B0N0001").masked,
    shows="Empresa com letras no CNPJ e com < > & no nome",
)
CARLOS: Final = DemoPerson(
    user_id=5006,
    first_name="Carlos Eduardo",
    last_name="Nunes",
    phone="+5549990010006",
    tax_id=make_cpf(740531006).masked,
    shows="Cliente inativo",
)
LUCIA: Final = DemoPerson(
    user_id=5007,
    first_name="Lúcia",
    last_name="Ferreira",
    phone="+5549990010007",
    tax_id=make_cpf(851642007).masked,
    shows="Dois cadastros no ERP com o mesmo CPF, um inativo: vira um só",
)
VALE_AZUL: Final = DemoPerson(
    user_id=5008,
    first_name="Transportes",
    last_name="Vale Azul",
    phone="+5549990010008",
    tax_id=make_cnpj("528319080001").masked,
    shows="Cliente e fornecedor ao mesmo tempo",
)
RITA: Final = DemoPerson(
    user_id=5009,
    first_name="Rita",
    last_name="Moreira",
    phone="+5549990010009",
    tax_id=make_cpf(962753009).masked,
    shows="Só fornecedora",
)
PAULO: Final = DemoPerson(
    user_id=5010,
    first_name="Paulo Henrique",
    last_name="Dias",
    phone="+5549990010010",
    tax_id=make_cpf(173864010).masked,
    shows="O ERP responde com erro para este documento",
)
SANDRA: Final = DemoPerson(
    user_id=5011,
    first_name="Sandra Regina",
    last_name="Alves",
    phone="+5549990010011",
    tax_id=make_cpf(284975011).masked,
    shows="O ERP demora 8 s para este documento",
)
STRANGER: Final = DemoPerson(
    user_id=5012,
    first_name="Bruno",
    last_name="Tavares",
    phone="+5549990010012",
    tax_id=make_cpf(395186012).masked,
    shows="CPF que o ERP não conhece",
)
STRANGE_COMPANY: Final = DemoPerson(
    user_id=5013,
    first_name="Mercado",
    last_name="Bom Dia Ltda",
    phone="+5549990010013",
    tax_id=make_cnpj("639420130001").masked,
    shows="CNPJ que o ERP não conhece",
)
DEMO_PEOPLE: Final = (
    ANA,
    JOSE,
    MARIA,
    BAKERY,
    FIBRA,
    CARLOS,
    LUCIA,
    VALE_AZUL,
    RITA,
    PAULO,
    SANDRA,
    STRANGER,
    STRANGE_COMPANY,
)
