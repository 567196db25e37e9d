from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import customer
from bot.domain.errors import RefusedError
from erp.adapter import Credentials
from erp.registry import find_adapter, open_erp
from tests.erp.conftest import ZONE

CPF = make_cpf(111222333)


async def test_ixc_is_opened_by_name(emulator: IxcEmulator) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    credentials = Credentials(url=emulator.url, token=SecretStr(CREDENTIAL))
    async with open_erp("ixc", credentials, timezone=ZONE) as erp:
        await erp.probe()
        found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.name == "Ana"


def test_the_facts_of_ixc_are_those_of_the_design() -> None:
    facts = find_adapter("ixc").facts
    assert (facts.lists_all, facts.lists_changes, facts.sync_minutes) == (True, True, 60)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(RefusedError, match=r"no ERP called 'totvs'; known: .*ixc"):
        find_adapter("totvs")


@pytest.mark.parametrize(
    "credentials",
    [Credentials(token=SecretStr("1:x")), Credentials(url="erp.example")],
)
async def test_missing_settings_are_refused_on_opening(credentials: Credentials) -> None:
    with pytest.raises(RefusedError):
        async with open_erp("ixc", credentials, timezone=ZONE):
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
    with pytest.raises(RefusedError, match=r"known: acme, .*ixc, .*wrong"):
        find_adapter("other")
