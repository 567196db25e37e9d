"""Chats, conversations and the documents that belong to them."""
