"""Rows as IXC stores them, with the secrets and the noise of real ones."""

from collections.abc import Mapping
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
_TEXTS: Final = """
    tipo_documento_identificacao rg_orgao_emissor inscricao_municipal contribuinte_icms isuf im cif
    orgao_publico Sexo estado_civil profissao nacionalidade cidade_naturalidade regime_fiscal_col
    id_operadora_celular website skype facebook complemento referencia bloco apartamento
    id_condominio moradia tipo_localidade latitude longitude cep_cob endereco_cob numero_cob
    complemento_cob bairro_cob cidade_cob uf_cob referencia_cob acesso_automatico_central
    alterar_senha_primeiro_acesso filtra_filial tipo_cliente_scm tipo_assinante id_perfil
    id_concorrente id_campanha id_candato_tipo responsavel indicado_por grau_satisfacao
    cadastrado_via_viabilidade pipe_id_organizacao idx codigo_operacao convert_cliente_forn
    id_conta cond_pagamento tabela_preco participa_cobranca participa_pre_cobranca num_dias_cob
    cob_envia_email cob_envia_sms deb_automatico deb_agencia deb_conta tipo_pessoa_titular_conta
    cnpj_cpf_titular_conta ativo_serasa iss_classificacao_padrao pis_retem cofins_retem csll_retem
    irrf_retem cli_desconta_iss_retido_total desconto_irrf_valor_inferior
    atualizar_cadastro_galaxPay nome_pai cpf_pai identidade_pai identidade_mae
    quantidade_dependentes nome_conjuge fone_conjuge cpf_conjuge rg_conjuge nome_representante_1
    nome_representante_2 cpf_representante_1 cpf_representante_2 identidade_representante_1
    identidade_representante_2 nome_contador telefone_contador ref_com_empresa1 ref_com_empresa2
    ref_com_fone1 ref_com_fone2 ref_pes_nome1 ref_pes_nome2 ref_pes_fone1 ref_pes_fone2 emp_empresa
    emp_cnpj emp_cep emp_endereco emp_cidade emp_fone emp_cargo emp_remuneracao
"""
_DATES: Final = """
    nascimento_pai nascimento_mae data_nascimento_conjuge emp_data_admissao crm_data_novo
    crm_data_sondagem crm_data_apresentando crm_data_negociando crm_data_vencemos crm_data_perdemos
    crm_data_abortamos crm_data_sem_viabilidade crm_data_sem_porta_disponivel
"""
UNUSED: Final[Mapping[str, Row]] = {
    "cliente": {
        **dict.fromkeys(_TEXTS.split(), ""),
        **dict.fromkeys(_DATES.split(), "0000-00-00"),
    }
}
"""The other columns of a table, with what they have in each row. Rows are kept without them."""
COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "cliente": frozenset(_CUSTOMER | UNUSED["cliente"]),
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
