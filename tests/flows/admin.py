"""An admin at the register's screens."""

from dataclasses import dataclass
from typing import Any

from tests.flows.conftest import Telegram


@dataclass
class Admin:
    telegram: Telegram
    id: int

    async def says(self, text: str) -> str:
        """Send a text and return the screen shown afterwards."""
        self.telegram.emulator.send_text(self.id, self.id, text)
        await self.telegram.settled()
        return self.screen

    async def presses(
        self, text: str, *, exactly: bool = False, screen: dict[str, Any] | None = None
    ) -> str:
        """Press the button whose label contains `text`; return the screen shown afterwards.

        screen: the message to press on; the newest one with buttons if None.
        """
        message = screen or self.message
        rows = message["reply_markup"]["inline_keyboard"]
        data = next(
            button["callback_data"]
            for row in rows
            for button in row
            if (button["text"] == text if exactly else text in button["text"])
        )
        # `force`, because a given screen may have lost the button since.
        pressed = self.telegram.emulator.press(
            self.id, self.id, message["message_id"], data=data, force=screen is not None
        )
        await self.telegram.settled()
        answer = self.telegram.emulator.callback_answer(pressed)
        assert answer is not None, "the button spins for ever"
        self.told = answer["text"] or ""
        return self.screen

    told: str = ""
    """The answer to the last callback query; empty if it had no text."""

    @property
    def message(self) -> dict[str, Any]:
        """The newest message with buttons."""
        return [m for m in self.telegram.messages(self.id) if labels(m)][-1]

    @property
    def screen(self) -> str:
        """The text or caption of the newest message with buttons; empty without one, as when a
        job has ended before."""
        shown = [m for m in self.telegram.messages(self.id) if labels(m)][-1:]
        return "".join(str(m.get("text") or m["caption"]) for m in shown)

    @property
    def buttons(self) -> list[str]:
        return labels(self.message)


def labels(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]
