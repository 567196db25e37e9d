"""The whole database as one checked file, and back."""
