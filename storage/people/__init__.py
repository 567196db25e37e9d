"""Admins and group members, and everything that is stored about one person."""
