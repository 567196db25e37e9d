"""The place of the present work in a trace."""

from contextvars import ContextVar
from typing import Final

here: Final[ContextVar[object | None]] = ContextVar("here", default=None)
"""The span in which the present work is done; None where nothing is traced.

Only who records traces knows its type. Calls that share a round trip hand it on themselves.
"""
