"""Identification of a customer: tax id and telephone, up to the open conversation."""

from typing import assert_never

from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import Command, CommandStart, StateFilter
from aiogram.types import CallbackQuery, Contact, Message, ReplyKeyboardRemove
from aiogram.utils.chat_action import ChatActionSender

from bot.domain.customer_words import (
    is_greeting,
    is_only_number,
    is_without_tax_id,
    tax_id_alone,
)
from bot.domain.phone import read_contact_phone
from bot.domain.registration import Registration, read_name
from bot.domain.tax_id import TaxId, read_tax_id
from bot.usecases.customer.arrive import (
    ConversationIsOpen,
    FirstContact,
    NotLinked,
    Reopened,
    Returning,
    Thanked,
)
from bot.usecases.customer.introduce import NotVerified, Verified, introduce
from handlers.access import IsWords
from handlers.answers import EXPIRED_BUTTON, answer_press
from handlers.customer import choice, keyboards, other_subject, texts
from handlers.customer.keyboards import WithoutTaxId
from handlers.customer.questions import ask_confirmation, ask_name, ask_tax_id, ways
from handlers.customer.states import Customer
from handlers.customer.turn import Turn
from handlers.relay.content import words_alone

FAILURES_IN_A_ROW = 3
_TYPING_AFTER_S = 1.0


async def arrive(message: Message, turn: Turn, *, is_command: bool = False) -> None:
    """Handle a message outside of any conversation: a first contact, or a return."""
    # A command is no message to the attendants, so it does not reopen a closed conversation.
    outcome = await turn.reception.arrive(
        turn.chat, words=words_alone(message), may_reopen=not is_command
    )
    match outcome:
        case FirstContact() | NotLinked():
            if not is_command and not is_only_number(_written(message)):
                await turn.keep(message)
            await _begin(message, turn, is_first=isinstance(outcome, FirstContact))
        case ConversationIsOpen(conversation):
            await turn.state.set_state(Customer.talking)
            if is_command:
                await turn.say(texts.still_open(conversation.protocol))
            else:
                await turn.pass_on(message, conversation)
                await turn.tell_if_closed(conversation)
        case Reopened(conversation):
            await other_subject.offer(message, turn, conversation)
        case Thanked(conversation):
            # Below the closed card, and with no answer: the customer has just said goodbye.
            await turn.pass_on(message, conversation)
        case Returning():
            if not is_command:
                await turn.keep(message)
            await _welcome_back(turn, outcome)
        case _:
            assert_never(outcome)


async def receive_tax_id(message: Message, turn: Turn, text: str) -> None:
    if is_without_tax_id(text):
        await _go_without(turn)
        return
    if not is_only_number(text):
        await turn.keep(message)
    found = read_tax_id(text)
    if isinstance(found, TaxId):
        await take_tax_id(turn, found)
    else:
        await _refuse(turn, texts.not_a_tax_id(found), counts=not is_greeting(text))


async def receive_edited_tax_id(message: Message, turn: Turn, text: str) -> None:
    """Take a number that was corrected by an edit; other words are kept as they are now."""
    if is_only_number(text):
        await turn.reception.keep.drop(turn.chat.id, message.message_id)
        await receive_tax_id(message, turn, text)
        return
    is_kept = await turn.keep_edit(message)
    if not is_kept or isinstance(read_tax_id(text), TaxId):
        await receive_tax_id(message, turn, text)


async def receive_other_than_tax_id(message: Message, turn: Turn) -> None:
    """Read the tax id from a caption: pictures of a document often come with its number."""
    await turn.keep(message)
    found = read_tax_id(_written(message))
    if isinstance(found, TaxId):
        await take_tax_id(turn, found)
    else:
        await _refuse(turn, texts.NEEDS_TEXT)


async def go_without(callback: CallbackQuery, turn: Turn) -> None:
    """Go on without a document. The button may be below an old message."""
    if await turn.state.get_state() != Customer.asking:
        await answer_press(callback, EXPIRED_BUTTON, alert=True)
        return
    await answer_press(callback)
    await _go_without(turn)


async def take_while_choosing(message: Message, turn: Turn) -> None:
    """Take a tax id while the department is awaited, as long as nobody is verified."""
    found = tax_id_alone(_written(message))
    customer = (await turn.chat.get()).customer
    if found is None or found == customer.tax_id or await turn.chat.verified():
        raise SkipHandler
    if message.text is None or not is_only_number(message.text):
        await turn.keep(message)
    await take_tax_id(turn, found)


async def receive_phone(message: Message, turn: Turn, contact: Contact) -> None:
    if is_own_contact(message, contact):
        await _confirm(turn, read_contact_phone(contact.phone_number))
    else:
        await turn.say(texts.NOT_YOUR_PHONE, ways(turn))


async def skip_phone(_: Message, turn: Turn) -> None:
    await _confirm(turn, None)


async def receive_other_than_phone(message: Message, turn: Turn) -> None:
    """Take a corrected tax id if one is typed; answer any other message with the buttons."""
    if not is_only_number(_written(message)):
        await turn.keep(message)
    found = read_tax_id(_written(message))
    if isinstance(found, TaxId):
        await take_tax_id(turn, found)
    else:
        await turn.say(texts.USE_PHONE_BUTTON, ways(turn))


async def start_again(_: Message, turn: Turn) -> None:
    """Handle /start between the first message and the conversation."""
    if await turn.state.get_state() != Customer.asking:
        # A message has one keyboard, and the question has the button below it.
        await turn.say(texts.FROM_THE_START, ReplyKeyboardRemove())
    await ask_tax_id(turn, texts.ASK_TAX_ID)


