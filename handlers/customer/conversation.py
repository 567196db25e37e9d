"""The customer's private chat: the open conversation, and the commands that work at any time."""

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove, Update, User

from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.leave import Leave
from bot.usecases.ports import Conversations
from handlers.answers import answer_press
from handlers.customer import choice, identification, my_data, portal_login, texts
from handlers.customer.keyboards import NotMe
from handlers.customer.notice import GiveRenewedNotice, PassChat
from handlers.customer.reception import Reception
from handlers.customer.states import Customer, go_to
from handlers.relay.content import has_words_or_file


async def talk(
    message: Message,
    state: FSMContext,
    event_from_user: User,
    chat: CurrentChat,
    reception: Reception,
    conversations: Conversations,
) -> None:
    conversation = await conversations.open_in(chat.id)
    if conversation is None or (message.text and message.text.startswith("/")):
        # An attendant closed it in the meantime: the customer returns as on another day.
        await identification.arrive(message, state, event_from_user, chat, reception)
        return
    await reception.relay(message, conversation, event_from_user)


async def edited(
    message: Message,
    event_from_user: User,
    event_update: Update,
    reception: Reception,
    conversations: Conversations,
) -> None:
    """Pass on an edit of a message that was sent to the attendants."""
    if not has_words_or_file(message):
        return
    conversation = await conversations.open_in(message.chat.id)
    await reception.relay.edited(message, conversation, event_from_user, event_update.update_id)


async def leave(message: Message, state: FSMContext, chat: CurrentChat, leave: Leave) -> None:
    was_linked = await state.get_state() is not None
    ended = await leave(chat)
    if ended:
        sentence = texts.UNLINKED_AND_CLOSED
    else:
        sentence = texts.UNLINKED if was_linked else texts.NOTHING_TO_UNLINK
    await message.answer(sentence, reply_markup=ReplyKeyboardRemove())
    await state.clear()


async def not_me(
    callback: CallbackQuery, state: FSMContext, chat: CurrentChat, leave: Leave, bot: Bot
) -> None:
    await leave(chat)
    await answer_press(callback)
    await bot.send_message(chat.id, texts.ASK_TAX_ID_AGAIN, reply_markup=ReplyKeyboardRemove())
    await go_to(Customer.asking, state)


async def help_(message: Message) -> None:
    await message.answer(texts.HELP)


def router() -> Router:
    """Return the router of the customer's whole private chat."""
    router = Router(name="customer")
    router.message.filter(F.chat.type == "private")
    router.edited_message.filter(F.chat.type == "private")
    router.callback_query.filter(F.message.chat.type == "private")
    for observer in (router.message, router.edited_message, router.callback_query):
        observer.middleware(PassChat())
    for observer in (router.message, router.callback_query):
        observer.middleware(GiveRenewedNotice())
    router.message.register(help_, Command("ajuda", "help"))
    router.message.register(my_data.send, Command("meusdados"))
    router.message.register(leave, Command("sair"))
    router.callback_query.register(not_me, NotMe.filter())
    router.message.register(talk, Customer.talking)
    # A customer who mistyped the number may correct it by editing the message.
    router.edited_message.register(
        identification.receive_tax_id, Customer.asking, F.text.as_("text")
    )
    # Unknown commands during the identification. This is a router of its own, since a router's
    # handlers come before those of the routers that it includes.
    fallback = Router(name="fallback")
    fallback.message.register(help_)
    fallback.edited_message.register(edited)
    router.include_routers(
        choice.router(),
        my_data.router(),
        portal_login.router(),
        identification.router(),
        fallback,
    )
    return router
