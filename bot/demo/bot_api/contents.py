"""Message contents besides text and files, in the form of the Bot API."""

from collections.abc import Sequence
from typing import Any, Final

from bot.demo.bot_api.entities import utf16_length
from bot.demo.bot_api.errors import bad_request

Content = dict[str, Any]

COPIED: Final[tuple[str, ...]] = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "photo",
    "document",
    "audio",
    "voice",
    "video",
    "video_note",
    "animation",
    "sticker",
    "location",
    "venue",
    "contact",
    "poll",
    "dice",
    "game",
)
"""Fields that a copy keeps."""

ONLY_FORWARDED: Final[tuple[str, ...]] = ("story", "checklist", "paid_media")
"""Kinds that a bot can forward but not copy."""


def location(latitude: float, longitude: float, *, live_period: int | None = None) -> Content:
    """Return a location. live_period: seconds for which a live location moves."""
    place: Content = {"latitude": latitude, "longitude": longitude}
    if live_period is not None:
        place |= {"live_period": live_period, "heading": 90, "horizontal_accuracy": 12.0}
    return {"location": place}


def venue(latitude: float, longitude: float, title: str, address: str) -> Content:
    place = location(latitude, longitude)
    return {"venue": place | {"title": title, "address": address}} | place


def poll(
    question: str, options: Sequence[str], *, quiz: bool = False, correct: int | None = None
) -> Content:
    """Return a poll without votes. correct: answer of a quiz, if the bot may know it."""
    shown: Content = {
        "id": f"poll-{question}",
        "question": question,
        "options": [
            {"persistent_id": str(number), "text": text, "voter_count": 0}
            for number, text in enumerate(options)
        ],
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "type": "quiz" if quiz else "regular",
        "allows_multiple_answers": False,
        "allows_revoting": not quiz,
        "members_only": False,
    }
    if correct is not None:
        shown |= {"correct_option_id": correct, "correct_option_ids": [correct]}
    return {"poll": shown}


def dice(emoji: str = "🎲", value: int = 4) -> Content:
    return {"dice": {"emoji": emoji, "value": value}}


def checklist(title: str, tasks: Sequence[str]) -> Content:
    shown = [{"id": number, "text": text} for number, text in enumerate(tasks, 1)]
    return {"checklist": {"title": title, "tasks": shown}}


def _game() -> Content:
    photo = {"file_id": "BQAD-game", "file_unique_id": "AgADgame", "width": 640, "height": 360}
    return {"game": {"title": "Xadrez", "description": "Uma partida", "photo": [photo]}}


SAMPLES: Final[dict[str, Content]] = {
    "contact": {"contact": {"phone_number": "+5549990020002", "first_name": "Vizinho"}},
    "location": location(-27.1004, -52.6152),
    "live_location": location(-27.1004, -52.6152, live_period=900),
    "venue": venue(-27.1004, -52.6152, "Loja Centro", "Rua das Flores, 100"),
    "poll": poll("Qual horário?", ["Manhã", "Tarde"]),
    "quiz": poll("Quanto é 2 + 2?", ["3", "4"], quiz=True),
    "dice": dice(),
    "game": _game(),
    "story": {"story": {"chat": {"id": 777, "type": "private", "first_name": "Vera"}, "id": 3}},
    "checklist": checklist("Para a visita", ["Modem", "Contrato"]),
    "paid_media": {
        "paid_media": {
            "star_count": 5,
            "paid_media": [{"type": "preview", "width": 640, "height": 480}],
        }
    },
}
"""A sample of each kind that needs no file, by name. Live locations and quizzes count as kinds."""


def copied(message: Content) -> Content:
    """Return the content that copyMessage copies; raises ApiError if Telegram does not copy it."""
    content = {name: message[name] for name in COPIED if name in message}
    unknown_quiz = (
        message.get("poll", {}).get("type") == "quiz"
        and "correct_option_id" not in message["poll"]
    )
    if not content or unknown_quiz:
        raise bad_request("the message can't be copied")
    if "dice" in content:
        # A copied die is thrown again. It always differs from the original, so that a test can see
        # it.
        content["dice"] = dice(content["dice"]["emoji"], content["dice"]["value"] % 6 + 1)["dice"]
    if "location" in content and "venue" not in content:
        place = content["location"]
        content |= location(place["latitude"], place["longitude"])
    return content


def forwarded(message: Content) -> Content:
    """Return the content that forwardMessage forwards; raises ApiError for a service message."""
    names = (*COPIED, *ONLY_FORWARDED)
    content = {name: message[name] for name in names if name in message}
    if not content:
        raise bad_request("the message can't be forwarded")
    origin = {"type": "user", "sender_user": message["from"], "date": message["date"]}
    return content | {"forward_origin": message.get("forward_origin") or origin}


def quoted(replied: Content, quote: str) -> Content | None:
    """Return the `quote` field of a reply; None if the message does not contain the quote."""
    text = str(replied.get("text") or replied.get("caption") or "")
    at = text.find(quote)
    if at < 0 or not quote:
        return None
    return {"text": quote, "position": utf16_length(text[:at]), "is_manual": True}
