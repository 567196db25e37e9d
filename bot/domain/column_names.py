"""Synonyms of the template's column names, as spreadsheets, ERPs and address books use them.

Sources: exports of IXC Provedor, Omie and Bling; contacts of Google and Outlook in Portuguese and
English. A column of first names is not mapped to the name: when an export splits first and last
name, the admin who sent the file has to decide.
"""

from collections.abc import Mapping
from typing import Final

# The best synonym first: when two columns match one field, the earlier synonym wins.
SYNONYMS: Final[Mapping[str, str]] = {
    "name": (
        "nome completo, nome do cliente, nome cliente, nome razao social, razao social nome,"
        " razao social, razao, nome empresarial, full name, name, display name, file as,"
        " nome do contato, nome contato, cliente, nome de exibicao, fornecedor, contato"
    ),
    "tax_id": (
        "cpf cnpj, cnpj cpf, cpf ou cnpj, cnpj ou cpf, cpf e cnpj, numero do cpf cnpj,"
        " cpf, cnpj, cic, cgc, numero cpf, numero cnpj, numero do cpf, numero do cnpj,"
        " nº do cpf, nº do cnpj, n do cpf, n do cnpj, cpf do cliente, cnpj do cliente,"
        " cpf cnpj do cliente, tax id, vat number, vat, documento, numero do documento,"
        " numero documento, doc, document"
    ),
    "trade_name": (
        "nome fantasia, nome de fantasia, apelido, apelido nome fantasia, trade name,"
        " nome comercial, organization name, organization 1 name, company, company name,"
        " empresa, organizacao"
    ),
    "phones.commercial": (
        "telefone comercial, tel comercial, fone empresa, telefone empresa, telefone trabalho,"
        " telefone do trabalho, telefone principal, business phone, work phone,"
        " company main phone, telefone 1, fone 1, tel 1, telefone, fone, tel, phone,"
        " telephone, phone number, numero de telefone, telefone fixo, fone fixo,"
        " phone 3 value, telefone 3 valor"
    ),
    "phones.home": (
        "telefone residencial, tel residencial, fone casa, telefone casa, telefone de casa,"
        " residencial, home phone, telefone 2, fone 2, tel 2, telefone secundario,"
        " telefone recado, fone recado, business phone 2, phone 2 value, telefone 2 valor"
    ),
    "phones.mobile": (
        "telefone celular, tel celular, fone celular, numero de celular, numero do celular,"
        " celular 1, cel, telemovel, mobile phone, mobile, cell phone, cell, celular whatsapp,"
        " whatsapp, numero do whatsapp, telefone whatsapp, whats, zap, wpp, telefone movel,"
        " phone 1 value, telefone 1 valor"
    ),
    "email": (
        "e mail, e mail principal, email principal, email 1, endereco de email,"
        " endereco de e mail, endereco eletronico, correio eletronico, email address,"
        " e mail address, email do cliente, e mail 1 value, e mail 1 valor, email contato,"
        " email cobranca, email para envio, mail"
    ),
    "portal.username": (
        "login, nome de usuario, usuario do portal, usuario portal, hotsite email, username,"
        " user name, user, login do portal"
    ),
    "portal.password": "senha do portal, senha portal, senha central, hotsite senha, password",
    "status": (
        "situacao, situacao do cadastro, status do cadastro, situacao cadastral, ativo,"
        " ativo inativo, status do cliente, situacao do cliente, active"
    ),
    "kinds": (
        "tipo de registro, tipo registro, tipos de registro, tipo de cadastro, tipo cadastro,"
        " tipo de contato, tipo contato, tipo do contato, tipos de contato"
    ),
    "tags": (
        "etiquetas, tag, tags, marcador, marcadores, labels, group membership, categorias,"
        " categories, grupos"
    ),
    "country": "pais de origem, codigo do pais, country, country code, nome do pais",
    "traits": "caracteristica, caracteristicas do cliente, perfil, traits",
    "alert_traits": (
        "avisar atendente, avisar o atendente, alertar atendente, aviso ao atendente,"
        " avisar atendente sobre caracteristicas"
    ),
    "priority_departments": (
        "prioridades, departamentos prioritarios, prioridade nos departamentos,"
        " departamentos com prioridade, prioritario em"
    ),
    "fixed_note": (
        "observacao fixa, observacoes, obs, anotacao, anotacoes, nota, notas, notes, note,"
        " comentario, comentarios, observacoes do cliente, observacoes gerais"
    ),
}
