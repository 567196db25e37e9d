"""Certificates of ERPs: which are trusted, and what is said of the others."""

from pathlib import Path

from pydantic import SecretStr

from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.domain.errors import Problem, RefusedError
from bot.wiring.clients import warning_of_certificate
from bot.wording.errors import SENTENCES
from erp.adapter import Credentials
from erp.registry import open_erp
from tests.erp.conftest import ZONE
from tests.erp.tls_server import make_certificate, make_expired, with_tls
from tests.patience import until


async def probe(url: str, ca_file: Path | None = None) -> Problem | None:
    """Return the problem with the certificate at this address; None if it is trusted."""
    credentials = Credentials(url=url, token=SecretStr(CREDENTIAL))
    async with open_erp("ixc", credentials, timezone=ZONE, ca_file=ca_file) as erp:
        try:
            await erp.probe()
        except RefusedError as error:
            return error.problem
    return None


async def test_a_self_signed_certificate_is_trusted_by_its_file_alone(
    emulator: IxcEmulator, tmp_path: Path
) -> None:
    own, other = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "other")
    async with with_tls(emulator.url, own) as url:
        assert await probe(url) is Problem.ERP_CERTIFICATE
        assert await probe(url, other.file) is Problem.ERP_CERTIFICATE
        assert not emulator.requests
        assert await probe(url, own.file) is None
        both = tmp_path / "both.pem"
        both.write_text(other.file.read_text() + own.file.read_text())
        assert await probe(url, both) is None


async def test_a_company_signs_with_a_certificate_of_its_own(
    emulator: IxcEmulator, tmp_path: Path
) -> None:
    company = make_certificate(tmp_path, "company")
    server = make_certificate(tmp_path, "server", signed_by=company)
    async with with_tls(emulator.url, server) as url:
        assert await probe(url) is Problem.ERP_CERTIFICATE
        # The file may hold either of them.
        assert await probe(url, company.file) is None
        assert await probe(url, server.file) is None


async def test_a_trusted_certificate_must_still_be_valid_and_for_this_address(
    emulator: IxcEmulator, tmp_path: Path
) -> None:
    foreign = make_certificate(tmp_path, "foreign", host="127.0.0.2")
    async with with_tls(emulator.url, foreign) as url:
        assert await probe(url, foreign.file) is Problem.ERP_CERTIFICATE_NAME
    expired = make_expired(tmp_path, "expired")
    async with with_tls(emulator.url, expired) as url:
        assert await probe(url, expired.file) is Problem.ERP_CERTIFICATE_DATE
    assert not emulator.requests


async def test_the_start_warns_of_the_certificate_alone(
    emulator: IxcEmulator, tmp_path: Path
) -> None:
    said: list[str] = []
    async with with_tls(emulator.url, make_certificate(tmp_path, "own")) as url:
        for address, are_said in ((f"{emulator.url}/x", 0), (url, 1)):
            credentials = Credentials(url=address, token=SecretStr(CREDENTIAL))
            async with (
                open_erp("ixc", credentials, timezone=ZONE) as erp,
                warning_of_certificate(erp, said.append) as looking,
            ):
                await until(looking.done)
            assert len(said) == are_said
    assert said == [SENTENCES[Problem.ERP_CERTIFICATE]]
