"""The name that a customer gives when nothing has proved the identity."""

from aiogram import F, Router
from aiogram.types import Message

from bot.domain.customer_words import is_only_number, read_given_name, tax_id_alone
from bot.usecases.customer.introduce import introduce
from handlers.access import IsWords
from handlers.customer import choice, texts
from handlers.customer.identification import FAILURES_IN_A_ROW, take_tax_id
from handlers.customer.states import Customer
from handlers.customer.turn import Turn


async def receive_name(message: Message, turn: Turn, text: str) -> None:
    found = tax_id_alone(text)
    if found is not None:
        await take_tax_id(turn, found)
        return
    tax_id = (await turn.chat.get()).customer.tax_id
    is_company = bool(tax_id and tax_id.is_company)
    if name := read_given_name(text, is_company=is_company):
        await introduce(turn.chat, name)
        await choice.open_or_ask(turn)
        return
    if not is_only_number(text):
        await turn.keep(message)
        await _ask_name_again(turn, texts.not_a_name(is_company=is_company))
    else:
        await _ask_name_again(turn, texts.NAME_IS_A_NUMBER)


async def receive_other_than_name(message: Message, turn: Turn) -> None:
    await turn.keep(message)
    await _ask_name_again(turn, texts.NAME_AS_TEXT)


def router() -> Router:
    """Return the router of this step; the including router must filter for private chats."""
    router = Router(name="naming")
    router.message.register(receive_name, Customer.naming, IsWords(), F.text.as_("text"))
    router.message.register(receive_other_than_name, Customer.naming, ~F.text)
    return router


async def _ask_name_again(turn: Turn, sentence: str) -> None:
    """Ask again, three times in a row at most; then the name in Telegram has to do."""
    failures = (await turn.state.get_data()).get("failures", 0) + 1
    if failures < FAILURES_IN_A_ROW:
        await turn.say(sentence)
        await turn.state.set_data({"failures": failures})
        return
    await choice.open_or_ask(turn)
