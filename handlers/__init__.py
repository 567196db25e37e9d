"""Telegram's side of the product: updates come in, sentences go out."""
