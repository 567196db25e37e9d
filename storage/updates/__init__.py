"""Updates received from Telegram, messages to send, and the dialog states in between."""
