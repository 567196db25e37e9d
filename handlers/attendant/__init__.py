"""The attendants' group."""
