"""Identification of a customer: tax id, telephone and name, up to the open conversation."""

from typing import assert_never

from aiogram import F, Router
from aiogram.filters import Command, CommandStart, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.types import Contact, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove, User
from aiogram.utils.chat_action import ChatActionSender

from bot.domain.outgoing import Content
from bot.domain.phone import read_phone
from bot.domain.registration import Registration, read_name
from bot.domain.tax_id import TaxId, read_tax_id
from bot.usecases.customer.arrive import (
    ConversationIsOpen,
    FirstContact,
    NotLinked,
    Reopened,
    Returning,
)
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.introduce import NotVerified, Verified
from handlers.answers import bot_of
from handlers.customer import choice, keyboards, texts
from handlers.customer.reception import Reception
from handlers.customer.states import Customer, go_to
from handlers.relay.content import customer_content

FAILURES_IN_A_ROW = 3
_TYPING_AFTER_S = 1.0


async def arrive(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
) -> None:
    """Handle a message outside of any conversation: a first contact, or a return."""
    is_command = bool(message.text and message.text.startswith("/"))
    # A command is no message to the attendants, so it does not reopen a closed conversation.
    outcome = await reception.arrive(chat, may_reopen=not is_command)
    match outcome:
        case FirstContact() | NotLinked():
            await _begin(message, state, event_from_user, chat, reception, outcome)
        case ConversationIsOpen(conversation):
            await state.set_state(Customer.talking)
            if is_command:
                await message.answer(texts.still_open(conversation.protocol))
            else:
                await reception.relay(message, conversation, event_from_user)
        case Reopened(conversation):
            await state.set_state(Customer.talking)
            await reception.relay(message, conversation, event_from_user)
            await message.answer(
                texts.reopened(conversation.protocol), reply_markup=keyboards.not_me()
            )
        case Returning():
            kept = None if is_command else customer_content(message, event_from_user)
            await _welcome_back(message, state, event_from_user, chat, reception, outcome, kept)
        case _:
            assert_never(outcome)


async def _begin(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    outcome: FirstContact | NotLinked,
) -> None:
    """Ask for the number, unless the message has it: "oi, meu cpf é 390.533.447-05"."""
    found = read_tax_id(_written(message))
    is_asked = not isinstance(found, TaxId)
    if isinstance(outcome, FirstContact):
        await message.answer(
            texts.greeting(reception.privacy_text, reception.privacy_url, is_asked=is_asked)
        )
    elif is_asked:
        await message.answer(texts.ASK_TAX_ID)
    await go_to(Customer.asking, state)
    if isinstance(found, TaxId):
        await _take_tax_id(message, state, user, chat, reception, found)


async def _welcome_back(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    back: Returning,
    kept: Content | None,
) -> None:
    """Open a conversation, or ask for the department. kept: the message for the attendants."""
    offered = await reception.departments.offered()
    tax_id = back.chat.customer.tax_id
    if len(offered) > 1:
        await message.answer(
            texts.back_to_choose(name=back.name, tax_id=tax_id),
            reply_markup=keyboards.departments(offered, returning=True),
        )
        await choice.wait(state, keep=kept)
        return
    conversation = await reception.open_conversation(chat, offered[0], profile_name=user.full_name)
    await state.set_state(Customer.talking)
    if kept:
        await reception.relay.content(kept, conversation)
    await message.answer(
        texts.welcome_back(
            conversation.protocol, name=back.name, tax_id=tax_id, sent=kept is not None
        ),
        reply_markup=keyboards.not_me(),
    )


async def receive_tax_id(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    text: str,
    reception: Reception,
) -> None:
    found = read_tax_id(text)
    if isinstance(found, TaxId):
        await _take_tax_id(message, state, event_from_user, chat, reception, found)
    else:
        await _refuse(message, state, event_from_user, chat, reception, texts.not_a_tax_id(found))


async def receive_other_than_tax_id(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
) -> None:
    """Read the tax id from a caption: pictures of a document often come with its number."""
    found = read_tax_id(_written(message))
    if isinstance(found, TaxId):
        await _take_tax_id(message, state, event_from_user, chat, reception, found)
    else:
        await _refuse(message, state, event_from_user, chat, reception, texts.NEEDS_TEXT)


async def receive_phone(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    contact: Contact,
    reception: Reception,
) -> None:
    # A user can share any contact; only the user's own contact has the user's own id.
    if contact.user_id != event_from_user.id:
        await message.answer(texts.NOT_YOUR_PHONE, reply_markup=_ways(reception))
        return
    await _confirm(
        message, state, event_from_user, chat, reception, read_phone(contact.phone_number)
    )


async def skip_phone(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
) -> None:
    await _confirm(message, state, event_from_user, chat, reception, None)


async def receive_other_than_phone(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
) -> None:
    """Take a corrected tax id if one is typed; answer any other message with the buttons."""
    found = read_tax_id(_written(message))
    if isinstance(found, TaxId):
        await _take_tax_id(message, state, event_from_user, chat, reception, found)
    else:
        await message.answer(texts.USE_PHONE_BUTTON, reply_markup=_ways(reception))


async def receive_name(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    text: str,
    reception: Reception,
) -> None:
    name = read_name(text)
    if not any(character.isalpha() for character in name):
        await message.answer(texts.NAME_IS_A_NUMBER if name else texts.ASK_NAME)
        return
    await reception.introduce(chat, name)
    await _open(message, state, event_from_user, chat, reception)


