"""The second proof of identity: user name and password of the customer's portal.

Every step looks the same for known and for unknown tax ids. The user name is stored only as
matched or not matched; nothing of the password is stored.
"""

from typing import assert_never

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.filters import Command, StateFilter
from aiogram.types import Message, Update
from pydantic import SecretStr

from bot.domain.errors import TryLaterError
from bot.domain.portal import UsernameRefusal, read_username
from bot.usecases.customer.introduce import NotVerified, Verified
from bot.usecases.customer.log_in import NoMoreTries
from handlers.access import IsWords
from handlers.customer import identification, keyboards, texts
from handlers.customer.questions import ask_confirmation, ask_name
from handlers.customer.states import Customer
from handlers.customer.turn import Turn


async def begin(_: Message, turn: Turn) -> None:
    """Start the login. The button may be from before the login was blocked."""
    if await turn.reception.log_in.is_open(turn.chat):
        await _ask_username(turn)
    else:
        await ask_confirmation(turn, texts.NO_MORE_LOGINS)


async def receive_username(message: Message, turn: Turn, text: str, event_update: Update) -> None:
    # Impatient customers write the password after the user name, or instead of it.
    await turn.reception.forget_content(event_update.update_id)
    username = read_username(text)
    if isinstance(username, UsernameRefusal):
        await _delete(message, turn)
        await turn.say(texts.NOT_A_USERNAME, keyboards.logging_in())
        return
    # The answer goes first, so that the time of the comparison reveals nothing.
    await turn.say(texts.ASK_PASSWORD, keyboards.logging_in())
    fits = await turn.reception.log_in.is_username(turn.chat, username)
    await turn.state.set_state(Customer.password)
    await turn.state.set_data({"username_fits": fits})


async def receive_other_than_username(_: Message, turn: Turn, event_update: Update) -> None:
    await turn.reception.forget_content(event_update.update_id)
    await turn.say(texts.NOT_A_USERNAME, keyboards.logging_in())


async def receive_password(message: Message, turn: Turn, text: str, event_update: Update) -> None:
    # Before all else: if a later step fails, the update is handled again without the password.
    await turn.reception.forget_content(event_update.update_id)
    await _delete(message, turn)
    outcome = await turn.reception.log_in(
        turn.chat,
        SecretStr(text),
        username_fits=(await turn.state.get_data()).get("username_fits", False),
        try_id=f"{message.chat.id}:{message.message_id}",
    )
    match outcome:
        case Verified(registration):
            await identification.welcome(turn, registration)
        case NotVerified():
            await turn.say(texts.WRONG_LOGIN, keyboards.logging_in())
        case NoMoreTries():
            await ask_confirmation(turn, texts.NO_MORE_LOGINS)
        case _:
            assert_never(outcome)


async def receive_other_than_password(message: Message, turn: Turn, event_update: Update) -> None:
    """Delete a picture of the password; also handles an update that comes again, emptied."""
    await turn.reception.forget_content(event_update.update_id)
    await _delete(message, turn)
    if registration := await turn.reception.log_in.verified(turn.chat):
        await identification.welcome(turn, registration)
    else:
        await turn.say(texts.PASSWORD_AS_TEXT, keyboards.logging_in())


async def back_to_confirming(_: Message, turn: Turn) -> None:
    await ask_confirmation(turn, texts.USE_PHONE_BUTTON)


async def back_to_username(_: Message, turn: Turn) -> None:
    await _ask_username(turn)


async def skip(_: Message, turn: Turn) -> None:
    await ask_name(turn)


def router() -> Router:
    """Return the router, for private chats only; to be included before the other steps."""
    router = Router(name="portal login")
    # Also offered to a customer who shared a telephone that is not on record. Its button stays
    # below the question for the department, which has buttons of its own.
    offered = StateFilter(Customer.confirming, Customer.naming, Customer.choosing)
    router.message.register(begin, offered, F.text == texts.PORTAL_LOGIN)
    logging_in = StateFilter(Customer.username, Customer.password)
    router.message.register(skip, logging_in, F.text == texts.SKIP)
    router.message.register(skip, logging_in, Command("pular"))
    router.message.register(back_to_confirming, Customer.username, F.text == texts.BACK)
    router.message.register(back_to_username, Customer.password, F.text == texts.BACK)
    words, text = IsWords(), F.text.as_("text")
    router.message.register(receive_username, Customer.username, words, text)
    router.message.register(receive_other_than_username, Customer.username, ~F.text, ~F.contact)
    router.message.register(receive_password, Customer.password, words, text)
    router.message.register(receive_other_than_password, Customer.password, ~F.text, ~F.contact)
    return router


async def _ask_username(turn: Turn) -> None:
    await turn.say(texts.ASK_USERNAME, keyboards.logging_in())
    await turn.go_to(Customer.username)


async def _delete(message: Message, turn: Turn) -> None:
    """Delete the message, or ask the customer to delete it."""
    try:
        await message.delete()
    except TelegramBadRequest as error:
        if "not found" in error.message:
            return  # the customer deleted it first, or the update is handled again
    except (TelegramAPIError, TryLaterError):
        pass
    else:
        return
    await turn.say(texts.DELETE_PASSWORD)
