"""The questions of the steps before a conversation; each begins its step."""

from aiogram.types import ReplyKeyboardMarkup, ReplyKeyboardRemove

from handlers.customer import keyboards, texts
from handlers.customer.states import Customer
from handlers.customer.turn import Turn


async def ask_tax_id(turn: Turn, sentence: str) -> None:
    await turn.say(sentence, keyboards.without_tax_id())
    await turn.go_to(Customer.asking)


async def ask_confirmation(turn: Turn, sentence: str) -> None:
    """Ask the customer to prove who is writing, with a button for each way."""
    await turn.say(sentence, ways(turn))
    await turn.go_to(Customer.confirming)


async def ask_name(turn: Turn, *, after: str = "", portal: bool = False) -> None:
    """Ask for the name, without a proof.

    after: a sentence before the question; portal: True if the portal login is still offered.
    """
    tax_id = (await turn.chat.get()).customer.tax_id
    question = texts.ask_name(is_company=bool(tax_id and tax_id.is_company))
    await turn.say(
        f"{after} {question}".lstrip(),
        keyboards.portal_login() if portal else ReplyKeyboardRemove(),
    )
    await turn.go_to(Customer.naming)


def ways(turn: Turn) -> ReplyKeyboardMarkup:
    """Return the buttons to prove an identity."""
    return keyboards.ways_to_confirm(portal=turn.reception.portal_login)