def router() -> Router:
    """Return the router of these steps; the including router must filter for private chats."""
    router = Router(name="identification")
    router.message.register(start_again, CommandStart(), StateFilter(*choice.STEPS_BEFORE))
    # Commands without a handler here fall through to the help.
    words, text = IsWords(), F.text.as_("text")
    router.callback_query.register(go_without, WithoutTaxId.filter())
    router.message.register(receive_tax_id, Customer.asking, words, text)
    router.message.register(receive_other_than_tax_id, Customer.asking, ~F.text)
    # Its button may still be visible after the customer began another way.
    confirming = StateFilter(Customer.confirming, Customer.username, Customer.password)
    router.message.register(receive_phone, confirming, F.contact.as_("contact"))
    router.message.register(skip_phone, Customer.confirming, F.text == texts.SKIP)
    router.message.register(skip_phone, Customer.confirming, Command("pular"))
    router.message.register(receive_other_than_phone, Customer.confirming, words)
    router.message.register(arrive, StateFilter(None))
    return router


async def welcome(turn: Turn, registration: Registration) -> None:
    """Greet the verified customer by name, and go on."""
    await turn.say(texts.verified(registration.name), ReplyKeyboardRemove())
    await choice.open_or_ask(turn)


def is_own_contact(message: Message, contact: Contact) -> bool:
    """Return True if the sender shares their own telephone, now.

    A user can share any contact, and only the user's own one has the user's own id. A forwarded
    contact was shared by somebody else, or some other time.
    """
    is_forwarded = message.forward_origin is not None or message.forward_date is not None
    is_by_sender = message.from_user is not None and contact.user_id == message.from_user.id
    return is_by_sender and not is_forwarded and message.via_bot is None


def _written(message: Message) -> str:
    return message.text or message.caption or ""


async def _begin(message: Message, turn: Turn, *, is_first: bool) -> None:
    """Ask for the number, unless the message has it: "oi, meu cpf é 390.533.447-05"."""
    found = read_tax_id(_written(message))
    is_asked = not isinstance(found, TaxId)
    if is_first:
        text, url = turn.reception.privacy_text, turn.reception.privacy_url
        markup = keyboards.without_tax_id() if is_asked else None
        await turn.say(texts.greeting(text, url, is_asked=is_asked), markup)
    elif is_asked:
        await turn.say(texts.ASK_TAX_ID, keyboards.without_tax_id())
    await turn.go_to(Customer.asking)
    if isinstance(found, TaxId):
        await take_tax_id(turn, found)


async def _welcome_back(turn: Turn, back: Returning) -> None:
    """Open a conversation, or ask for the department."""
    offered = await turn.reception.departments.offered()
    tax_id = back.chat.customer.tax_id
    if len(offered) > 1:
        markup = keyboards.departments(offered, returning=True)
        await turn.say(texts.back_to_choose(name=back.name, tax_id=tax_id), markup)
        await choice.wait(turn)
        return
    conversation, sent = await turn.open_conversation(offered[0])
    await turn.state.set_state(Customer.talking)
    sentence = texts.welcome_back(
        conversation.protocol,
        name=back.name,
        tax_id=tax_id,
        sent=sent,
        closed=turn.closed(conversation, offered[0]),
    )
    await turn.say(sentence, keyboards.not_me())


async def _refuse(turn: Turn, sentence: str, *, counts: bool = True) -> None:
    """Ask again, three times in a row at most. counts: False if it was no try at a document."""
    failures = (await turn.state.get_data()).get("failures", 0) + counts
    if failures < FAILURES_IN_A_ROW:
        await turn.say(sentence, keyboards.without_tax_id())
        await turn.state.set_data({"failures": failures})
        return
    await _go_without(turn)


async def _go_without(turn: Turn) -> None:
    await turn.say(texts.WITHOUT_TAX_ID)
    await choice.open_or_ask(turn)


async def take_tax_id(turn: Turn, tax_id: TaxId) -> None:
    """Take the tax id, with the same answer for every one, before the look-up ends.

    Neither the text nor the timing reveals if the tax id is known.
    """
    reception, chat = turn.reception, turn.chat
    if not await reception.identify.note(chat, tax_id):
        await turn.say(texts.WITHOUT_TAX_ID, ReplyKeyboardRemove())
        await choice.open_or_ask(turn)
        return
    if reception.confirm_identity:
        await ask_confirmation(turn, texts.ASK_PHONE)
        # No "typing" sign: its duration would reveal who is in the register already.
        await reception.identify(chat)
        return
    async with ChatActionSender.typing(chat.id, turn.bot, initial_sleep=_TYPING_AFTER_S):
        await reception.identify(chat)
    # No customer is asked for a name here: only new ones would be, and that would reveal them.
    await introduce(chat, read_name(turn.user.full_name) or str(turn.user.id))
    await choice.open_or_ask(turn)


async def _confirm(turn: Turn, phone: str | None) -> None:
    outcome = await turn.reception.confirm_phone(turn.chat, phone)
    match outcome:
        case Verified(registration):
            await welcome(turn, registration)
        case NotVerified():
            # A customer who shared a telephone without success wants to be identified.
            if phone is None:
                await ask_name(turn)
            else:
                portal = turn.reception.portal_login
                await ask_name(turn, after=texts.NOT_CONFIRMED, portal=portal)
        case _:
            assert_never(outcome)
