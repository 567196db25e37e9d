"""One turn of the dialog with a customer, passed to the handlers of the private chat by name."""

from dataclasses import dataclass

from aiogram import BaseMiddleware, Bot
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State
from aiogram.types import (
    InlineKeyboardMarkup,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    TelegramObject,
    User,
)

from bot.domain.conversation import Conversation, Department
from bot.domain.customer_words import is_greeting
from bot.domain.opening_hours import Closed
from bot.domain.outgoing import Content, OutgoingKind
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.renew_notice import RenewNotice
from handlers.answers import Data, Handler
from handlers.customer import my_data_texts as texts
from handlers.customer.reception import Reception
from handlers.customer.texts import closed_now
from handlers.relay.content import customer_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A customer's message or press, and all that it takes to answer it."""

    chat: CurrentChat
    user: User
    state: FSMContext
    bot: Bot
    reception: Reception

    async def say(
        self,
        text: str,
        markup: InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None = None,
    ) -> None:
        await self.bot.send_message(self.chat.id, text, reply_markup=markup)

    async def go_to(self, step: State | None) -> None:
        """Begin a step, with no data of the step before."""
        await self.state.set_state(step)
        await self.state.set_data({})

    async def pass_on(self, message: Message, conversation: Conversation) -> None:
        """Queue the message for the conversation's attendants."""
        await self.reception.sending.pass_on(message, conversation, self.user)

    async def keep(self, message: Message) -> None:
        """Keep the message for the attendants until the conversation opens."""
        await self.reception.keep(self.chat.id, customer_content(message, self.user))

    async def keep_edit(self, message: Message) -> bool:
        """Return True if the message was kept; it is kept as it was edited."""
        content = customer_content(message, self.user)
        return await self.reception.keep.change(self.chat.id, content)

    async def pass_on_kept(self, conversation: Conversation) -> list[Content]:
        """Queue what was kept for the conversation's attendants; return it."""
        kept = await self.reception.keep.all(self.chat.id)
        for content in kept:
            await self.reception.sending.pass_on_kept(content, conversation)
        if kept:
            if conversation.asked_at is None:
                # The company called meanwhile.
                at = self.reception.sending.clock()
                await self.reception.conversations.asked(conversation.id, at=at)
            await self.reception.keep.forget(self.chat.id)
        return kept

    async def open_conversation(self, department: Department) -> tuple[Conversation, bool]:
        """Open a conversation, and queue what was kept below its card.

        Returns also True if there was more than a greeting.
        """
        conversation = await self.reception.open_conversation(
            self.chat, department, profile_name=self.user.full_name
        )
        kept = await self.pass_on_kept(conversation)
        said_more = any(
            one.what is not OutgoingKind.TEXT or not is_greeting(one.html) for one in kept
        )
        return conversation, said_more

    def closed(self, conversation: Conversation, department: Department) -> Closed | None:
        """Return when the department of a new conversation opens.

        None if it was open then, or if an attendant is there, who has called.
        """
        if not conversation.hours_told or conversation.claimed_by:
            return None
        return self.reception.office_hours.closed(department)

    async def tell_if_closed(self, conversation: Conversation) -> None:
        """Say when the department opens, once in a conversation."""
        closed = await self.reception.office_hours.untold(conversation)
        if closed is None:
            return
        await self.reception.sending.say(
            conversation,
            closed_now(closed),
            id=f"hours:{conversation.id}:{conversation.in_queue_since.timestamp()}",
            to_customer=True,
        )
        await self.reception.conversations.set_hours_told(conversation.id)


class PassTurn(BaseMiddleware):
    """Inner middleware that passes on the turn, in which the chat is read at most once."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> object:
        reception: Reception = data["reception"]
        user: User = data["event_from_user"]
        data["turn"] = Turn(
            chat=reception.chat_of(user.id),
            user=user,
            state=data["state"],
            bot=data["bot"],
            reception=reception,
        )
        return await handler(event, data)


class GiveRenewedNotice(BaseMiddleware):
    """Inner middleware behind `PassTurn`; the action goes on after the notice."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> object:
        renew: RenewNotice = data["renew_notice"]
        turn: Turn = data["turn"]
        if await renew.is_due(turn.chat):
            await turn.say(texts.renewed_notice(renew.notice))
            await renew.given(turn.chat)
        return await handler(event, data)
