"""/etiquetas and /departamentos, as an admin uses them."""

from typing import Any

from bot.domain.label import Tag
from bot.usecases.company.departments import Departments
from bot.usecases.register.labels import Tags
from tests.flows.conftest import ADMIN_ID, Telegram


class Screen:
    """The admin's chat; the screen is the latest message with buttons."""

    def __init__(self, people: Telegram) -> None:
        self._people = people
        assert people.balcao
        self.tags: Tags = people.balcao.tags
        self.departments: Departments = people.balcao.departments

    @property
    def _message(self) -> dict[str, Any]:
        return [m for m in self._people.messages(ADMIN_ID) if m.get("reply_markup")][-1]

    @property
    def text(self) -> str:
        text: str = self._people.messages(ADMIN_ID)[-1]["text"]
        return text

    @property
    def buttons(self) -> list[str]:
        rows = self._message["reply_markup"]["inline_keyboard"]
        return [button["text"] for row in rows for button in row]

    async def says(self, text: str) -> str:
        self._people.emulator.send_text(ADMIN_ID, ADMIN_ID, text)
        await self._people.settled()
        return self.text

    async def sends_sticker(self) -> str:
        self._people.emulator.send_file(ADMIN_ID, ADMIN_ID, "sticker", b"x", name="a.webp")
        await self._people.settled()
        return self.text

    async def press(self, text: str) -> str:
        message_id = self._message["message_id"]
        self._people.emulator.press(ADMIN_ID, ADMIN_ID, message_id, text=text)
        await self._people.settled()
        return self.text

    async def tag(self, name: str, emoji: str = "") -> Tag:
        """Create a tag and return it."""
        tag = await self.tags.create(name, emoji)
        assert isinstance(tag, Tag)
        return tag
