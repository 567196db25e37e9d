"""Several departments: their groups, and the people who write in them."""

from datetime import UTC, datetime
from typing import Any

from bot.demo.people import DemoPerson
from bot.domain.candidate import Candidate, Policy
from bot.domain.registration import ChangeSource, Provenance
from bot.domain.tax_id import TaxId, read_tax_id
from bot.usecases.company.departments import Departments
from tests.flows.conftest import ADMIN_ID, BILLING_GROUP, Telegram


def departments_of(people: Telegram) -> Departments:
    assert people.balcao
    return people.balcao.departments


def in_billing(people: Telegram) -> list[dict[str, Any]]:
    return people.messages(BILLING_GROUP)


def buttons(message: dict[str, Any]) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


async def press(people: Telegram, user_id: int, chat_id: int, text: str) -> str:
    """Press the latest button with this text; return the text of the callback answer."""
    message = [m for m in people.messages(chat_id) if text in buttons(m)][-1]
    pressed = people.emulator.press(user_id, chat_id, message["message_id"], text=text)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer is not None, "the button spins for ever"
    return answer["text"] or ""


async def says(people: Telegram, user_id: int, chat_id: int, text: str) -> None:
    people.emulator.send_text(user_id, chat_id, text)
    await people.settled()


async def registered(people: Telegram, person: DemoPerson, **values: Any) -> None:
    """Register the person from the ERP, then add the values that only the company knows."""
    assert people.balcao
    tax_id = read_tax_id(person.tax_id)
    assert isinstance(tax_id, TaxId)
    await people.balcao.retry_lookups.look_up(tax_id)
    provenance = Provenance(at=datetime.now(UTC), by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT)
    policy = Policy(may_create=False, may_update=True)
    await people.balcao.apply_candidate(Candidate(tax_id=tax_id, **values), policy, provenance)
