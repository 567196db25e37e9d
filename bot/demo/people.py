"""Whom the demo page offers: the people one can be, and what they are there to show."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """One invented person with a phone, and the document to type as them."""

    user_id: int
    first_name: str
    last_name: str = ""
    phone: str
    tax_id: str
    """As a person would type it: with punctuation."""
    shows: str
    """What happens with this document, in pt-BR, printed on the page."""
