"""The demo ERP's own screen over HTTP: its list, saves and refusals, and its access control."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from bot.demo import people
from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator, demo_emulator, faults
from bot.domain.erp_record import ErpPage
from bot.domain.tax_id import TaxId, read_tax_id
from erp.adapter import Credentials
from erp.registry import open_erp

ZONE = ZoneInfo("America/Sao_Paulo")
ANA = "/demo/records/cliente/101"
NEW = {
    "table": "cliente",
    "name": "Teresa Prado",
    "document": make_cpf(111222333).number,
    "mobile": "49 999112233",
    "email": "Teresa@Exemplo.com.br",
    "is_active": True,
}


@pytest.fixture
async def erp() -> AsyncIterator[IxcEmulator]:
    async with demo_emulator(has_page=True) as emulator:
        yield emulator


@pytest.fixture
async def http(erp: IxcEmulator) -> AsyncIterator[ClientSession]:
    async with ClientSession(erp.url) as session:
        yield session


async def listed(http: ClientSession, **asked: str) -> list[str]:
    async with http.get("/demo/records", params=asked) as response:
        assert response.status == 200
        return [record["name"] for record in (await response.json())["records"]]


async def sent(http: ClientSession, method: str, path: str, **values: Any) -> tuple[int, Any]:
    async with http.request(method, path, json=values) as response:
        return response.status, await response.json()


def row_of(erp: IxcEmulator, number: str, table: str = "cliente") -> dict[str, str]:
    [row] = [row for row in erp.tables[table] if row["id"] == number]
    return row


async def test_the_page_comes_with_all_its_files_and_only_if_asked_for(
    http: ClientSession,
) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/static/erp.js", "text/javascript"),
        ("/static/erp.css", "text/css"),
        ("/static/erp.svg", "image/svg+xml"),
    ):
        async with http.get(path) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    async with http.get("/static/..%2Fpage.py") as response:
        assert response.status == 404
    async with demo_emulator() as plain:
        for path in ("/", "/demo/records"):
            async with http.get(plain.url + path) as response:
                assert response.status == 404


async def test_everybody_of_both_tables_is_listed_by_name(http: ClientSession) -> None:
    names = await listed(http)
    assert len(names) == 13
    assert names[:2] == ["Ana Beatriz Souza", "Carlos Eduardo Nunes"]
    assert await listed(http, table="fornecedor") == ["Rita Moreira", "Transportes Vale Azul"]


@pytest.mark.parametrize(
    "search",
    [
        "graças MARIA",
        "GRACAS",
        people.MARIA.tax_id,
        people.MARIA.tax_id.replace(".", "").replace("-", ""),
        "(49) 99001-0003",
        "49990010003",
        "cliente103@",
    ],
)
async def test_a_search_finds_by_any_of_what_is_shown(http: ClientSession, search: str) -> None:
    assert await listed(http, search=search) == ["Maria das Graças Lima"]


async def test_a_search_for_nobody_finds_nobody(http: ClientSession) -> None:
    assert await listed(http, search="ninguém") == []


async def test_of_very_many_the_first_are_shown_and_all_counted(
    http: ClientSession, erp: IxcEmulator
) -> None:
    erp.tables["cliente"] = [dict(row_of(erp, "101"), id=str(n)) for n in range(1, 501)]
    async with http.get("/demo/records", params={"table": "cliente"}) as response:
        answer = await response.json()
    assert (answer["total"], len(answer["records"])) == (500, 200)


async def test_what_is_saved_is_what_a_quick_sync_sees(
    http: ClientSession, erp: IxcEmulator
) -> None:
    before = datetime.now(ZONE).replace(microsecond=0)
    other = row_of(erp, "102")
    status, shown = await sent(
        http,
        "PUT",
        ANA,
        name="  Ana  Beatriz Prado ",
        mobile="49999887766",
        email="ANA@exemplo.com.br",
        is_active=False,
    )
    assert status == 200
    row = row_of(erp, "101")
    assert row["razao"] == shown["name"] == "Ana Beatriz Prado"
    assert (row["telefone_celular"], row["email"]) == ("(49) 99988-7766", "ana@exemplo.com.br")
    assert (row["ativo"], shown["is_active"]) == ("N", False)
    assert row["cnpj_cpf"] == people.ANA.tax_id
    # This is the ERP's local time, to the second and without a zone.
    saved = datetime.strptime(row["ultima_atualizacao"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
    assert before <= saved <= datetime.now(ZONE)
    assert row_of(erp, "102") == other

    page = await changes(erp, before.replace(tzinfo=ZoneInfo("UTC")) - timedelta(minutes=15))
    assert [record.names[0] for record in page.records] == ["Ana Beatriz Prado"]


async def changes(erp: IxcEmulator, since: datetime) -> ErpPage:
    credentials = Credentials(url=erp.url, token=SecretStr(CREDENTIAL))
    async with open_erp("ixc", credentials, timezone=ZONE) as ixc:
        return await ixc.page("", since=since)


async def test_saving_without_a_change_is_none(http: ClientSession, erp: IxcEmulator) -> None:
    before = row_of(erp, "102")
    status, _ = await sent(
        http,
        "PUT",
        "/demo/records/cliente/102",
        name=before["razao"],
        # The ERP's old number, without the ninth digit; the user did not edit it.
        mobile=before["telefone_celular"],
        email=before["email"],
        is_active=True,
    )
    assert status == 200
    assert row_of(erp, "102") == before


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"name": " \u202e "}, "name", "Digite o nome."),
        ({"name": None}, "name", "Digite o nome."),
        (
            {"document": "417.208.001-47"},
            "document",
            "Os dígitos verificadores não conferem: confira o número.",
        ),
        (
            {"document": "111.111.111-11"},
            "document",
            "Um CPF ou CNPJ não pode ter todos os dígitos iguais.",
        ),
        (
            {"document": "123"},
            "document",
            "Digite um CPF (11 dígitos) ou um CNPJ (14 caracteres).",
        ),
        ({"document": 5}, "document", "Digite um CPF (11 dígitos) ou um CNPJ (14 caracteres)."),
        ({"mobile": "123"}, "mobile", "Digite o celular com DDD, como (49) 99999-8888."),
        ({"email": "ana@"}, "email", "Este e-mail não parece certo: confira o endereço."),
        ({"table": "empresa"}, "table", "Escolha entre cliente e fornecedor."),
        ({"table": ["cliente"]}, "table", "Escolha entre cliente e fornecedor."),
    ],
)
async def test_bad_input_is_refused_in_words_and_changes_nothing(
    http: ClientSession, erp: IxcEmulator, values: dict[str, Any], field: str, sentence: str
) -> None:
    before = {table: list(rows) for table, rows in erp.tables.items()}
    answer = await sent(http, "POST", "/demo/records", **{**NEW, **values})
    assert answer == (400, {"error": sentence, "field": field})
    assert erp.tables == before


async def test_a_new_customer_is_found_by_the_api(http: ClientSession, erp: IxcEmulator) -> None:
    status, shown = await sent(http, "POST", "/demo/records", **NEW)
    assert (status, shown["id"], shown["document"]) == (201, "908", make_cpf(111222333).masked)
    assert row_of(erp, "908")["tipo_pessoa"] == "F"
    found = await looked_up(erp, make_cpf(111222333))
    assert found == "Teresa Prado"


async def test_a_new_supplier_goes_to_the_suppliers(http: ClientSession, erp: IxcEmulator) -> None:
    cnpj = make_cnpj("12ABC34501DE")
    status, shown = await sent(
        http,
        "POST",
        "/demo/records",
        table="fornecedor",
        name="Cabos & Fios",
        document=f"CNPJ {cnpj.masked}",
    )
    assert (status, shown["id"], shown["mobile"], shown["email"]) == (201, "203", "", "")
    row = row_of(erp, "203", "fornecedor")
    assert (row["cpf_cnpj"], row["tipo_pessoa"], row["ativo"]) == (cnpj.masked, "J", "S")
    assert await looked_up(erp, cnpj) == "Cabos & Fios"


async def looked_up(erp: IxcEmulator, tax_id: TaxId) -> str | None:
    credentials = Credentials(url=erp.url, token=SecretStr(CREDENTIAL))
    async with open_erp("ixc", credentials, timezone=ZONE) as ixc:
        found = await ixc.by_tax_id(tax_id)
    return found.name if found else None


async def test_who_is_deleted_is_gone_and_the_id_is_not_given_again(
    http: ClientSession, erp: IxcEmulator
) -> None:
    ana = read_tax_id(people.ANA.tax_id)
    assert isinstance(ana, TaxId)
    for path in (ANA, "/demo/records/cliente/907"):
        async with http.delete(path) as response:
            assert response.status == 204
    assert await looked_up(erp, ana) is None
    for answer in (
        await sent(http, "DELETE", ANA),
        await sent(http, "PUT", ANA, name="Ana"),
        await sent(http, "DELETE", "/demo/records/empresa/1"),
    ):
        assert answer == (404, {"error": "Este cadastro não existe mais. Atualize a lista."})
    _, shown = await sent(http, "POST", "/demo/records", **NEW)
    assert shown["id"] == "908"


async def test_the_screen_works_while_the_api_does_not(
    http: ClientSession, erp: IxcEmulator
) -> None:
    erp.fail(faults.DOWN)
    assert len(await listed(http)) == 13


async def test_other_sites_and_other_names_are_kept_out(
    http: ClientSession, erp: IxcEmulator
) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        for path in ("/", "/demo/records", "/webservice/v1/cliente"):
            async with http.get(path, headers=headers) as response:
                assert response.status == 403
        async with http.delete(ANA, headers=headers) as response:
            assert response.status == 403
    async with http.get("/demo/records", headers={"Origin": erp.url}) as response:
        assert response.status == 200
    assert row_of(erp, "101")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name":"Ana"}', "text/plain", 415),
        (b"name=Ana", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
    ],
)
async def test_a_form_of_another_site_saves_nothing(
    http: ClientSession, body: bytes, content_type: str, status: int
) -> None:
    for method, path in (("PUT", ANA), ("POST", "/demo/records")):
        async with http.request(
            method, path, data=body, headers={"Content-Type": content_type}
        ) as response:
            assert response.status == status
