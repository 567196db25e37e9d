"""Telegram updates: fetched, stored in the inbox, and handled once."""
