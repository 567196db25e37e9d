"""Backup: the whole database as one checked file, and its restore."""
