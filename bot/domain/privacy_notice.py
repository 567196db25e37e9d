"""The privacy notice that every chat is given, and which one it was."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrivacyNotice:
    text: str
    url: str = ""
    """Where there is more; empty when there is no such page."""

    @property
    def version(self) -> str:
        """Another one as soon as text or link is another."""
        return hashlib.sha256(f"{self.text}\n{self.url}".encode()).hexdigest()[:12]
