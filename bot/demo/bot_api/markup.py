"""Keyboards of the bot: validated, and converted to the form that Telegram returns."""

from typing import Any

from bot.demo.bot_api.errors import bad_request

CALLBACK_DATA_LIMIT_BYTES = 64
_BUTTON_ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
        "disabled",
    }
)


def read_markup(
    markup: Any, *, is_private: bool
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Split a reply_markup into the inline keyboard and the change of the reply keyboard.

    is_private: only private chats take buttons that open a Mini App.
    Raises ApiError 400 for a markup that Telegram refuses.
    """
    if not markup:
        return None, None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = [
            [_inline_button(button, is_private=is_private) for button in row]
            for row in markup["inline_keyboard"]
        ]
        rows = [row for row in rows if row]
        return ({"inline_keyboard": rows} if rows else None), None
    if "keyboard" in markup:
        rows = [[_button(button) for button in row] for row in markup["keyboard"]]
        return None, {**markup, "keyboard": [row for row in rows if row]}
    return None, markup


def button_at(
    message: dict[str, Any], *, text: str | None, data: str | None
) -> dict[str, Any] | None:
    """Return the first inline button of a message that has this text or callback data."""
    for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
        for button in row:
            by_text = text is not None and button["text"] == text
            if by_text or (data is not None and button.get("callback_data") == data):
                return dict(button)
    return None


def _inline_button(button: Any, *, is_private: bool) -> dict[str, Any]:
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise bad_request("can't parse inline keyboard button: Text buttons must be non-empty")
    if not _BUTTON_ACTIONS & button.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_DATA_LIMIT_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if (web_app := button.get("web_app")) is not None:
        _check_web_app(web_app, is_private=is_private)
    url = button.get("url")
    if url is not None and not str(url).startswith(("http://", "https://", "tg://", "ton://")):
        raise bad_request("BUTTON_URL_INVALID")
    return {name: value for name, value in button.items() if value is not None}


def _check_web_app(web_app: Any, *, is_private: bool) -> None:
    if not is_private:
        raise bad_request("BUTTON_TYPE_INVALID")
    url = str(web_app.get("url", "")) if isinstance(web_app, dict) else ""
    # Telegram's test servers take http, too: the demo's page is on loopback.
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise bad_request(
            f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
        )


def _button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button}
    if not isinstance(button, dict) or not button.get("text"):
        raise bad_request("can't parse keyboard button: KeyboardButton must be a String or Object")
    return {name: value for name, value in button.items() if value is not None}
