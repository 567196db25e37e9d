"""Folders with people's files: gone after use, and at the next start after a kill."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.runtime.files.work_folders import remove_left, work_folder
from tests.patience import HANG_S

_HOLDER = """
import asyncio, sys
from pathlib import Path
from bot.runtime.files.work_folders import work_folder

async def main():
    async with work_folder(Path(sys.argv[1])) as folder:
        (folder / "file").write_text("Ana")
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def files_in(data_dir: Path) -> list[str]:
    return [path.read_text() for path in data_dir.glob("upload-*/file")]


async def test_a_folder_is_private_and_gone_after_use(tmp_path: Path):
    async with work_folder(tmp_path / "data") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "file").write_text("Ana")
        remove_left(tmp_path / "data")
        assert (folder / "file").exists()
    assert list((tmp_path / "data").iterdir()) == []


async def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path):
    # Of a version that did not lock its folders.
    (tmp_path / "upload-old").mkdir()
    (tmp_path / "upload-old" / "file").write_text("Ana")
    (tmp_path / "other").mkdir()
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HOLDER, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        async with asyncio.timeout(HANG_S):
            assert holder.stdout
            assert await holder.stdout.readline() == b"ready\n"
        remove_left(tmp_path)
        assert "Ana" in files_in(tmp_path)
    finally:
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
    remove_left(tmp_path)
    assert os.listdir(tmp_path) == ["other"]


def test_without_a_data_directory_there_is_nothing_to_remove(tmp_path: Path):
    remove_left(tmp_path / "none")
