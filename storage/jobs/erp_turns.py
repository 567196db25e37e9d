"""Turns at an ERP that works on one request at a time, over all processes."""

from storage.engine.connection import Database
from storage.engine.leases import Leases


def turn_leases(database: Database) -> Leases[str]:
    """Return the leases of the requests that run now: one small document each, while it runs."""
    return Leases(database["locks"], are_documents=True)
