"""The privacy notice that every chat receives, and its version."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrivacyNotice:
    text: str
    url: str = ""
    """The page with the full text; empty if there is none."""

    @property
    def version(self) -> str:
        """Return the version, a hash that changes with the text or the link."""
        return hashlib.sha256(f"{self.text}\n{self.url}".encode()).hexdigest()[:12]
