"""Redaction of the audit entries of one registration: docs/decisions/anonymise.md."""

from collections.abc import Sequence
from typing import Final

from bot.domain.audit import Event
from bot.domain.data_subject import ANONYMISED_NAME, NO_CHAT
from storage.engine.connection import Document
from storage.register.audit import filed
from storage.register.audit_chain import hash_of

STATE: Final = "s"
"""Replaces the hash of a registration, from which the hashed values could be guessed."""
_KEPT: Final = ("_id", "registration_id", "version", "event", "was_broken")


def redacted(entries: Sequence[Document]) -> list[Document]:
    """Return the entries by version, redacted and hashed anew.

    They keep their time, author, event and the names of changed fields.
    """
    chain: list[Document] = []
    before: Document | None = None
    for entry in sorted(entries, key=lambda one: int(one["version"])):
        blank: Document = {key: entry[key] for key in _KEPT if key in entry}
        blank |= {"blanked": True, "name": ANONYMISED_NAME, "stamp": _provenance(entry["stamp"])}
        if changes := entry.get("changes"):
            paths = [change["path"] for change in changes]
            blank["changes"] = [{"path": path, "before": None, "after": None} for path in paths]
        if "hash" in entry or before is not None:
            blank = _sealed(blank, before)
            before = blank
        chain.append(blank)
    return chain


def _sealed(entry: Document, before: Document | None) -> Document:
    if before is not None:
        links = {"previous": before["hash"], "found": STATE}
    else:
        first = "" if entry["event"] == Event.CREATED else STATE
        links = {"previous": first, "found": first}
    sealed = entry | links | {"state": STATE}
    sealed["hash"] = hash_of(sealed)
    return sealed | filed(sealed)


def _provenance(provenance: Document) -> Document:
    by = NO_CHAT if str(provenance["by"]).startswith("chat:") else provenance["by"]
    return dict(provenance) | {"by": by}
