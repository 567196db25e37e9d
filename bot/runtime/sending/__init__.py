"""Messages to Telegram: stored first, then sent in order and within its limits."""
