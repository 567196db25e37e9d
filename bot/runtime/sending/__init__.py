"""What is sent to Telegram: stored first, in order, and within its limits."""
