"""/encerrar and /transferir: buttons of the card, as replies to any message of a conversation."""

from aiogram import html
from aiogram.types import Message, User

from bot.domain.conversation import Conversation
from bot.usecases.attending.attend import Attend, Done
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.attending.transfer import Targets, TransferConversation
from bot.usecases.ports import Conversations, Links
from handlers.attendant import texts, transfers
from handlers.attendant.closing import tell_closed
from handlers.attendant.group import link, writer_of
from handlers.attendant.refusals import refused
from handlers.relay.content import answered
from handlers.relay.sending import Sending


async def close(
    message: Message,
    event_from_user: User,
    attend: Attend,
    replied_to: RepliedTo,
    conversations: Conversations,
    sending: Sending,
    links: Links,
) -> None:
    """Close the conversation of the topic, or of the message replied to."""
    conversation = await _conversation(message, attend, replied_to, "/encerrar")
    if conversation is None:
        return
    outcome = await attend.close(
        conversation.id, writer_of(message, event_from_user), group_id=message.chat.id
    )
    if not isinstance(outcome, Done):
        await message.reply(html.quote(refused(outcome)))
        return
    await tell_closed(outcome.conversation, conversations, sending)
    said = await message.reply(texts.closed(conversation.protocol))
    await link(links, message.chat.id, said.message_id, conversation.id)


async def offer_transfer(
    message: Message, attend: Attend, replied_to: RepliedTo, transfer: TransferConversation
) -> None:
    """Show the list of targets below the command."""
    conversation = await _conversation(message, attend, replied_to, "/transferir")
    if conversation is None:
        return
    targets = await transfer.targets(conversation.id, group_id=message.chat.id)
    if isinstance(targets, Targets):
        text, markup = transfers.list_of(targets)
        await message.reply(text, reply_markup=markup)
    else:
        await message.reply(html.quote(refused(targets)))


async def _conversation(
    message: Message, attend: Attend, replied_to: RepliedTo, command: str
) -> Conversation | None:
    """Return the conversation that the command is about, or None after asking for it."""
    topic_id, _ = answered(message)
    found = await attend.conversation_of(replied_to, topic_id=topic_id)
    if found is None:
        await message.reply(texts.WHICH_CONVERSATION.format(command=command))
    return found
