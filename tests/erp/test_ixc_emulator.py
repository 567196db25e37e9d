"""The emulator speaks IXC's dialect with its pitfalls."""

import json
from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from bot.demo.ixc import CREDENTIAL, IxcEmulator, faults
from bot.demo.ixc.records import customer

BASIC = "Basic " + b64encode(CREDENTIAL.encode()).decode()
ROWS = [
    customer(1, "Ana", "111.111.112-22", data_nascimento="1990-05-01", fone=""),
    customer(2, "ana maria", "22222222333", data_nascimento="0000-00-00", ativo="N"),
    customer(10, "Bruno", "333.333.334-44", data_nascimento="2001-12-31"),
]


class Caller:
    """A client of the emulator; some of its requests ignore the documentation."""

    def __init__(self, session: aiohttp.ClientSession, emulator: IxcEmulator) -> None:
        self.session = session
        self.emulator = emulator

    async def raw(
        self, body: Any, *, method: str = "POST", table: str = "cliente", **headers: str
    ) -> tuple[int, str, str]:
        sent = {"Authorization": BASIC, "ixcsoft": "listar"} | headers
        async with self.session.request(
            method,
            f"{self.emulator.url}/webservice/v1/{table}",
            data=body if isinstance(body, str) else json.dumps(body),
            headers={name: value for name, value in sent.items() if value},
        ) as response:
            return response.status, response.content_type, await response.text()

    async def json(self, table: str = "cliente", **body: Any) -> Any:
        status, content_type, text = await self.raw(
            {"qtype": f"{table}.id", "query": "0", "oper": ">"} | body, table=table
        )
        assert (status, content_type) == (200, "text/x-json")
        return json.loads(text)

    async def ids(self, **body: Any) -> list[int]:
        return [int(row["id"]) for row in (await self.json(**body)).get("registros", [])]


@pytest.fixture
def caller(session: aiohttp.ClientSession, emulator: IxcEmulator) -> Caller:
    emulator.tables["cliente"] = list(ROWS)
    return Caller(session, emulator)


@pytest.mark.parametrize(
    ("column", "oper", "query", "ids"),
    [
        ("id", "=", "10", [10]),
        ("id", "!=", "10", [1, 2]),
        ("id", ">", "2", [10]),
        ("id", "<", "10", [1, 2]),
        ("id", ">=", "2", [2, 10]),
        ("id", "<=", "2", [1, 2]),
        ("id", "IN", "1, 10", [1, 10]),
        ("id", "NI", "1,10", [2]),
        ("id", "BE", "2,10", [2, 10]),
        ("id", "NBE", "2,10", [1]),
        ("razao", "=", "ANA", [1]),
        ("razao", "L", "ANA", [1, 2]),
        ("razao", "NL", "ana", [10]),
        ("razao", "LIKE", "an", [1, 2]),
        ("razao", "like", "%A", [1, 2]),
        ("razao", "LIKE", "ana%", [1, 2]),
        ("razao", "LIKE", "%m_ria%", []),
        ("razao", "LIKE", "", [1, 2, 10]),
        ("emp_cnpj", "=", "", [1, 2, 10]),
        ("nascimento_pai", ">", "2000-01-01", []),
        ("cnpj_cpf", "=", "333.333.334-44", [10]),
        ("cnpj_cpf", "=", "33333333444", []),
        ("cnpj_cpf", "=", "222.222.223-33", []),
        ("cnpj_cpf", "L", "22222222333", [2]),
        ("ultima_atualizacao", ">=", "2030-01-01 00:00:00", []),
        ("ultima_atualizacao", ">=", "01/01/2030 00:00:00", [1, 2, 10]),
        ("ultima_atualizacao", ">=", "01/01/2030", [1, 2, 10]),
        ("data_cadastro", ">", "10/03/2024", [1, 2, 10]),
        ("data_cadastro", ">", "11/03/2024", []),
        ("data_nascimento", "BE", "2000-01-01,2010-01-01", [2, 10]),
        ("data_nascimento", "NBE", "2000-01-01,2010-01-01", [1]),
    ],
)
async def test_each_operator(
    caller: Caller, column: str, oper: str, query: str, ids: list[int]
) -> None:
    assert await caller.ids(qtype=f"cliente.{column}", oper=oper, query=query) == ids


