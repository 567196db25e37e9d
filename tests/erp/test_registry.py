from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import customer
from bot.domain.errors import RefusedError
from erp.registry import find_adapter, open_erp

CPF = make_cpf(111222333)


@pytest.mark.parametrize("token", [CREDENTIAL, SecretStr(CREDENTIAL)])
async def test_ixc_is_opened_by_name(emulator: IxcEmulator, token: str | SecretStr) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    async with open_erp("ixc", url=emulator.url, token=token) as erp:
        await erp.probe()
        found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.name == "Ana"


def test_the_facts_of_ixc_are_those_of_the_design() -> None:
    facts = find_adapter("ixc").facts
    assert (facts.lists_all, facts.lists_changes, facts.sync_minutes) == (True, True, 60)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(RefusedError, match=r"no ERP called 'totvs'; known: .*ixc"):
        open_erp("totvs", url="erp.example", token="1:x")


@pytest.mark.parametrize("settings", [{"url": "", "token": "1:x"}, {"url": "erp.example"}])
async def test_missing_settings_are_refused_on_opening(settings: dict[str, str]) -> None:
    with pytest.raises(RefusedError):
        async with open_erp("ixc", **settings):
            pytest.fail("it opened")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "acme_erp-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-erp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[balcao.erp]\nacme = erp.ixc:ADAPTER\nwrong = erp.ixc:FACTS\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_a_package_brings_an_erp_of_its_own() -> None:
    assert find_adapter("acme").facts.name == "ixc"
    with pytest.raises(RefusedError, match="not an Adapter"):
        find_adapter("wrong")
    with pytest.raises(RefusedError, match="known: acme, ixc, wrong"):
        find_adapter("other")
