"""/fila in private: the load of every department. /atendimento: one conversation and its words."""

from typing import Final
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router, html
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.domain.conversation import Conversation, ConversationEvent, EventKind, Identity
from bot.domain.protocol import read_protocol
from bot.usecases.attending.queue import FindConversation, Load, ShowQueue
from bot.usecases.attending.read_transcript import ReadTranscript
from bot.usecases.attending.remind import ADMINS_REMINDED
from bot.wording.values import Names, who
from bot.wording.words import number, span
from handlers.admin.register.services import RegisterServices
from handlers.answers import answer_press
from handlers.attendant import transcripts, verifying
from handlers.attendant.cards.card import card_text
from handlers.attendant.group import IsPress, edit
from handlers.attendant.queue import QueueButton
from handlers.attendant.texts import REFRESH
from handlers.attendant.verifying import Step, VerifyButton
from handlers.keyboards import button, column
from handlers.relay.words_button import WordsButton

# All events have to fit into one message.
_EVENTS: Final = 25
_DETAIL: Final = 60
_WORDS: Final = {
    EventKind.OPENED: "aberto",
    EventKind.CLAIMED: "assumido",
    EventKind.RELEASED: "devolvido à fila",
    EventKind.TRANSFERRED: "transferido",
    EventKind.CLOSED: "encerrado",
    EventKind.REOPENED: "reaberto",
    EventKind.VERIFIED: "identidade confirmada",
    EventKind.UNVERIFIED: "confirmação desfeita",
    EventKind.SWITCHED: "trocado o CPF ou CNPJ",
    EventKind.REMINDED: "grupo lembrado da espera",
}
# Their detail is a name, which the line shows already.
_BY_NAME: Final = (EventKind.OPENED, EventKind.CLAIMED, EventKind.CLOSED, EventKind.REOPENED)


async def show(message: Message, show_queue: ShowQueue) -> None:
    text, markup = await _loads(show_queue)
    await message.answer(text, reply_markup=markup)


async def refresh(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    show_queue: ShowQueue,
    bot: Bot,
) -> None:
    await answer_press(callback)
    text, markup = await _loads(show_queue)
    await edit(bot, message.chat.id, message.message_id, text, markup)


async def show_conversation(
    message: Message,
    command: CommandObject,
    find_conversation: FindConversation,
    services: RegisterServices,
    read_transcript: ReadTranscript,
    timezone: ZoneInfo,
) -> None:
    protocol = read_protocol(command.args or "")
    if protocol is None:
        await message.answer(transcripts.WHICH_PROTOCOL)
        return
    if not await send_conversation(
        message, protocol, find_conversation, services, read_transcript, timezone
    ):
        await message.answer(not_found(protocol))


async def send_conversation(
    message: Message,
    protocol: str,
    find_conversation: FindConversation,
    services: RegisterServices,
    read_transcript: ReadTranscript,
    timezone: ZoneInfo,
) -> bool:
    """Return True if there is one with this protocol; its card, history and words are sent."""
    card = await find_conversation(protocol)
    if card is None:
        return False
    is_verified = card.conversation.customer.identity is Identity.VERIFIED
    offer = verifying.offer(card) if is_verified else None
    await message.answer(
        card_text(card, timezone=timezone, in_group=False),
        reply_markup=column(offer) if offer else None,
    )
    await message.answer(history_text(card.conversation, await services.names()))
    transcript = await read_transcript(card.conversation.id, group_id=None)
    if transcript:
        text, markup = transcripts.screen(transcript, timezone)
        await message.answer(text, reply_markup=markup)
    return True


def not_found(protocol: str) -> str:
    return f"Não encontrei o protocolo {html.quote(protocol)}. Confira os números."


def loads_text(loads: list[Load], show_queue: ShowQueue) -> str:
    """Return a line or two for each department."""
    now, lines = show_queue.clock(), ["🧾 <b>Filas</b>"]
    for load in loads:
        lines += ["", f"<b>{html.quote(load.department.shown)}</b>"]
        if load.longest_since is None:
            lines.append("Ninguém aguardando")
        else:
            first = f" ({number(load.priority)} com prioridade)" if load.priority else ""
            longest = span(now - load.longest_since)
            lines.append(f"{number(load.waiting)} aguardando{first} · maior espera: {longest}")
        if load.served:
            lines.append(f"{number(load.served)} em atendimento")
        if load.department.group_id is None:
            lines.append("⚠️ Sem grupo")
    return "\n".join(lines)


def history_text(conversation: Conversation, names: Names) -> str:
    """Return the events of the conversation, oldest first."""
    events = conversation.events
    lines = [f"🕘 <b>História de {html.quote(conversation.protocol)}</b>"]
    if not events:
        lines.append("Sem registros: este atendimento é de uma versão anterior.")
    if len(events) > _EVENTS:
        lines.append(f"… {number(len(events) - _EVENTS)} anteriores")
    lines += [_event_line(event, names) for event in events[-_EVENTS:]]
    return "\n".join(lines)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats."""
    router = Router(name="queues")
    router.message.register(show, Command("fila"))
    router.message.register(show_conversation, Command("atendimento"))
    router.callback_query.register(
        verifying.take_back, VerifyButton.filter(F.step == Step.TAKE_BACK), IsPress()
    )
    router.callback_query.register(transcripts.press, WordsButton.filter(), IsPress())
    router.callback_query.register(refresh, QueueButton.filter(), F.message.as_("message"))
    return router


async def _loads(show_queue: ShowQueue) -> tuple[str, InlineKeyboardMarkup]:
    text = loads_text(await show_queue.loads(), show_queue)
    return text, column(button(REFRESH, QueueButton()))


def _event_line(event: ConversationEvent, names: Names) -> str:
    at = f"{event.at.astimezone(names.timezone):%d/%m %H:%M}"
    by_name = event.what in _BY_NAME and event.detail
    by = event.detail if by_name else who(event.by, names)
    if event.what is EventKind.REMINDED and event.detail == ADMINS_REMINDED:
        return html.quote(f"{at} · administradores lembrados da espera")
    detail = f" ({event.detail[:_DETAIL]})" if event.detail and not by_name else ""
    by_whom = f"pelo {by[2:]}" if by.startswith("o ") else f"por {by[:40]}"
    return html.quote(f"{at} · {_WORDS[event.what]} {by_whom}{detail}")
