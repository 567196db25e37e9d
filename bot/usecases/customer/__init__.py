"""The customer's chat, from the first word to the open conversation."""
