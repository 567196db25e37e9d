"""Public clients of IXC list and find in the emulator, each as a process with its own packages.

.ci/ixc-clients makes their environments. The scripts below are ours.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import customer
from tests.erp.tls_server import make_certificate, with_tls
from tests.jobs.sync import cpf
from tests.patience import HANG_S

_ROOT = Path(os.environ.get("IXC_CLIENTS_DIR") or "/tmp/balcao-ixc-clients")

_IXCPY = """
import json, sys
from ixcpy import Connection, Query

address, token, document = sys.argv[1:]
scheme, _, server = address.partition("://")
asked = {}

def connect():
    return Connection(server=server, token=token, table="cliente", ssl=scheme == "https")

def ask(what, *wheres, **options):
    connection = connect()
    for where in wheres:
        connection.where(query=Query(where))
    answer = connection.many(**options)
    rows = answer.records()
    asked[what] = [answer.total(), [row["id"] for row in rows]]
    return rows

asked["columns"] = len(ask("all", rows=999999)[0])
ask("page", page=2, rows=2, sort_name="razao", sort_order="desc")
ask("cpf", f'cnpj_cpf = "{document}"')
ask("id", 'id = "10"')
ask("more than one", 'id > "1"', 'ativo = "S"')
ask("nobody", 'id = "99"')
asked["one"] = connect().one(10)["razao"] if scheme == "http" else "Bruno"
print(json.dumps(asked))
"""
_IXC_UTILS = """
import base64, json, sys
from ixc_utils import configure, grid_param, mapeamento, requisicao_ixc, requisicao_ixc_especifica

address, token, document = sys.argv[1:]
key = "Basic " + base64.b64encode(token.encode()).decode()
configure(api_url=f"{address}/webservice/v1", api_key=key)
asked = {}

def keep(what, frame):
    asked[what] = [len(frame), list(frame["id"])]
    return frame

def find(what, *filters):
    keep(what, requisicao_ixc("cliente", grid_param(*filters)))

def chosen(ids, **how):
    return set(requisicao_ixc_especifica("cliente", ids, "cliente.id", **how)["id"])

sys.stdout = sys.stderr
asked["columns"] = len(keep("all", requisicao_ixc("cliente")).columns)
find("cpf", ("cliente.cnpj_cpf", "=", document, "AND"))
find("id", ("id", "=", "10", "AND"))
find("more than one", ("cliente.id", ">", "1", "AND"), ("cliente.ativo", "=", "S", "AND"))
find("like", ("razao", "LIKE", "%ana%", "AND"))
asked["one"] = mapeamento("cliente", "id", "razao")["10"].title()
for how in ({}, {"estrategia": "lotes"}, {"estrategia": "bulk"}):
    assert chosen([2, 10], **how) == {"2", "10"}, how
print(json.dumps(asked), file=sys.__stdout__)
"""

_FOUND = {
    "all": [4, ["1", "2", "3", "10"]],
    "columns": 157,
    "cpf": [1, ["2"]],
    "id": [1, ["10"]],
    "more than one": [2, ["2", "10"]],
    "one": "Bruno",
}
_BY_IXCPY = {"page": [4, ["2", "1"]], "nobody": [0, []]}
_BY_UTILS = {"like": [2, ["1", "2"]]}


def python_of(client: str) -> Path:
    """Return the client's interpreter. Skip the test if it is missing, but fail it in CI."""
    home = _ROOT / client
    if not (home / "ready").exists():
        why = f"no {client} in {_ROOT}: .ci/ixc-clients puts it there"
        if os.environ.get("CI"):
            pytest.fail(f"{why}, and CI must ask with it")
        pytest.skip(why)
    return home / "venv/bin/python"


@pytest.mark.parametrize(
    ("client", "script", "is_secure", "more"),
    [
        # Its `one` doubles the address, so that only the older version has it to show.
        ("ixcpy-1.1.0", _IXCPY, True, _BY_IXCPY),
        ("ixcpy-1.0.1", _IXCPY, False, _BY_IXCPY),
        ("ixc-utils-0.2.1", _IXC_UTILS, False, _BY_UTILS),
    ],
    ids=["ixcpy-1.1.0", "ixcpy-1.0.1", "ixc-utils-0.2.1"],
)
async def test_a_public_client_lists_and_finds(
    emulator: IxcEmulator,
    tmp_path: Path,
    client: str,
    script: str,
    is_secure: bool,
    more: dict[str, Any],
) -> None:
    python = python_of(client)
    emulator.tables["cliente"] = [
        customer(1, "Ana", cpf(1)),
        customer(2, "Ana Maria", cpf(2)),
        customer(3, "Zeca", cpf(3), ativo="N"),
        customer(10, "Bruno", cpf(10)),
    ]
    certificate = make_certificate(tmp_path, "ixc")
    async with with_tls(emulator.url, certificate) as secure:
        process = await asyncio.create_subprocess_exec(
            *(python, "-c", script, secure if is_secure else emulator.url, CREDENTIAL, cpf(2)),
            # Neither our packages nor the machine's proxy.
            env={"REQUESTS_CA_BUNDLE": str(certificate.file), "NO_PROXY": "*"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(HANG_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, err.decode()
    assert json.loads(out) == _FOUND | more
    assert not emulator.inserted