async def test_between_dates_without_its_fault_leaves_empty_dates_out(caller: Caller) -> None:
    caller.emulator.zero_dates_match = False
    body = {"qtype": "cliente.data_nascimento", "oper": "BE", "query": "2000-01-01,2010-01-01"}
    assert await caller.ids(**body) == [10]


@pytest.mark.parametrize(
    ("grid", "ids"),
    [
        ('[{"TB":"cliente.ativo","OP":"=","P":"S"}]', [1, 10]),
        (' [ { "TB" : " cliente.ativo " , " OP" : " = " , "P" : " S " } ] ', [1, 10]),
        ('[{"TB":"cliente.ativo","OP":"=","P":"S"},{"TB":"cliente.id","OP":">","P":"1"}]', [10]),
        ('[{"TB":"cliente.id","OP":"BE","P":"2","P2":"9"}]', [2]),
        ("[]", [1, 2, 10]),
        ("", [1, 2, 10]),
    ],
)
async def test_more_filters_are_all_to_hold(caller: Caller, grid: str, ids: list[int]) -> None:
    assert await caller.ids(grid_param=grid) == ids


@pytest.mark.parametrize(
    "body",
    [
        {"qtype": "cpf_cnpj"},
        {"qtype": "fornecedor.id"},
        {"qtype": "cliente.nothing"},
        {"qtype": "cliente.nothing", "query": "", "oper": ""},
        {"qtype": None},
        {"qtype": "cliente"},
        {"sortname": "nothing"},
        {"oper": "LIKES"},
        {"grid_param": "{"},
        {"grid_param": '{"TB":"cliente.id"}'},
        {"grid_param": [{"TB": "cliente.id", "OP": "=", "P": "1"}]},
        {"grid_param": '[{"TB":"nothing","OP":"=","P":"1"}]'},
    ],
)
async def test_a_route_that_fails_answers_with_a_page(caller: Caller, body: Any) -> None:
    status, content_type, text = await caller.raw(
        {"qtype": "cliente.id", "query": "0", "oper": ">"} | body
    )
    assert (status, content_type) == (500, "text/html")
    assert "Contate o suporte IXC Soft" in text


async def test_a_body_that_is_not_json_fails(caller: Caller) -> None:
    assert (await caller.raw("{"))[0] == 500


@pytest.mark.parametrize(("page", "rp"), [("2", "2"), (2, 2)])
async def test_pages(caller: Caller, page: Any, rp: Any) -> None:
    answer = await caller.json(page=page, rp=rp)
    assert (answer["page"], answer["total"]) == ("2", 3)
    assert [row["id"] for row in answer["registros"]] == ["10"]


async def test_a_page_has_twenty_rows_unless_asked_otherwise(caller: Caller) -> None:
    caller.emulator.tables["cliente"] = [customer(n, "x", "") for n in range(1, 31)]
    assert len(await caller.ids()) == 20
    assert len(await caller.ids(rp="0")) == 20
    assert await caller.ids(page="9") == []


async def test_order(caller: Caller) -> None:
    assert await caller.ids(sortname="cliente.id", sortorder="desc") == [10, 2, 1]
    assert await caller.ids(sortname="cliente.razao", sortorder="asc") == [1, 2, 10]


async def test_an_empty_result_has_no_records_key(caller: Caller) -> None:
    caller.emulator.total_as_text = True
    assert await caller.json(query="99") == {"page": "1", "total": "0"}
    assert (await caller.json(query=0))["total"] == "3"


async def test_every_value_of_a_record_is_text(caller: Caller) -> None:
    [row, *_] = (await caller.json())["registros"]
    assert {type(value) for value in row.values()} == {str}
    assert row["senha"]


async def test_without_the_header_a_post_inserts_and_a_get_finds_nothing(caller: Caller) -> None:
    status, _, text = await caller.raw({"razao": "x"}, ixcsoft="")
    assert (status, json.loads(text)["type"]) == (200, "success")
    assert caller.emulator.inserted == [{"razao": "x"}]
    assert (await caller.raw({}, method="GET", ixcsoft=""))[0] == 404


