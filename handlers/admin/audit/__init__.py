"""The audit's screens and its file."""
