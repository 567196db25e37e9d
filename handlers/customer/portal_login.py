"""The second proof of identity: user name and password of the customer's portal.

Every step looks the same for known and for unknown tax ids. The user name is stored only as
matched or not matched; nothing of the password is stored.
"""

from typing import assert_never

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.filters import Command, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.types import Message, Update, User
from pydantic import SecretStr

from bot.domain.errors import TryLaterError
from bot.domain.portal import UsernameRefusal, read_username
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.introduce import NotVerified, Verified
from bot.usecases.customer.log_in import NoMoreTries
from handlers.customer import identification, keyboards, texts
from handlers.customer.reception import Reception
from handlers.customer.states import Customer, go_to


async def begin(
    message: Message, state: FSMContext, chat: CurrentChat, reception: Reception
) -> None:
    """Start the login. The button may be from before the login was blocked."""
    if not await reception.log_in.is_open(chat):
        await identification.ask_confirmation(message, state, reception, texts.NO_MORE_LOGINS)
        return
    await message.answer(texts.ASK_USERNAME, reply_markup=keyboards.logging_in())
    await go_to(Customer.username, state)


async def receive_username(
    message: Message,
    state: FSMContext,
    chat: CurrentChat,
    text: str,
    reception: Reception,
    event_update: Update,
) -> None:
    # Impatient customers write the password after the user name, or instead of it.
    await reception.forget_content(event_update.update_id)
    username = read_username(text)
    if isinstance(username, UsernameRefusal):
        await _delete(message)
        await message.answer(texts.NOT_A_USERNAME, reply_markup=keyboards.logging_in())
        return
    # The answer goes first, so that the time of the comparison reveals nothing.
    await message.answer(texts.ASK_PASSWORD, reply_markup=keyboards.logging_in())
    fits = await reception.log_in.is_username(chat, username)
    await state.set_state(Customer.password)
    await state.set_data({"username_fits": fits})


async def receive_other_than_username(
    message: Message, reception: Reception, event_update: Update
) -> None:
    await reception.forget_content(event_update.update_id)
    await message.answer(texts.NOT_A_USERNAME, reply_markup=keyboards.logging_in())


async def receive_password(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    text: str,
    reception: Reception,
    event_update: Update,
) -> None:
    # Before all else: if a later step fails, the update is handled again without the password.
    await reception.forget_content(event_update.update_id)
    await _delete(message)
    outcome = await reception.log_in(
        chat,
        SecretStr(text),
        username_fits=(await state.get_data()).get("username_fits", False),
        try_id=f"{message.chat.id}:{message.message_id}",
    )
    match outcome:
        case Verified(registration):
            await identification.welcome(
                message, state, event_from_user, chat, reception, registration
            )
        case NotVerified():
            await message.answer(texts.WRONG_LOGIN, reply_markup=keyboards.logging_in())
        case NoMoreTries():
            await identification.ask_confirmation(message, state, reception, texts.NO_MORE_LOGINS)
        case _:
            assert_never(outcome)


async def receive_other_than_password(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
    event_update: Update,
) -> None:
    """Delete a picture of the password; also handles an update that comes again, emptied."""
    await reception.forget_content(event_update.update_id)
    await _delete(message)
    if registration := await reception.log_in.verified(chat):
        await identification.welcome(
            message, state, event_from_user, chat, reception, registration
        )
        return
    await message.answer(texts.PASSWORD_AS_TEXT, reply_markup=keyboards.logging_in())


async def back_to_username(message: Message, state: FSMContext) -> None:
    await message.answer(texts.ASK_USERNAME, reply_markup=keyboards.logging_in())
    await go_to(Customer.username, state)


async def back_to_confirming(message: Message, state: FSMContext, reception: Reception) -> None:
    await identification.ask_confirmation(message, state, reception, texts.USE_PHONE_BUTTON)


async def skip(message: Message, state: FSMContext) -> None:
    await identification.ask_name(message, state)


def router() -> Router:
    """Return the router, for private chats only; to be included before the other steps."""
    router = Router(name="portal login")
    # Also offered to a customer who shared a telephone that is not on record.
    offered = StateFilter(Customer.confirming, Customer.naming)
    router.message.register(begin, offered, F.text == texts.PORTAL_LOGIN)
    logging_in = StateFilter(Customer.username, Customer.password)
    router.message.register(skip, logging_in, F.text == texts.SKIP)
    router.message.register(skip, logging_in, Command("pular"))
    router.message.register(back_to_confirming, Customer.username, F.text == texts.BACK)
    router.message.register(back_to_username, Customer.password, F.text == texts.BACK)
    words, text = ~F.text.startswith("/"), F.text.as_("text")
    router.message.register(receive_username, Customer.username, words, text)
    router.message.register(receive_other_than_username, Customer.username, ~F.text, ~F.contact)
    router.message.register(receive_password, Customer.password, words, text)
    router.message.register(receive_other_than_password, Customer.password, ~F.text, ~F.contact)
    return router


async def _delete(message: Message) -> None:
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
    await message.answer(texts.DELETE_PASSWORD)
