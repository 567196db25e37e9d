"""Registrations of the people who write to the bot."""

from typing import Any

from bot.domain.tax_id import TaxId, read_tax_id
from tests.flows.conftest import Telegram


async def registration_of(people: Telegram, document: str) -> Any:
    tax_id = read_tax_id(document)
    assert isinstance(tax_id, TaxId)
    assert people.balcao
    return (await people.balcao.registrations.by_tax_ids([tax_id])).get(tax_id.key)
