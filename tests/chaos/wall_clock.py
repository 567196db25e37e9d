"""The wall clock of one process, wrong by as many seconds as the test says.

libfaketime moves the clocks that sleeping goes by as well; this moves CLOCK_REALTIME alone.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("wall_clock.c")
HAS_COMPILER: Final = shutil.which("cc") is not None
_SECONDS: Final = struct.Struct("=q")


def library(folder: Path) -> Path:
    """Compile the library that is to be preloaded; return its path."""
    made = folder / "wall_clock.so"
    subprocess.run(  # noqa: S603 - our own source
        ["cc", "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl"],  # noqa: S607
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return made


class WallClock:
    """The clock of the processes that have `CHAOS_CLOCK` set to this file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """Make the clock wrong by so many seconds, from now on."""
        if not self.file.exists():
            self.file.write_bytes(_SECONDS.pack(seconds))
            return
        # In place: the processes have this very file in their memory.
        with self.file.open("r+b") as shared:
            shared.write(_SECONDS.pack(seconds))
