"""/atendimento in a group, and the buttons that show what was said in a conversation."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import Router, html
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
)

from bot.domain.card import Card
from bot.domain.protocol import read_protocol
from bot.domain.transcript import Said, Transcript
from bot.usecases.attending.read_transcript import ReadTranscript
from bot.wording.transcript import CUSTOMER, blocks, ending, file_of, in_html, missing, pages
from handlers.attendant.group import IsPress, Press
from handlers.buttons import button
from handlers.relay.words_button import Show, WordsButton

WHICH_PROTOCOL: Final = (
    "Envie o protocolo junto com o comando, assim: <code>/atendimento 20261124-048213</code>"
)
NOT_THIS_GROUPS: Final = "Este atendimento não é deste departamento, ou já foi apagado."
_SO_FAR: Final = "📜 Conversa até aqui"
_EARLIER: Final = "⬅️ Anteriores"
_LATER: Final = "Seguintes ➡️"
_FILE: Final = "📄 Baixar a conversa"


def not_found_here(protocol: str) -> str:
    return (
        f"Não encontrei o protocolo {html.quote(protocol)} entre os atendimentos deste "
        "departamento. Confira os números."
    )


async def show(
    message: Message, command: CommandObject, read_transcript: ReadTranscript, timezone: ZoneInfo
) -> None:
    """Show the conversation with this protocol, if the group's department has or had it."""
    protocol = read_protocol(command.args or "")
    if protocol is None:
        await message.reply(WHICH_PROTOCOL)
        return
    transcript = await read_transcript.of_protocol(protocol, group_id=message.chat.id)
    if transcript is None:
        await message.reply(not_found_here(protocol))
        return
    text, markup = screen(transcript, timezone)
    await message.reply(text, reply_markup=markup)


async def press(
    _: CallbackQuery,
    press: Press,
    callback_data: WordsButton,
    read_transcript: ReadTranscript,
    timezone: ZoneInfo,
) -> None:
    # The rights are those of now: the conversation is read again.
    transcript = await read_transcript(
        callback_data.conversation, group_id=press.group_id if press.group_id < 0 else None
    )
    if transcript is None:
        await press.answer(NOT_THIS_GROUPS, alert=True)
        return
    if not transcript.said:
        await press.answer(missing(transcript.kept_days), alert=True)
        return
    await press.answer()
    text, markup = screen(transcript, timezone, page=callback_data.page)
    match callback_data.show:
        case Show.BELOW:
            await press.below(text, markup)
        case Show.PAGE:
            await press.edit(text, markup)
        case Show.FILE:
            name = f"conversa-{transcript.conversation.protocol}.txt"
            await press.file_below(BufferedInputFile(file_of(transcript, timezone), filename=name))


def screen(
    transcript: Transcript, timezone: ZoneInfo, *, page: int = 0
) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return one page of what was said, the first one unless given; and its buttons."""
    conversation = transcript.conversation
    title = f"📜 <b>Conversa do protocolo {html.quote(conversation.protocol)}</b>"
    if not transcript.said:
        return f"{title}\n{missing(transcript.kept_days)}", None
    made = pages(blocks(transcript.said, conversation.shown_name or CUSTOMER, timezone))
    page = max(0, min(page, len(made) - 1))
    lines = [title]
    if len(made) > 1:
        lines.append(f"<i>Página {page + 1} de {len(made)}</i>")
    if page == 0 and transcript.is_partial:
        lines.append(f"<i>O que tem mais de {transcript.kept_days} dias já foi apagado.</i>")
    text = "\n".join([*lines, "", in_html(made[page])])
    return text, _keyboard(conversation.id, page, len(made))


def brought(said: Sequence[Said], customer: str, timezone: ZoneInfo) -> tuple[str, bool]:
    """Return what a transfer shows of what was said, and True if there was more."""
    found = blocks(said, customer or CUSTOMER, timezone)
    shown = ending(found)
    is_cut = len(shown) < len(found)
    title = "📜 <b>O que já foi dito</b>"
    if is_cut:
        title += " <i>(só o fim: toque abaixo para ver tudo)</i>"
    return f"{title}\n\n{in_html(shown)}", is_cut


def openers(card: Card, timezone: ZoneInfo) -> list[list[InlineKeyboardButton]]:
    """Return a row for the card's conversation, and one for each earlier one of its
    department."""
    here = card.conversation
    mine = [one for one in card.recent if one.was_in(here.department_id)]
    return [
        [button(_SO_FAR, WordsButton.opening(here.id))],
        *(
            [
                button(
                    f"🕘 {one.opened_at.astimezone(timezone):%d/%m/%Y} · {one.protocol}",
                    WordsButton.opening(one.id),
                )
            ]
            for one in mine
        ),
    ]


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="transcripts")
    router.message.register(show, Command("atendimento"))
    router.callback_query.register(press, WordsButton.filter(), IsPress())
    return router


def _keyboard(conversation_id: str, page: int, count: int) -> InlineKeyboardMarkup:
    turns = [
        button(text, WordsButton(show=Show.PAGE, conversation=conversation_id, page=to))
        for text, to in ((_EARLIER, page - 1), (_LATER, page + 1))
        if 0 <= to < count
    ]
    file = button(_FILE, WordsButton(show=Show.FILE, conversation=conversation_id))
    return InlineKeyboardMarkup(inline_keyboard=[*([turns] if turns else []), [file]])
