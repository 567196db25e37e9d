"""Data directories in which no database can live."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(where: Path, *options: str) -> Iterator[Path]:
    """Mount a file system of its own, in memory; skip the test if mounting is not permitted."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.getuid() != 0 or not mount or not unmount:
        pytest.skip("mounting needs root")
    where.mkdir(parents=True)
    command = [mount, "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(where)]
    if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("mounting is not permitted here")
    try:
        yield where
    finally:
        subprocess.run([unmount, "--lazy", str(where)], check=True)  # noqa: S603


def fill(folder: Path) -> None:
    """Fill this file system to the last byte."""
    for size in (1 << 16, 1 << 12, 1):
        with contextlib.suppress(OSError), (folder / f"ballast{size}").open("wb", 0) as ballast:
            while True:
                ballast.write(b"x" * size)


def a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file"


def below_a_file(tmp_path: Path) -> Path:
    return a_file(tmp_path) / "data"


def database_is_a_file(tmp_path: Path) -> Path:
    (tmp_path / "database").write_text("x")
    return tmp_path


def corrupt(healthy: Path, data_dir: Path, pattern: str, content: bytes) -> Path:
    """Return a copy of the directory with other content in the files that match this pattern."""
    shutil.copytree(healthy, data_dir)
    files = [path for path in (data_dir / "database" / "files").glob(pattern) if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(content)
    return data_dir
