"""Tags, and what they and departments have in common: a name one can read in a file."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.domain.search import fold

LABEL_LENGTH: Final = 40


class Tag(BaseModel):
    """Etiqueta: a label on registrations."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: Annotated[str, StringConstraints(min_length=1, max_length=LABEL_LENGTH)]
    emoji: str = ""
    archived: bool = False
    """Not offered any more; registrations that have it keep it."""

    @property
    def shown(self) -> str:
        return f"{self.emoji} {self.name}".strip()


def label_key(name: str) -> str:
    """Names with one key are one name: files are typed by people."""
    return fold(name)
