"""The refused rows of an import as a file, written while the import reads the rows."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Self

from bot.domain.job import RowReport
from bot.runtime.files.writing import TableWriter

Rows = list[tuple[int, list[str]]]
"""Line and cells of each row."""


class RefusedRows:
    """Writes each refused row with its columns, its line and its reasons, to be corrected and sent
    again. Cells beyond the header stand behind the reasons: sent again, they refuse the row again.

    Rows are held until it is known which of them were refused. As a context manager it removes an
    unfinished file.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        header: Sequence[str],
        *,
        describe: Callable[[RowReport], str],
        earlier: AsyncIterator[RowReport],
        after_line: int,
    ) -> None:
        """earlier: the reports of the rows up to `after_line`, which an earlier run refused, in
        the order of the file."""
        self._folder = folder
        self._name = name
        self._header = header
        self._describe = describe
        self._earlier = earlier
        self._after_line = after_line
        self._held: deque[Rows] = deque()
        self._writer: TableWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.discard()

    async def passing(self, rows: AsyncGenerator[Rows, None]) -> AsyncGenerator[Rows, None]:
        """Yield the same rows, and hold them."""
        report = await anext(self._earlier, None)
        async with aclosing(rows):
            async for some in rows:
                self._held.append(some)
                known = []
                while report is not None and report.line <= some[-1][0]:
                    known.append(report)
                    report = await anext(self._earlier, None)
                await self.decided(known, self._after_line)
                yield some

    async def decided(self, refused: Sequence[RowReport], last_line: int) -> None:
        """Write the refused rows, and let go of all rows up to this line."""
        if refused:
            await self._write(refused)
        while self._held and self._held[0][-1][0] <= last_line:
            self._held.popleft()

    async def close(self) -> list[Path]:
        """Return the finished files; none if no row was refused."""
        return await asyncio.to_thread(self._writer.close) if self._writer is not None else []

    async def _write(self, refused: Sequence[RowReport]) -> None:
        if self._writer is None:
            header = [*self._header, "linha", "erro"]
            self._writer = TableWriter(self._folder, self._name, "csv", header)
        reports = {report.line: report for report in refused}
        width = len(self._header)
        rows = [
            [
                *cells[:width],
                *[""] * (width - len(cells)),
                str(line),
                self._describe(reports[line]),
                *_filled(cells[width:]),
            ]
            for some in self._held
            for line, cells in some
            if line in reports
        ]
        await asyncio.to_thread(self._writer.write_rows, rows)


def _filled(surplus: Sequence[str]) -> Sequence[str]:
    return surplus if any(map(str.strip, surplus)) else ()
