"""Registrations, their audit, their search and their labels."""