async def receive_other_than_name(message: Message) -> None:
    await message.answer(texts.NAME_AS_TEXT)


async def start_again(message: Message, state: FSMContext) -> None:
    """Handle /start between the first message and the conversation."""
    await message.answer(texts.ASK_TAX_ID, reply_markup=ReplyKeyboardRemove())
    await go_to(Customer.asking, state)


def router() -> Router:
    """Return the router of these steps; the including router must filter for private chats."""
    router = Router(name="identification")
    router.message.register(start_again, CommandStart(), StateFilter(*choice.STEPS_BEFORE))
    # Commands without a handler here fall through to the help.
    words = ~F.text.startswith("/")
    text = F.text.as_("text")
    router.message.register(receive_tax_id, Customer.asking, words, text)
    router.message.register(receive_other_than_tax_id, Customer.asking, ~F.text)
    # Its button may still be visible after the customer began another way.
    confirming = StateFilter(Customer.confirming, Customer.username, Customer.password)
    router.message.register(receive_phone, confirming, F.contact.as_("contact"))
    router.message.register(skip_phone, Customer.confirming, F.text == texts.SKIP)
    router.message.register(skip_phone, Customer.confirming, Command("pular"))
    router.message.register(receive_other_than_phone, Customer.confirming, words)
    router.message.register(receive_name, Customer.naming, words, text)
    router.message.register(receive_other_than_name, Customer.naming, ~F.text)
    router.message.register(arrive, StateFilter(None))
    return router


def _written(message: Message) -> str:
    return message.text or message.caption or ""


async def _refuse(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    sentence: str,
) -> None:
    failures = (await state.get_data()).get("failures", 0) + 1
    if failures < FAILURES_IN_A_ROW:
        await message.answer(sentence)
        await state.set_data({"failures": failures})
        return
    await message.answer(texts.WITHOUT_TAX_ID)
    await _open(message, state, user, chat, reception)


async def _take_tax_id(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    tax_id: TaxId,
) -> None:
    """Take the tax id, with the same answer for every one, before the look-up ends.

    Neither the text nor the timing reveals if the tax id is known.
    """
    if await reception.identify.note(chat, tax_id):
        await message.answer(texts.WITHOUT_TAX_ID, reply_markup=ReplyKeyboardRemove())
        await _open(message, state, user, chat, reception)
        return
    if reception.confirm_identity:
        await ask_confirmation(message, state, reception, texts.ASK_PHONE)
        # No "typing" sign: its duration would reveal who is in the register already.
        await reception.identify(chat)
        return
    await _look_up(message, reception, chat)
    # No customer is asked for a name here: only new ones would be, and that would reveal them.
    await reception.introduce(chat, read_name(user.full_name) or str(user.id))
    await _open(message, state, user, chat, reception)


async def _look_up(message: Message, reception: Reception, chat: CurrentChat) -> None:
    """Look the tax id up, and show "typing" while the ERP is slow."""
    async with ChatActionSender.typing(
        message.chat.id, bot_of(message), initial_sleep=_TYPING_AFTER_S
    ):
        await reception.identify(chat)


async def _confirm(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    phone: str | None,
) -> None:
    outcome = await reception.confirm_phone(chat, phone)
    match outcome:
        case Verified(registration):
            await welcome(message, state, user, chat, reception, registration)
        case NotVerified():
            # A customer who shared a telephone without success wants to be identified.
            await ask_name(message, state, portal=reception.portal_login and phone is not None)
        case _:
            assert_never(outcome)


async def ask_confirmation(
    message: Message, state: FSMContext, reception: Reception, sentence: str
) -> None:
    """Ask the customer to prove who is writing, with a button for each way."""
    await message.answer(sentence, reply_markup=_ways(reception))
    await go_to(Customer.confirming, state)


async def welcome(
    message: Message,
    state: FSMContext,
    user: User,
    chat: CurrentChat,
    reception: Reception,
    registration: Registration,
) -> None:
    """Greet the verified customer by name, and go on."""
    await message.answer(texts.verified(registration.name), reply_markup=ReplyKeyboardRemove())
    await _open(message, state, user, chat, reception)


async def ask_name(message: Message, state: FSMContext, *, portal: bool = False) -> None:
    """Ask for the name, without a proof. portal: True if the portal login is still offered."""
    keyboard = keyboards.portal_login() if portal else ReplyKeyboardRemove()
    await message.answer(texts.ASK_NAME, reply_markup=keyboard)
    await go_to(Customer.naming, state)


def _ways(reception: Reception) -> ReplyKeyboardMarkup:
    return keyboards.ways_to_confirm(portal=reception.portal_login)


async def _open(
    message: Message, state: FSMContext, user: User, chat: CurrentChat, reception: Reception
) -> None:
    offered = await reception.departments.offered()
    if len(offered) > 1:
        await message.answer(texts.CHOOSE_DEPARTMENT, reply_markup=keyboards.departments(offered))
        await choice.wait(state)
        return
    conversation = await reception.open_conversation(chat, offered[0], profile_name=user.full_name)
    await message.answer(texts.opened(conversation.protocol))
    await go_to(Customer.talking, state)
