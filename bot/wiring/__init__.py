"""Clients are opened and use cases get what they need; the only room that sees every other."""
