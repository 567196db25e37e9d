"""Acting on many registrations at once."""
