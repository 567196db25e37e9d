"""What was said in a conversation, in words: cut into messages, or as lines of a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.outgoing import telegram_length
from bot.domain.transcript import Said, Transcript, Words
from bot.wording.words import counted

ROOM: Final = 3_500
"""So much of what was said fits into one message, in UTF-16 code units; Telegram takes 4,096."""
_PART: Final = 1_000
CUSTOMER: Final = "Cliente"
_KINDS: Final = {
    "animation": "GIF",
    "audio": "áudio",
    "checklist": "lista",
    "contact": "contato",
    "dice": "dado",
    "document": "arquivo",
    "game": "jogo",
    "location": "localização",
    "paid_media": "mídia paga",
    "photo": "foto",
    "poll": "enquete",
    "sticker": "figurinha",
    "story": "story",
    "venue": "local",
    "video": "vídeo",
    "video_note": "mensagem de vídeo",
    "voice": "mensagem de voz",
}


@dataclass(frozen=True, slots=True)
class Block:
    """What stands together on a page: a line that says who and when, and a text."""

    head: str
    text: str

    @property
    def length(self) -> int:
        # With the line breaks around both.
        return telegram_length(self.head) + telegram_length(self.text) + 3

    @property
    def html(self) -> str:
        return f"<b>{escape(self.head, quote=False)}</b>\n{escape(self.text, quote=False)}"


def blocks(said: Iterable[Said], customer: str, timezone: ZoneInfo) -> list[Block]:
    """Return what was said; a long text in several parts, which lose none of it.

    customer: the customer's name.
    """
    found = []
    for one in said:
        head = f"{_who(one.words, customer)} · {one.words.at.astimezone(timezone):%d/%m %H:%M}"
        parts = list(_parts(_text(one)))
        found += [
            Block(f"{head} (continuação)" if number else head, part)
            for number, part in enumerate(parts)
        ]
    return found


def pages(found: Sequence[Block], *, room: int = ROOM) -> list[list[Block]]:
    """Return the blocks page by page, from the first on; at least one page."""
    made: list[list[Block]] = [[]]
    left = room
    for block in found:
        if block.length > left and made[-1]:
            made.append([])
            left = room
        made[-1].append(block)
        left -= block.length
    return made


def ending(found: Sequence[Block], *, room: int = ROOM) -> list[Block]:
    """Return the last blocks, as many as fit."""
    last: list[Block] = []
    for block in reversed(found):
        room -= block.length
        if room < 0 and last:
            break
        last.append(block)
    return last[::-1]


def in_html(found: Iterable[Block]) -> str:
    return "\n".join(block.html for block in found)


def file_of(transcript: Transcript, timezone: ZoneInfo) -> bytes:
    """Return the whole transcript as a text file that every program can open."""
    conversation = transcript.conversation
    opened = f"{conversation.opened_at.astimezone(timezone):%d/%m/%Y %H:%M}"
    lines = [
        f"CONVERSA DO PROTOCOLO {conversation.protocol}",
        f"Aberto em {opened}",
        "",
        *said_lines(transcript.said, conversation.shown_name or CUSTOMER, timezone),
    ]
    return "\r\n".join([*lines, ""]).encode("utf-8-sig")


def said_lines(
    said: Iterable[Said], customer: str, timezone: ZoneInfo, *, attendants: str = ""
) -> Iterator[str]:
    """Yield a line for each message, for a file.

    attendants: stands for the names of all of them, if given.
    """
    for one in said:
        name = (attendants or one.words.by) if one.words.by else customer
        at = f"{one.words.at.astimezone(timezone):%d/%m/%Y %H:%M}"
        yield f"{at} {name}: {_text(one)}".replace("\n", "\r\n    ")


def missing(kept_days: int) -> str:
    """Return why there is nothing to show."""
    if not kept_days:
        return "As mensagens dos atendimentos não são guardadas."
    days = counted(kept_days, "dia", "dias")
    return f"Não há mensagens guardadas deste atendimento. Elas ficam guardadas por {days}."


def _who(words: Words, customer: str) -> str:
    return f"🎧 {words.by}" if words.by else f"👤 {customer}"


def _text(said: Said) -> str:
    words = said.words
    if words.is_deleted:
        return "🗑 mensagem apagada"
    kind = "" if words.kind == "text" else f"📎 {_KINDS.get(words.kind, 'outra mensagem')}"
    notes = [
        note
        for note, holds in (
            ("editada", words.is_edited),
            ("não entregue", said.is_undelivered),
            ("ainda não enviada", said.waits),
        )
        if holds
    ]
    shown = ": ".join(part for part in (kind, words.text) if part)
    return f"{shown} [{', '.join(notes)}]" if notes else shown


def _parts(text: str) -> Iterator[str]:
    """Yield the text in parts of a length that leaves pages full, cut between words if it can."""
    while telegram_length(text) > _PART:
        end = _PART
        while telegram_length(text[:end]) > _PART:
            end -= 1
        cut = max(text.rfind(" ", end // 2, end), text.rfind("\n", end // 2, end))
        cut = cut + 1 if cut > 0 else end
        yield text[:cut]
        text = text[cut:]
    yield text
