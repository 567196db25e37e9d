"""Charts as PNGs, drawn in a process of their own (`process.py`)."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog

from bot.domain.chart import Chart
from bot.domain.errors import RefusedError, TryLaterError

_LONGEST_S: Final = 60.0
_SCRIPT: Final = Path(__file__).with_name("process.py")

logger = structlog.get_logger()


class DrawCharts:
    """Draws charts, in one process at a time."""

    def __init__(self, *, longest_s: float = _LONGEST_S) -> None:
        self._longest_s = longest_s
        self._turn = asyncio.Lock()

    async def __call__(self, charts: Sequence[Chart]) -> list[bytes]:
        """Return a PNG of each chart.

        Raises RefusedError when the process fails, TryLaterError when it takes too long.
        """
        asked = json.dumps([asdict(chart) for chart in charts]).encode()
        async with self._turn:
            drawn = await self._drawn(asked)
        pictures = []
        while drawn:
            end = 4 + int.from_bytes(drawn[:4], "big")
            pictures.append(drawn[4:end])
            drawn = drawn[end:]
        return pictures

    async def _drawn(self, asked: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_SCRIPT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # The charts have few numbers, so no threads are needed.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(self._longest_s):
                drawn, said = await process.communicate(asked)
        except TimeoutError as error:
            raise TryLaterError("drawing charts took too long") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            # Only the type of the error: its message may quote what was drawn.
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            logger.error("charts not drawn", error=last.partition(":")[0][:80])
            raise RefusedError(f"drawing charts failed (exit code {process.returncode})")
        return drawn
