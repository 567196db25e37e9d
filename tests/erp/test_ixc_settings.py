from base64 import b64encode

import aiohttp
import pytest

from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.domain.errors import RefusedError
from tests.erp.conftest import make_ixc


@pytest.mark.parametrize("suffix", ["", "/", "/webservice", "/webservice/v1/cliente?x=1"])
@pytest.mark.parametrize("scheme", ["http://", "HTTP://"])
async def test_the_address_may_be_that_of_any_page_of_the_api(
    session: aiohttp.ClientSession, emulator: IxcEmulator, scheme: str, suffix: str
) -> None:
    host = emulator.url.removeprefix("http://")
    await make_ixc(session, f"{scheme}{host}{suffix}").probe()


@pytest.mark.parametrize(
    "token", [CREDENTIAL, f" {CREDENTIAL}\n", b64encode(CREDENTIAL.encode()).decode()]
)
async def test_the_token_is_encoded_exactly_once(
    session: aiohttp.ClientSession, emulator: IxcEmulator, token: str
) -> None:
    await make_ixc(session, emulator.url, token=token).probe()


@pytest.mark.parametrize("token", ["", "0a1b2c3d" * 8, "Bearer x", "çç", "YWI="])
async def test_what_cannot_be_a_token_is_refused_without_asking(
    session: aiohttp.ClientSession, emulator: IxcEmulator, token: str
) -> None:
    with pytest.raises(RefusedError, match="id:token"):
        make_ixc(session, emulator.url, token=token)
    assert not emulator.requests
