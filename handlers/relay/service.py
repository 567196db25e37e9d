"""Service messages, which Telegram writes by itself."""

from typing import Final

from aiogram.enums import ContentType

_BY_PEOPLE: Final = frozenset(
    {
        *(ContentType.TEXT, ContentType.RICH_MESSAGE, ContentType.STICKER, ContentType.ANIMATION),
        *(ContentType.PHOTO, ContentType.LIVE_PHOTO, ContentType.VIDEO, ContentType.VIDEO_NOTE),
        *(ContentType.AUDIO, ContentType.VOICE, ContentType.DOCUMENT, ContentType.PAID_MEDIA),
        *(ContentType.STORY, ContentType.CHECKLIST, ContentType.POLL, ContentType.CONTACT),
        *(ContentType.VENUE, ContentType.LOCATION, ContentType.DICE, ContentType.GAME),
        # Forwarded from channels.
        *(ContentType.INVOICE, ContentType.GIVEAWAY, ContentType.GIVEAWAY_WINNERS),
        # Something new, which may well be a person's message.
        ContentType.UNKNOWN,
    }
)
SERVICE: Final = frozenset(ContentType) - _BY_PEOPLE
"""Types of service messages: pins, timers, wallpapers, payments. No person wrote them."""
