"""The command line reports each error in one sentence, with exit code 1 and no traceback."""

import asyncio
import os
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.storage import broken_places
from tests.storage.broken_places import corrupt, fill, mounted
from tests.storage.commands import ROOT, CommandResult, assert_one_sentence, balcao, python_balcao
from tests.storage.servers import free_port, plain_server, short_lived, uri

pytestmark = pytest.mark.embedded

# A valid token; the database is opened first, so Telegram is never asked about it.
SERVING = {
    "BALCAO_BOT_TOKEN": "7000000001:AAabcdefghijklmnopqrstuvwxyz_-12345",
    "BALCAO_ATTENDANTS_CHAT_ID": "-1001234567890",
    "BALCAO_TELEGRAM_API_URL": f"http://127.0.0.1:{free_port()}",
    "BALCAO_HTTP_PORT": "0",
}


async def assert_check_says(sentence: str, cwd: Path, **env: str) -> None:
    said = await balcao("check", cwd=cwd, **env)
    assert_one_sentence(said, sentence)
    assert said.err == ""
    assert f"✗ banco de dados: {sentence}" in said.out


async def assert_run_says(sentence: str, cwd: Path, **env: str) -> None:
    said = await balcao("run", cwd=cwd, **SERVING, **env)
    assert_one_sentence(said, sentence)
    assert said.out == ""
    [line] = [line for line in said.err.splitlines() if line.startswith("Erro:")]
    assert sentence in line


@pytest.fixture(scope="module", autouse=True)
async def not_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[asyncio.Task[CommandResult]]:
    """Run the bot with a MongoDB that is not there.

    This takes five seconds, so it runs beside the other tests.
    """
    cwd = tmp_path_factory.mktemp("not_there")
    address = uri(free_port())
    said = asyncio.create_task(balcao("run", cwd=cwd, **SERVING, BALCAO_MONGODB_URI=address))
    yield said
    await asyncio.wait([said])


async def test_a_wrong_mongodb_address_and_a_data_directory_that_is_a_file(tmp_path: Path):
    place = str(broken_places.a_file(tmp_path))
    await asyncio.gather(
        assert_check_says(
            "BALCAO_MONGODB_URI: o endereço",
            tmp_path,
            BALCAO_MONGODB_URI="mongodb://ana:segredo@@x",
        ),
        assert_run_says("BALCAO_DATA_DIR: isto não é uma pasta.", tmp_path, BALCAO_DATA_DIR=place),
    )


async def test_a_wrong_mongodb_password(tmp_path: Path):
    async with plain_server(tmp_path / "files", "--auth") as port:
        sentence = "BALCAO_MONGODB_URI: o MongoDB recusou o usuário ou a senha."
        await assert_check_says(sentence, tmp_path, BALCAO_MONGODB_URI=uri(port, "ana:segredo@"))


async def test_a_data_directory_that_cannot_be_written_and_one_that_is_full(tmp_path: Path):
    with (
        mounted(tmp_path / "ro", "ro", "size=64k") as read_only,
        mounted(tmp_path / "full", "size=64k") as full,
    ):
        (full / "database").mkdir()
        fill(full)
        await asyncio.gather(
            assert_check_says(
                "BALCAO_DATA_DIR: não consigo gravar nesta pasta.",
                tmp_path,
                BALCAO_DATA_DIR=str(read_only / "data"),
            ),
            assert_check_says(
                "BALCAO_DATA_DIR: o disco está cheio.", tmp_path, BALCAO_DATA_DIR=str(full)
            ),
        )


async def test_damaged_files(tmp_path: Path):
    async with short_lived(tmp_path / "healthy"):
        pass
    place = corrupt(tmp_path / "healthy", tmp_path / "bad", "WiredTiger.wt", b"lixo" * 2000)
    sentence = "BALCAO_DATA_DIR: os arquivos do banco de dados estão danificados."
    await assert_run_says(sentence, tmp_path, BALCAO_DATA_DIR=str(place))


def another_python(folder: Path) -> Path:
    """Give a link to this Python in a folder without `secantusd-py` beside it."""
    folder.mkdir()
    python = folder / "python"
    python.symlink_to(Path(sys.executable).resolve())
    return python


async def test_an_embedded_server_that_is_not_installed(tmp_path: Path):
    python = another_python(tmp_path / "bin")
    assert shutil.which("secantusd-py", path=str(python.parent)) is None
    said = await python_balcao(
        "check",
        cwd=tmp_path,
        python=str(python),
        PATH=str(python.parent),
        PYTHONPATH=f"{ROOT}{os.pathsep}{sysconfig.get_path('purelib')}",
        BALCAO_DATA_DIR=str(tmp_path / "data"),
    )
    assert_one_sentence(said, "O banco de dados embutido não está instalado.")
    assert "balcao[embedded]" in said.words
    assert "BALCAO_MONGODB_URI" in said.words


async def test_wrong_and_missing_settings_are_named_line_by_line(tmp_path: Path):
    wrong, missing = await asyncio.gather(
        python_balcao(
            "check", cwd=tmp_path, BALCAO_HTTP_PORT="segredo", BALCAO_LOG_LEVEL="segredo"
        ),
        python_balcao("run", cwd=tmp_path),
    )
    assert_one_sentence(wrong, "BALCAO_HTTP_PORT: use um número inteiro")
    assert_one_sentence(wrong, "BALCAO_LOG_LEVEL: use um destes")
    assert_one_sentence(missing, "BALCAO_BOT_TOKEN: falta o token")
    assert_one_sentence(missing, "BALCAO_ATTENDANTS_CHAT_ID: falta o número")
    assert not (tmp_path / "data").exists()


async def test_a_mongodb_that_is_not_there(not_there: asyncio.Task[CommandResult]):
    said = await not_there
    assert_one_sentence(said, "Erro: O MongoDB não responde.")
    assert said.out == ""
