"""The admin's private chat."""