async def test_a_get_with_a_body_lists_too(caller: Caller) -> None:
    body = {"qtype": "cliente.id", "query": "0", "oper": ">"}
    assert (await caller.raw(body, method="GET"))[0] == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("", 401), ("Basic d3Jvbmc6", 401), (f"Bearer {CREDENTIAL}", 400)],
)
async def test_only_basic_with_the_right_token(
    caller: Caller, authorization: str, status: int
) -> None:
    assert (await caller.raw({}, Authorization=authorization))[0] == status


async def test_a_table_that_is_not_there(caller: Caller) -> None:
    answer = await caller.json(table="contato")
    assert answer == {"type": "error", "message": "Recurso contato não está disponível!<br />"}


async def test_a_page_that_repeats(caller: Caller) -> None:
    caller.emulator.fail(faults.SAME_PAGE)
    assert await caller.ids(page="1", rp="2") == await caller.ids(page="2", rp="2") == [1, 2]


async def test_a_fault_may_be_for_one_document_in_any_writing(caller: Caller) -> None:
    caller.emulator.fail(faults.message("não"), document="333.333.334-44")
    for query in ("33333333444", "333.333.334-44"):
        assert (await caller.json(qtype="cliente.cnpj_cpf", query=query))["type"] == "error"
        grid = json.dumps([{"TB": "cliente.cnpj_cpf", "OP": "=", "P": query}])
        assert (await caller.json(grid_param=grid))["type"] == "error"
    assert await caller.ids() == [1, 2, 10]


@pytest.mark.parametrize("form", ["json", "as a form", "url-encoded", "multipart"])
async def test_what_public_clients_send(caller: Caller, form: str) -> None:
    async def listed(**body: str) -> list[dict[str, str]]:
        text = json.dumps(body)
        headers = {"Authorization": BASIC, "ixcsoft": "listar"}
        if form == "as a form":
            # As curl does with a JSON text.
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        fields = aiohttp.FormData(body, default_to_multipart=form == "multipart")
        async with caller.session.post(
            f"{caller.emulator.url}/webservice/v1/cliente/",
            data=text if form in ("json", "as a form") else fields,
            headers=headers,
        ) as response:
            assert response.status == 200
            answer = json.loads(await response.text())
        rows = answer["registros"]
        assert isinstance(rows, list)
        assert answer["total"] == len(rows)
        return rows

    grid = json.dumps([{"TB": "ativo", "OP": "=", "P": "S", "C": "AND", "G": "ativo"}])
    empty = {"query": "", "oper": "", "rp": "999999", "grid_param": "[]"}
    everyone = await listed(qtype="", **empty)
    assert [row["id"] for row in everyone] == ["1", "2", "10"]
    assert {len(row) for row in everyone} == {157}
    assert await listed(**empty | {"qtype": "cliente", "oper": "LIKE"}) == everyone
    assert await listed(**empty, qtype="cliente.razao", sortname="cnpj_cpf")
    active = await listed(**empty | {"qtype": "id", "grid_param": grid})
    assert [row["id"] for row in active] == ["1", "10"]
    one = await listed(qtype="razao", query="%MARIA", oper="LIKE", sortname="razao")
    assert [row["cnpj_cpf"] for row in one] == ["22222222333"]


async def test_a_late_answer_is_still_the_right_one(caller: Caller) -> None:
    caller.emulator.fail(faults.slow(0.01))
    assert await caller.ids() == [1, 2, 10]


class Read(dict[str, str]):
    """A row that counts the reads of its fields."""

    times = 0

    def get(self, *of: Any) -> Any:
        Read.times += 1
        return super().get(*of)


async def test_a_few_thousand_records_are_each_read_a_few_times_only(caller: Caller) -> None:
    rows = [Read(customer(n, f"N{n}", f"{n:011d}")) for n in range(5000)]
    caller.emulator.tables["cliente"] = rows
    Read.times = 0
    assert await caller.ids(qtype="cliente.cnpj_cpf", oper="=", query="00000000007") == [7]
    assert Read.times <= 3 * len(rows)
