"""Message to the customer that a conversation was closed, sent after the last answers."""

from bot.domain.conversation import Conversation
from bot.usecases.attending.attend import Attend
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


async def tell_closed(conversation: Conversation, attend: Attend, sending: Sending) -> None:
    """Queue the message; idempotent for one closing."""
    at = conversation.closed_at
    await sending.say(
        conversation,
        customer_texts.closed(conversation.protocol),
        id=f"closed:{conversation.id}:{at.timestamp() if at else 0}",
        to_customer=True,
    )
    await attend.customer_told(conversation)
