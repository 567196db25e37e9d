"""What Telegram signs when a user opens a Mini App."""

import hashlib
import hmac
import json
import secrets
from typing import Any, Final
from urllib.parse import urlencode


def init_data(token: str, user: dict[str, Any], *, at_s: int) -> str:
    """Return the signed text that the Mini App of this bot gets; different each time.

    Source: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
    """
    shown = ("id", "first_name", "last_name", "username", "language_code")
    values = {
        "query_id": f"AA{secrets.token_urlsafe(16)}",
        "user": json.dumps({k: user[k] for k in shown if k in user}, ensure_ascii=False),
        "auth_date": str(at_s),
    }
    signed = "\n".join(f"{name}={values[name]}" for name in sorted(values))
    key = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    return urlencode(values | {"hash": hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()})


THEMES: Final = {
    "light": {
        "bg_color": "#ffffff",
        "secondary_bg_color": "#f4f4f5",
        "text_color": "#000000",
        "hint_color": "#707579",
        "link_color": "#3390ec",
        "button_color": "#3390ec",
        "button_text_color": "#ffffff",
    },
    "dark": {
        "bg_color": "#212121",
        "secondary_bg_color": "#0f0f0f",
        "text_color": "#ffffff",
        "hint_color": "#aaaaaa",
        "link_color": "#8774e1",
        "button_color": "#8774e1",
        "button_text_color": "#ffffff",
    },
}
"""Colours of Telegram's web client, which it gives to a Mini App."""


def launch_url(url: str, signed: str, *, theme: str) -> str:
    """Return the address that Telegram's web client opens in its frame."""
    values = {
        "tgWebAppData": signed,
        "tgWebAppVersion": "9.1",
        "tgWebAppPlatform": "weba",
        "tgWebAppThemeParams": json.dumps(THEMES[theme]),
    }
    return f"{url}#{urlencode(values)}"
