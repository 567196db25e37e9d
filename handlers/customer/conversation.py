"""The customer's private chat: the open conversation, and the commands that work at any time."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove, Update

from bot.usecases.customer.leave import Leave
from bot.usecases.ports import Conversations
from handlers.access import IsWords
from handlers.answers import answer_press
from handlers.customer import (
    choice,
    identification,
    in_conversation,
    my_data,
    naming,
    other_subject,
    portal_login,
    texts,
)
from handlers.customer.keyboards import NotMe, OtherSubject
from handlers.customer.questions import ask_tax_id
from handlers.customer.states import Customer
from handlers.customer.turn import GiveRenewedNotice, PassTurn, Turn
from handlers.relay.content import has_words_or_file


async def talk(
    message: Message,
    turn: Turn,
    conversations: Conversations,
    is_command: bool = False,
) -> None:
    conversation = await conversations.open_in(turn.chat.id)
    if conversation is None or is_command:
        # An attendant closed it in the meantime: the customer returns as on another day.
        if conversation is None:
            await other_subject.forget(turn)
        await identification.arrive(message, turn, is_command=is_command)
        return
    await turn.pass_on(message, conversation)
    await turn.tell_if_closed(conversation)
    await other_subject.keep_too(message, turn)
    await in_conversation.take(message, turn, conversation)


async def edited(
    message: Message, turn: Turn, event_update: Update, conversations: Conversations
) -> None:
    """Pass on an edit of a message that was sent to the attendants."""
    if not has_words_or_file(message):
        return
    if await other_subject.reopened_in(turn):
        await turn.keep_edit(message)
    conversation = await conversations.open_in(turn.chat.id)
    await turn.reception.sending.pass_on_edit(
        message, conversation, turn.user, update_id=event_update.update_id
    )


async def leave(_: Message, turn: Turn, leave: Leave) -> None:
    was_linked = await turn.state.get_state() is not None
    ended = await leave(turn.chat, forgets=True)
    if ended:
        sentence = texts.UNLINKED_AND_CLOSED
    else:
        sentence = texts.UNLINKED if was_linked else texts.NOTHING_TO_UNLINK
    await turn.say(sentence, ReplyKeyboardRemove())
    await turn.state.clear()


async def not_me(callback: CallbackQuery, turn: Turn, leave: Leave) -> None:
    if await other_subject.reopened_in(turn):
        # Somebody else's conversation: what was written goes to the new one.
        await turn.reception.keep.send_again(turn.chat.id)
    await leave(turn.chat)
    await answer_press(callback)
    await ask_tax_id(turn, texts.ASK_TAX_ID_AGAIN)


async def help_(_: Message, turn: Turn) -> None:
    await turn.say(texts.HELP)


def router() -> Router:
    """Return the router of the customer's whole private chat."""
    router = Router(name="customer")
    router.message.filter(F.chat.type == "private")
    router.edited_message.filter(F.chat.type == "private")
    router.callback_query.filter(F.message.chat.type == "private")
    for observer in (router.message, router.edited_message, router.callback_query):
        observer.middleware(PassTurn())
    for observer in (router.message, router.callback_query):
        observer.middleware(GiveRenewedNotice())
    router.message.register(help_, Command("ajuda", "help"))
    router.message.register(my_data.send, Command("meusdados"))
    router.message.register(leave, Command("sair"))
    router.callback_query.register(not_me, NotMe.filter())
    router.callback_query.register(other_subject.begin, OtherSubject.filter())
    router.message.register(talk, Customer.talking)
    router.message.register(identification.take_while_choosing, Customer.choosing, IsWords())
    # A customer who mistyped the number may correct it by editing the message.
    router.edited_message.register(
        identification.receive_edited_tax_id, Customer.asking, F.text.as_("text")
    )
    # Unknown commands during the identification. This is a router of its own, since a router's
    # handlers come before those of the routers that it includes.
    fallback = Router(name="fallback")
    fallback.message.register(help_)
    fallback.edited_message.register(edited)
    router.include_routers(
        my_data.router(),
        portal_login.router(),
        choice.router(),
        naming.router(),
        identification.router(),
        fallback,
    )
    return router
