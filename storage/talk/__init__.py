"""Chats, conversations, and what belongs to them."""
