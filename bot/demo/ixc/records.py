"""Rows as IXC stores them, with the secrets and the noise of real ones."""

from typing import Final

Row = dict[str, str]

_CUSTOMER: Final[Row] = {
    "id": "",
    "ativo": "S",
    "razao": "",
    "fantasia": "",
    "cnpj_cpf": "",
    "tipo_pessoa": "F",
    "ie_identidade": "",
    "data_nascimento": "0000-00-00",
    "fone": "",
    "telefone_comercial": "",
    "ramal": "",
    "telefone_celular": "",
    "whatsapp": "",
    "email": "",
    "hotsite_email": "portal@exemplo.com.br",
    "contato": "",
    "cep": "89800-000",
    "endereco": "Rua das Araucárias",
    "numero": "100",
    "bairro": "Centro",
    "cidade": "4346",
    "uf": "24",
    "obs": "Ligar à tarde.\r\nPortão azul.",
    "alerta": "",
    "data_cadastro": "2024-03-11",
    "ultima_atualizacao": "2026-02-10 14:03:22",
    "senha": "segredo-da-central",
    "senha_hotsite_md5": "5ebe2294ecd0e0f08eab7690d2a6ee69",
    "hotsite_acesso": "1",
    "foto_cartao": "",
    "filial_id": "1",
    "id_tipo_cliente": "0",
    "id_vendedor": "",
    "crm": "N",
    "status_prospeccao": "V",
    "nome_mae": "Joana de Exemplo",
    "cpf_mae": "",
}
_SUPPLIER: Final[Row] = {
    "id": "",
    "ativo": "S",
    "razao": "",
    "fantasia": "",
    "cpf_cnpj": "",
    "tipo_pessoa": "J",
    "ie_identidade": "",
    "data_nascimento": "0000-00-00",
    "telefone": "",
    "celular": "",
    "email": "",
    "representante": "",
    "telefone_representante": "",
    "obs": "",
    "cep": "89800-000",
    "endereco": "Avenida Getúlio Vargas",
    "numero": "2000",
    "bairro": "Centro",
    "cidade": "4346",
    "referencia": "",
    "data": "2023-08-01",
    "ultima_atualizacao": "2026-01-20 09:00:00",
}
_BRANCH: Final[Row] = {
    "id": "1",
    "ativo": "S",
    "razao": "Provedor de Exemplo Ltda",
    "fantasia": "Provedor de Exemplo",
}
COLUMNS: Final = {
    "cliente": frozenset(_CUSTOMER),
    "fornecedor": frozenset(_SUPPLIER),
    "empresa": frozenset(_BRANCH),
}


def customer(number: int | str, razao: str, cnpj_cpf: str, **values: str) -> Row:
    """Return a row of `cliente`; the document is stored as given, with or without punctuation."""
    return {**_CUSTOMER, "id": str(number), "razao": razao, "cnpj_cpf": cnpj_cpf, **values}


def supplier(number: int | str, razao: str, cpf_cnpj: str, **values: str) -> Row:
    """Return a row of `fornecedor`."""
    return {**_SUPPLIER, "id": str(number), "razao": razao, "cpf_cnpj": cpf_cnpj, **values}


def branch() -> Row:
    """Return the only row of `empresa`."""
    return dict(_BRANCH)
