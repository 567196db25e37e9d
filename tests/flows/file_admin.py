"""An admin who sends files and reads the results."""

import csv
import io
from pathlib import Path
from typing import Any

from tests.flows.admin import Admin, labels
from tests.patience import until


class FileAdmin(Admin):
    """An `Admin` whose screen is the bot's newest message if none has buttons."""

    @property
    def said(self) -> list[dict[str, Any]]:
        return [m for m in self.telegram.messages(self.id) if m["from"]["is_bot"]]

    @property
    def message(self) -> dict[str, Any]:
        return ([m for m in self.said if labels(m)] or self.said)[-1]

    @property
    def screen(self) -> str:
        return str(self.message.get("text") or self.message.get("caption"))

    @property
    def last(self) -> str:
        """The bot's last text, with or without buttons."""
        return self.telegram.texts(self.id)[-1]

    async def sends(self, content: bytes | str, name: str = "clientes.csv", mime: str = "") -> str:
        """Send a file; return the bot's last text."""
        data = content.encode("cp1252") if isinstance(content, str) else content
        emulator = self.telegram.emulator
        emulator.send_file(self.id, self.id, "document", data, name=name, mime=mime)
        await self.telegram.settled()
        return self.last

    async def reads(self, text: str) -> str:
        """Wait until the bot's newest text contains `text`, and return it."""

        def found() -> str:
            said = [m for m in self.said if "text" in m]
            return str(said[-1]["text"]) if text in said[-1]["text"] else ""

        return await self.telegram.emulator.until(found)

    async def receives(self, count: int = 1) -> dict[str, Any]:
        """Wait until the bot has sent `count` files; return the message of the newest."""
        await self.telegram.emulator.until(lambda: len(self.documents) >= count)
        return self.documents[-1]

    async def imports(self, content: bytes | str, name: str = "clientes.csv") -> str:
        """Send, check and confirm a file that raises no question; return the report."""
        await self.sends(content, name)
        await self.presses("Conferir arquivo")
        await self.reads("Prévia")
        await self.presses("✅ Importar")
        return await self.reads("Importação concluída")

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [m for m in self.said if "document" in m]

    def content(self, message: dict[str, Any]) -> bytes:
        file = self.telegram.emulator.files.by_id(message["document"]["file_id"])
        assert file is not None
        return file.content

    def rows(self, message: dict[str, Any]) -> list[list[str]]:
        """Return the rows of a CSV that the bot sent."""
        text = self.content(message).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def left_in(data_dir: Path) -> list[Path]:
    """Return the uploads and job files that are left on the disk."""
    return [path for path in data_dir.iterdir() if path.name.startswith(("upload-", "job-"))]


async def nothing_left_in(data_dir: Path) -> None:
    """Wait until all uploads and job files are deleted."""
    await until(lambda: not left_in(data_dir))
