"""What attendants do with conversations, and the card that they read."""
