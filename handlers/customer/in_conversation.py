"""Documents and telephones that a customer sends within an open conversation."""

from aiogram.types import Contact, Message, ReplyKeyboardRemove

from bot.domain.conversation import Conversation, Identity
from bot.domain.customer_words import tax_id_alone
from bot.domain.phone import read_contact_phone
from bot.domain.tax_id import TaxId
from bot.usecases.customer.introduce import Verified
from handlers.customer import keyboards, texts
from handlers.customer.identification import is_own_contact
from handlers.customer.turn import Turn
from handlers.relay import texts as relay_texts


async def take(message: Message, turn: Turn, conversation: Conversation) -> None:
    """Take what identifies the customer from a message that was passed on already."""
    if message.contact:
        await _take_contact(message, turn, conversation, message.contact)
        return
    tax_id = tax_id_alone(message.text or message.caption or "")
    if tax_id is None or tax_id == conversation.customer.tax_id:
        return
    if conversation.customer.tax_id is None:
        await _identify(turn, conversation, tax_id)
    else:
        await _mark(message, turn, conversation, tax_id)


async def _identify(turn: Turn, conversation: Conversation, tax_id: TaxId) -> None:
    """Take the document of a customer whom nobody knew; the same answer for every one."""
    reception = turn.reception
    if not await reception.identify.note(turn.chat, tax_id):
        return
    if reception.confirm_identity:
        await turn.say(texts.taken_in_conversation(tax_id), keyboards.share_phone())
    # Behind the answer, so that its time reveals nothing.
    await reception.identify_conversation(turn.chat, conversation)


async def _mark(message: Message, turn: Turn, conversation: Conversation, tax_id: TaxId) -> None:
    mark = await turn.reception.switch_document.mark(conversation, tax_id)
    await turn.reception.sending.say(
        conversation,
        relay_texts.other_document(tax_id),
        id=f"other:{message.chat.id}:{message.message_id}",
        switch_to=mark,
    )


async def _take_contact(
    message: Message, turn: Turn, conversation: Conversation, contact: Contact
) -> None:
    """Confirm by the customer's own contact, unless that is done or the document is another's."""
    customer = (await turn.chat.get()).customer
    is_asked = (
        turn.reception.confirm_identity
        and customer.identity is Identity.UNVERIFIED
        and customer.tax_id == conversation.customer.tax_id
    )
    if not is_asked or not is_own_contact(message, contact):
        return
    outcome = await turn.reception.identify_conversation.confirm(
        turn.chat, conversation, read_contact_phone(contact.phone_number)
    )
    if isinstance(outcome, Verified):
        await turn.say(texts.verified(outcome.registration.name), ReplyKeyboardRemove())
    else:
        await turn.say(texts.NOT_CONFIRMED, ReplyKeyboardRemove())
