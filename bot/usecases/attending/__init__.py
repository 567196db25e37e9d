"""The attendants' work: conversations, their queue and their cards."""
