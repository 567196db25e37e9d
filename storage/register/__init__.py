"""Registrations with their audit, their search and their labels."""
