"""Contents that wait for the choice of a department, as earlier versions stored them."""

from typing import Any

import pytest

from bot.domain.outgoing import Content

TEXT = {
    "source_chat_id": 5,
    "source_message_id": 7,
    "reply_to": 6,
    "what": "text",
    "html": "<b>oi</b>",
    "length": 2,
    "header": "💬 <b>Ana</b>\n",
}
PART = {
    "source_chat_id": 5,
    "source_message_id": 8,
    "reply_to": 0,
    "what": "part",
    "album": "a1",
    "html": "",
    "file": {
        "type": "photo",
        "file_id": "f1",
        "has_spoiler": False,
        "show_caption_above_media": True,
    },
}


@pytest.mark.parametrize("stored", [TEXT, PART], ids=["text", "part of an album"])
def test_a_draft_of_the_version_before_goes_on(stored: dict[str, Any]):
    content = Content.model_validate(stored)
    again = content.model_dump(mode="json", exclude_defaults=True)
    assert again.items() <= stored.items()
    assert {name for name in stored if name not in again} <= {"reply_to", "html"}
    assert Content.model_validate(again) == content
