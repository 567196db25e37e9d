"""docs/adapters.md agrees with the code."""

import re
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.domain.errors import RefusedError
from erp.adapter import Credentials
from erp.registry import find_adapter, open_erp
from tests.erp.conftest import ZONE
from tests.erp.table import PAGE, with_tables

PEOPLE = [
    {
        "id": n,
        "name": f"Pessoa {n}",
        "doc": make_cpf(300_000_000 + n).masked,
        "phone": "49 98801-0011",
        "active": n != 2,
        "changed": f"2026-11-0{n}T10:00:00",
        "password": "segredo",
    }
    for n in range(1, 6)
]


def test_the_tables_are_those_of_the_suite() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "run python -m tests.erp.table"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Install the docs' example as a third-party package, and return its number of lines."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "acme_balcao.py").write_text(code, encoding="utf-8")
    info = tmp_path / "acme_balcao-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-balcao\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[balcao.erp]\nacme = acme_balcao:ADAPTER\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return len(code.splitlines())


async def test_the_example_works_as_it_stands(installed: int, aiohttp_url: str) -> None:
    assert installed < 80
    assert find_adapter("acme").facts.title == "Acme ERP"
    credentials = Credentials(url=aiohttp_url, token=SecretStr("k"))
    async with open_erp("acme", credentials, timezone=ZONE) as erp:
        await erp.probe()
        found = await erp.by_tax_id(make_cpf(300_000_003))
        assert found is not None
        assert (found.name, found.phones.mobile) == ("Pessoa 3", "+5549988010011")
        assert await erp.by_tax_id(make_cpf(999_000_003)) is None
        cursor: str | None = ""
        ids = []
        while cursor is not None:
            page = await erp.page(cursor)
            ids += [record.ref.id for record in page.records if record.ref]
            cursor = page.next
        assert ids == ["1", "2", "3", "4", "5"]
        assert "segredo" not in repr(page.records)


@pytest.mark.usefixtures("installed")
async def test_the_example_refuses_what_is_missing() -> None:
    with pytest.raises(RefusedError, match="needs ERP_TOKEN"):
        async with open_erp("acme", Credentials(url="http://erp.example"), timezone=ZONE):
            pytest.fail("it opened")


@pytest.fixture
async def aiohttp_url():
    async def customers(request: web.Request) -> web.Response:
        if request.headers.get("X-Key") != "k":
            return web.Response(status=401)
        digits = request.query.get("doc")
        if digits is not None:
            found = [p for p in PEOPLE if re.sub(r"\D", "", str(p["doc"])) == digits]
        else:
            after = int(request.query["after"])
            found = [p for p in PEOPLE if int(str(p["id"])) > after][:2]
        return web.json_response({"customers": found})

    app = web.Application()
    app.router.add_get("/customers", customers)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
