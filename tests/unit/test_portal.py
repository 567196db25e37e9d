"""The portal's login: accepted passwords, and that no password is ever readable."""

import asyncio
import contextlib
import io
import logging
import threading
import unicodedata
from typing import Literal

import pytest
import structlog
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from pydantic import SecretStr

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.portal import PasswordRefusal, UsernameRefusal, read_password, read_username
from bot.domain.tax_id import TaxId
from bot.runtime.logs import configure_logs
from bot.runtime.passwords import Argon2Passwords
from tests.patience import HANG_S

PASSWORD = SecretStr("Correto&Cavalo 42")
CPF, LETTERED = make_cpf(123_456_789), make_cnpj("12ABC34501DE")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ana.souza", "ana.souza"),
        ("  Ana_Souza-7@Provedor.COM ", "ana_souza-7@provedor.com"),
        ("a" * 64, "a" * 64),
        ("abc", "abc"),
        ("ab", UsernameRefusal.TOO_SHORT),
        ("   ", UsernameRefusal.TOO_SHORT),
        ("a" * 65, UsernameRefusal.TOO_LONG),
        ("joão", UsernameRefusal.CHARACTERS),
        ("ana souza", UsernameRefusal.CHARACTERS),
        ("<b>ana</b>", UsernameRefusal.CHARACTERS),
        ("ana\nsouza", UsernameRefusal.CHARACTERS),
        ("\u202eana", UsernameRefusal.CHARACTERS),
        ("ａｎａ１", UsernameRefusal.CHARACTERS),
    ],
)
def test_a_username_is_kept_in_lower_case_or_refused_with_its_reason(
    text: str, read: str | UsernameRefusal
):
    assert read_username(text) == read


@pytest.mark.parametrize(
    ("password", "tax_id", "reason"),
    [
        ("1234567", CPF, PasswordRefusal.TOO_SHORT),
        ("x" * 129, CPF, PasswordRefusal.TOO_LONG),
        ("senha\nsenha", CPF, PasswordRefusal.CHARACTERS),
        ("senha\ud800senha", CPF, PasswordRefusal.CHARACTERS),
        ("ANA.souza", CPF, PasswordRefusal.IS_USERNAME),
        (" ana.souza ", CPF, PasswordRefusal.IS_USERNAME),
        (CPF.number, CPF, PasswordRefusal.IS_TAX_ID),
        (CPF.masked, CPF, PasswordRefusal.IS_TAX_ID),
        (" ".join(CPF.number), CPF, PasswordRefusal.IS_TAX_ID),
        (LETTERED.number.lower(), LETTERED, PasswordRefusal.IS_TAX_ID),
        ("".join(c for c in LETTERED.number if c.isdigit()), LETTERED, PasswordRefusal.IS_TAX_ID),
    ],
)
def test_a_password_is_refused_with_its_reason(
    password: str, tax_id: TaxId, reason: PasswordRefusal
):
    assert read_password(SecretStr(password), username="ana.souza", tax_id=tax_id) is reason


@pytest.mark.parametrize("text", ["12345678", "x" * 128, "çãõ 😀 é à", CPF.number + "!a"])
def test_any_other_text_is_a_password(text: str):
    password = SecretStr(text)
    assert read_password(password, username="ana", tax_id=CPF) is password
    assert read_password(password, username=None, tax_id=None) is password


async def test_the_hash_is_argon2id_salted_and_of_this_password_only():
    passwords = Argon2Passwords()
    first, second = await asyncio.gather(*(passwords.hash_password(PASSWORD) for _ in range(2)))
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert await passwords.verify(first, PASSWORD)
    assert not await passwords.verify(first, SecretStr("Correto&Cavalo 43"))
    for no_hash in ("", "plain text", "$argon2id$v=19$m=65536,t=3,p=4$x", first[:-3]):
        assert not await passwords.verify(no_hash, PASSWORD)


class Comparing(PasswordHasher):
    """A hasher that records the cost of each completed comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.costs: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        try:
            return super().verify(hash, password)
        except VerifyMismatchError:
            self.costs.append(extract_parameters(str(hash)))
            raise


async def test_where_there_is_no_hash_a_comparison_of_the_same_cost_is_made(
    monkeypatch: pytest.MonkeyPatch,
):
    passwords, comparing = Argon2Passwords(), Comparing()
    monkeypatch.setattr("bot.runtime.passwords._hasher", comparing)
    for compared in (await passwords.hash_password(PASSWORD), None):
        assert not await passwords.verify(compared, SecretStr("Outra senha 1"))
    with_a_hash, without = comparing.costs
    assert with_a_hash == without


async def test_how_a_keyboard_composes_accents_makes_no_difference():
    passwords = Argon2Passwords()
    composed, taken_apart = (
        SecretStr(unicodedata.normalize(form, "sênha é ção")) for form in ("NFC", "NFD")
    )
    assert await passwords.verify(await passwords.hash_password(composed), taken_apart)


class Held(PasswordHasher):
    """A hasher that begins to hash, and waits until the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.begun_in: list[str] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.begun_in.append(threading.current_thread().name)
        assert self.gate.wait(HANG_S)
        return super().hash(password, salt=salt)


async def test_hashing_leaves_the_event_loop_free_and_has_two_threads(
    monkeypatch: pytest.MonkeyPatch,
):
    passwords, held = Argon2Passwords(), Held()
    monkeypatch.setattr("bot.runtime.passwords._hasher", held)
    hashing = asyncio.gather(*(passwords.hash_password(PASSWORD) for _ in range(5)))
    async with asyncio.timeout(HANG_S):
        while len(held.begun_in) < 2:  # noqa: ASYNC110 - a thread sets no event of a loop
            await asyncio.sleep(0)
    # The loop is not blocked: it reached this line while both threads were held.
    held.gate.set()
    await hashing
    assert len(held.begun_in) == 5
    assert len(set(held.begun_in)) == 2


async def test_a_password_reaches_no_log():
    secret, printed = PASSWORD.get_secret_value(), io.StringIO()
    half = SecretStr(secret + "\ud800")
    passwords, logger = Argon2Passwords(), structlog.get_logger()
    try:
        with contextlib.redirect_stderr(printed):
            configure_logs(level="DEBUG", log_format="json")
        for password in (PASSWORD, read_password(PASSWORD, username=None, tax_id=None)):
            logger.warning("given", password=password, shown=f"{password!r} {password}")
            logging.getLogger("other").error("given %s %r", password, password)
        try:
            await passwords.verify(7, PASSWORD)  # type: ignore[arg-type]  # breaks in argon2
        except AttributeError:
            logger.exception("hashing failed")
        assert await passwords.verify(await passwords.hash_password(half), half)
    finally:
        configure_logs(level="DEBUG", log_format="console")
    assert printed.getvalue().count("given") == 4
    assert "hashing failed" in printed.getvalue()
    assert secret not in printed.getvalue()
