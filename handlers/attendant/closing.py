"""Message to the customer that a conversation was closed, sent after the last answers."""

from bot.domain.conversation import Conversation
from bot.usecases.ports import Conversations
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


async def tell_closed(
    conversation: Conversation, conversations: Conversations, sending: Sending
) -> None:
    """Queue the message; idempotent for one closing."""
    at = conversation.closed_at
    await sending.say(
        conversation,
        customer_texts.closed(conversation.protocol),
        id=f"closed:{conversation.id}:{at.timestamp() if at else 0}",
        to_customer=True,
    )
    await conversations.set_customer_notified(conversation.id)
