"""Updates of Telegram, from being fetched to being handled once."""
