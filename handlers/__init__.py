"""How people talk to it: Telegram's updates in, sentences out."""
