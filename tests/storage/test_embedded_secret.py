"""The password of the embedded server: asked for, kept private, and given to older folders."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import Problem, RefusedError
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.server_folder import prepared
from storage.engine.server_process import USER
from tests.storage.servers import is_running, noted_pid, plain_server, short_lived, until, uri

pytestmark = pytest.mark.embedded


async def test_without_the_password_nothing_can_be_read_or_written(data_dir: Path):
    async with short_lived(data_dir) as address:
        port = int(address.rpartition(":")[2].partition("/")[0])
        for user in ("", f"{USER}:{'x' * 43}@"):
            with pytest.raises(RefusedError) as raised:
                async with connected(uri(port, user), "balcao"):
                    pass
            assert raised.value.problem is Problem.DATABASE_PASSWORD


def arguments_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


async def test_the_password_is_in_its_file_alone(
    data_dir: Path, capfd: pytest.CaptureFixture[str]
):
    secret = (data_dir / "database" / "secret").read_text()
    async with short_lived(data_dir) as address:
        assert secret in address
        arguments = arguments_of(noted_pid(data_dir))
        assert "--auth" in arguments
        assert secret not in arguments
    for path in (data_dir / "database").rglob("*"):
        if path.is_file() and path.name != "secret":
            assert secret.encode() not in path.read_bytes(), path
    assert stat.S_IMODE((data_dir / "database" / "secret").stat().st_mode) == 0o600
    out = capfd.readouterr()
    assert secret not in out.out + out.err


async def test_no_client_of_it_repeats_a_write_by_itself(mongodb_uri: str):
    async with connected(mongodb_uri, "balcao") as database:
        assert database.client.options.retry_writes is False


async def test_a_folder_from_before_keeps_its_data_and_gets_a_password(tmp_path: Path):
    files = tmp_path / "database" / "files"
    # As one that was killed has left it: with a server that asks nobody for a password, and with
    # the user, whose password nobody knows.
    async with plain_server(files) as port:
        async with connected(uri(port), "balcao") as old:
            await old["x"].insert_one({"_id": 1})
            await old.client["admin"].command("createUser", USER, pwd="unknown", roles=["root"])
        left = prepared(tmp_path)
        assert left.secret() is None
        async with short_lived(tmp_path) as address, connected(address, "balcao") as database:
            secret = left.secret()
            assert secret
            assert secret in address
            assert await database["x"].find_one() == {"_id": 1}


# Another Balcão process, which is killed while it starts.
STARTING = """
import asyncio, pathlib, sys
from storage.engine.embedded import embedded_server
async def main():
    async with embedded_server(pathlib.Path(sys.argv[1])):
        pass
asyncio.run(main())
"""


async def test_a_kill_while_the_password_is_made_is_mended_by_the_next_start(tmp_path: Path):
    folder = prepared(tmp_path)
    with subprocess.Popen(  # noqa: ASYNC220, S603
        [sys.executable, "-c", STARTING, str(tmp_path)], stdout=subprocess.DEVNULL
    ) as starting:
        await until(lambda: folder.note() is not None)
        starting.kill()
    assert folder.secret() is None
    pid = noted_pid(tmp_path)
    async with short_lived(tmp_path) as address:
        secret = folder.secret()
        assert secret
        assert secret in address
        assert not is_running(pid)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 50])
def test_a_file_that_holds_no_password_counts_as_none(tmp_path: Path, content: bytes):
    folder = prepared(tmp_path)
    folder.write_secret("x" * 43)
    assert folder.secret() == "x" * 43
    (folder.path / "secret").write_bytes(content)
    assert folder.secret() is None


async def test_a_wrong_password_in_the_file_is_told_with_its_remedy(data_dir: Path):
    secret = data_dir / "database" / "secret"
    secret.write_text("x" * 43)
    with pytest.raises(RefusedError) as raised:
        async with embedded_server(data_dir):
            pass
    assert raised.value.problem is Problem.EMBEDDED_SECRET
    secret.unlink()
    async with short_lived(data_dir) as address:
        assert secret.read_text() in address
