"""What Telegram sent, what is to be sent, and the steps of people between the two."""
