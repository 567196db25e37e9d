"""What Telegram signs when a user opens a Mini App."""

import hashlib
import hmac
import json
import secrets
from typing import Any
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
