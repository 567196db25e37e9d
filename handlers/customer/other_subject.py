"""A customer whose words reopened a conversation, and who may have another subject."""

from aiogram.types import CallbackQuery, Message

from bot.domain.conversation import Conversation
from handlers.answers import EXPIRED_BUTTON, answer_press
from handlers.customer import choice, keyboards, texts
from handlers.customer.keyboards import OtherSubject
from handlers.customer.states import Customer
from handlers.customer.turn import Turn
from handlers.relay import texts as relay_texts


async def offer(message: Message, turn: Turn, conversation: Conversation) -> None:
    """Pass on the message that reopened the conversation, and offer to begin another one."""
    await turn.go_to(Customer.talking)
    await turn.state.set_data({"reopened": conversation.id})
    await turn.pass_on(message, conversation)
    await turn.keep(message)
    await turn.say(texts.reopened(conversation.protocol), keyboards.reopened(conversation.id))
    await turn.tell_if_closed(conversation)


async def keep_too(message: Message, turn: Turn) -> None:
    """Keep a message in a reopened conversation, in case it belongs to another one."""
    if await reopened_in(turn):
        await turn.keep(message)


async def forget(turn: Turn) -> None:
    """Forget what was kept in a reopened conversation, which is closed by now."""
    if await reopened_in(turn):
        await turn.reception.keep.forget(turn.chat.id)
        await turn.state.set_data({})


async def reopened_in(turn: Turn) -> str:
    """Return the id of the conversation that the customer's words reopened, if that goes on."""
    return str((await turn.state.get_data()).get("reopened", ""))


async def begin(callback: CallbackQuery, callback_data: OtherSubject, turn: Turn) -> None:
    """Close the reopened conversation, and open one that gets what was written since."""
    # The steps are stored last: if they still name it, the press was not handled to its end.
    is_repeated = await reopened_in(turn) == callback_data.conversation
    left = await turn.reception.set_apart(
        turn.chat, callback_data.conversation, is_repeated=is_repeated
    )
    if left is None:
        await answer_press(callback, EXPIRED_BUTTON, alert=True)
        return
    await answer_press(callback)
    await turn.reception.sending.say(
        left, relay_texts.OTHER_SUBJECT, id=f"other:{callback.id}", below=left.card_message_id or 0
    )
    await choice.open_or_ask(turn)
