"""The audit's screens and its export file."""
